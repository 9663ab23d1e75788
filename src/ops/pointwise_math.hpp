#pragma once
// The functions of one element, with one source for CPUs and GPUs.

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>

#include "src/device/host_device.hpp"
#include "src/ops/pointwise.hpp"

namespace galena::ops::math {

/// e^x without a branch, so that loops over it become vectors (lanes.hpp has the like for the levels' own vectors):
/// 2^k * e^r with k a whole number and |r| <= ln(2) / 2, e^r by its Taylor polynomial, whose first term left out is below
/// 6e-9. 0 below -87, infinite above 88, and NaN stays NaN.
GALENA_HOST_DEVICE inline float exponential(float x) {
  constexpr float log2 = 0x1.715476p+0F, high = 0x1.62e4p-1F, low = 0x1.7f7d1cp-20F;  // high + low = ln(2)
  constexpr float round = 0x1.8p23F;  // added, it leaves a whole number in the lowest bits
  const float bounded = x > 88 ? 88.0F : x;
  const float shifted = bounded * log2 + round, k = shifted - round;
  const float r = bounded - k * high - k * low;
  const float high_terms = ((r * (1.0F / 5040) + 1.0F / 720) * r + 1.0F / 120) * r + 1.0F / 24;
  const float y = (((high_terms * r + 1.0F / 6) * r + 0.5F) * r + 1) * r + 1;
  const auto power = std::bit_cast<std::uint32_t>(shifted) - std::bit_cast<std::uint32_t>(round) + 127U;
  const float result = y * std::bit_cast<float>(power << 23);
  return x < -87 ? 0.0F : x > 88 ? std::numeric_limits<float>::infinity() : result;
}
GALENA_HOST_DEVICE inline double exponential(double x) { return std::exp(x); }

/// e^x - 1, near 0 by its own polynomial.
GALENA_HOST_DEVICE inline float exponential_less_one(float x) {
  const float high_terms = ((x * (1.0F / 40320) + 1.0F / 5040) * x + 1.0F / 720) * x + 1.0F / 120;
  const float near = ((((high_terms * x + 1.0F / 24) * x + 1.0F / 6) * x + 0.5F) * x + 1) * x;
  const float far = exponential(x) - 1;
  return std::abs(x) < 0.35F ? near : far;
}
GALENA_HOST_DEVICE inline double exponential_less_one(double x) { return std::expm1(x); }

/// Of the standard normal distribution at x: the share below, and exp(-x^2 / 2).
template <class T>
struct Normal {
  T below, bell;
};

GALENA_HOST_DEVICE inline Normal<double> normal(double x) {
  return {std::erfc(-x / std::numbers::sqrt2) / 2, std::exp(x * x / -2)};
}

/// Abramowitz and Stegun, 7.1.26, in a tenth of the time of erfc(): off by 1.5e-7, which near 1 is a float's rounding.
GALENA_HOST_DEVICE inline Normal<float> normal(float x) {
  const float bell = exponential(x * x / -2);
  const float t = 1 / (1 + 0.3275911F * std::numbers::sqrt2_v<float> / 2 * std::abs(x));
  const float series = (((1.061405429F * t - 1.453152027F) * t + 1.421413741F) * t - 0.284496736F) * t + 0.254829592F;
  const float beyond = series * t * bell / 2;
  return {x < 0 ? beyond : 1 - beyond, bell};
}

// Activations: value(x), and derivative(y) as a function of the result; of GELU, of what it was given.

template <class T>
struct Identity {
  GALENA_HOST_DEVICE T value(T x) const { return x; }
  GALENA_HOST_DEVICE T derivative(T) const { return T{1}; }
};

template <class T>
struct Relu {
  GALENA_HOST_DEVICE T value(T x) const { return x < 0 ? T{0} : x; }  // NaN stays NaN
  GALENA_HOST_DEVICE T derivative(T y) const { return y > 0 ? T{1} : T{0}; }
};

template <class T>
struct LeakyRelu {
  T slope;
  GALENA_HOST_DEVICE T value(T x) const { return x * (x > 0 ? T{1} : slope); }
  GALENA_HOST_DEVICE T derivative(T y) const { return y > 0 ? T{1} : slope; }
};

template <class T>
struct Elu {
  T slope;
  GALENA_HOST_DEVICE T value(T x) const { return x > 0 ? x : slope * exponential_less_one(x); }
  GALENA_HOST_DEVICE T derivative(T y) const { return y > 0 ? T{1} : y + slope; }
};

template <class T>
struct Sigmoid {
  GALENA_HOST_DEVICE T value(T x) const { return 1 / (1 + exponential(-x)); }
  GALENA_HOST_DEVICE T derivative(T y) const { return y * (1 - y); }
};

template <class T>
struct Tanh {
  GALENA_HOST_DEVICE T value(T x) const {
    const T m = exponential_less_one(-2 * std::abs(x));
    return std::copysign(m / (2 + m), x);
  }
  GALENA_HOST_DEVICE T derivative(T y) const { return 1 - y * y; }
};

template <class T>
struct Gelu {
  GALENA_HOST_DEVICE T value(T x) const {
    return std::max(x, std::numeric_limits<T>::lowest()) * normal(x).below;  // not infinity times 0
  }
  GALENA_HOST_DEVICE T derivative(T x) const {
    const Normal<T> n = normal(x);
    constexpr T scale = static_cast<T>(std::numbers::inv_sqrtpi * std::numbers::sqrt2 / 2);
    return n.below + (n.bell > 0 ? x * scale * n.bell : T{0});
  }
};

/// visit(activation), so that the choice stands outside the loop.
template <class T, class Visit>
void with_activation(Activation f, T slope, const Visit& visit) {
  switch (f) {
    case Activation::identity: return visit(Identity<T>{});
    case Activation::relu: return visit(Relu<T>{});
    case Activation::leaky_relu: return visit(LeakyRelu<T>{slope});
    case Activation::elu: return visit(Elu<T>{slope});
    case Activation::sigmoid: return visit(Sigmoid<T>{});
    case Activation::tanh: return visit(Tanh<T>{});
    case Activation::gelu: return visit(Gelu<T>{});
  }
}

}  // namespace galena::ops::math
