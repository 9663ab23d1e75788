// Maps over elements and rows: loops bound by memory, which the compiler vectorises.

#include "src/ops/pointwise_cpu.hpp"

#include <algorithm>

#include "src/ops/column_reduce.hpp"
#include "src/ops/map.hpp"
#include "src/ops/pointwise_math.hpp"

namespace galena::ops::cpu {
namespace {

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
  math::with_activation<T>(
      f, slope, [&](auto g) { map_elements<T>(in.size(), y, false, [=](std::int64_t i) { return g.value(x[i]); }); });
}

template <class T>
void activate_backward(Activation f, const Tensor& out, const Tensor& gradient, const Tensor& dx, bool accumulate,
                       T slope) {
  const T *y = out.data<T>(), *dy = gradient.data<T>();
  math::with_activation<T>(f, slope, [&](auto g) {
    map_elements<T>(out.size(), dx, accumulate, [=](std::int64_t i) { return g.derivative(y[i]) * dy[i]; });
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
