// Stochastic rounding to the 2^b levels of a row.
//
// What makes E[decoded] = x hold: (1) codes are made against the parameters as they travel, rounded to bf16; (2) the
// rounded interval contains every element, so nothing is clamped; (3) with t = (x - zero) / scale, the code is
// floor(t) + 1 with probability t - floor(t), of which 16 bits are used: u < round(65536 f) for u uniform in
// 0..65535 errs by at most 2^-17 of a step. Division, not multiplication by a reciprocal: an element that some code
// meets exactly (the smallest, zeros of a row of nonnegative ones) gets that code always.
// t <= 2^b - 1 needs no clamp either: scale * (2^b - 1) has 16 significant bits, so it is a float no smaller than
// high - zero, and rounding is monotone. The codes are clamped all the same: a neighbour's bits never depend on it.

#include "src/ops/codec.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace galena::ops {
namespace {

constexpr std::uint32_t kLowHalf = 0xffff;

float from_bits(std::uint32_t bits) { return std::bit_cast<float>(bits); }

/// The largest bf16 number that is not above x.
float bf16_down(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const bool away = (bits >> 31) != 0 && (bits & kLowHalf) != 0;
  return from_bits((bits & ~kLowHalf) + (away ? 0x10000U : 0U));
}

/// The smallest bf16 number s >= 0 with levels * s >= range.
float bf16_step(double range, double levels) {
  auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(range / levels)) & ~kLowHalf;
  while (levels * static_cast<double>(from_bits(bits)) < range) bits += 0x10000U;
  return from_bits(bits);
}

constexpr std::int64_t kBlock = 64;  ///< elements coded at a time: whole bytes at any width

void pack_codes(const std::uint8_t* codes, std::int64_t n, int bits, std::uint8_t* out) {
  const std::int64_t in_byte = 8 / bits;
  for (std::int64_t byte = 0; byte * in_byte < n; ++byte) {
    unsigned value = 0;
    for (std::int64_t k = 0; k < in_byte; ++k) {
      value |= static_cast<unsigned>(codes[byte * in_byte + k]) << (bits * static_cast<int>(k));
    }
    out[byte] = static_cast<std::uint8_t>(value);
  }
}

/// Codes of up to kBlock elements; those after the last are 0.
double code_block(const float* x, std::int64_t n, int levels, float zero, float step, const std::uint16_t* draws,
                  std::uint8_t* codes) {
  float spread = 0;
  for (std::int64_t c = 0; c < n; ++c) {
    const float t = (x[c] - zero) / step;
    const int below = static_cast<int>(t);
    const float fraction = t - static_cast<float>(below);
    const int threshold = static_cast<int>(fraction * 65536 + 0.5F);
    codes[c] = static_cast<std::uint8_t>(std::min(below + (draws[c] < threshold ? 1 : 0), levels));
    spread += fraction * (1 - fraction);
  }
  std::fill(codes + n, codes + kBlock, std::uint8_t{0});
  return static_cast<double>(spread);
}

/// f32 to bf16: the fraction that is cut off is added to random bits, and the carry rounds up.
double encode_bf16(const float* x, std::int64_t n, const std::uint16_t* draws, std::uint8_t* out) {
  double variance = 0;
  for (std::int64_t c = 0; c < n; ++c) {
    const auto bits = std::bit_cast<std::uint32_t>(x[c]);
    const auto coded = static_cast<std::uint16_t>((bits + draws[c]) >> 16);
    std::memcpy(out + 2 * c, &coded, 2);
    const double step = static_cast<double>(from_bits((bits & ~kLowHalf) + 0x10000U)) -
                        static_cast<double>(from_bits(bits & ~kLowHalf));
    const double fraction = (bits & kLowHalf) * 0x1p-16;
    variance += fraction * (1 - fraction) * step * step;
  }
  return variance;
}

/// f(c, code) for each element.
template <class F>
void for_codes(const std::uint8_t* in, std::int64_t n, int bits, const F& f) {
  const unsigned mask = (1U << bits) - 1;
  for (std::int64_t c = 0; c < n; ++c) f(c, (in[c * bits / 8] >> (c * bits % 8)) & mask);
}

/// f(c, value) for each element of a row of 16 or 32 bits.
template <class F>
void for_values(const std::uint8_t* in, std::int64_t n, int bits, const F& f) {
  for (std::int64_t c = 0; c < n; ++c) {
    std::uint32_t value = 0;
    if (bits == 16) {
      std::memcpy(reinterpret_cast<char*>(&value) + 2, in + 2 * c, 2);
    } else {
      std::memcpy(&value, in + 4 * c, 4);
    }
    f(c, from_bits(value));
  }
}

}  // namespace

RowParameters parameters_of(const RowRange& range, int bits) {
  const float zero = bf16_down(range.low);
  return {zero, bf16_step(static_cast<double>(range.high) - static_cast<double>(zero), (1 << bits) - 1)};
}

RowRange range_of(const float* x, std::int64_t n) {
  if (n == 0) return {};
  RowRange range{x[0], x[0], true};
  for (std::int64_t c = 0; c < n; ++c) {
    range.low = std::min(range.low, x[c]);
    range.high = std::max(range.high, x[c]);
    range.finite &= std::isfinite(x[c]);
  }
  return range;
}

double encode_row(const float* x, std::int64_t n, int bits, const RowParameters& parameters, const std::uint16_t* draws,
                  std::uint8_t* out) {
  if (bits == 16) return encode_bf16(x, n, draws, out);
  const float step = parameters.scale == 0 ? 1 : parameters.scale;
  double spread = 0;
  for (std::int64_t c = 0; c < n; c += kBlock) {
    const std::int64_t m = std::min(kBlock, n - c);
    std::uint8_t codes[kBlock];
    spread += code_block(x + c, m, (1 << bits) - 1, parameters.zero, step, draws + c, codes);
    pack_codes(codes, m, bits, out + c * bits / 8);
  }
  return spread * static_cast<double>(parameters.scale) * static_cast<double>(parameters.scale);
}

template <class T>
void decode_row(const std::uint8_t* in, std::int64_t n, int bits, const RowParameters& parameters, T* out) {
  if (bits >= 16) return for_values(in, n, bits, [=](std::int64_t c, float value) { out[c] = value; });
  const T zero = parameters.zero, scale = parameters.scale;
  for_codes(in, n, bits, [=](std::int64_t c, unsigned code) { out[c] = zero + static_cast<T>(code) * scale; });
}

template <class T>
void accumulate_row(const std::uint8_t* in, std::int64_t n, int bits, T weight, T* sum) {
  if (bits >= 16) return for_values(in, n, bits, [=](std::int64_t c, float value) { sum[c] += weight * value; });
  for_codes(in, n, bits, [=](std::int64_t c, unsigned code) { sum[c] += weight * static_cast<T>(code); });
}

#define GALENA_INSTANTIATE(T)                                                                    \
  template void decode_row<T>(const std::uint8_t*, std::int64_t, int, const RowParameters&, T*); \
  template void accumulate_row<T>(const std::uint8_t*, std::int64_t, int, T, T*);
GALENA_INSTANTIATE(float)
GALENA_INSTANTIATE(double)
#undef GALENA_INSTANTIATE

}  // namespace galena::ops
