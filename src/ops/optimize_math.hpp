#pragma once
// One parameter's step, with one source for CPUs and GPUs.

#include <cmath>

#include "src/device/host_device.hpp"
#include "src/ops/optimize.hpp"

namespace galena::ops::math {

template <class T>
struct SgdUpdate {
  T lr, momentum, decay;
  bool nesterov;

  explicit SgdUpdate(const SgdStep& step)
      : lr(static_cast<T>(step.lr)),
        momentum(static_cast<T>(step.momentum)),
        decay(static_cast<T>(step.weight_decay)),
        nesterov(step.nesterov) {}
  /// `v` may be null: no momentum.
  GALENA_HOST_DEVICE void operator()(T& w, T g, T* v) const {
    T update = g + decay * w;
    if (v != nullptr) {
      *v = momentum * *v + update;
      update = nesterov ? update + momentum * *v : *v;
    }
    w -= lr * update;
  }
};

/// Bias corrections are folded into two numbers a step.
template <class T>
struct AdamUpdate {
  T rate, correction, beta1, rest1, beta2, rest2, eps, coupled, keep;

  explicit AdamUpdate(const AdamStep& step)
      : rate(static_cast<T>(step.lr / (1 - std::pow(step.beta1, static_cast<double>(step.t))))),
        correction(static_cast<T>(1 / std::sqrt(1 - std::pow(step.beta2, static_cast<double>(step.t))))),
        beta1(static_cast<T>(step.beta1)),
        rest1(static_cast<T>(1 - step.beta1)),
        beta2(static_cast<T>(step.beta2)),
        rest2(static_cast<T>(1 - step.beta2)),
        eps(static_cast<T>(step.eps)),
        coupled(static_cast<T>(step.decoupled ? 0 : step.weight_decay)),
        keep(static_cast<T>(step.decoupled ? 1 - step.lr * step.weight_decay : 1)) {}
  GALENA_HOST_DEVICE void operator()(T& w, T g, T& m, T& v) const {
    const T d = g + coupled * w;
    m = beta1 * m + rest1 * d;
    v = beta2 * v + rest2 * d * d;
    w = keep * w - rate * m / (std::sqrt(v) * correction + eps);
  }
};

}  // namespace galena::ops::math
