#include "src/nn/gradient.hpp"
#include "src/ops/gemm.hpp"
#include "src/ops/pointwise.hpp"

namespace galena::nn {
namespace {

void check_linear(const Var& x, const Var& weight, const Var& bias) {
  if (!x.defined()) fail("linear", "x is undefined");
  check_dense("linear", "weight", weight);
  if (x.cols() != weight.rows() || x.dtype() != weight.dtype()) {
    fail("linear", "x is " + shape_of(x) + " and the weight " + shape_of(weight) +
                       "; expected as many columns of x as rows of the weight, of one type");
  }
  if (bias.defined()) check_shape("linear", "bias", bias, 1, weight.cols(), weight.dtype());
}

void add_column_sums(const Var& bias, const Tensor& dy) {
  const GradientSlot slot = bias.grad_slot();
  ops::column_sums(dy, slot.tensor, slot.accumulate);
}

void add_weight_gradient(const Var& x, const Var& weight, const Tensor& dy) {
  const GradientSlot slot = weight.grad_slot();
  if (x.sparse() != nullptr)
    ops::sparse_matmul_tn(*x.sparse(), dy, slot.tensor, slot.accumulate);
  else
    ops::matmul_tn(x.value(), dy, slot.tensor, slot.accumulate);
}

}  // namespace

Var linear(const Var& x, const Var& weight, const Var& bias) {
  check_linear(x, weight, bias);
  const Tensor y = Tensor::empty(x.rows(), weight.cols(), weight.dtype());
  if (x.sparse() != nullptr) {
    ops::sparse_matmul(*x.sparse(), weight.value(), y);
    if (bias.defined()) ops::add_row(bias.value(), y);
  } else if (bias.defined()) {
    ops::matmul_bias(x.value(), weight.value(), bias.value(), y);
  } else {
    ops::matmul(x.value(), weight.value(), y);
  }
  // Each side's value is for the other's gradient.
  const Var kept_x = weight.requires_grad() ? x : x.gradient_only();
  const Var kept_weight = x.requires_grad() ? weight : weight.gradient_only();
  return make_op("linear", y, {x, weight, bias},
                 [x = kept_x, weight = kept_weight, bias = bias.gradient_only()](const Tensor& dy) {
                   if (bias.requires_grad()) add_column_sums(bias, dy);
                   if (weight.requires_grad()) add_weight_gradient(x, weight, dy);
                   if (!x.requires_grad()) return;
                   const GradientSlot slot = x.grad_slot();
                   ops::matmul_nt(dy, weight.value(), slot.tensor, slot.accumulate);
                 });
}

Var add_row(Var x, const Var& bias) {
  check_dense("add_row", "x", x);
  check_shape("add_row", "bias", bias, 1, x.cols(), x.dtype());
  Tensor y = memory_for_result(x);
  if (!y.same_memory(x.value())) ops::axpby(1, x.value(), 0, y);
  ops::add_row(bias.value(), y);
  return make_op("add_row", y, {x, bias}, [x = x.gradient_only(), bias = bias.gradient_only()](const Tensor& dy) {
    if (bias.requires_grad()) add_column_sums(bias, dy);
    if (x.requires_grad()) pass_on(x, dy);
  });
}

}  // namespace galena::nn
