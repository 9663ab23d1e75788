// Checks of norm.hpp, and the choice of the element type.

#include "src/ops/norm.hpp"

#include "src/ops/check.hpp"
#include "src/ops/device_ops.hpp"
#include "src/ops/norm_cpu.hpp"

namespace galena::ops {
namespace {

/// What all pieces of batch normalisation take.
void check_statistics(const char* op, const Tensor& x, std::span<const double> mean, std::span<const double> rstd) {
  check_length(op, "mean", mean.size(), static_cast<std::size_t>(x.cols()));
  check_length(op, "rstd", rstd.size(), static_cast<std::size_t>(x.cols()));
}

void check_parameter(const char* op, const char* name, const Tensor& parameter, const Tensor& x) {
  check_tensor(op, name, parameter, 1, x.cols(), x.dtype());
}

}  // namespace

void l2_norm(const Tensor& x, const Tensor& y, const Tensor& norm) {
  check_like("l2_norm", "y", y, x);
  check_tensor("l2_norm", "norm", norm, x.rows(), 1, x.dtype());
  if (on_device(x)) return device_ops().l2_norm(x, y, norm);
  with_float("l2_norm", x.dtype(), [&]<class T>(T) { cpu::l2_norm<T>(x, y, norm); });
}

void l2_norm_backward(const Tensor& y, const Tensor& norm, const Tensor& dy, const Tensor& dx, bool accumulate) {
  const char* op = "l2_norm_backward";
  check_tensor(op, "norm", norm, y.rows(), 1, y.dtype());
  check_like(op, "dy", dy, y);
  check_like(op, "dx", dx, y);
  if (on_device(y)) return device_ops().l2_norm_backward(y, norm, dy, dx, accumulate);
  with_float(op, y.dtype(), [&]<class T>(T) { cpu::l2_norm_backward<T>(y, norm, dy, dx, accumulate); });
}

void layer_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, double eps, const Tensor& y,
                const Tensor& mean, const Tensor& rstd) {
  check_parameter("layer_norm", "gamma", gamma, x);
  check_parameter("layer_norm", "beta", beta, x);
  check_like("layer_norm", "y", y, x);
  check_tensor("layer_norm", "mean", mean, x.rows(), 1, x.dtype());
  check_tensor("layer_norm", "rstd", rstd, x.rows(), 1, x.dtype());
  if (on_device(x)) return device_ops().layer_norm(x, gamma, beta, eps, y, mean, rstd);
  with_float("layer_norm", x.dtype(), [&]<class T>(T) { cpu::layer_norm<T>(x, gamma, beta, eps, y, mean, rstd); });
}

void layer_norm_backward(const Tensor& x, const Tensor& gamma, const Tensor& mean, const Tensor& rstd, const Tensor& dy,
                         const Tensor& dx, const Tensor& dgamma, const Tensor& dbeta, bool accumulate) {
  const char* op = "layer_norm_backward";
  check_parameter(op, "gamma", gamma, x);
  check_tensor(op, "mean", mean, x.rows(), 1, x.dtype());
  check_tensor(op, "rstd", rstd, x.rows(), 1, x.dtype());
  check_like(op, "dy", dy, x);
  check_like(op, "dx", dx, x);
  check_parameter(op, "dgamma", dgamma, x);
  check_parameter(op, "dbeta", dbeta, x);
  if (on_device(x)) return device_ops().layer_norm_backward(x, gamma, mean, rstd, dy, dx, dgamma, dbeta, accumulate);
  with_float(op, x.dtype(),
             [&]<class T>(T) { cpu::layer_norm_backward<T>(x, gamma, mean, rstd, dy, dx, dgamma, dbeta, accumulate); });
}

void column_moments(const Tensor& x, std::span<const double> shift, std::span<double> sums) {
  if (!shift.empty()) check_length("column_moments", "shift", shift.size(), static_cast<std::size_t>(x.cols()));
  check_length("column_moments", "sums", sums.size(), static_cast<std::size_t>(2 * x.cols()));
  with_float("column_moments", x.dtype(), [&]<class T>(T) { cpu::column_moments<T>(x, shift, sums); });
}

void batch_norm_apply(const Tensor& x, std::span<const double> mean, std::span<const double> rstd, const Tensor& gamma,
                      const Tensor& beta, const Tensor& y) {
  check_statistics("batch_norm", x, mean, rstd);
  check_parameter("batch_norm", "gamma", gamma, x);
  check_parameter("batch_norm", "beta", beta, x);
  check_like("batch_norm", "y", y, x);
  with_float("batch_norm", x.dtype(), [&]<class T>(T) { cpu::batch_norm_apply<T>(x, mean, rstd, gamma, beta, y); });
}

void batch_norm_backward_sums(const Tensor& x, std::span<const double> mean, std::span<const double> rstd,
                              const Tensor& dy, std::span<double> sums) {
  check_statistics("batch_norm_backward", x, mean, rstd);
  check_like("batch_norm_backward", "dy", dy, x);
  check_length("batch_norm_backward", "sums", sums.size(), static_cast<std::size_t>(2 * x.cols()));
  with_float("batch_norm_backward", x.dtype(),
             [&]<class T>(T) { cpu::batch_norm_backward_sums<T>(x, mean, rstd, dy, sums); });
}

void batch_norm_backward_apply(const Tensor& x, std::span<const double> mean, std::span<const double> rstd,
                               const Tensor& gamma, const Tensor& dy, std::span<const double> sums, double n,
                               const Tensor& dx, bool accumulate) {
  check_statistics("batch_norm_backward", x, mean, rstd);
  check_parameter("batch_norm_backward", "gamma", gamma, x);
  check_like("batch_norm_backward", "dy", dy, x);
  check_length("batch_norm_backward", "sums", sums.size(), static_cast<std::size_t>(2 * x.cols()));
  check_like("batch_norm_backward", "dx", dx, x);
  with_float("batch_norm_backward", x.dtype(),
             [&]<class T>(T) { cpu::batch_norm_backward_apply<T>(x, mean, rstd, gamma, dy, sums, n, dx, accumulate); });
}

}  // namespace galena::ops
