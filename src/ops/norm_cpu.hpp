#pragma once
// The loops of norm.hpp on a CPU; arguments have been checked.

#include "src/ops/norm.hpp"

namespace galena::ops::cpu {

template <class T>
void l2_norm(const Tensor& x, const Tensor& y, const Tensor& norm);
template <class T>
void l2_norm_backward(const Tensor& y, const Tensor& norm, const Tensor& dy, const Tensor& dx, bool accumulate);
template <class T>
void layer_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, double eps, const Tensor& y,
                const Tensor& mean, const Tensor& rstd);
template <class T>
void layer_norm_backward(const Tensor& x, const Tensor& gamma, const Tensor& mean, const Tensor& rstd, const Tensor& dy,
                         const Tensor& dx, const Tensor& dgamma, const Tensor& dbeta, bool accumulate);
template <class T>
void column_moments(const Tensor& x, std::span<const double> shift, std::span<double> sums);
template <class T>
void batch_norm_apply(const Tensor& x, std::span<const double> mean, std::span<const double> rstd, const Tensor& gamma,
                      const Tensor& beta, const Tensor& y);
template <class T>
void batch_norm_backward_sums(const Tensor& x, std::span<const double> mean, std::span<const double> rstd,
                              const Tensor& dy, std::span<double> sums);
template <class T>
void batch_norm_backward_apply(const Tensor& x, std::span<const double> mean, std::span<const double> rstd,
                               const Tensor& gamma, const Tensor& dy, std::span<const double> sums, double n,
                               const Tensor& dx, bool accumulate);

}  // namespace galena::ops::cpu
