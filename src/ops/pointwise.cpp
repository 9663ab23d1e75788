// Checks of pointwise.hpp, and the choice of the element type.

#include "src/ops/pointwise.hpp"

#include <algorithm>

#include "src/ops/check.hpp"
#include "src/ops/device_ops.hpp"
#include "src/ops/pointwise_cpu.hpp"

namespace galena::ops {

void activate(Activation f, const Tensor& x, const Tensor& y, double slope) {
  check_like("activate", "y", y, x);
  if (on_device(x)) return device_ops().activate(f, x, y, slope);
  with_float("activate", x.dtype(), [&]<class T>(T) { cpu::activate<T>(f, x, y, static_cast<T>(slope)); });
}

void activate_backward(Activation f, const Tensor& y, const Tensor& dy, const Tensor& dx, bool accumulate,
                       double slope) {
  check_like("activate_backward", "dy", dy, y);
  check_like("activate_backward", "dx", dx, y);
  if (on_device(y)) return device_ops().activate_backward(f, y, dy, dx, accumulate, slope);
  with_float("activate_backward", y.dtype(),
             [&]<class T>(T) { cpu::activate_backward<T>(f, y, dy, dx, accumulate, static_cast<T>(slope)); });
}

void axpby(double alpha, const Tensor& x, double beta, const Tensor& y) {
  check_like("axpby", "y", y, x);
  if (on_device(x)) return device_ops().axpby(alpha, x, beta, y);
  with_float("axpby", x.dtype(), [&]<class T>(T) { cpu::axpby<T>(static_cast<T>(alpha), x, static_cast<T>(beta), y); });
}

void scale_by(const Tensor& factor, const Tensor& y) {
  check_tensor("scale_by", "factor", factor, 1, 1, DType::f64);
  if (on_device(y)) return device_ops().scale_by(factor, y);
  axpby(factor.item(), y, 0, y);
}

Tensor block_mask(std::int64_t rows, std::int64_t cols, std::int64_t height, DType dtype) {
  Tensor y = Tensor::empty(rows, cols, dtype);
  if (on_device(y)) {
    device_ops().block_mask(height, y);
    return y;
  }
  y.fill(0);
  with_float("block_mask", dtype, [&]<class T>(T) {
    for (std::int64_t r = 0; r < std::min(rows, cols * height); ++r) y.at<T>(r, r / height) = 1;
  });
  return y;
}

void multiply(const Tensor& a, const Tensor& b, const Tensor& y, bool accumulate) {
  check_like("multiply", "b", b, a);
  check_like("multiply", "y", y, a);
  if (on_device(a)) return device_ops().multiply(a, b, y, accumulate);
  with_float("multiply", a.dtype(), [&]<class T>(T) { cpu::multiply<T>(a, b, y, accumulate); });
}

void add_row(const Tensor& bias, const Tensor& y) {
  check_tensor("add_row", "bias", bias, 1, y.cols(), y.dtype());
  if (on_device(y)) return device_ops().add_row(bias, y);
  with_float("add_row", y.dtype(), [&]<class T>(T) { cpu::add_row<T>(bias, y); });
}

void column_sums(const Tensor& x, const Tensor& y, bool accumulate) {
  check_tensor("column_sums", "y", y, 1, x.cols(), x.dtype());
  if (on_device(x)) return device_ops().column_sums(x, y, accumulate);
  with_float("column_sums", x.dtype(), [&]<class T>(T) { cpu::column_sums<T>(x, y, accumulate); });
}

void scale_rows(const Tensor& factor, const Tensor& x, const Tensor& y, bool accumulate) {
  check_tensor("scale_rows", "factor", factor, x.rows(), 1, x.dtype());
  check_like("scale_rows", "y", y, x);
  if (on_device(x)) return device_ops().scale_rows(factor, x, y, accumulate);
  with_float("scale_rows", x.dtype(), [&]<class T>(T) { cpu::scale_rows<T>(factor, x, y, accumulate); });
}

void concat_columns(const Tensor& a, const Tensor& b, const Tensor& y) {
  check_tensor("concat_columns", "b", b, a.rows(), b.cols(), a.dtype());
  check_tensor("concat_columns", "y", y, a.rows(), a.cols() + b.cols(), a.dtype());
  if (on_device(a)) return device_ops().concat_columns(a, b, y);
  with_float("concat_columns", a.dtype(), [&]<class T>(T) { cpu::concat_columns<T>(a, b, y); });
}

void split_columns(const Tensor& y, const Tensor& a, const Tensor& b, bool accumulate) {
  check_tensor("split_columns", "b", b, a.rows(), b.cols(), a.dtype());
  check_tensor("split_columns", "y", y, a.rows(), a.cols() + b.cols(), a.dtype());
  if (on_device(y)) return device_ops().split_columns(y, a, b, accumulate);
  with_float("split_columns", a.dtype(), [&]<class T>(T) { cpu::split_columns<T>(y, a, b, accumulate); });
}

void gather_rows(const Tensor& x, std::span<const VertexId> rows, const Tensor& y) {
  check_tensor("gather_rows", "y", y, static_cast<std::int64_t>(rows.size()), x.cols(), x.dtype());
  if (on_device(x)) return device_ops().gather_rows(x, rows.data(), y);
  check_rows("gather_rows", rows, x.rows());
  with_float("gather_rows", x.dtype(), [&]<class T>(T) { cpu::gather_rows<T>(x, rows, y); });
}

void scatter_add_rows(const Tensor& x, std::span<const VertexId> rows, const Tensor& y) {
  check_tensor("scatter_add_rows", "x", x, static_cast<std::int64_t>(rows.size()), y.cols(), y.dtype());
  if (on_device(x)) return device_ops().scatter_add_rows(x, rows.data(), y);
  check_rows("scatter_add_rows", rows, y.rows());
  with_float("scatter_add_rows", x.dtype(), [&]<class T>(T) { cpu::scatter_add_rows<T>(x, rows, y); });
}

}  // namespace galena::ops
