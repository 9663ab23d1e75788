// One pass over parameters, gradients and state. The first step of momentum begins with the gradient itself, which is
// what a velocity of zeros gives; Adam's bias corrections are folded into two numbers a step.

#include "src/ops/optimize.hpp"

#include <cmath>
#include <string>

#include "src/ops/check.hpp"
#include "src/ops/parallel.hpp"

namespace galena::ops {
namespace {

template <class T>
void sgd(const SgdStep& step, const Tensor& weights, const Tensor& gradients, const Tensor& velocity) {
  T *w = weights.data<T>(), *v = step.momentum != 0 ? velocity.data<T>() : nullptr;
  const T* g = gradients.data<T>();
  const T lr = static_cast<T>(step.lr), momentum = static_cast<T>(step.momentum);
  const T decay = static_cast<T>(step.weight_decay);
  parallel_ranges(weights.size(), 1, [=, nesterov = step.nesterov](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      T update = g[i] + decay * w[i];
      if (v != nullptr) {
        v[i] = momentum * v[i] + update;
        update = nesterov ? update + momentum * v[i] : v[i];
      }
      w[i] -= lr * update;
    }
  });
}

template <class T>
void adam(const AdamStep& step, const Tensor& weights, const Tensor& gradients, const Tensor& first,
          const Tensor& second) {
  T *w = weights.data<T>(), *m = first.data<T>(), *v = second.data<T>();
  const T* g = gradients.data<T>();
  const auto t = static_cast<double>(step.t);
  const T rate = static_cast<T>(step.lr / (1 - std::pow(step.beta1, t)));
  const T correction = static_cast<T>(1 / std::sqrt(1 - std::pow(step.beta2, t)));
  const T beta1 = static_cast<T>(step.beta1), rest1 = static_cast<T>(1 - step.beta1);
  const T beta2 = static_cast<T>(step.beta2), rest2 = static_cast<T>(1 - step.beta2), eps = static_cast<T>(step.eps);
  const T coupled = static_cast<T>(step.decoupled ? 0 : step.weight_decay);
  const T keep = static_cast<T>(step.decoupled ? 1 - step.lr * step.weight_decay : 1);
  parallel_ranges(weights.size(), 4, [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const T d = g[i] + coupled * w[i];
      m[i] = beta1 * m[i] + rest1 * d;
      v[i] = beta2 * v[i] + rest2 * d * d;
      w[i] = keep * w[i] - rate * m[i] / (std::sqrt(v[i]) * correction + eps);
    }
  });
}

}  // namespace

void sgd_step(const SgdStep& step, const Tensor& w, const Tensor& g, const Tensor& velocity) {
  check_like("sgd_step", "gradient", g, w);
  if (step.momentum != 0) check_like("sgd_step", "velocity", velocity, w);
  with_float("sgd_step", w.dtype(), [&]<class T>(T) { sgd<T>(step, w, g, velocity); });
}

void adam_step(const AdamStep& step, const Tensor& w, const Tensor& g, const Tensor& m, const Tensor& v) {
  check_like("adam_step", "gradient", g, w);
  check_like("adam_step", "first moment", m, w);
  check_like("adam_step", "second moment", v, w);
  if (step.t < 1) fail("adam_step", "step number " + std::to_string(step.t) + "; the first is 1");
  with_float("adam_step", w.dtype(), [&]<class T>(T) { adam<T>(step, w, g, m, v); });
}

}  // namespace galena::ops
