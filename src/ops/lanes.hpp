#pragma once
// Loops over a few elements, as slices of a head are: whole vectors, then one of half the width, of a quarter, ...
// For *_kernels.cpp only.

#include "src/ops/simd.hpp"

namespace galena::ops::GALENA_LEVEL {

/// A width as a type.
template <int W>
struct Lanes {
  static constexpr int kCount = W;
};

template <int W, class F>
static inline void rest_of(std::int64_t i, std::int64_t n, const F& f) {
  if (i + W <= n) {
    f(Lanes<W>{}, i);
    i += W;
  }
  if constexpr (W > 1) rest_of<W / 2>(i, n, f);
}

/// f(Lanes<W>, i) over 0 .. n - 1: elements i .. i + W - 1 are one vector.
template <class T, class F>
static inline void for_lanes(std::int64_t n, const F& f) {
  constexpr int W = kWidth<T>;
  std::int64_t i = 0;
  for (; i + W <= n; i += W) f(Lanes<W>{}, i);
  rest_of<W / 2>(i, n, f);
}

/// The sum of a vector's elements, by halves.
template <class T, int W>
static inline T total(Vec<T, W> v) {
  if constexpr (W == 1) {
    return v;
  } else {
    T halves[W];
    store<T, W>(halves, v);
    return total<T, W / 2>(load<T, W / 2>(halves) + load<T, W / 2>(halves + W / 2));
  }
}

/// sum_i f(Lanes, i): f gives a vector.
template <class T, class F>
static inline T sum_lanes(std::int64_t n, const F& f) {
  constexpr int W = kWidth<T>;
  std::int64_t i = 0;
  T sum{};
  if (n >= W) {
    Vec<T, W> vector{};
    for (; i + W <= n; i += W) vector += f(Lanes<W>{}, i);
    sum = total<T, W>(vector);
  }
  rest_of<W / 2>(i, n, [&]<int N>(Lanes<N> lanes, std::int64_t at) { sum += total<T, N>(f(lanes, at)); });
  return sum;
}

/// e^x: 2^k * e^r with k a whole number and |r| <= ln(2) / 2, e^r by its Taylor polynomial of degree 7, whose first
/// term left out is below 6e-9. 0 below the smallest normal number's logarithm; NaN stays NaN.
template <int W>
static inline Vec<float, W> exponential(Vec<float, W> x) {
  constexpr float kLog2 = 0x1.715476p+0F, kHigh = 0x1.62e4p-1F, kLow = 0x1.7f7d1cp-20F;  // kHigh + kLow = ln(2)
  constexpr float kRound = 0x1.8p23F;  // added, it leaves a whole number in the lowest bits
  const Vec<float, W> bounded = x > 88.0F ? Vec<float, W>{} + 88.0F : x;
  const Vec<float, W> shifted = bounded * kLog2 + kRound, k = shifted - kRound;
  const Vec<float, W> r = bounded - k * kHigh - k * kLow;
  Vec<float, W> y = r * (1.0F / 5040) + 1.0F / 720;
  y = y * r + 1.0F / 120;
  y = y * r + 1.0F / 24;
  y = y * r + 1.0F / 6;
  y = y * r + 0.5F;
  y = y * r + 1.0F;
  y = y * r + 1.0F;
  using Ints = Vec<std::int32_t, W>;
  const Ints power = (__builtin_bit_cast(Ints, shifted) - __builtin_bit_cast(std::int32_t, kRound) + 127) << 23;
  const Vec<float, W> result = y * __builtin_bit_cast(Vec<float, W>, power);
  return x < -87.0F ? Vec<float, W>{} : result;
}

/// The same in double, one by one: it serves comparisons, not speed.
template <int W>
static inline Vec<double, W> exponential(Vec<double, W> x) {
  if constexpr (W == 1) {
    return __builtin_exp(x);
  } else {
    for (int i = 0; i < W; ++i) x[i] = __builtin_exp(x[i]);
    return x;
  }
}

}  // namespace galena::ops::GALENA_LEVEL
