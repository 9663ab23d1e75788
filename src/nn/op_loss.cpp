#include "src/ops/loss.hpp"

#include "src/nn/gradient.hpp"
#include "src/ops/pointwise.hpp"

namespace galena::nn {
namespace {

/// A loss whose kernel computes its gradient along with it: kernel(dlogits) is the loss, 1 x 1.
template <class Kernel>
Var loss_of(const char* name, const Var& logits, const Kernel& kernel) {
  check_dense(name, "logits", logits);
  Tensor gradient;
  if (Tape::records({logits})) gradient = Tensor::empty(logits.rows(), logits.cols(), logits.dtype());
  const Tensor loss = kernel(gradient);
  return make_op(name, loss, {logits}, [gradient, logits = logits.gradient_only()](const Tensor& dy) {
    if (dy.device() == Device::cpu) return pass_on(logits, gradient, dy.item());
    ops::scale_by(dy, gradient);  // a number that the CPU need not know
    pass_on(logits, gradient);
  });
}

}  // namespace

Var cross_entropy(const Var& logits, std::span<const std::int32_t> labels, std::span<const VertexId> rows,
                  double factor) {
  return loss_of("cross_entropy", logits, [&](const Tensor& gradient) {
    return ops::softmax_cross_entropy_loss(logits.value(), labels, rows, factor, gradient);
  });
}

Var binary_cross_entropy(const Var& logits, std::span<const std::uint8_t> targets, std::span<const VertexId> rows,
                         double factor) {
  return loss_of("binary_cross_entropy", logits, [&](const Tensor& gradient) {
    return ops::binary_cross_entropy_loss(logits.value(), targets, rows, factor, gradient);
  });
}

}  // namespace galena::nn
