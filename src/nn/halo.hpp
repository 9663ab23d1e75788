#pragma once
// What operations want of an exchange of boundary rows. src/train implements it over a communicator, with sampling,
// coding and overlap; operations do not know how.

#include <cstdint>

#include "galena/tensor.hpp"
#include "src/ops/csr.hpp"
#include "src/ops/quantize.hpp"

namespace galena::ops {
struct DevicePacked;
}

namespace galena::nn {

/// The halo columns that take part in one exchange: all, or a sample. Columns are numbered 0 .. count - 1 in the order
/// of the halo; `ids` are halo numbers.
struct HaloSelection {
  ops::Csr csr;    ///< inner x count
  ops::Csr csr_t;  ///< count x inner
  std::int64_t count = 0;
  const VertexId* halo_numbers = nullptr;  ///< [count] numbers of halo vertices; null: 0 .. count - 1
  const float* weight = nullptr;           ///< [count] 1 / probability; null: all 1
  std::uint64_t version = 0;               ///< next_selection_version(): a key for caches
  /// Of selections that are written in each other's place, so that a recorded pass finds them: a name of that place, and as
  /// many columns in each. Some may stand for no vertex: their rows arrive as zeros. 0: it stands for itself.
  std::uint64_t frame = 0;
};
/// A number that no selection of this process has yet.
std::uint64_t next_selection_version();

/// Rows that arrived: decoded (dense, [count x d]), or as they came (packed, or on a device device_packed).
struct HaloRows {
  Tensor dense;
  const ops::PackedRows* packed = nullptr;
  const ops::DevicePacked* device_packed = nullptr;
};

class HaloExchange {
 public:
  virtual ~HaloExchange() = default;
  HaloExchange() = default;
  HaloExchange(const HaloExchange&) = delete;
  HaloExchange& operator=(const HaloExchange&) = delete;

  /// The columns of exchange number `call` of this pass, whose rows stand at hop `hop`.
  virtual const HaloSelection& selection(std::uint32_t call, int hop) = 0;
  /// Sends what others need of x [>= rows(hop) x d] and returns at once; x stays unchanged until finish_forward().
  virtual void begin_forward(std::uint32_t call, int hop, const Tensor& x) = 0;
  /// Waits for the rows. They stay until the next begin_forward(). `packed_ok`: the caller can take packed rows.
  virtual HaloRows finish_forward(std::uint32_t call, bool packed_ok) = 0;
  /// Sends back the gradients of the selection's rows [count x d].
  virtual void begin_backward(std::uint32_t call, const Tensor& gradient) = 0;
  /// Adds what others sent to the gradient of x, by rank: dx [>= rows(hop) x d].
  virtual void finish_backward(std::uint32_t call, const Tensor& dx) = 0;
  /// All halo rows [halo x d] of x [inner x d] at `hop` (all there are, without pruning), as they are: nothing sampled
  /// or coded. For what is computed once.
  virtual Tensor gather_full(const Tensor& x, int hop) = 0;
  /// Lets transfers go on while this rank computes.
  virtual void progress() {}
};

}  // namespace galena::nn
