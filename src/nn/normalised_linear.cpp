#include "src/nn/normalised_linear.hpp"

#include <algorithm>
#include <cmath>

#include "src/nn/reshape.hpp"
#include "src/ops/check.hpp"
#include "src/ops/device_csr.hpp"
#include "src/ops/device_ops.hpp"

namespace galena::nn {
namespace {

/// [rows x 1] each: minus a row's mean, and 1 / sqrt(its variance + eps).
struct RowMoments {
  Tensor minus_mean, rstd;
};

RowMoments moments_of(const SparseMatrix& x, std::int64_t rows, double eps) {
  RowMoments moments{Tensor::empty(rows, 1, x.values().dtype()), Tensor::empty(rows, 1, x.values().dtype())};
  const SparseStructure& s = x.structure();
  if (ops::on_device(x.values())) {
    ops::device_ops().sparse_moments(ops::rows_view(s), x.values(), eps, moments.minus_mean, moments.rstd);
    return moments;
  }
  const auto d = static_cast<double>(std::max<std::int64_t>(1, x.cols()));
  ops::with_float("normalised_linear", x.values().dtype(), [&]<class T>(T) {
    for (std::int64_t i = 0; i < rows; ++i) {
      const auto row = x.values().span<T>().subspan(
          s.indptr[static_cast<std::size_t>(i)],
          s.indptr[static_cast<std::size_t>(i) + 1] - s.indptr[static_cast<std::size_t>(i)]);
      double sum = 0;
      for (const T value : row) sum += value;
      const double mean = sum / d;
      double squares = (d - static_cast<double>(row.size())) * mean * mean;  // of zeros that are not stored
      for (const T value : row) squares += (value - mean) * (value - mean);
      moments.minus_mean.at<T>(i, 0) = static_cast<T>(-mean);
      moments.rstd.at<T>(i, 0) = static_cast<T>(1 / std::sqrt(squares / d + eps));
    }
  });
  return moments;
}

}  // namespace

Var normalised_linear(const Var& x, const Var& gamma, const Var& beta, const Var& weight, const Var& bias, double eps) {
  if (x.sparse() == nullptr) return linear(layer_norm(x, gamma, beta, eps), weight, bias);
  check_shape("normalised_linear", "gamma", gamma, 1, x.cols(), x.dtype());
  const RowMoments moments = moments_of(*x.sparse(), x.rows(), eps);
  const Var scaled = scale_rows(weight, reshape(gamma, gamma.cols(), 1));
  const Var column_sums = linear(Var(Tensor::full(1, scaled.rows(), 1, x.dtype())), scaled);
  const Var y = add(linear(x, scaled), linear(Var(moments.minus_mean), column_sums));
  return add_row(scale_rows(y, Var(moments.rstd)), linear(beta, weight, bias));
}

}  // namespace galena::nn
