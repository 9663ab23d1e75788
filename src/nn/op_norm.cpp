#include <cmath>
#include <utility>

#include "galena/error.hpp"
#include "src/nn/gradient.hpp"
#include "src/ops/check.hpp"
#include "src/ops/device_ops.hpp"
#include "src/ops/norm.hpp"

namespace galena::nn {
namespace {

void check_norm(const char* op, const Var& x, const Var& gamma, const Var& beta) {
  check_dense(op, "x", x);
  check_shape(op, "gamma", gamma, 1, x.cols(), x.dtype());
  check_shape(op, "beta", beta, 1, x.cols(), x.dtype());
}

/// The gradient of a parameter for a kernel that adds to it; a tensor to throw away where it wants none.
Tensor added_gradient(const Var& parameter) {
  if (!parameter.requires_grad()) return Tensor::zeros(parameter.rows(), parameter.cols(), parameter.dtype());
  const GradientSlot slot = parameter.grad_slot();
  if (!slot.accumulate) slot.tensor.fill(0);
  return slot.tensor;
}

GradientSlot over_or_scratch(const Var& x, const Tensor& dy) {
  return x.requires_grad() ? slot_over(x, dy) : GradientSlot{dy, false};
}

/// Adds a span of doubles to a parameter's gradient [1 x d].
void add_doubles(const Var& parameter, std::span<const double> values) {
  if (!parameter.requires_grad()) return;
  const GradientSlot slot = parameter.grad_slot();
  ops::with_float("batch_norm", parameter.dtype(), [&]<class T>(T) {
    T* const gradient = slot.tensor.data<T>();
    for (std::size_t c = 0; c < values.size(); ++c) {
      gradient[c] = static_cast<T>(values[c] + (slot.accumulate ? static_cast<double>(gradient[c]) : 0.0));
    }
  });
}

std::vector<double> to_doubles(const Tensor& row) {
  std::vector<double> values;
  for (std::int64_t c = 0; c < row.cols(); ++c) values.push_back(row.item(0, c));
  return values;
}

void from_doubles(std::span<const double> values, const Tensor& row) {
  ops::with_float("batch_norm", row.dtype(), [&]<class T>(T) {
    for (std::size_t c = 0; c < values.size(); ++c) row.data<T>()[c] = static_cast<T>(values[c]);
  });
}

struct Statistics {
  std::vector<double> mean, rstd;
  double rows = 0;  ///< of all ranks
};

/// Mean and variance over the rows of all ranks, in one sum over ranks: moments are taken about the running mean, so
/// that large means cost no digits. Updates the running statistics, with the variance that is not biased.
Statistics batch_statistics(const Context& ctx, const Tensor& x, const Tensor& running_mean, const Tensor& running_var,
                            double momentum, double eps) {
  const auto d = static_cast<std::size_t>(x.cols());
  const std::vector<double> shift = to_doubles(running_mean);
  std::vector<double> sums(2 * d + 1);
  ops::column_moments(x, shift, std::span(sums).first(2 * d));
  sums[2 * d] = static_cast<double>(x.rows());
  ctx.sum_over_ranks(sums);
  Statistics s{std::vector<double>(d), std::vector<double>(d), sums[2 * d]};
  if (s.rows == 0) return s;
  std::vector<double> new_mean(d), new_var = to_doubles(running_var);
  for (std::size_t c = 0; c < d; ++c) {
    const double offset = sums[c] / s.rows;
    const double variance = std::max(0.0, sums[d + c] / s.rows - offset * offset);
    s.mean[c] = shift[c] + offset;
    s.rstd[c] = 1 / std::sqrt(variance + eps);
    new_mean[c] = (1 - momentum) * shift[c] + momentum * s.mean[c];
    new_var[c] = (1 - momentum) * new_var[c] + momentum * variance * (s.rows > 1 ? s.rows / (s.rows - 1) : 1);
  }
  from_doubles(new_mean, running_mean);
  from_doubles(new_var, running_var);
  return s;
}

Statistics running_statistics(const Tensor& running_mean, const Tensor& running_var, double eps) {
  Statistics s{to_doubles(running_mean), to_doubles(running_var), 1};
  for (double& value : s.rstd) value = 1 / std::sqrt(value + eps);
  return s;
}

}  // namespace

Var l2_norm(Var x) {
  check_dense("l2_norm", "x", x);
  const Tensor y = memory_for_result(x), norm = Tensor::empty(x.rows(), 1, x.dtype());
  ops::l2_norm(x.value(), y, norm);
  return make_op("l2_norm", y, {x}, [y, norm, x = x.gradient_only()](const Tensor& dy) {
    const GradientSlot slot = slot_over(x, dy);
    ops::l2_norm_backward(y, norm, dy, slot.tensor, slot.accumulate);
  });
}

Var layer_norm(const Var& x, const Var& gamma, const Var& beta, double eps) {
  check_norm("layer_norm", x, gamma, beta);
  const Tensor y = Tensor::empty(x.rows(), x.cols(), x.dtype());
  const Tensor mean = Tensor::empty(x.rows(), 1, x.dtype()), rstd = Tensor::empty(x.rows(), 1, x.dtype());
  ops::layer_norm(x.value(), gamma.value(), beta.value(), eps, y, mean, rstd);
  return make_op(
      "layer_norm", y, {x, gamma, beta}, [x, gamma, beta = beta.gradient_only(), mean, rstd](const Tensor& dy) {
        const Tensor dgamma = added_gradient(gamma), dbeta = added_gradient(beta);
        const GradientSlot slot = over_or_scratch(x, dy);
        ops::layer_norm_backward(x.value(), gamma.value(), mean, rstd, dy, slot.tensor, dgamma, dbeta, slot.accumulate);
      });
}

namespace {

/// The same on a device.
Var batch_norm_on_device(const Context& ctx, const Var& x, const Var& gamma, const Var& beta,
                         const Tensor& running_mean, const Tensor& running_var, double momentum, double eps) {
  const ops::DeviceOps& device = ops::device_ops();
  const Tensor stats = Tensor::empty(3, x.cols(), DType::f64), y = Tensor::empty(x.rows(), x.cols(), x.dtype());
  const bool training = ctx.training();
  if (ctx.summer() && !ctx.device_summer()) throw InternalError("batch_norm: nobody sums over ranks on this device");
  if (training) {
    // How many rows there are stays there too: while a pass is recorded, nothing may be asked of other ranks.
    const std::int64_t count = 2 * x.cols();
    const Tensor sums = Tensor::empty(count + 1, 1, DType::f64);
    device.batch_moments(x.value(), running_mean, sums.slice(0, count).reshape(1, count));
    sums.slice(count, count + 1).fill(static_cast<double>(x.rows()));
    if (ctx.device_summer()) ctx.device_summer()(sums);
    device.batch_statistics(sums, momentum, eps, running_mean, running_var, stats);
  } else {
    device.running_statistics(running_mean, running_var, eps, stats);
  }
  device.batch_norm_apply(x.value(), stats, gamma.value(), beta.value(), y);
  const auto backward = [=, sum = ctx.device_summer(), beta = beta.gradient_only()](const Tensor& dy) {
    const auto added = [](const Var& v) { return v.requires_grad() ? added_gradient(v) : Tensor{}; };
    const OnDevice there(Device::cuda);
    const Tensor sums = Tensor::empty(1, 2 * x.cols(), DType::f64);
    ops::device_ops().batch_norm_backward_sums(x.value(), stats, dy, sums, added(gamma), added(beta));
    if (!x.requires_grad()) return;
    if (training && sum) sum(sums);
    const GradientSlot slot = slot_over(x, dy);
    ops::device_ops().batch_norm_backward(x.value(), stats, gamma.value(), dy, training ? &sums : nullptr, slot.tensor,
                                          slot.accumulate);
  };
  return make_op("batch_norm", y, {x, gamma, beta}, backward);
}

}  // namespace

Var batch_norm(Context& ctx, const Var& x, const Var& gamma, const Var& beta, const Tensor& running_mean,
               const Tensor& running_var, double momentum, double eps) {
  check_norm("batch_norm", x, gamma, beta);
  ops::check_tensor("batch_norm", "running_mean", running_mean, 1, x.cols(), x.dtype());
  ops::check_tensor("batch_norm", "running_var", running_var, 1, x.cols(), x.dtype());
  if (ops::on_device(x.value()))
    return batch_norm_on_device(ctx, x, gamma, beta, running_mean, running_var, momentum, eps);
  const bool training = ctx.training();
  const Statistics s = training ? batch_statistics(ctx, x.value(), running_mean, running_var, momentum, eps)
                                : running_statistics(running_mean, running_var, eps);
  const Tensor y = Tensor::empty(x.rows(), x.cols(), x.dtype());
  ops::batch_norm_apply(x.value(), s.mean, s.rstd, gamma.value(), beta.value(), y);
  const auto backward = [=, sum = ctx.summer(), beta = beta.gradient_only()](const Tensor& dy) {
    const auto d = static_cast<std::size_t>(x.cols());
    std::vector<double> sums(2 * d);
    ops::batch_norm_backward_sums(x.value(), s.mean, s.rstd, dy, sums);
    // These are this rank's parts: gradients of parameters are summed over ranks once, by whoever trains.
    add_doubles(beta, std::span(sums).first(d));
    add_doubles(gamma, std::span(sums).last(d));
    if (!x.requires_grad()) return;
    if (training && sum) sum(sums);
    if (!training) std::fill(sums.begin(), sums.end(), 0.0);  // statistics that do not depend on x
    const GradientSlot slot = slot_over(x, dy);
    ops::batch_norm_backward_apply(x.value(), s.mean, s.rstd, gamma.value(), dy, sums, s.rows, slot.tensor,
                                   slot.accumulate);
  };
  return make_op("batch_norm", y, {x, gamma, beta}, backward);
}

}  // namespace galena::nn
