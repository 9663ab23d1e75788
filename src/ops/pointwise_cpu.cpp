// Maps over elements and rows: loops bound by memory, which the compiler vectorises.

#include "src/ops/pointwise_cpu.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "src/ops/column_reduce.hpp"
#include "src/ops/map.hpp"

namespace galena::ops::cpu {
namespace {

/// Of the standard normal distribution at x: the share below, and exp(-x^2 / 2).
template <class T>
struct Normal {
  T below, bell;
};

Normal<double> normal(double x) { return {std::erfc(-x / std::numbers::sqrt2) / 2, std::exp(x * x / -2)}; }

/// Abramowitz and Stegun, 7.1.26, in a tenth of the time of erfc(): off by 1.5e-7, which near 1 is a float's rounding.
Normal<float> normal(float x) {
  const float bell = std::exp(x * x / -2);
  const float t = 1 / (1 + 0.3275911F * std::numbers::sqrt2_v<float> / 2 * std::abs(x));
  const float series = (((1.061405429F * t - 1.453152027F) * t + 1.421413741F) * t - 0.284496736F) * t + 0.254829592F;
  const float beyond = series * t * bell / 2;
  return {x < 0 ? beyond : 1 - beyond, bell};
}

template <class T>
T gelu(T x) {
  return std::max(x, std::numeric_limits<T>::lowest()) * normal(x).below;  // not infinity times 0
}

template <class T>
T gelu_derivative(T x) {
  const auto [below, bell] = normal(x);
  constexpr T scale = static_cast<T>(std::numbers::inv_sqrtpi * std::numbers::sqrt2 / 2);
  return below + (bell > 0 ? x * scale * bell : T{0});
}

/// visit(function) with the function of one element, so that the choice stands outside the loop.
template <class T, class Visit>
void with_activation(Activation f, T slope, const Visit& visit) {
  switch (f) {
    case Activation::identity: return visit([](T x) { return x; });
    case Activation::relu: return visit([](T x) { return x < 0 ? T{0} : x; });  // NaN stays NaN
    case Activation::leaky_relu: return visit([=](T x) { return x * (x > 0 ? T{1} : slope); });
    case Activation::elu: return visit([=](T x) { return x > 0 ? x : slope * std::expm1(x); });
    case Activation::sigmoid: return visit([](T x) { return 1 / (1 + std::exp(-x)); });
    case Activation::tanh: return visit([](T x) { return std::tanh(x); });
    case Activation::gelu: return visit([](T x) { return gelu(x); });
  }
}

/// The same with the derivative, as a function of the result; of GELU, of what it was given.
template <class T, class Visit>
void with_derivative(Activation f, T slope, const Visit& visit) {
  switch (f) {
    case Activation::identity: return visit([](T) { return T{1}; });
    case Activation::relu: return visit([](T y) { return y > 0 ? T{1} : T{0}; });
    case Activation::leaky_relu: return visit([=](T y) { return y > 0 ? T{1} : slope; });
    case Activation::elu: return visit([=](T y) { return y > 0 ? T{1} : y + slope; });
    case Activation::sigmoid: return visit([](T y) { return y * (1 - y); });
    case Activation::tanh: return visit([](T y) { return 1 - y * y; });
    case Activation::gelu: return visit([](T x) { return gelu_derivative(x); });
  }
}

/// f(i, row of x, row of y) for each row.
template <class T, class F>
void by_row(const Tensor& x, const Tensor& y, std::int64_t rows, const F& f) {
  const T* from = x.data<T>();
  T* to = y.data<T>();
  const std::int64_t p = x.cols(), q = y.cols();
  parallel_ranges(rows, std::max(p, q), [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) f(i, from + i * p, to + i * q);
  });
}

template <class T>
void add_to(T* y, const T* x, std::int64_t n) {
  for (std::int64_t c = 0; c < n; ++c) y[c] += x[c];
}

/// Columns first .. of `wide` become (or are added to) `part`.
template <class T>
void take_columns(const Tensor& wide, std::int64_t first, const Tensor& part, bool accumulate) {
  const std::int64_t cols = part.cols();
  by_row<T>(wide, part, part.rows(), [=](std::int64_t, const T* from, T* to) {
    if (accumulate) return add_to(to, from + first, cols);
    std::copy_n(from + first, cols, to);
  });
}

}  // namespace

template <class T>
void activate(Activation f, const Tensor& in, const Tensor& y, T slope) {
  const T* x = in.data<T>();
  with_activation<T>(
      f, slope, [&](auto apply) { map_elements<T>(in.size(), y, false, [=](std::int64_t i) { return apply(x[i]); }); });
}

template <class T>
void activate_backward(Activation f, const Tensor& out, const Tensor& gradient, const Tensor& dx, bool accumulate,
                       T slope) {
  const T *y = out.data<T>(), *dy = gradient.data<T>();
  with_derivative<T>(f, slope, [&](auto derivative) {
    map_elements<T>(out.size(), dx, accumulate, [=](std::int64_t i) { return derivative(y[i]) * dy[i]; });
  });
}

template <class T>
void axpby(T alpha, const Tensor& in, T beta, const Tensor& y) {
  const T *x = in.data<T>(), *old = y.data<T>();
  // With beta = 0 what stands in y is not read: it may be uninitialised.
  if (beta == 0) return map_elements<T>(in.size(), y, false, [=](std::int64_t i) { return alpha * x[i]; });
  map_elements<T>(in.size(), y, false, [=](std::int64_t i) { return alpha * x[i] + beta * old[i]; });
}

template <class T>
void multiply(const Tensor& left, const Tensor& right, const Tensor& y, bool accumulate) {
  const T *a = left.data<T>(), *b = right.data<T>();
  map_elements<T>(left.size(), y, accumulate, [=](std::int64_t i) { return a[i] * b[i]; });
}

template <class T>
void add_row(const Tensor& bias, const Tensor& y) {
  const std::int64_t cols = y.cols();
  const T* b = bias.data<T>();
  by_row<T>(y, y, y.rows(), [=](std::int64_t, const T*, T* to) { add_to(to, b, cols); });
}

template <class T>
void column_sums(const Tensor& x, const Tensor& y, bool accumulate) {
  const T* data = x.data<T>();
  T* out = y.data<T>();
  const std::int64_t cols = x.cols();
  const auto row = [=](std::int64_t i, double* sums) {
    for (std::int64_t c = 0; c < cols; ++c) sums[c] += static_cast<double>(data[i * cols + c]);
  };
  reduce_rows(x.rows(), cols, row, [=](std::int64_t c, double sum) {
    out[c] = static_cast<T>(accumulate ? static_cast<double>(out[c]) + sum : sum);
  });
}

template <class T>
void scale_rows(const Tensor& factor, const Tensor& x, const Tensor& y, bool accumulate) {
  const T* w = factor.data<T>();
  const std::int64_t cols = x.cols();
  by_row<T>(x, y, x.rows(), [=](std::int64_t i, const T* from, T* to) {
    for (std::int64_t c = 0; c < cols; ++c) to[c] = w[i] * from[c] + (accumulate ? to[c] : T{0});
  });
}

template <class T>
void concat_columns(const Tensor& a, const Tensor& b, const Tensor& y) {
  const std::int64_t p = a.cols(), q = b.cols();
  const T* right = b.data<T>();
  by_row<T>(a, y, y.rows(), [=](std::int64_t i, const T* left, T* to) {
    std::copy_n(left, p, to);
    std::copy_n(right + i * q, q, to + p);
  });
}

template <class T>
void split_columns(const Tensor& y, const Tensor& a, const Tensor& b, bool accumulate) {
  take_columns<T>(y, 0, a, accumulate);
  take_columns<T>(y, a.cols(), b, accumulate);
}

template <class T>
void gather_rows(const Tensor& x, std::span<const VertexId> rows, const Tensor& y) {
  const std::int64_t cols = x.cols();
  const T* from = x.data<T>();
  by_row<T>(y, y, y.rows(), [=](std::int64_t i, const T*, T* to) {
    std::copy_n(from + static_cast<std::int64_t>(rows[static_cast<std::size_t>(i)]) * cols, cols, to);
  });
}

template <class T>
void scatter_add_rows(const Tensor& x, std::span<const VertexId> rows, const Tensor& y) {
  const std::int64_t cols = x.cols();
  T* to = y.data<T>();
  by_row<T>(x, x, x.rows(), [=](std::int64_t i, const T* from, T*) {
    add_to(to + static_cast<std::int64_t>(rows[static_cast<std::size_t>(i)]) * cols, from, cols);
  });
}

#define GALENA_INSTANTIATE(T)                                                                           \
  template void activate<T>(Activation, const Tensor&, const Tensor&, T);                               \
  template void activate_backward<T>(Activation, const Tensor&, const Tensor&, const Tensor&, bool, T); \
  template void axpby<T>(T, const Tensor&, T, const Tensor&);                                           \
  template void multiply<T>(const Tensor&, const Tensor&, const Tensor&, bool);                         \
  template void add_row<T>(const Tensor&, const Tensor&);                                               \
  template void column_sums<T>(const Tensor&, const Tensor&, bool);                                     \
  template void scale_rows<T>(const Tensor&, const Tensor&, const Tensor&, bool);                       \
  template void concat_columns<T>(const Tensor&, const Tensor&, const Tensor&);                         \
  template void split_columns<T>(const Tensor&, const Tensor&, const Tensor&, bool);                    \
  template void gather_rows<T>(const Tensor&, std::span<const VertexId>, const Tensor&);                \
  template void scatter_add_rows<T>(const Tensor&, std::span<const VertexId>, const Tensor&);
GALENA_INSTANTIATE(float)
GALENA_INSTANTIATE(double)
#undef GALENA_INSTANTIATE

}  // namespace galena::ops::cpu
