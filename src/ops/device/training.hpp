#pragma once
// Dropout, normalisation, losses and optimizers, as kernels. Draws are the CPU's, bit for bit.

#include "src/ops/device/column_sums.hpp"
#include "src/ops/max_math.hpp"
#include "src/ops/optimize_math.hpp"
#include "src/ops/random_key.hpp"

namespace galena::ops::gpu {

/// 16-bit number k of eight of a block of Philox, in the order that the CPU's kernels have in memory.
GALENA_KERNEL inline std::uint32_t lane_of(const base::PhiloxBlock& block, int k) {
  return k % 2 == 0 ? block[static_cast<std::size_t>(k / 2)] & 0xffffU : block[static_cast<std::size_t>(k / 2)] >> 16;
}

/// Eight columns of row i, in packs of V.
template <class T, int V>
struct Dropout {
  const T* x;
  T* y;
  const VertexId* ids;
  DeviceKey key;
  std::int64_t cols;
  std::uint32_t threshold;
  T factor;
  bool relu, accumulate;
  GALENA_KERNEL void operator()(std::int64_t i, std::int64_t b) const {
    const std::uint32_t id = ids != nullptr ? ids[i] : static_cast<std::uint32_t>(i);
    const base::PhiloxBlock block = key_now(key).draw(id, static_cast<std::uint32_t>(b));
    const std::int64_t at = i * cols + 8 * b;
    GALENA_UNROLL
    for (int k = 0; k < 8; k += V) {
      if (V == 1 && 8 * b + k >= cols) return;
      Pack<T, V> row = load<V>(x + at + k);
      GALENA_UNROLL
      for (int e = 0; e < V; ++e) {
        const bool kept = lane_of(block, k + e) >= threshold && !(relu && row.at[e] <= 0);  // NaN stays
        row.at[e] = kept ? factor * row.at[e] : T{0};
      }
      store(y + at + k, row, accumulate);
    }
  }
};

template <class T>
struct ReluDropoutBackward {
  const T *y, *dy;
  T factor;
  std::int64_t cols;
  template <int V>
  GALENA_KERNEL Pack<T, V> pack(std::int64_t i, std::int64_t c) const {
    const Pack<T, V> row = load<V>(y + i * cols + c);
    Pack<T, V> d = load<V>(dy + i * cols + c);
    GALENA_UNROLL
    for (int e = 0; e < V; ++e) d.at[e] *= row.at[e] > 0 ? factor : T{0};
    return d;
  }
};

/// A row of a sparse matrix, a warp.
template <class T>
struct SparseDropout {
  const std::int64_t* indptr;
  const std::int32_t* indices;
  const T* x;
  T* y;
  const VertexId* ids;
  DeviceKey key;
  std::uint32_t threshold;
  T factor;
  template <class Team>
  GALENA_KERNEL void operator()(Team& team, std::int64_t i) const {
    const std::uint32_t id = ids != nullptr ? ids[i] : static_cast<std::uint32_t>(i);
    team.each([&](int lane) {
      for (std::int64_t k = indptr[i] + lane; k < indptr[i + 1]; k += team.lanes()) {
        const auto column = static_cast<std::uint32_t>(indices[k]);
        const base::PhiloxBlock block = key_now(key).draw(id, column / 8);
        y[k] = lane_of(block, static_cast<int>(column % 8)) < threshold ? T{0} : factor * x[k];
      }
    });
  }
};

// --- normalisation, a warp a row

template <class T>
struct L2Norm {
  const T* x;
  T *y, *norm;
  std::int64_t cols;
  template <class Team>
  GALENA_KERNEL void operator()(Team& team, std::int64_t i) const {
    const double squares = team.sum([&](int lane) {
      double sum = 0;
      for (std::int64_t c = lane; c < cols; c += team.lanes()) {
        sum += static_cast<double>(x[i * cols + c]) * static_cast<double>(x[i * cols + c]);
      }
      return sum;
    });
    const double factor = squares > 0 ? 1 / std::sqrt(squares) : 0;
    team.each([&](int lane) {
      if (lane == 0) norm[i] = static_cast<T>(std::sqrt(squares));
      for (std::int64_t c = lane; c < cols; c += team.lanes())
        y[i * cols + c] = static_cast<T>(static_cast<double>(x[i * cols + c]) * factor);
    });
  }
};

template <class T>
struct L2NormBackward {
  const T *y, *norm, *dy;
  T* dx;
  std::int64_t cols;
  bool accumulate;
  template <class Team>
  GALENA_KERNEL void operator()(Team& team, std::int64_t i) const {
    const double along = team.sum([&](int lane) {
      double sum = 0;
      for (std::int64_t c = lane; c < cols; c += team.lanes())
        sum += static_cast<double>(y[i * cols + c]) * static_cast<double>(dy[i * cols + c]);
      return sum;
    });
    const double factor = norm[i] > 0 ? 1 / static_cast<double>(norm[i]) : 0;
    team.each([&](int lane) {
      for (std::int64_t k = i * cols + lane; k < (i + 1) * cols; k += team.lanes()) {
        const double value = (static_cast<double>(dy[k]) - static_cast<double>(y[k]) * along) * factor;
        dx[k] = static_cast<T>(accumulate ? static_cast<double>(dx[k]) + value : value);
      }
    });
  }
};

template <class T>
struct LayerNorm {
  const T *x, *gamma, *beta;
  T *y, *means, *rstds;
  double eps;
  std::int64_t cols;
  template <class Team>
  GALENA_KERNEL void operator()(Team& team, std::int64_t i) const {
    const T* const row = x + i * cols;
    const double mean = team.sum([&](int lane) {
      double sum = 0;
      for (std::int64_t c = lane; c < cols; c += team.lanes()) sum += static_cast<double>(row[c]);
      return sum;
    }) / static_cast<double>(cols);
    const double squares = team.sum([&](int lane) {
      double sum = 0;
      for (std::int64_t c = lane; c < cols; c += team.lanes()) {
        const double difference = static_cast<double>(row[c]) - mean;
        sum += difference * difference;
      }
      return sum;
    });
    const double rstd = 1 / std::sqrt(squares / static_cast<double>(cols) + eps);
    team.each([&](int lane) {
      for (std::int64_t c = lane; c < cols; c += team.lanes()) {
        const double xhat = (static_cast<double>(row[c]) - mean) * rstd;
        y[i * cols + c] = static_cast<T>(xhat * static_cast<double>(gamma[c]) + static_cast<double>(beta[c]));
      }
      if (lane != 0) return;
      means[i] = static_cast<T>(mean);
      rstds[i] = static_cast<T>(rstd);
    });
  }
};

/// dx, and each row's parts of d gamma (first `cols` columns of `parts`) and d beta.
template <class T>
struct LayerNormBackward {
  const T *x, *gamma, *means, *rstds, *dy;
  T *dx, *parts;
  std::int64_t cols;
  bool accumulate;
  template <class Team>
  GALENA_KERNEL void operator()(Team& team, std::int64_t i) const {
    const T *row = x + i * cols, *d = dy + i * cols;
    const double mean = static_cast<double>(means[i]), rstd = static_cast<double>(rstds[i]);
    const auto xhat = [&](std::int64_t c) { return (static_cast<double>(row[c]) - mean) * rstd; };
    const auto weighted = [&](std::int64_t c) { return static_cast<double>(d[c]) * static_cast<double>(gamma[c]); };
    const double n = static_cast<double>(cols);
    const double direct = team.sum([&](int lane) {
      double sum = 0;
      for (std::int64_t c = lane; c < cols; c += team.lanes()) sum += weighted(c);
      return sum;
    }) / n;
    const double along = team.sum([&](int lane) {
      double sum = 0;
      for (std::int64_t c = lane; c < cols; c += team.lanes()) sum += weighted(c) * xhat(c);
      return sum;
    }) / n;
    team.each([&](int lane) {
      for (std::int64_t c = lane; c < cols; c += team.lanes()) {
        const double value = rstd * (weighted(c) - direct - xhat(c) * along);
        parts[i * 2 * cols + c] = static_cast<T>(static_cast<double>(d[c]) * xhat(c));
        parts[i * 2 * cols + cols + c] = d[c];
        T& to = dx[i * cols + c];  // may be dy, which was read
        to = static_cast<T>(accumulate ? static_cast<double>(to) + value : value);
      }
    });
  }
};

// --- losses, a warp a row; each row's part of the loss is written, then all are added as a column

template <class T>
struct CrossEntropyRow {
  const T* logits;
  const std::int32_t* labels;
  const VertexId* rows;
  T* dlogits;
  double* losses;
  std::int64_t classes;
  double factor;
  template <class Team>
  GALENA_KERNEL void operator()(Team& team, std::int64_t index) const {
    const std::int64_t row = rows[index];
    const T* const x = logits + row * classes;
    const T largest = team.max([&](int lane) {
      T most = x[0];
      for (std::int64_t c = lane; c < classes; c += team.lanes()) most = x[c] > most ? x[c] : most;
      return most;
    });
    const double sum = team.sum([&](int lane) {
      double total = 0;
      for (std::int64_t c = lane; c < classes; c += team.lanes())
        total += static_cast<double>(std::exp(x[c] - largest));
      return total;
    });
    const std::int64_t label = labels[row];
    const T scale = static_cast<T>(factor / sum);
    team.each([&](int lane) {
      if (lane == 0) {
        losses[index] = factor * (static_cast<double>(largest) - static_cast<double>(x[label]) + std::log(sum));
      }
      if (dlogits == nullptr) return;
      for (std::int64_t c = lane; c < classes; c += team.lanes()) {
        dlogits[row * classes + c] = std::exp(x[c] - largest) * scale - (c == label ? static_cast<T>(factor) : T{0});
      }
    });
  }
};

template <class T>
struct BinaryRow {
  const T* logits;
  const std::uint8_t* targets;
  const VertexId* rows;
  T* dlogits;
  double* losses;
  std::int64_t classes;
  double factor;
  template <class Team>
  GALENA_KERNEL void operator()(Team& team, std::int64_t index) const {
    const std::int64_t row = rows[index];
    const double sum = team.sum([&](int lane) {
      double total = 0;
      for (std::int64_t k = row * classes + lane; k < (row + 1) * classes; k += team.lanes()) {
        const double logit = static_cast<double>(logits[k]), e = std::exp(-std::fabs(logit));
        total += std::fmax(logit, 0.0) - (targets[k] != 0 ? logit : 0) + std::log1p(e);
        if (dlogits == nullptr) continue;
        dlogits[k] = static_cast<T>(factor * ((logit >= 0 ? 1 : e) / (1 + e) - targets[k]));
      }
      return total;
    });
    team.each([&](int lane) {
      if (lane == 0) losses[index] = factor * sum;
    });
  }
};

/// As comm::Communicator::sum() adds.
template <class T>
struct AddRanks {
  const T* others;
  T* own;
  std::int64_t n, rows, rank;
  GALENA_KERNEL void operator()(std::int64_t i) const {
    double sum = 0;
    for (std::int64_t r = 0; r <= rows; ++r) {
      const T* const x = r == rank ? own : others + (r < rank ? r : r - 1) * n;
      sum = r == 0 ? static_cast<double>(x[i]) : sum + static_cast<double>(x[i]);
    }
    own[i] = static_cast<T>(sum);
  }
};

template <class T>
struct Sgd {
  math::SgdUpdate<T> update;
  T* w;
  const T* g;
  T* v;
  GALENA_KERNEL void operator()(std::int64_t i) const { update(w[i], g[i], v != nullptr ? v + i : nullptr); }
};

template <class T>
struct Adam {
  math::AdamUpdate<T> update;
  T* w;
  const T* g;
  T *m, *v;
  GALENA_KERNEL void operator()(std::int64_t i) const { update(w[i], g[i], m[i], v[i]); }
};

template <class M>
void add_dropout(DeviceOps& ops) {
  ops.dropout = [](const Tensor& x, std::uint32_t threshold, double factor, const RandomKey& key, const VertexId* ids,
                   const Tensor& y, bool relu, bool accumulate) {
    with_float("dropout", x.dtype(), [&]<class T>(T) {
      const T* const from = device_data<T>(x);
      T* const to = device_data<T>(y);
      with_packs<T>(x.cols() % 8 == 0 ? 8 : 1, {from, to}, [&]<int V>() {
        M::map_rows(x.rows(), (x.cols() + 7) / 8,
                    Dropout<T, V>{from, to, ids, device_key(key), x.cols(), threshold, static_cast<T>(factor), relu,
                                  accumulate});
      });
    });
  };
  ops.relu_dropout_backward = [](const Tensor& y, double factor, const Tensor& dy, const Tensor& dx, bool accumulate) {
    with_float("relu_dropout_backward", y.dtype(), [&]<class T>(T) {
      const ReluDropoutBackward<T> gradient{device_data<T>(y), device_data<T>(dy), static_cast<T>(factor), y.cols()};
      store_rows<M, T>(dx, accumulate, {gradient.y, gradient.dy}, gradient);
    });
  };
  ops.sparse_dropout = [](const Csr& csr, const Tensor& from, std::uint32_t threshold, double factor,
                          const RandomKey& key, const VertexId* ids, std::int64_t rows, const Tensor& to) {
    const DeviceCsr& device = device_csr(csr);
    with_float("dropout", from.dtype(), [&]<class T>(T) {
      M::teams(rows, 0,
               SparseDropout<T>{device_data<std::int64_t>(device.indptr), device_data<std::int32_t>(device.indices),
                                device_data<T>(from), device_data<T>(to), ids, device_key(key), threshold,
                                static_cast<T>(factor)});
    });
  };
}

template <class M>
void add_norms(DeviceOps& ops) {
  ops.l2_norm = [](const Tensor& x, const Tensor& y, const Tensor& norm) {
    with_float("l2_norm", x.dtype(), [&]<class T>(T) {
      M::teams(x.rows(), 0, L2Norm<T>{device_data<T>(x), device_data<T>(y), device_data<T>(norm), x.cols()});
    });
  };
  ops.l2_norm_backward = [](const Tensor& y, const Tensor& norm, const Tensor& dy, const Tensor& dx, bool accumulate) {
    with_float("l2_norm_backward", y.dtype(), [&]<class T>(T) {
      M::teams(y.rows(), 0,
               L2NormBackward<T>{device_data<T>(y), device_data<T>(norm), device_data<T>(dy), device_data<T>(dx),
                                 y.cols(), accumulate});
    });
  };
  ops.layer_norm = [](const Tensor& x, const Tensor& gamma, const Tensor& beta, double eps, const Tensor& y,
                      const Tensor& mean, const Tensor& rstd) {
    with_float("layer_norm", x.dtype(), [&]<class T>(T) {
      M::teams(x.rows(), 0,
               LayerNorm<T>{device_data<T>(x), device_data<T>(gamma), device_data<T>(beta), device_data<T>(y),
                            device_data<T>(mean), device_data<T>(rstd), eps, x.cols()});
    });
  };
  ops.layer_norm_backward = [](const Tensor& x, const Tensor& gamma, const Tensor& mean, const Tensor& rstd,
                               const Tensor& dy, const Tensor& dx, const Tensor& dgamma, const Tensor& dbeta,
                               bool accumulate) {
    const std::int64_t cols = x.cols();
    const Tensor parts = scratch(x.rows(), 2 * cols, x.dtype()), sums = scratch(1, 2 * cols, x.dtype());
    with_float("layer_norm_backward", x.dtype(), [&]<class T>(T) {
      M::teams(
          x.rows(), 0,
          LayerNormBackward<T>{device_data<T>(x), device_data<T>(gamma), device_data<T>(mean), device_data<T>(rstd),
                               device_data<T>(dy), device_data<T>(dx), device_data<T>(parts), cols, accumulate});
    });
    device_ops().column_sums(parts, sums, false);
    const Tensor both = sums.reshape(2, cols);
    device_ops().axpby(1, both.slice(0, 1), 1, dgamma);
    device_ops().axpby(1, both.slice(1, 2), 1, dbeta);
  };
}

template <class M>
void add_losses(DeviceOps& ops) {
  ops.argmax_rows = [](const Tensor& x, const Tensor& y) {
    with_float("argmax_rows", x.dtype(), [&]<class T>(T) {
      M::map(x.rows(), math::ArgmaxRow<T>{device_data<T>(x), device_data<std::int32_t>(y), x.cols()});
    });
  };
  ops.softmax_cross_entropy = [](const Tensor& logits, const std::int32_t* labels, const VertexId* rows,
                                 std::int64_t count, double factor, const Tensor& dlogits, const Tensor& loss) {
    const Tensor losses = scratch(count, 1, DType::f64);
    with_float("softmax_cross_entropy", logits.dtype(), [&]<class T>(T) {
      M::teams(count, 0,
               CrossEntropyRow<T>{device_data<T>(logits), labels, rows, device_data_or_null<T>(&dlogits),
                                  device_data<double>(losses), logits.cols(), factor});
    });
    sum_columns<M, double>(losses, device_data<double>(loss), false);
  };
  ops.binary_cross_entropy = [](const Tensor& logits, const std::uint8_t* targets, const VertexId* rows,
                                std::int64_t count, double factor, const Tensor& dlogits, const Tensor& loss) {
    const Tensor losses = scratch(count, 1, DType::f64);
    with_float("binary_cross_entropy", logits.dtype(), [&]<class T>(T) {
      M::teams(count, 0,
               BinaryRow<T>{device_data<T>(logits), targets, rows, device_data_or_null<T>(&dlogits),
                            device_data<double>(losses), logits.cols(), factor});
    });
    sum_columns<M, double>(losses, device_data<double>(loss), false);
  };
  ops.add_ranks = [](const Tensor& others, int rank, const Tensor& own) {
    with_float("add_ranks", own.dtype(), [&]<class T>(T) {
      M::map(own.size(), AddRanks<T>{device_data<T>(others), device_data<T>(own), own.size(), others.rows(), rank});
    });
  };
  ops.sgd_step = [](const SgdStep& step, const Tensor& w, const Tensor& g, const Tensor& velocity) {
    with_float("sgd_step", w.dtype(), [&]<class T>(T) {
      M::map(w.size(), Sgd<T>{math::SgdUpdate<T>(step), device_data<T>(w), device_data<T>(g),
                              step.momentum != 0 ? device_data<T>(velocity) : nullptr});
    });
  };
  ops.adam_step = [](const AdamStep& step, const Tensor& w, const Tensor& g, const Tensor& m, const Tensor& v) {
    with_float("adam_step", w.dtype(), [&]<class T>(T) {
      M::map(w.size(), Adam<T>{math::AdamUpdate<T>(step), device_data<T>(w), device_data<T>(g), device_data<T>(m),
                               device_data<T>(v)});
    });
  };
}

}  // namespace galena::ops::gpu
