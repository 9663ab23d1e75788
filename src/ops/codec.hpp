#pragma once
// Rows of f32 to and from few bits: the inner loops of quantize.hpp. Element c of a row of b bits stands at bit
// (c * b) % 8 of byte c * b / 8; bits after the last element are zero.

#include <cstdint>

namespace galena::ops {

struct RowRange {
  float low = 0, high = 0;
  bool finite = true;  ///< no NaN, no infinity
};

struct RowParameters {
  float zero = 0, scale = 0;
};

/// The bf16 pair for elements of this range: zero <= low and zero + scale * (2^bits - 1) >= high, scale the smallest
/// such. Scale 0: all elements are zero itself.
RowParameters parameters_of(const RowRange& range, int bits);

RowRange range_of(const float* x, std::int64_t n);
/// `draws`: a 16-bit number an element. Returns the variance, sum of f (1 - f) scale^2.
double encode_row(const float* x, std::int64_t n, int bits, const RowParameters& parameters, const std::uint16_t* draws,
                  std::uint8_t* out);
template <class T>
void decode_row(const std::uint8_t* in, std::int64_t n, int bits, const RowParameters& parameters, T* out);
/// sum[c] += weight * (code of element c); the element itself for 16 and 32 bits.
template <class T>
void accumulate_row(const std::uint8_t* in, std::int64_t n, int bits, T weight, T* sum);

}  // namespace galena::ops
