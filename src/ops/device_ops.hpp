#pragma once
// What operations ask of a GPU: a table of plain functions, which src/ops/*.cu fill for CUDA. Arguments have been checked
// by the operation; tensors lie on the thread's device. Nothing here waits for it unless it says so: a thread's work on a
// device is queued in order on a stream of its own, and memory that is released can be taken again by work queued later.
// A thread does not use what another queues; what a thread leaves to others when it ends is done by then.
//
// Tests put a simulated device in the place of CUDA (test/support/simulated_device.hpp), on which the same kernels run
// on the host.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "galena/error.hpp"
#include "galena/tensor.hpp"
#include "src/ops/attention.hpp"
#include "src/ops/csr.hpp"
#include "src/ops/optimize.hpp"
#include "src/ops/pointwise.hpp"
#include "src/ops/spmm.hpp"

namespace galena::ops {

struct DeviceBlock;
struct DevicePacked;
struct WirePlaces;
struct DeviceTiles;
struct TileCall;

/// A GEMM with its epilogue: c = a' b' (+ c) (+ bias in every row) (then ReLU); ' is the transpose where asked for.
struct GemmCall {
  bool transpose_a = false, transpose_b = false, accumulate = false, relu = false;
  const Tensor* bias = nullptr;  ///< [1 x columns of c]
  bool tf32 = false;             ///< of f32: a and b may be rounded to TF32
};

/// How rows are weighted in a sum: by column, or by nonzero, at the nonzero's place or where `position` says.
struct SpmmWeights {
  SpmmScale scale;
  const Tensor* values = nullptr;    ///< [nonzeros x 1]
  const Tensor* position = nullptr;  ///< i64 [nonzeros x 1]
};

/// Where work of a device is queued: operations' kernels and copies, or transfers.
enum class DeviceQueue { work, transfers };

struct DeviceOps {
  // --- devices (UseDevice)
  int (*count)();
  /// A name that the thread's device has alone on its machine, whatever number a process knows it by.
  std::string (*name)();
  /// From now on this thread's memory and work are this device's.
  void (*use)(int device);
  /// What this thread's work is queued on, for other libraries: a cudaStream_t.
  void* (*stream)();

  // --- memory
  /// Null where there is no room.
  void* (*allocate)(std::uint64_t bytes);
  /// By any thread, behind what the thread that took it has queued.
  void (*release)(const DeviceBlock& block) noexcept;
  /// `from` can be written over once it returns.
  void (*upload)(void* to, const void* from, std::uint64_t bytes);
  /// Waits.
  void (*download)(void* to, const void* from, std::uint64_t bytes);
  void (*copy)(void* to, const void* from, std::uint64_t bytes);
  /// Waits for all that was queued.
  void (*synchronize)();
  /// Bytes that there is room for, in what has been kept of released memory too, and total bytes.
  void (*memory)(std::uint64_t* free, std::uint64_t* total);

  // --- copies beside the work: a second queue of the thread's device
  /// Memory of the CPU's for them; null where there is no room.
  void* (*pinned)(std::uint64_t bytes);
  void (*release_pinned)(void* memory) noexcept;
  /// Queues a copy between such memory and the device's, behind those before it.
  void (*transfer)(void* to, const void* from, std::uint64_t bytes);
  /// What is behind all that has been queued in this queue; for wait(), follow() and release_mark().
  void* (*mark)(DeviceQueue queue);
  /// What is queued in this queue from now on comes after the mark.
  void (*follow)(DeviceQueue queue, void* mark);
  /// Waits for a mark.
  void (*wait)(void* mark);
  void (*release_mark)(void* mark) noexcept;

  // --- graphs (device_graph.hpp)
  /// From now on work is recorded, and not done.
  void (*begin_recording)();
  /// The graph; null where the device could not record it, and then why.
  void* (*end_recording)(std::string& why_not);
  void (*replay)(void* graph);
  void (*release_recording)(void* graph) noexcept;  ///< of null: nothing

  // --- tensors and maps
  void (*fill)(const Tensor& y, double value);
  void (*convert)(const Tensor& x, const Tensor& y);  ///< f32, f64, bf16
  void (*activate)(Activation f, const Tensor& x, const Tensor& y, double slope);
  void (*activate_backward)(Activation f, const Tensor& y, const Tensor& dy, const Tensor& dx, bool accumulate,
                            double slope);
  void (*axpby)(double alpha, const Tensor& x, double beta, const Tensor& y);
  void (*scale_by)(const Tensor& factor, const Tensor& y);   ///< y *= factor [1 x 1 f64]
  void (*block_mask)(std::int64_t height, const Tensor& y);  ///< y[r, c] = r / height == c
  void (*multiply)(const Tensor& a, const Tensor& b, const Tensor& y, bool accumulate);
  void (*add_row)(const Tensor& bias, const Tensor& y);
  void (*column_sums)(const Tensor& x, const Tensor& y, bool accumulate);
  void (*scale_rows)(const Tensor& factor, const Tensor& x, const Tensor& y, bool accumulate);
  void (*concat_columns)(const Tensor& a, const Tensor& b, const Tensor& y);
  void (*split_columns)(const Tensor& y, const Tensor& a, const Tensor& b, bool accumulate);
  // Of a row whose number is kNoRow, zeros are gathered, and nothing is added.
  void (*gather_rows)(const Tensor& x, const VertexId* rows, const Tensor& y);
  void (*scatter_add_rows)(const Tensor& x, const VertexId* rows, const Tensor& y);

  // --- dropout: `threshold` and `factor` as in src/ops/dropout.cpp
  void (*dropout)(const Tensor& x, std::uint32_t threshold, double factor, const RandomKey& key, const VertexId* ids,
                  const Tensor& y, bool relu, bool accumulate);
  void (*relu_dropout_backward)(const Tensor& y, double factor, const Tensor& dy, const Tensor& dx, bool accumulate);
  void (*sparse_dropout)(const Csr& csr, const Tensor& from, std::uint32_t threshold, double factor,
                         const RandomKey& key, const VertexId* ids, std::int64_t rows, const Tensor& to);

  // --- products
  void (*gemm)(const Tensor& a, const Tensor& b, const Tensor& c, const GemmCall& call);
  /// x may be bf16 where y is f32.
  void (*spmm)(const Csr& csr, const SpmmWeights& weights, const Tensor& x, const Tensor& y, bool accumulate);
  void (*sddmm)(const Csr& csr, const Tensor& a, const Tensor& b, int heads, const Tensor& e);

  void (*spmm_max)(const Csr& csr, const Tensor& x, const Tensor& y, const Tensor& arg);
  void (*spmm_max_backward)(const Csr& csr_t, const Tensor& arg, const Tensor& dy, const Tensor& dx);
  void (*merge_max)(const Tensor& other, const Tensor& other_arg, std::int32_t code, const Tensor& y,
                    const Tensor& arg);
  void (*add_where)(const Tensor& arg, std::int32_t code, const Tensor& dy, const Tensor& dx);

  // --- hypergraphs: sums of sums
  void (*tile_sums)(const DeviceTiles& tiles, const TileCall& call);
  /// to[i] = <a_i, b_i>.
  void (*row_dots)(const Tensor& a, const Tensor& b, const Tensor& to);
  /// y[i] = factor[i] / columns of row i below `limit`, 0 where there are none. `factor` may be null.
  void (*inverse_lengths)(const Csr& csr, std::int64_t limit, const Tensor* factor, const Tensor& y);

  // --- attention
  void (*attention_accumulate)(AttentionKind kind, const AttentionBlock& block, const Tensor& target, const Tensor& a,
                               double slope, const AttentionState& state);
  void (*attention_finish)(const AttentionState& state);
  void (*attention_backward)(AttentionKind kind, const AttentionBlock& block, const Csr& csr_t, const Tensor& target,
                             const Tensor& a, double slope, const AttentionState& state, const Tensor& dy,
                             const Tensor& dtarget, const Tensor& da, const Tensor& dsource, const Tensor& dvalue);

  // --- normalisation, losses, optimizers
  void (*l2_norm)(const Tensor& x, const Tensor& y, const Tensor& norm);
  void (*l2_norm_backward)(const Tensor& y, const Tensor& norm, const Tensor& dy, const Tensor& dx, bool accumulate);
  void (*layer_norm)(const Tensor& x, const Tensor& gamma, const Tensor& beta, double eps, const Tensor& y,
                     const Tensor& mean, const Tensor& rstd);
  void (*layer_norm_backward)(const Tensor& x, const Tensor& gamma, const Tensor& mean, const Tensor& rstd,
                              const Tensor& dy, const Tensor& dx, const Tensor& dgamma, const Tensor& dbeta,
                              bool accumulate);
  /// -mean and 1 / sqrt(variance + eps) of a sparse matrix's rows, zeros counted, [rows x 1] each.
  void (*sparse_moments)(const Csr& csr, const Tensor& values, double eps, const Tensor& minus_mean,
                         const Tensor& rstd);
  /// Batch normalisation, in pieces between which ranks add up. `sums` [1 x 2 cols f64]: of differences from the running
  /// mean over x's rows, and of their squares.
  void (*batch_moments)(const Tensor& x, const Tensor& running_mean, const Tensor& sums);
  /// `sums` [2 cols + 1 x 1 f64]: those, and of how many rows. `stats` [3 x cols f64]: mean and 1 / sqrt(variance + eps) of
  /// these rows, with the running ones moved by `momentum` towards them, and their number; of no rows, or in
  /// running_statistics(), which leaves out the number, of the running ones alone.
  void (*batch_statistics)(const Tensor& sums, double momentum, double eps, const Tensor& running_mean,
                           const Tensor& running_var, const Tensor& stats);
  void (*running_statistics)(const Tensor& running_mean, const Tensor& running_var, double eps, const Tensor& stats);
  void (*batch_norm_apply)(const Tensor& x, const Tensor& stats, const Tensor& gamma, const Tensor& beta,
                           const Tensor& y);
  /// sums [1 x 2 cols f64]: of dy and of dy * xhat over x's rows, which are added to dbeta and dgamma where defined.
  void (*batch_norm_backward_sums)(const Tensor& x, const Tensor& stats, const Tensor& dy, const Tensor& sums,
                                   const Tensor& dgamma, const Tensor& dbeta);
  /// dx (+)=, with the sums over the rows that the statistics are of; null: of other rows.
  void (*batch_norm_backward)(const Tensor& x, const Tensor& stats, const Tensor& gamma, const Tensor& dy,
                              const Tensor* sums, const Tensor& dx, bool accumulate);
  /// The loss goes to `loss` [1 x 1 f64]. `dlogits` holds zeros, or is undefined.
  void (*softmax_cross_entropy)(const Tensor& logits, const std::int32_t* labels, const VertexId* rows,
                                std::int64_t count, double factor, const Tensor& dlogits, const Tensor& loss);
  void (*binary_cross_entropy)(const Tensor& logits, const std::uint8_t* targets, const VertexId* rows,
                               std::int64_t count, double factor, const Tensor& dlogits, const Tensor& loss);
  void (*argmax_rows)(const Tensor& x, const Tensor& y);
  /// What ranks have of the same numbers, added in their order in double: own = first row + .. + own + .. + last row,
  /// where `rank` of the rows of `others` [ranks - 1 x values] come before `own` [values x 1].
  void (*add_ranks)(const Tensor& others, int rank, const Tensor& own);
  void (*sgd_step)(const SgdStep& step, const Tensor& w, const Tensor& g, const Tensor& velocity);
  void (*adam_step)(const AdamStep& step, const Tensor& w, const Tensor& g, const Tensor& m, const Tensor& v);

  // --- codec
  /// `index` may be null: row r of x. `zero` of a row that cannot be coded is NaN, and its number where the row has
  /// none; `refused` [1 x 1 i32], if not null, is then its id + 1.
  void (*pack_rows)(const Tensor& x, const VertexId* index, const VertexId* ids, const RandomKey& key,
                    const DevicePacked& out, const Tensor* refused);
  /// Of rows just packed: `variance` and `energy` [rows x 1 f64] as in ops::pack_rows().
  void (*measure_rows)(const Tensor& x, const DevicePacked& packed, const Tensor& variance, const Tensor& energy);
  /// Parameters to where they travel among the bytes, or from there.
  void (*wire_parameters)(const DevicePacked& packed, const WirePlaces& places, bool to_wire);
  void (*unpack_rows)(const DevicePacked& packed, const Tensor& y);
  void (*spmm_packed)(const Csr& csr, const Tensor* left, const Tensor* right, const DevicePacked& packed,
                      const Tensor& y);
};

/// The table in use: CUDA's. Throws EnvironmentError where there is no CUDA device.
const DeviceOps& device_ops();
/// Puts another in its place; null: CUDA's again. For tests, while no tensor lies on the device.
void set_device_ops(const DeviceOps* ops);

/// The device that this thread's tensors lie on and that its operations run on: the first, or UseDevice's.
int current_device() noexcept;

/// While one lives, this thread's device is this one, of 0 .. count() - 1. What lies on it is for threads that use it.
class UseDevice {
 public:
  explicit UseDevice(int device);
  ~UseDevice();
  UseDevice(const UseDevice&) = delete;
  UseDevice& operator=(const UseDevice&) = delete;

 private:
  int before_;
};

/// While one lives, this thread is given another table.
class ReplacedDeviceOps {
 public:
  explicit ReplacedDeviceOps(const DeviceOps& ops);
  ~ReplacedDeviceOps();
  ReplacedDeviceOps(const ReplacedDeviceOps&) = delete;
  ReplacedDeviceOps& operator=(const ReplacedDeviceOps&) = delete;
};

/// While one lives, this thread calls `f` before it waits for its device.
class BeforeWaits {
 public:
  explicit BeforeWaits(std::function<void()> f);
  ~BeforeWaits();
  BeforeWaits(const BeforeWaits&) = delete;
  BeforeWaits& operator=(const BeforeWaits&) = delete;

 private:
  std::function<void()> before_;
};
/// For tables.
void before_wait();

// The order of copies between a device and memory that is not pinned, for tables. CUDA may wait for the stream in the very
// call that copies, so what comes before waits comes before that call.

/// Bytes up to which a copy to the device is taken not to wait: CUDA keeps them with the call.
inline constexpr std::uint64_t kUploadsUnawaited = std::uint64_t{64} << 10;
template <class Copy>
void upload_in_order(std::uint64_t bytes, const Copy& copy) {
  if (bytes > kUploadsUnawaited) before_wait();
  copy();
}
template <class Copy, class Wait>
void download_in_order(const Copy& copy, const Wait& wait) {
  before_wait();
  copy();
  wait();
}

/// Uninitialised device memory. EnvironmentError where there is no room, with `what` it is for and the remedy.
std::shared_ptr<std::byte[]> device_memory(std::uint64_t bytes, const std::string& what);

inline bool on_device(const Tensor& x) { return x.device() == Device::cuda; }
/// The elements in the device's memory.
template <class T>
T* device_data(const Tensor& x) {
  return reinterpret_cast<T*>(x.raw());
}
template <class T>
T* device_data_or_null(const Tensor* x) {
  return x != nullptr && x->defined() ? device_data<T>(*x) : nullptr;
}
/// Copies host memory to the device, as a column.
template <class T>
Tensor to_device(const T* data, std::size_t count) {
  const OnDevice there(Device::cuda);
  return Tensor::from<T>(static_cast<std::int64_t>(count), 1, std::span<const T>(data, count));
}
/// The same, into the first elements of a column that is there, where it is; InternalError where they do not fit.
template <class T>
void to_device(const T* data, std::size_t count, Tensor& column) {
  if (!column.defined()) {
    column = to_device(data, count);
    return;
  }
  if (count * sizeof(T) > column.bytes()) throw InternalError("more is written to a device than there is room for");
  if (count > 0) device_ops().upload(column.raw(), data, count * sizeof(T));
}
/// The same of vertices' numbers, as their bits.
inline Tensor to_device(std::span<const VertexId> numbers) {
  return to_device(reinterpret_cast<const std::int32_t*>(numbers.data()), numbers.size());
}
inline void to_device(std::span<const VertexId> numbers, Tensor& column) {
  to_device(reinterpret_cast<const std::int32_t*>(numbers.data()), numbers.size(), column);
}

/// The CUDA table, by cuda_ops.cpp or no_cuda_ops.cpp. Throws EnvironmentError.
const DeviceOps& cuda_device_ops();

}  // namespace galena::ops
