#pragma once
// Batch normalisation, as kernels. Columns are summed as column_sums() does; statistics stay on the device.

#include "src/ops/device/column_sums.hpp"

namespace galena::ops::gpu {

/// Moments about the running mean, so that large means cost no digits.
template <class T>
struct Moments {
  static constexpr int kSums = 2;
  const T *x, *shift;
  std::int64_t cols;
  template <int V>
  GALENA_KERNEL Pack<T, V> load(std::int64_t i, std::int64_t c) const {
    return gpu::load<V>(x + i * cols + c);
  }
  template <int V>
  GALENA_KERNEL void add(const Pack<T, V>& row, std::int64_t c, double (&sums)[2][V]) const {
    GALENA_UNROLL
    for (int e = 0; e < V; ++e) {
      const double difference = static_cast<double>(row.at[e]) - static_cast<double>(shift[c + e]);
      sums[0][e] += difference;
      sums[1][e] += difference * difference;
    }
  }
};

/// Of dy, and of dy * xhat.
template <class T>
struct GradientMoments {
  static constexpr int kSums = 2;
  const T *x, *dy;
  const double* stats;
  std::int64_t cols;
  template <int V>
  struct Both {
    Pack<T, V> x, dy;
  };
  template <int V>
  GALENA_KERNEL Both<V> load(std::int64_t i, std::int64_t c) const {
    return {gpu::load<V>(x + i * cols + c), gpu::load<V>(dy + i * cols + c)};
  }
  template <int V>
  GALENA_KERNEL void add(const Both<V>& row, std::int64_t c, double (&sums)[2][V]) const {
    GALENA_UNROLL
    for (int e = 0; e < V; ++e) {
      const double by = static_cast<double>(row.dy.at[e]);
      sums[0][e] += by;
      sums[1][e] += by * (static_cast<double>(row.x.at[e]) - stats[c + e]) * stats[cols + c + e];
    }
  }
};

/// By column, of moments and the number of rows that they are summed over.
template <class T>
struct BatchStatistics {
  const double* sums;
  double* stats;
  T *running_mean, *running_var;
  double momentum, eps;
  std::int64_t cols;
  GALENA_KERNEL void operator()(std::int64_t c) const {
    const double n = stats[2 * cols + c] = sums[2 * cols];
    if (n == 0) {
      stats[c] = static_cast<double>(running_mean[c]);
      stats[cols + c] = 1 / std::sqrt(static_cast<double>(running_var[c]) + eps);
      return;
    }
    const double shift = static_cast<double>(running_mean[c]), offset = sums[c] / n;
    const double raw = sums[cols + c] / n - offset * offset, variance = raw > 0 ? raw : 0;
    stats[c] = shift + offset;
    stats[cols + c] = 1 / std::sqrt(variance + eps);
    const double unbiased = variance * (n > 1 ? n / (n - 1) : 1);
    running_mean[c] = static_cast<T>((1 - momentum) * shift + momentum * stats[c]);
    running_var[c] = static_cast<T>((1 - momentum) * static_cast<double>(running_var[c]) + momentum * unbiased);
  }
};

template <class T>
struct RunningStatistics {
  const T *mean, *var;
  double* stats;
  double eps;
  std::int64_t cols;
  GALENA_KERNEL void operator()(std::int64_t c) const {
    stats[c] = static_cast<double>(mean[c]);
    stats[cols + c] = 1 / std::sqrt(static_cast<double>(var[c]) + eps);
  }
};

template <class T>
struct BatchNorm {
  const T *x, *gamma, *beta;
  const double* stats;
  std::int64_t cols;
  template <int V>
  GALENA_KERNEL Pack<T, V> pack(std::int64_t i, std::int64_t c) const {
    Pack<T, V> row = load<V>(x + i * cols + c);
    const Pack<T, V> scale = load<V>(gamma + c), shift = load<V>(beta + c);
    const Pack<double, V> mean = load<V>(stats + c), rstd = load<V>(stats + cols + c);
    GALENA_UNROLL
    for (int e = 0; e < V; ++e) {
      const double xhat = (static_cast<double>(row.at[e]) - mean.at[e]) * rstd.at[e];
      row.at[e] = static_cast<T>(xhat * static_cast<double>(scale.at[e]) + static_cast<double>(shift.at[e]));
    }
    return row;
  }
};

/// By column, what dx = of_dy dy + of_x (x - mean) + constant has. `sums` null: statistics that do not depend on x.
template <class T>
struct GradientTerms {
  const T* gamma;
  const double *stats, *sums;
  double* terms;  ///< [3 x cols]: of_dy, of_x, constant
  std::int64_t cols;
  GALENA_KERNEL void operator()(std::int64_t c) const {
    const double rstd = stats[cols + c], scale = static_cast<double>(gamma[c]) * rstd;
    const auto mean_of = [&](std::int64_t k) { return sums != nullptr ? sums[k] / stats[2 * cols + c] : 0; };
    terms[c] = scale;
    terms[cols + c] = -scale * rstd * mean_of(cols + c);
    terms[2 * cols + c] = -scale * mean_of(c);
  }
};

template <class T>
struct BatchNormBackward {
  const T *x, *dy;
  const double *means, *terms;
  std::int64_t cols;
  template <int V>
  GALENA_KERNEL Pack<T, V> pack(std::int64_t i, std::int64_t c) const {
    const Pack<T, V> row = load<V>(x + i * cols + c);
    Pack<T, V> d = load<V>(dy + i * cols + c);
    const Pack<double, V> mean = load<V>(means + c), of_dy = load<V>(terms + c), of_x = load<V>(terms + cols + c),
                          constant = load<V>(terms + 2 * cols + c);
    GALENA_UNROLL
    for (int e = 0; e < V; ++e) {
      const double difference = static_cast<double>(row.at[e]) - mean.at[e];
      d.at[e] = static_cast<T>(of_dy.at[e] * static_cast<double>(d.at[e]) + of_x.at[e] * difference + constant.at[e]);
    }
    return d;
  }
};

template <class T>
struct FromDouble {
  const double* x;
  GALENA_KERNEL T operator()(std::int64_t i) const { return static_cast<T>(x[i]); }
};

/// A row of a sparse matrix, a warp.
template <class T>
struct SparseMoments {
  const std::int64_t* indptr;
  const T* values;
  T *minus_mean, *rstd;
  double eps, cols;
  template <class Team>
  GALENA_KERNEL void operator()(Team& team, std::int64_t i) const {
    const std::int64_t first = indptr[i], last = indptr[i + 1];
    const auto sum = [&](double about, bool squared) {
      return team.sum([&](int lane) {
        double total = 0;
        for (std::int64_t k = first + lane; k < last; k += team.lanes()) {
          const double difference = static_cast<double>(values[k]) - about;
          total += squared ? difference * difference : difference;
        }
        return total;
      });
    };
    const double mean = sum(0, false) / cols;
    const double zeros = cols - static_cast<double>(last - first);  // that are not stored
    const double squares = zeros * mean * mean + sum(mean, true);
    team.each([&](int lane) {
      if (lane != 0) return;
      minus_mean[i] = static_cast<T>(-mean);
      rstd[i] = static_cast<T>(1 / std::sqrt(squares / cols + eps));
    });
  }
};

template <class M>
void add_batch_norm(DeviceOps& ops) {
  ops.sparse_moments = [](const Csr& csr, const Tensor& values, double eps, const Tensor& minus_mean,
                          const Tensor& rstd) {
    const DeviceCsr& device = device_csr(csr);
    const auto cols = static_cast<double>(csr.cols > 0 ? csr.cols : 1);
    with_float("normalised_linear", values.dtype(), [&]<class T>(T) {
      M::teams(rstd.rows(), 0,
               SparseMoments<T>{device_data<std::int64_t>(device.indptr), device_data<T>(values),
                                device_data<T>(minus_mean), device_data<T>(rstd), eps, cols});
    });
  };
  ops.batch_moments = [](const Tensor& x, const Tensor& running_mean, const Tensor& sums) {
    with_float("batch_norm", x.dtype(), [&]<class T>(T) {
      const T* const from = device_data<T>(x);
      sum_columns<M, T>(x.rows(), x.cols(), {from}, Moments<T>{from, device_data<T>(running_mean), x.cols()},
                        device_data<double>(sums), false);
    });
  };
  ops.batch_statistics = [](const Tensor& sums, double momentum, double eps, const Tensor& running_mean,
                            const Tensor& running_var, const Tensor& stats) {
    const std::int64_t cols = stats.cols();
    with_float("batch_norm", running_mean.dtype(), [&]<class T>(T) {
      M::map(cols, BatchStatistics<T>{device_data<double>(sums), device_data<double>(stats),
                                      device_data<T>(running_mean), device_data<T>(running_var), momentum, eps, cols});
    });
  };
  ops.running_statistics = [](const Tensor& running_mean, const Tensor& running_var, double eps, const Tensor& stats) {
    const std::int64_t cols = stats.cols();
    with_float("batch_norm", running_mean.dtype(), [&]<class T>(T) {
      M::map(cols, RunningStatistics<T>{device_data<T>(running_mean), device_data<T>(running_var),
                                        device_data<double>(stats), eps, cols});
    });
  };
  ops.batch_norm_apply = [](const Tensor& x, const Tensor& stats, const Tensor& gamma, const Tensor& beta,
                            const Tensor& y) {
    with_float("batch_norm", x.dtype(), [&]<class T>(T) {
      const BatchNorm<T> norm{device_data<T>(x), device_data<T>(gamma), device_data<T>(beta),
                              device_data<double>(stats), x.cols()};
      store_rows<M, T>(y, false, {norm.x, norm.gamma, norm.beta}, norm);
    });
  };
  ops.batch_norm_backward_sums = [](const Tensor& x, const Tensor& stats, const Tensor& dy, const Tensor& sums,
                                    const Tensor& dgamma, const Tensor& dbeta) {
    const std::int64_t cols = x.cols();
    double* const both = device_data<double>(sums);
    with_float("batch_norm_backward", x.dtype(), [&]<class T>(T) {
      const GradientMoments<T> moments{device_data<T>(x), device_data<T>(dy), device_data<double>(stats), cols};
      sum_columns<M, T>(x.rows(), cols, {moments.x, moments.dy}, moments, both, false);
      if (dbeta.defined()) store_map<M, T>(dbeta, true, FromDouble<T>{both});
      if (dgamma.defined()) store_map<M, T>(dgamma, true, FromDouble<T>{both + cols});
    });
  };
  ops.batch_norm_backward = [](const Tensor& x, const Tensor& stats, const Tensor& gamma, const Tensor& dy,
                               const Tensor* sums, const Tensor& dx, bool accumulate) {
    const std::int64_t cols = x.cols();
    const Tensor terms = scratch(3, cols, DType::f64);
    const auto *const means = device_data<double>(stats), *const by_column = device_data<double>(terms);
    with_float("batch_norm_backward", x.dtype(), [&]<class T>(T) {
      M::map(cols, GradientTerms<T>{device_data<T>(gamma), means, device_data_or_null<double>(sums),
                                    device_data<double>(terms), cols});
      const BatchNormBackward<T> gradient{device_data<T>(x), device_data<T>(dy), means, by_column, cols};
      store_rows<M, T>(dx, accumulate, {gradient.x, gradient.dy}, gradient);
    });
  };
}

}  // namespace galena::ops::gpu
