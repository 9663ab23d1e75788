#pragma once
// Rows of length 1, layer normalisation, and the pieces of batch normalisation between which sums over ranks are taken. f32 and f64;
// statistics are accumulated in double.

#include <span>

#include "galena/tensor.hpp"

namespace galena::ops {

/// y = x / norm by row, with the Euclidean norms [n x 1]; zero rows stay. y may be x.
void l2_norm(const Tensor& x, const Tensor& y, const Tensor& norm);
/// dx (+)= (dy - y <y, dy>) / norm; 0 in zero rows. dx may be dy.
void l2_norm_backward(const Tensor& y, const Tensor& norm, const Tensor& dy, const Tensor& dx, bool accumulate);

/// y = (x - mean) / sqrt(var + eps) * gamma + beta by row; saves mean and 1/sqrt(var + eps) [n x 1].
void layer_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, double eps, const Tensor& y,
                const Tensor& mean, const Tensor& rstd);
/// dx (+)=, dgamma += , dbeta +=.
void layer_norm_backward(const Tensor& x, const Tensor& gamma, const Tensor& mean, const Tensor& rstd, const Tensor& dy,
                         const Tensor& dx, const Tensor& dgamma, const Tensor& dbeta, bool accumulate);

/// sums[c] = sum_i (x - shift), sums[cols + c] = sum_i (x - shift)^2 over this rank's rows; shift [cols] may be empty.
void column_moments(const Tensor& x, std::span<const double> shift, std::span<double> sums);
/// y = (x - mean) * rstd * gamma + beta, by column.
void batch_norm_apply(const Tensor& x, std::span<const double> mean, std::span<const double> rstd, const Tensor& gamma,
                      const Tensor& beta, const Tensor& y);
/// sums[c] = sum_i dy, sums[cols + c] = sum_i dy * xhat over this rank's rows.
void batch_norm_backward_sums(const Tensor& x, std::span<const double> mean, std::span<const double> rstd,
                              const Tensor& dy, std::span<double> sums);
/// dx (+)= gamma * rstd * (dy - sums[c] / n - xhat * sums[cols + c] / n), n rows over all ranks.
void batch_norm_backward_apply(const Tensor& x, std::span<const double> mean, std::span<const double> rstd,
                               const Tensor& gamma, const Tensor& dy, std::span<const double> sums, double n,
                               const Tensor& dx, bool accumulate);

}  // namespace galena::ops
