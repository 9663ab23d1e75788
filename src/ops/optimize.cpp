// One pass over parameters, gradients and state. The first step of momentum begins with the gradient itself, which is
// what a velocity of zeros gives.

#include "src/ops/optimize.hpp"

#include <string>

#include "src/ops/check.hpp"
#include "src/ops/device_ops.hpp"
#include "src/ops/optimize_math.hpp"
#include "src/ops/parallel.hpp"

namespace galena::ops {
namespace {

template <class T>
void sgd(const SgdStep& step, const Tensor& weights, const Tensor& gradients, const Tensor& velocity) {
  T *w = weights.data<T>(), *v = step.momentum != 0 ? velocity.data<T>() : nullptr;
  const T* g = gradients.data<T>();
  const math::SgdUpdate<T> update(step);
  parallel_ranges(weights.size(), 1, [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) update(w[i], g[i], v != nullptr ? v + i : nullptr);
  });
}

template <class T>
void adam(const AdamStep& step, const Tensor& weights, const Tensor& gradients, const Tensor& first,
          const Tensor& second) {
  T *w = weights.data<T>(), *m = first.data<T>(), *v = second.data<T>();
  const T* g = gradients.data<T>();
  const math::AdamUpdate<T> update(step);
  parallel_ranges(weights.size(), 4, [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) update(w[i], g[i], m[i], v[i]);
  });
}

}  // namespace

void sgd_step(const SgdStep& step, const Tensor& w, const Tensor& g, const Tensor& velocity) {
  check_like("sgd_step", "gradient", g, w);
  if (step.momentum != 0) check_like("sgd_step", "velocity", velocity, w);
  if (on_device(w)) return device_ops().sgd_step(step, w, g, velocity);
  with_float("sgd_step", w.dtype(), [&]<class T>(T) { sgd<T>(step, w, g, velocity); });
}

void adam_step(const AdamStep& step, const Tensor& w, const Tensor& g, const Tensor& m, const Tensor& v) {
  check_like("adam_step", "gradient", g, w);
  check_like("adam_step", "first moment", m, w);
  check_like("adam_step", "second moment", v, w);
  if (step.t < 1) fail("adam_step", "step number " + std::to_string(step.t) + "; the first is 1");
  if (on_device(w)) return device_ops().adam_step(step, w, g, m, v);
  with_float("adam_step", w.dtype(), [&]<class T>(T) { adam<T>(step, w, g, m, v); });
}

}  // namespace galena::ops
