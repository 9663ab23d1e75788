#pragma once
// Tensor: a row-major matrix [rows x cols] in memory that copies share; SparseMatrix: CSR with its transpose.
//
// A graph network needs no more than matrices: a vector is a matrix of one column, k attention heads of width d
// are k*d columns. Row i begins at data + i * cols.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "galena/graph.hpp"

namespace galena {

enum class DType : std::uint8_t { f32, f64, bf16, i32, i64, u8 };

/// Whose memory a tensor lies in. `cuda`: of the thread's current CUDA device.
enum class Device : std::uint8_t { cpu, cuda };

/// While one lives, tensors that this thread makes lie in the memory of `device`. Without one: the CPU's.
class OnDevice {
 public:
  explicit OnDevice(Device device) noexcept;
  ~OnDevice();
  OnDevice(const OnDevice&) = delete;
  OnDevice& operator=(const OnDevice&) = delete;
  /// Of this thread, now.
  static Device current() noexcept;

 private:
  Device before_;
};

/// Bytes of one element.
[[nodiscard]] std::size_t size_of(DType dtype) noexcept;
/// "f32", ...
[[nodiscard]] const char* name_of(DType dtype) noexcept;

/// The DType of float, double, std::int32_t, std::int64_t, std::uint8_t. bf16 is stored as std::uint16_t.
template <class T>
inline constexpr DType kDType = DType::u8;
template <>
inline constexpr DType kDType<float> = DType::f32;
template <>
inline constexpr DType kDType<double> = DType::f64;
template <>
inline constexpr DType kDType<std::uint16_t> = DType::bf16;
template <>
inline constexpr DType kDType<std::int32_t> = DType::i32;
template <>
inline constexpr DType kDType<std::int64_t> = DType::i64;

class Tensor {
 public:
  Tensor() = default;  ///< undefined: no storage, 0 x 0
  /// Uninitialised. Throws EnvironmentError where there is not that much memory, InputError for negative sizes.
  static Tensor empty(std::int64_t rows, std::int64_t cols, DType dtype = DType::f32);
  static Tensor zeros(std::int64_t rows, std::int64_t cols, DType dtype = DType::f32);
  static Tensor full(std::int64_t rows, std::int64_t cols, double value, DType dtype = DType::f32);
  /// Copies `values`, row-major. Throws InputError where their number is not rows * cols.
  template <class T>
  static Tensor from(std::int64_t rows, std::int64_t cols, std::span<const T> values);

  [[nodiscard]] bool defined() const noexcept { return storage_ != nullptr; }
  [[nodiscard]] std::int64_t rows() const noexcept { return rows_; }
  [[nodiscard]] std::int64_t cols() const noexcept { return cols_; }
  [[nodiscard]] std::int64_t size() const noexcept { return rows_ * cols_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return static_cast<std::size_t>(size()) * size_of(dtype_); }
  [[nodiscard]] DType dtype() const noexcept { return dtype_; }

  [[nodiscard]] Device device() const noexcept { return device_; }

  /// The elements. Throws InternalError where T is not the element type, InputError where they are not in the CPU's
  /// memory: what asks for them runs on the CPU only.
  template <class T>
  [[nodiscard]] T* data() const {
    check_type(kDType<T>);
    return reinterpret_cast<T*>(raw());
  }
  template <class T>
  [[nodiscard]] std::span<T> span() const {
    return {data<T>(), static_cast<std::size_t>(size())};
  }
  template <class T>
  [[nodiscard]] T& at(std::int64_t row, std::int64_t col) const {
    return data<T>()[row * cols_ + col];
  }
  /// The first byte, in the memory of device().
  [[nodiscard]] std::byte* raw() const noexcept { return storage_.get() + offset_; }
  /// Element as a double, whatever the type. For tests and small things: waits for a device.
  [[nodiscard]] double item(std::int64_t row = 0, std::int64_t col = 0) const;

  /// Rows [begin, end), sharing memory.
  [[nodiscard]] Tensor slice(std::int64_t begin, std::int64_t end) const;
  /// The first rows, sharing memory.
  [[nodiscard]] Tensor head(std::int64_t rows) const { return rows == rows_ ? *this : slice(0, rows); }
  /// The same elements in another shape, sharing memory.
  [[nodiscard]] Tensor reshape(std::int64_t rows, std::int64_t cols) const;
  [[nodiscard]] Tensor clone() const;
  /// Converted to another type (itself where it is of that type). bf16 is rounded to nearest even.
  [[nodiscard]] Tensor to(DType dtype) const;
  /// Copied to the memory of `device` (itself where it is there). Waits where that is the CPU's.
  [[nodiscard]] Tensor to(Device device) const;
  /// Copies the elements of `other`, of the same number and type, from whatever device. Throws InputError for others.
  void copy_from(const Tensor& other) const;
  void fill(double value) const;
  /// Whether both are views of the same memory from the same place.
  [[nodiscard]] bool same_memory(const Tensor& other) const noexcept {
    return storage_ == other.storage_ && offset_ == other.offset_;
  }
  /// Whether no other tensor shares the memory, so that nobody would see it written over.
  [[nodiscard]] bool unique() const noexcept { return storage_.use_count() == 1; }

 private:
  void check_type(DType wanted) const;
  std::shared_ptr<std::byte[]> storage_;
  std::size_t offset_ = 0;
  std::int64_t rows_ = 0, cols_ = 0;
  DType dtype_ = DType::f32;
  Device device_ = Device::cpu;
};

namespace ops {
struct DeviceSparse;  ///< internal: a structure in a device's memory
}

/// Where the nonzeros of a sparse matrix are: CSR, and the same by column.
struct SparseStructure {
  std::int64_t rows = 0, cols = 0;
  std::vector<EdgeOffset> indptr;        ///< rows + 1
  std::vector<std::uint32_t> indices;    ///< columns, increasing in a row
  std::vector<EdgeOffset> t_indptr;      ///< cols + 1
  std::vector<std::uint32_t> t_indices;  ///< rows, increasing in a column
  std::vector<EdgeOffset> t_position;    ///< of each in `indices`
  /// The same arrays on a device, where SparseMatrix::to() brought them there.
  mutable std::shared_ptr<const ops::DeviceSparse> on_device;
};

/// A sparse matrix; copies share its arrays. Values are a [nonzeros x 1] tensor of f32 or f64.
class SparseMatrix {
 public:
  SparseMatrix() = default;
  /// Checks the arrays (throws InputError) and makes the other direction.
  static SparseMatrix from_csr(std::int64_t rows, std::int64_t cols, std::vector<EdgeOffset> indptr,
                               std::vector<std::uint32_t> indices, Tensor values);
  [[nodiscard]] std::int64_t rows() const noexcept { return structure_ ? structure_->rows : 0; }
  [[nodiscard]] std::int64_t cols() const noexcept { return structure_ ? structure_->cols : 0; }
  [[nodiscard]] std::int64_t nonzeros() const noexcept { return values_.rows(); }
  [[nodiscard]] const SparseStructure& structure() const { return *structure_; }
  [[nodiscard]] const Tensor& values() const noexcept { return values_; }
  /// The same places with other values. Throws InputError where their number differs.
  [[nodiscard]] SparseMatrix with_values(Tensor values) const;
  [[nodiscard]] SparseMatrix to(DType dtype) const { return with_values(values_.to(dtype)); }
  [[nodiscard]] SparseMatrix to(Device device) const;
  [[nodiscard]] Device device() const noexcept { return values_.device(); }
  /// Rows in another order: row i of the result is row rows[i] of this.
  [[nodiscard]] SparseMatrix gather_rows(std::span<const VertexId> rows) const;
  [[nodiscard]] Tensor dense() const;

 private:
  std::shared_ptr<const SparseStructure> structure_;
  Tensor values_;
};

}  // namespace galena
