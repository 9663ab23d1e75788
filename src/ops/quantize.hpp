#pragma once
// Messages: rows coded in 32 (fp32), 16 (bf16), 8, 4, 2 or 1 bits an element, packed within the row.
//
// A row of b <= 8 bits is zero + q * scale, q in 0 .. 2^b - 1. Both parameters travel as bf16: `zero` is rounded down
// and `scale` up BEFORE the elements are coded against the rounded values, so that they carry no bias and no element
// falls outside (AdaQP codes first and rounds after, and its codes can overflow into the neighbour's bits). q is
// rounded stochastically, with draws named by key, global row id and feature: E[decoded] = x, up to 2^-17 of a step
// (draws have 16 bits) and the rounding of f32. 16 bits are rounded stochastically too, exactly without bias.
//
// Constant rows are no exception: `zero` lies below the value by less than its last bit, and `scale` is chosen so that
// the value lies among the codes. They are exact where the value is a bf16 number (then scale is 0) and wherever
// (2^b - 1) * scale meets it, and else unbiased with steps of at most 2^-7 / (2^b - 1) of the value.

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "galena/tensor.hpp"
#include "src/ops/csr.hpp"
#include "src/ops/random_key.hpp"
#include "src/ops/tensor_memory.hpp"

namespace galena::ops {

/// Bytes of the elements of a row of d elements (of f64 rows at "32" bits: packed_bytes(d, 64)).
constexpr std::uint64_t packed_bytes(std::int64_t d, int bits) {
  return (static_cast<std::uint64_t>(d) * static_cast<std::uint64_t>(bits) + 7) / 8;
}
/// Bytes of a row's parameters.
constexpr std::uint64_t parameter_bytes(int bits) { return bits <= 8 ? 4 : 0; }

/// Memory as of tensors, for elements that are not initialised: in huge pages, used again by the next exchange.
template <class T>
struct TensorAllocator {
  using value_type = T;
  T* allocate(std::size_t n) { return static_cast<T*>(take_tensor_memory(n * sizeof(T))); }
  void deallocate(T* p, std::size_t n) noexcept { give_tensor_memory(p, n * sizeof(T)); }
  template <class U>
  void construct(U* p) noexcept {
    ::new (static_cast<void*>(p)) U;
  }
  template <class U, class... Args>
  void construct(U* p, Args&&... args) {
    ::new (static_cast<void*>(p)) U(std::forward<Args>(args)...);
  }
  bool operator==(const TensorAllocator&) const noexcept { return true; }
};
using PackedBytes = std::vector<std::uint8_t, TensorAllocator<std::uint8_t>>;

/// Coded rows of width d. Row r begins at bytes[offset[r]] and has bits[r] an element; `zero` and `scale` are its
/// parameters (0 and 1 for 16 and 32 bits).
struct PackedRows {
  std::int64_t rows = 0, cols = 0;
  DType exact = DType::f32;  ///< elements of rows of 32 bits: f32, or f64, which then take 64
  std::vector<std::uint8_t> bits;
  std::vector<std::uint64_t> offset;  ///< rows + 1
  PackedBytes bytes;                  ///< with 64 bytes of padding at the end
  std::vector<float> zero, scale;
};

/// Lays out offsets for these bit widths (1, 2, 4, 8, 16, 32; else InputError); bytes, zero and scale get their sizes,
/// not their contents. `exact`: the type of rows of 32 bits.
PackedRows layout_rows(std::int64_t cols, std::span<const std::uint8_t> bits, DType exact = DType::f32);

/// The largest magnitude that rows of 16 bits and less can hold, so that ranges and steps are finite.
inline constexpr float kLargestCoded = 1.6e38F;

/// Codes x[index[r]] into row r. `ids[r]` names the draws. Where `variance` is not empty it receives the exact variance
/// of the coded row, sum of f (1 - f) scale^2 over its elements (f the fraction rounded away), and `norm2` the squared
/// norm of x[index[r]]. x is f32 or f64; f64 is coded through f32 except at 32 bits, where `out.exact` must be x's
/// type. Throws InputError naming the row's id for NaN, infinity, and (below 32 bits) more than kLargestCoded.
void pack_rows(const Tensor& x, std::span<const VertexId> index, std::span<const VertexId> ids, const RandomKey& key,
               PackedRows& out, std::span<double> variance = {}, std::span<double> norm2 = {});

/// Decodes all rows into y [rows x cols].
void unpack_rows(const PackedRows& packed, const Tensor& y);

/// Decodes as it sums: y[i] += left[i] * sum_j right[j] * decode(packed row j), j in row i of csr. No decoded row is
/// written: the elements' part is summed in one pass, the zeros' part is a number a row.
void spmm_packed(const Csr& csr, const Tensor* left, const Tensor* right, const PackedRows& packed, const Tensor& y);

}  // namespace galena::ops
