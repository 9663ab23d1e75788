#include <algorithm>

#include "galena/error.hpp"
#include "src/nn/gradient.hpp"
#include "src/ops/gemm.hpp"
#include "src/ops/pointwise.hpp"

namespace galena::nn {
namespace {

ops::Activation kernel_of(Activation f) {
  switch (f) {
    case Activation::identity: return ops::Activation::identity;
    case Activation::relu: return ops::Activation::relu;
    case Activation::leaky_relu: return ops::Activation::leaky_relu;
    case Activation::elu: return ops::Activation::elu;
    case Activation::sigmoid: return ops::Activation::sigmoid;
    case Activation::tanh: return ops::Activation::tanh;
    case Activation::gelu: return ops::Activation::gelu;
  }
  throw InternalError("activate: an activation without a kernel");
}

}  // namespace

void add_rows(const Var& x, const Tensor& dy, double factor) {
  const GradientSlot slot = x.grad_slot();
  const std::int64_t rows = dy.rows(), all = slot.tensor.rows();
  ops::axpby(factor, dy, slot.accumulate ? 1 : 0, slot.tensor.head(rows));
  if (!slot.accumulate && rows < all) slot.tensor.slice(rows, all).fill(0);
}

void pass_on(const Var& x, const Tensor& dy, double factor) {
  const GradientSlot slot = slot_over(x, dy);
  if (!slot.tensor.same_memory(dy) || factor != 1) ops::axpby(factor, dy, slot.accumulate ? 1 : 0, slot.tensor);
}

void pass_on_rows(const Var& x, const Tensor& dy, double factor) {
  if (dy.rows() == x.rows())
    pass_on(x, dy, factor);
  else
    add_rows(x, dy, factor);
}

Var activate(Activation f, Var x, double slope) {
  check_dense("activate", "x", x);
  if (f == Activation::identity) return x;
  const bool keeps_input = f == Activation::gelu;  // the gradients of the others are told from their results
  const Tensor y = keeps_input ? Tensor::empty(x.rows(), x.cols(), x.dtype()) : memory_for_result(x);
  const Tensor known = keeps_input ? x.value() : y;
  const ops::Activation kernel = kernel_of(f);
  ops::activate(kernel, x.value(), y, slope);
  return make_op("activate", y, {x}, [=, x = x.gradient_only()](const Tensor& dy) {
    const GradientSlot slot = slot_over(x, dy);
    ops::activate_backward(kernel, known, dy, slot.tensor, slot.accumulate, slope);
  });
}

Var add(Var a, const Var& b, double alpha, double beta) {
  check_dense("add", "a", a);
  check_dense("add", "b", b);
  const std::int64_t rows = a.hop() == b.hop() ? a.rows() : std::min(a.rows(), b.rows());
  if (a.cols() != b.cols() || a.dtype() != b.dtype() || b.rows() < rows || (a.hop() == b.hop() && b.rows() != rows)) {
    fail("add", "a is " + shape_of(a) + ", b is " + shape_of(b) + "; expected equal shapes and types");
  }
  Tensor y = a.rows() == rows ? memory_for_result(a) : Tensor::empty(rows, a.cols(), a.dtype());
  if (!y.same_memory(a.value()) || alpha != 1) ops::axpby(alpha, a.value().head(rows), 0, y);
  ops::axpby(beta, b.value().head(rows), 1, y);
  return make_op("add", y, {a, b}, [=, a = a.gradient_only(), b = b.gradient_only()](const Tensor& dy) {
    if (b.requires_grad()) (a.requires_grad() ? add_rows : pass_on_rows)(b, dy, beta);
    if (a.requires_grad()) pass_on_rows(a, dy, alpha);
  });
}

Var multiply(const Var& a, const Var& b) {
  check_dense("multiply", "a", a);
  check_shape("multiply", "b", b, a.rows(), a.cols(), a.dtype());
  const Tensor y = Tensor::empty(a.rows(), a.cols(), a.dtype());
  ops::multiply(a.value(), b.value(), y);
  return make_op("multiply", y, {a, b}, [a, b](const Tensor& dy) {
    if (a.requires_grad()) {
      const GradientSlot slot = a.grad_slot();
      ops::multiply(dy, b.value(), slot.tensor, slot.accumulate);
    }
    if (b.requires_grad()) {
      const GradientSlot slot = b.grad_slot();
      ops::multiply(dy, a.value(), slot.tensor, slot.accumulate);
    }
  });
}

Var scale(Var x, double factor) {
  check_dense("scale", "x", x);
  const Tensor y = memory_for_result(x);
  ops::axpby(factor, x.value(), 0, y);
  return make_op("scale", y, {x}, [=, x = x.gradient_only()](const Tensor& dy) { pass_on(x, dy, factor); });
}

namespace {

/// A copy of x times a number, which on a device the CPU need not know.
Tensor times(const Tensor& x, const Tensor& factor) {
  if (x.device() == Device::cuda) {
    const Tensor y = x.clone();
    ops::scale_by(factor.to(DType::f64), y);
    return y;
  }
  const Tensor y = Tensor::empty(x.rows(), x.cols(), x.dtype());
  ops::axpby(factor.item(), x, 0, y);
  return y;
}

}  // namespace

Var scale_by(const Var& x, const Var& factor) {
  check_dense("scale_by", "x", x);
  check_shape("scale_by", "factor", factor, 1, 1, x.dtype());
  return make_op("scale_by", times(x.value(), factor.value()), {x, factor}, [x, factor](const Tensor& dy) {
    if (factor.requires_grad()) {  // <x, dy>
      const GradientSlot slot = factor.grad_slot();
      const std::int64_t size = dy.size();
      const ops::Tf32Products exact(false);
      ops::matmul_tn(x.value().reshape(size, 1), dy.reshape(size, 1), slot.tensor, slot.accumulate);
    }
    if (!x.requires_grad()) return;
    if (dy.device() == Device::cuda) return pass_on(x, times(dy, factor.value()));
    pass_on(x, dy, factor.value().item());
  });
}

Var scale_rows(const Var& x, const Var& factor) {
  check_dense("scale_rows", "x", x);
  check_shape("scale_rows", "factor", factor, -1, 1, x.dtype());
  if (factor.rows() < x.rows()) {
    fail("scale_rows",
         "the factor is " + shape_of(factor) + "; expected a number for each of " + std::to_string(x.rows()) + " rows");
  }
  const Tensor y = Tensor::empty(x.rows(), x.cols(), x.dtype());
  ops::scale_rows(factor.value().head(x.rows()), x.value(), y);
  const Var kept = factor.requires_grad() ? x : x.gradient_only();
  return make_op("scale_rows", y, {x, factor}, [x = kept, factor](const Tensor& dy) {
    if (factor.requires_grad()) {  // <x_i, dy_i>
      const Tensor products = Tensor::empty(dy.rows(), dy.cols(), dy.dtype());
      ops::multiply(x.value(), dy, products);
      const Tensor sums = Tensor::empty(dy.rows(), 1, dy.dtype());
      const ops::Tf32Products exact(false);  // sums
      ops::matmul(products, Tensor::full(dy.cols(), 1, 1, dy.dtype()), sums);
      pass_on_rows(factor, sums);
    }
    if (!x.requires_grad()) return;
    const GradientSlot slot = slot_over(x, dy);
    ops::scale_rows(factor.value().head(dy.rows()), dy, slot.tensor, slot.accumulate);
  });
}

Var concat(const Var& a, const Var& b) {
  check_dense("concat", "a", a);
  check_shape("concat", "b", b, a.rows(), -1, a.dtype());
  const Tensor y = Tensor::empty(a.rows(), a.cols() + b.cols(), a.dtype());
  ops::concat_columns(a.value(), b.value(), y);
  return make_op("concat", y, {a, b},
                 [a = a.gradient_only(), b = b.gradient_only(), p = a.cols(), q = b.cols()](const Tensor& dy) {
                   const Tensor da = Tensor::empty(dy.rows(), p, dy.dtype()),
                                db = Tensor::empty(dy.rows(), q, dy.dtype());
                   ops::split_columns(dy, da, db, false);
                   if (a.requires_grad()) pass_on(a, da);
                   if (b.requires_grad()) pass_on(b, db);
                 });
}

Var head(const Var& x, std::int64_t rows) { return first_rows(x, rows, x.hop()); }

Var first_rows(const Var& x, std::int64_t rows, int hop) {
  if (rows < 0 || rows > x.rows()) {
    fail("head", "the first " + std::to_string(rows) + " rows of " + shape_of(x));
  }
  if (rows == x.rows() && hop == x.hop()) return x;
  auto value = Tape::view(x, rows, hop);
  if (!x.requires_grad()) return Tape::make(std::move(value), nullptr);
  const auto backward = [x = x.gradient_only()](const Tensor& dy) { pass_on_rows(x, dy); };
  return make_op("head", value->tensor, {x}, backward, hop);
}

Var mean_of_heads(const Var& x, int heads) {
  check_dense("mean_of_heads", "x", x);
  if (heads < 1 || x.cols() % heads != 0) {
    fail("mean_of_heads", "x is " + shape_of(x) + "; expected columns that " + std::to_string(heads) + " heads divide");
  }
  if (heads == 1) return x;
  const std::int64_t width = x.cols() / heads;
  // A product with `heads` identities on top of each other, divided by their number.
  const Tensor fold = Tensor::zeros(x.cols(), width, x.dtype());
  for (std::int64_t c = 0; c < x.cols(); ++c) {
    fold.slice(c, c + 1).reshape(width, 1).slice(c % width, c % width + 1).fill(1.0 / heads);
  }
  return linear(x, Var(fold));
}

}  // namespace galena::nn
