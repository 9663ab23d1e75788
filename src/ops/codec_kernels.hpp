#pragma once
// Rows of f32 to and from few bits: the inner loops of quantize.hpp. Element c of a row of b bits stands at bit
// (c * b) % 8 of byte c * b / 8; bits after the last element are zero. All levels give the same bytes and elements.

#include <cstdint>

#include "src/base/level.hpp"

namespace galena::ops {

struct RowRange {
  float low = 0, high = 0;
  bool finite = true;  ///< no NaN, no infinity
};

/// zero + code * scale, for 8 bits and less.
struct RowParameters {
  float zero = 0, scale = 0;
};

struct EncodeArgs {
  const float* x = nullptr;
  std::int64_t n = 0;
  int bits = 8;  ///< up to 16
  RowParameters parameters;
  const std::uint16_t* draws = nullptr;  ///< one an element
  std::uint8_t* out = nullptr;           ///< exactly the row's bytes are written
};

/// Up to 64 bytes after the row may be read.
template <class T>
struct DecodeArgs {
  const std::uint8_t* in = nullptr;
  std::int64_t n = 0;
  int bits = 8;  ///< 64: elements are f64
  RowParameters parameters;
  T* out = nullptr;
};

struct CodecKernels {
  RowRange (*range)(const float* x, std::int64_t n);
  /// Returns the variance: sum of f (1 - f) step^2.
  double (*encode)(const EncodeArgs& args);
  void (*decode_f32)(const DecodeArgs<float>& args);
  void (*decode_f64)(const DecodeArgs<double>& args);
};
GALENA_KERNELS(CodecKernels, codec_kernels)

/// What a sum needs to know of a packed row, side by side: one access to memory a neighbour.
template <class T>
struct PackedNeighbour {
  std::uint64_t place = 0;  ///< where it begins * 256 + bits; 64: elements are f64
  T weight = 1;             ///< of its codes or elements
  T zero = 0;               ///< what it adds to every column
};

/// y[i] += left[i] * sum_j (weight_j * code_j + zero_j). Up to 64 bytes after the last packed row may be read.
template <class T>
struct PackedSum {
  const std::uint64_t* indptr = nullptr;
  const std::uint32_t* indices = nullptr;
  std::int64_t limit = 0;  ///< packed rows: only indices below take part
  const std::uint8_t* bytes = nullptr;
  const PackedNeighbour<T>* rows = nullptr;
  const T* left = nullptr;
  T* y = nullptr;
  std::int64_t width = 0;
};

struct PackedSumKernels {
  /// Rows begin .. end - 1.
  void (*sum_f32)(const PackedSum<float>& g, std::int64_t begin, std::int64_t end);
  void (*sum_f64)(const PackedSum<double>& g, std::int64_t begin, std::int64_t end);
};
GALENA_KERNELS(PackedSumKernels, packed_sum_kernels)

}  // namespace galena::ops
