#pragma once
// Batch normalisation, as kernels. Columns are summed in chunks of rows and chunks in order, in double, as column_sums()
// does; statistics stay on the device.

#include "src/ops/device/pointwise.hpp"

namespace galena::ops::gpu {

/// Two sums a column over a chunk of rows: f(row, column, first, second) adds to both. partial [chunks x 2 cols].
template <class F>
struct ChunkPairs {
  F f;
  double* partial;
  std::int64_t n, cols, chunk;
  template <class Team>
  GALENA_KERNEL void operator()(Team& team, std::int64_t k) const {
    const std::int64_t begin = k * chunk, end = begin + chunk < n ? begin + chunk : n;
    team.each([&](int lane) {
      for (std::int64_t c = lane; c < cols; c += team.lanes()) {
        double first = 0, second = 0;
        for (std::int64_t i = begin; i < end; ++i) f(i, c, first, second);
        partial[k * 2 * cols + c] = first;
        partial[k * 2 * cols + cols + c] = second;
      }
    });
  }
};

/// Moments about the running mean, so that large means cost no digits.
template <class T>
struct Moments {
  const T *x, *shift;
  std::int64_t cols;
  GALENA_KERNEL void operator()(std::int64_t i, std::int64_t c, double& first, double& second) const {
    const double difference = static_cast<double>(x[i * cols + c]) - static_cast<double>(shift[c]);
    first += difference;
    second += difference * difference;
  }
};

/// Of dy, and of dy * xhat.
template <class T>
struct GradientMoments {
  const T *x, *dy;
  const double* stats;
  std::int64_t cols;
  GALENA_KERNEL void operator()(std::int64_t i, std::int64_t c, double& first, double& second) const {
    const double d = static_cast<double>(dy[i * cols + c]);
    first += d;
    second += d * (static_cast<double>(x[i * cols + c]) - stats[c]) * stats[cols + c];
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
  GALENA_KERNEL T operator()(std::int64_t i) const {
    const std::int64_t c = i % cols;
    const double xhat = (static_cast<double>(x[i]) - stats[c]) * stats[cols + c];
    return static_cast<T>(xhat * static_cast<double>(gamma[c]) + static_cast<double>(beta[c]));
  }
};

/// `sums` null: statistics that do not depend on x.
template <class T>
struct BatchNormBackward {
  const T *x, *gamma, *dy;
  const double *stats, *sums;
  std::int64_t cols;
  GALENA_KERNEL T operator()(std::int64_t i) const {
    const std::int64_t c = i % cols;
    const double xhat = (static_cast<double>(x[i]) - stats[c]) * stats[cols + c];
    const double d = static_cast<double>(dy[i]);
    const auto mean_of = [&](std::int64_t k) { return sums[k] / stats[2 * cols + c]; };
    const double centred = sums != nullptr ? d - mean_of(c) - xhat * mean_of(cols + c) : d;
    return static_cast<T>(static_cast<double>(gamma[c]) * stats[cols + c] * centred);
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

/// Both sums of all rows, to `sums` [1 x 2 cols].
template <class M, class F>
void column_pairs(std::int64_t n, const Tensor& sums, const F& f) {
  const std::int64_t cols = sums.cols() / 2, chunk = rows_in_chunk(n), chunks = (n + chunk - 1) / chunk;
  const Tensor partial = scratch(chunks, 2 * cols, DType::f64);
  M::teams(chunks, 0, ChunkPairs<F>{f, device_data<double>(partial), n, cols, chunk});
  store_map<M, double>(sums, false, AddChunks<double>{device_data<double>(partial), chunks, 2 * cols});
}

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
      column_pairs<M>(x.rows(), sums, Moments<T>{device_data<T>(x), device_data<T>(running_mean), x.cols()});
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
      store_map<M, T>(y, false,
                      BatchNorm<T>{device_data<T>(x), device_data<T>(gamma), device_data<T>(beta),
                                   device_data<double>(stats), x.cols()});
    });
  };
  ops.batch_norm_backward_sums = [](const Tensor& x, const Tensor& stats, const Tensor& dy, const Tensor& sums,
                                    const Tensor& dgamma, const Tensor& dbeta) {
    const std::int64_t cols = x.cols();
    const double* const both = device_data<double>(sums);
    with_float("batch_norm_backward", x.dtype(), [&]<class T>(T) {
      column_pairs<M>(x.rows(), sums,
                      GradientMoments<T>{device_data<T>(x), device_data<T>(dy), device_data<double>(stats), cols});
      if (dbeta.defined()) store_map<M, T>(dbeta, true, FromDouble<T>{both});
      if (dgamma.defined()) store_map<M, T>(dgamma, true, FromDouble<T>{both + cols});
    });
  };
  ops.batch_norm_backward = [](const Tensor& x, const Tensor& stats, const Tensor& gamma, const Tensor& dy,
                               const Tensor* sums, const Tensor& dx, bool accumulate) {
    with_float("batch_norm_backward", x.dtype(), [&]<class T>(T) {
      store_map<M, T>(dx, accumulate,
                      BatchNormBackward<T>{device_data<T>(x), device_data<T>(gamma), device_data<T>(dy),
                                           device_data<double>(stats), device_data_or_null<double>(sums), x.cols()});
    });
  };
}

}  // namespace galena::ops::gpu
