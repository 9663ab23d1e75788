#pragma once
// The loops of pointwise.hpp on a CPU; arguments have been checked.

#include "src/ops/pointwise.hpp"

namespace galena::ops::cpu {

template <class T>
void activate(Activation f, const Tensor& x, const Tensor& y, T slope);
template <class T>
void activate_backward(Activation f, const Tensor& y, const Tensor& dy, const Tensor& dx, bool accumulate, T slope);
template <class T>
void axpby(T alpha, const Tensor& x, T beta, const Tensor& y);
template <class T>
void multiply(const Tensor& a, const Tensor& b, const Tensor& y, bool accumulate);
template <class T>
void add_row(const Tensor& bias, const Tensor& y);
template <class T>
void column_sums(const Tensor& x, const Tensor& y, bool accumulate);
template <class T>
void scale_rows(const Tensor& factor, const Tensor& x, const Tensor& y, bool accumulate);
template <class T>
void concat_columns(const Tensor& a, const Tensor& b, const Tensor& y);
template <class T>
void split_columns(const Tensor& y, const Tensor& a, const Tensor& b, bool accumulate);
template <class T>
void gather_rows(const Tensor& x, std::span<const VertexId> rows, const Tensor& y);
template <class T>
void scatter_add_rows(const Tensor& x, std::span<const VertexId> rows, const Tensor& y);

}  // namespace galena::ops::cpu
