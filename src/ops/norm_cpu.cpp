// Layer normalisation (J. Ba, J. Kiros, G. Hinton, 2016) and batch normalisation (S. Ioffe, C. Szegedy, ICML 2015).
//
// A row's variance is the mean square of differences from its mean, in two passes over a row that lies in cache: the
// textbook difference of squares loses all digits where the mean is large. A column's moments can be taken about any
// number near its mean, which the caller knows (the running mean), for the same reason.

#include "src/ops/norm_cpu.hpp"

#include <cmath>

#include "src/ops/column_reduce.hpp"

namespace galena::ops::cpu {
namespace {

/// f(i) for rows 0..n of `cols` elements.
template <class F>
void for_rows(std::int64_t n, std::int64_t cols, const F& f) {
  parallel_ranges(n, cols, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) f(i);
  });
}

template <class T>
void write(T& to, double value, bool accumulate) {
  to = static_cast<T>(accumulate ? static_cast<double>(to) + value : value);
}

}  // namespace

template <class T>
void l2_norm(const Tensor& in, const Tensor& out, const Tensor& norms) {
  const std::int64_t cols = in.cols();
  for_rows(in.rows(), cols, [&, cols](std::int64_t i) {
    const T* x = in.data<T>() + i * cols;
    T* y = out.data<T>() + i * cols;
    double squares = 0;
#pragma omp simd reduction(+ : squares)
    for (std::int64_t c = 0; c < cols; ++c) squares += static_cast<double>(x[c]) * static_cast<double>(x[c]);
    const double factor = squares > 0 ? 1 / std::sqrt(squares) : 0;
    for (std::int64_t c = 0; c < cols; ++c) y[c] = static_cast<T>(static_cast<double>(x[c]) * factor);
    norms.at<T>(i, 0) = static_cast<T>(std::sqrt(squares));
  });
}

template <class T>
void l2_norm_backward(const Tensor& in, const Tensor& norms, const Tensor& gradient, const Tensor& out,
                      bool accumulate) {
  const std::int64_t cols = in.cols();
  for_rows(in.rows(), cols, [&, cols](std::int64_t i) {
    const T *y = in.data<T>() + i * cols, *dy = gradient.data<T>() + i * cols;
    T* dx = out.data<T>() + i * cols;
    double along = 0;
#pragma omp simd reduction(+ : along)
    for (std::int64_t c = 0; c < cols; ++c) along += static_cast<double>(y[c]) * static_cast<double>(dy[c]);
    const auto norm = static_cast<double>(norms.at<T>(i, 0));
    const double factor = norm > 0 ? 1 / norm : 0;
    for (std::int64_t c = 0; c < cols; ++c) {
      write(dx[c], (static_cast<double>(dy[c]) - static_cast<double>(y[c]) * along) * factor, accumulate);
    }
  });
}

template <class T>
void layer_norm(const Tensor& in, const Tensor& gamma, const Tensor& beta, double eps, const Tensor& out,
                const Tensor& means, const Tensor& rstds) {
  const std::int64_t cols = in.cols();
  const T *g = gamma.data<T>(), *b = beta.data<T>();
  for_rows(in.rows(), cols, [&, cols, g, b](std::int64_t i) {
    const T* x = in.data<T>() + i * cols;
    T* y = out.data<T>() + i * cols;
    double sum = 0, squares = 0;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t c = 0; c < cols; ++c) sum += static_cast<double>(x[c]);
    const double mean = sum / static_cast<double>(cols);
#pragma omp simd reduction(+ : squares)
    for (std::int64_t c = 0; c < cols; ++c) {
      const double difference = static_cast<double>(x[c]) - mean;
      squares += difference * difference;
    }
    const double rstd = 1 / std::sqrt(squares / static_cast<double>(cols) + eps);
    for (std::int64_t c = 0; c < cols; ++c) {
      const double xhat = (static_cast<double>(x[c]) - mean) * rstd;
      y[c] = static_cast<T>(xhat * static_cast<double>(g[c]) + static_cast<double>(b[c]));
    }
    means.at<T>(i, 0) = static_cast<T>(mean);
    rstds.at<T>(i, 0) = static_cast<T>(rstd);
  });
}

template <class T>
void layer_norm_backward(const Tensor& in, const Tensor& gamma, const Tensor& means, const Tensor& rstds,
                         const Tensor& gradient, const Tensor& out, const Tensor& dgamma, const Tensor& dbeta,
                         bool accumulate) {
  const std::int64_t cols = in.cols();
  const T* g = gamma.data<T>();
  const auto row = [&, cols, g](std::int64_t i, double* sums) {
    const T *x = in.data<T>() + i * cols, *dy = gradient.data<T>() + i * cols;
    T* dx = out.data<T>() + i * cols;
    const auto mean = static_cast<double>(means.at<T>(i, 0)), rstd = static_cast<double>(rstds.at<T>(i, 0));
    double direct = 0, along = 0;  // of dy * gamma: its sum, and its sum weighted by xhat
#pragma omp simd reduction(+ : direct, along)
    for (std::int64_t c = 0; c < cols; ++c) {
      const double xhat = (static_cast<double>(x[c]) - mean) * rstd, d = static_cast<double>(dy[c]);
      sums[c] += d * xhat;
      sums[cols + c] += d;
      direct += d * static_cast<double>(g[c]);
      along += d * static_cast<double>(g[c]) * xhat;
    }
    direct /= static_cast<double>(cols);
    along /= static_cast<double>(cols);
    for (std::int64_t c = 0; c < cols; ++c) {
      const double xhat = (static_cast<double>(x[c]) - mean) * rstd;
      write(dx[c], rstd * (static_cast<double>(dy[c]) * static_cast<double>(g[c]) - direct - xhat * along), accumulate);
    }
  };
  reduce_rows(in.rows(), 2 * cols, row, [&](std::int64_t c, double sum) {
    write(c < cols ? dgamma.at<T>(0, c) : dbeta.at<T>(0, c - cols), sum, true);
  });
}

template <class T>
void column_moments(const Tensor& in, std::span<const double> shift, std::span<double> sums) {
  const std::int64_t cols = in.cols();
  const std::vector<double> none(shift.empty() ? static_cast<std::size_t>(cols) : 0);
  const double* about = shift.empty() ? none.data() : shift.data();
  const T* data = in.data<T>();
  const auto row = [=](std::int64_t i, double* partial) {
    for (std::int64_t c = 0; c < cols; ++c) {
      const double difference = static_cast<double>(data[i * cols + c]) - about[c];
      partial[c] += difference;
      partial[cols + c] += difference * difference;
    }
  };
  reduce_rows(in.rows(), 2 * cols, row, [&](std::int64_t c, double sum) { sums[static_cast<std::size_t>(c)] = sum; });
}

template <class T>
void batch_norm_apply(const Tensor& in, std::span<const double> mean, std::span<const double> rstd, const Tensor& gamma,
                      const Tensor& beta, const Tensor& out) {
  const std::int64_t cols = in.cols();
  const T *g = gamma.data<T>(), *b = beta.data<T>();
  const double *m = mean.data(), *r = rstd.data();
  for_rows(in.rows(), cols, [&, cols, g, b, m, r](std::int64_t i) {
    const T* x = in.data<T>() + i * cols;
    T* y = out.data<T>() + i * cols;
    for (std::int64_t c = 0; c < cols; ++c) {
      const double xhat = (static_cast<double>(x[c]) - m[c]) * r[c];
      y[c] = static_cast<T>(xhat * static_cast<double>(g[c]) + static_cast<double>(b[c]));
    }
  });
}

template <class T>
void batch_norm_backward_sums(const Tensor& in, std::span<const double> mean, std::span<const double> rstd,
                              const Tensor& gradient, std::span<double> sums) {
  const std::int64_t cols = in.cols();
  const T *x = in.data<T>(), *dy = gradient.data<T>();
  const double *m = mean.data(), *r = rstd.data();
  const auto row = [=](std::int64_t i, double* partial) {
    for (std::int64_t c = 0; c < cols; ++c) {
      const auto d = static_cast<double>(dy[i * cols + c]);
      partial[c] += d;
      partial[cols + c] += d * (static_cast<double>(x[i * cols + c]) - m[c]) * r[c];
    }
  };
  reduce_rows(in.rows(), 2 * cols, row, [&](std::int64_t c, double sum) { sums[static_cast<std::size_t>(c)] = sum; });
}

template <class T>
void batch_norm_backward_apply(const Tensor& in, std::span<const double> mean, std::span<const double> rstd,
                               const Tensor& gamma, const Tensor& gradient, std::span<const double> sums, double n,
                               const Tensor& out, bool accumulate) {
  const std::int64_t cols = in.cols();
  const T* g = gamma.data<T>();
  const double *m = mean.data(), *r = rstd.data(), *s = sums.data();
  for_rows(in.rows(), cols, [&, cols, g, m, r, s](std::int64_t i) {
    const T *x = in.data<T>() + i * cols, *dy = gradient.data<T>() + i * cols;
    T* dx = out.data<T>() + i * cols;
    for (std::int64_t c = 0; c < cols; ++c) {
      const double xhat = (static_cast<double>(x[c]) - m[c]) * r[c];
      const double centred = static_cast<double>(dy[c]) - s[c] / n - xhat * (s[cols + c] / n);
      write(dx[c], static_cast<double>(g[c]) * r[c] * centred, accumulate);
    }
  });
}

#define GALENA_INSTANTIATE(T)                                                                                       \
  template void l2_norm<T>(const Tensor&, const Tensor&, const Tensor&);                                            \
  template void l2_norm_backward<T>(const Tensor&, const Tensor&, const Tensor&, const Tensor&, bool);              \
  template void layer_norm<T>(const Tensor&, const Tensor&, const Tensor&, double, const Tensor&, const Tensor&,    \
                              const Tensor&);                                                                       \
  template void layer_norm_backward<T>(const Tensor&, const Tensor&, const Tensor&, const Tensor&, const Tensor&,   \
                                       const Tensor&, const Tensor&, const Tensor&, bool);                          \
  template void column_moments<T>(const Tensor&, std::span<const double>, std::span<double>);                       \
  template void batch_norm_apply<T>(const Tensor&, std::span<const double>, std::span<const double>, const Tensor&, \
                                    const Tensor&, const Tensor&);                                                  \
  template void batch_norm_backward_sums<T>(const Tensor&, std::span<const double>, std::span<const double>,        \
                                            const Tensor&, std::span<double>);                                      \
  template void batch_norm_backward_apply<T>(const Tensor&, std::span<const double>, std::span<const double>,       \
                                             const Tensor&, const Tensor&, std::span<const double>, double,         \
                                             const Tensor&, bool);
GALENA_INSTANTIATE(float)
GALENA_INSTANTIATE(double)
#undef GALENA_INSTANTIATE

}  // namespace galena::ops::cpu
