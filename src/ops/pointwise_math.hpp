#pragma once
// The functions of one element, with one source for CPUs and GPUs.

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "src/device/host_device.hpp"
#include "src/ops/pointwise.hpp"

namespace galena::ops::math {

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
  const float bell = std::exp(x * x / -2);
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
  GALENA_HOST_DEVICE T value(T x) const { return x > 0 ? x : slope * std::expm1(x); }
  GALENA_HOST_DEVICE T derivative(T y) const { return y > 0 ? T{1} : y + slope; }
};

template <class T>
struct Sigmoid {
  GALENA_HOST_DEVICE T value(T x) const { return 1 / (1 + std::exp(-x)); }
  GALENA_HOST_DEVICE T derivative(T y) const { return y * (1 - y); }
};

template <class T>
struct Tanh {
  GALENA_HOST_DEVICE T value(T x) const { return std::tanh(x); }
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
