#pragma once
// One step of an optimizer over a flat range of parameters, f32 or f64.

#include <cstdint>

#include "galena/tensor.hpp"

namespace galena::ops {

struct SgdStep {
  double lr = 0.01, momentum = 0, weight_decay = 0;
  bool nesterov = false;
};
/// w -= lr * (momentum buffer of g + weight_decay * w); `velocity` may be undefined without momentum.
void sgd_step(const SgdStep& step, const Tensor& w, const Tensor& g, const Tensor& velocity);

struct AdamStep {
  double lr = 0.001, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0;
  bool decoupled = false;  ///< AdamW: the decay is not part of the gradient
  std::int64_t t = 1;      ///< from 1
};
/// D. Kingma and J. Ba (ICLR 2015); decoupled: I. Loshchilov and F. Hutter (ICLR 2019).
void adam_step(const AdamStep& step, const Tensor& w, const Tensor& g, const Tensor& m, const Tensor& v);

}  // namespace galena::ops
