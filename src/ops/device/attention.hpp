#pragma once
// Fused attention, as kernels: a warp a row, which takes its neighbours in tiles. Scores of a tile lie in shared memory
// by neighbour, then head; nothing an edge is written to memory. Gradients are two pulls, over targets and over sources,
// as on the CPU (src/ops/attention.cpp has the formulas), so no two teams add to one place.

#include <cmath>
#include <utility>

#include "src/ops/attention_kernels.hpp"
#include "src/ops/device/machine.hpp"
#include "src/ops/random_key.hpp"

namespace galena::ops::gpu {

/// One direction of a block. `g.draw` is not used: draws are made here, named as the CPU's are.
template <class T>
struct AttentionRows {
  AttentionArgs<T> g;
  const VertexId *row_ids = nullptr, *other_ids = nullptr;
  const std::uint64_t* seed = nullptr;
  std::uint32_t drop_below = 0;  ///< of 65536; 0: nothing is dropped
  T keep{1};
  T* d_a_rows = nullptr;  ///< v2, by targets: each row's part of d a
  std::int64_t tile = 1;  ///< neighbours in a tile

  /// Neighbours of a row: those of the matrix, then the row itself where it has a loop.
  struct Neighbours {
    std::int64_t first, edges, count;
  };
  GALENA_KERNEL Neighbours neighbours(std::int64_t i) const {
    const auto first = static_cast<std::int64_t>(g.indptr[i]);
    auto low = first, high = static_cast<std::int64_t>(g.indptr[i + 1]);
    while (g.bounded && low < high) {  // columns increase: the first past the limit
      const std::int64_t middle = low + (high - low) / 2;
      if (static_cast<std::int64_t>(g.indices[middle]) < g.limit) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return {first, high - first, high - first + (i < g.loops ? 1 : 0)};
  }
  GALENA_KERNEL std::int64_t other(std::int64_t i, const Neighbours& n, std::int64_t k) const {
    return k < n.edges ? static_cast<std::int64_t>(g.indices[n.first + k]) : i;
  }
  GALENA_KERNEL T bend(T x) const { return x > 0 ? T{1} : g.slope; }
  GALENA_KERNEL T score(std::int64_t i, std::int64_t j, std::int64_t h) const {
    T sum{};
    if (g.v2) {
      const std::int64_t d = g.heads * g.width;
      for (std::int64_t c = h * g.width; c < (h + 1) * g.width; ++c) {
        const T x = g.own[i * d + c] + g.other[j * d + c];
        sum += g.a[c] * x * bend(x);
      }
    } else {
      const T x = g.own[i * g.heads + h] + g.other[j * g.heads + h];
      sum = x * bend(x);
    }
    return g.log_weight != nullptr ? sum + g.log_weight[g.columns_are_others ? j : i] : sum;
  }
  /// The dropout factor of (i, j, h).
  GALENA_KERNEL T factor(std::int64_t i, std::int64_t j, std::int64_t h) const {
    if (drop_below == 0) return T{1};
    const VertexId own = row_ids[i], its = other_ids[j];
    const RandomKey key{*seed, 0, static_cast<std::uint32_t>(h / 8 * 8)};
    const base::PhiloxBlock block = g.columns_are_others ? key.draw(own, its) : key.draw(its, own);
    const std::uint32_t word = block[static_cast<std::size_t>(h % 8 / 2)];
    return (h % 2 == 0 ? word & 0xffffU : word >> 16) < drop_below ? T{0} : keep;
  }
};

template <class T>
struct AttentionForward {
  AttentionRows<T> rows;
  template <class Team>
  GALENA_KERNEL void operator()(Team& team, std::int64_t i) const {
    const AttentionArgs<T>& g = rows.g;
    const auto n = rows.neighbours(i);
    const std::int64_t heads = g.heads, d = heads * g.width;
    T* const weight = static_cast<T*>(team.shared());  // [tile x heads]
    T* const scale = weight + rows.tile * heads;       // [heads]
    T *const maximum = g.maximum + i * heads, *const sum = g.sum + i * heads, *const y = g.y + i * d;
    for (std::int64_t begin = 0; begin < n.count; begin += rows.tile) {
      const std::int64_t size = n.count - begin < rows.tile ? n.count - begin : rows.tile, slots = size * heads;
      team.each([&](int lane) {
        for (std::int64_t s = lane; s < slots; s += team.lanes())
          weight[s] = rows.score(i, rows.other(i, n, begin + s / heads), s % heads);
      });
      team.sync();
      team.each([&](int lane) {
        for (std::int64_t h = lane; h < heads; h += team.lanes()) {
          const T before = maximum[h];
          T most = before;
          for (std::int64_t k = 0; k < size; ++k) most = weight[k * heads + h] > most ? weight[k * heads + h] : most;
          scale[h] = sum[h] > 0 ? std::exp(before - most) : T{0};  // 0: the first tile
          maximum[h] = most;
        }
      });
      team.sync();
      team.each([&](int lane) {
        for (std::int64_t s = lane; s < slots; s += team.lanes()) weight[s] = std::exp(weight[s] - maximum[s % heads]);
      });
      team.sync();
      team.each([&](int lane) {
        for (std::int64_t h = lane; h < heads; h += team.lanes()) {
          T total = sum[h] * scale[h];
          for (std::int64_t k = 0; k < size; ++k) total += weight[k * heads + h];
          sum[h] = total;
        }
      });
      team.sync();
      team.each([&](int lane) {
        if (rows.drop_below == 0) return;
        for (std::int64_t s = lane; s < slots; s += team.lanes())
          weight[s] *= rows.factor(i, rows.other(i, n, begin + s / heads), s % heads);
      });
      team.sync();
      team.each([&](int lane) {
        for (std::int64_t c = lane; c < d; c += team.lanes()) {
          const std::int64_t h = c / g.width;
          T total = y[c] * scale[h];
          for (std::int64_t k = 0; k < size; ++k)
            total += weight[k * heads + h] * g.value[rows.other(i, n, begin + k) * d + c];
          y[c] = total;
        }
      });
      team.sync();
    }
  }
};

template <class T>
struct AttentionFinish {
  const T* maximum;
  T *sum, *y;
  std::int64_t heads, width;
  template <class Team>
  GALENA_KERNEL void operator()(Team& team, std::int64_t i) const {
    team.each([&](int lane) {
      for (std::int64_t c = lane; c < heads * width; c += team.lanes()) {
        const T total = sum[i * heads + c / width];
        y[i * heads * width + c] *= total > 0 ? 1 / total : T{0};
      }
    });
    team.sync();
    team.each([&](int lane) {
      for (std::int64_t h = i * heads + lane; h < (i + 1) * heads; h += team.lanes())
        sum[h] = maximum[h] + std::log(sum[h]);  // -infinity where there are no neighbours
    });
  }
};

/// Gradients of what row i brought.
template <class T>
struct AttentionBackward {
  AttentionRows<T> rows;
  template <class Team>
  GALENA_KERNEL void operator()(Team& team, std::int64_t i) const {
    const AttentionArgs<T>& g = rows.g;
    const auto n = rows.neighbours(i);
    const std::int64_t heads = g.heads, d = heads * g.width;
    T* const weight = static_cast<T*>(team.shared());  // [tile x heads]: alpha times the dropout factor
    T* const slope = weight + rows.tile * heads;       // the same: d score, in GAT times LeakyReLU'
    for (std::int64_t begin = 0; begin < n.count; begin += rows.tile) {
      const std::int64_t size = n.count - begin < rows.tile ? n.count - begin : rows.tile;
      team.each([&](int lane) {
        for (std::int64_t s = lane; s < size * heads; s += team.lanes())
          gradient(i, rows.other(i, n, begin + s / heads), s % heads, weight[s], slope[s]);
      });
      team.sync();
      team.each([&](int lane) {
        const std::int64_t terms = g.v2 ? d : heads;
        for (std::int64_t c = lane; c < terms; c += team.lanes()) add_own(i, n, begin, size, c, slope);
        if (g.d_value == nullptr) return;
        for (std::int64_t c = lane; c < d; c += team.lanes()) {
          T total = g.d_value[i * d + c];
          for (std::int64_t k = 0; k < size; ++k)
            total += weight[k * heads + c / g.width] * g.value[rows.other(i, n, begin + k) * d + c];
          g.d_value[i * d + c] = total;
        }
      });
      team.sync();
    }
  }

 private:
  GALENA_KERNEL void gradient(std::int64_t i, std::int64_t j, std::int64_t h, T& weight, T& slope) const {
    const AttentionArgs<T>& g = rows.g;
    const std::int64_t d = g.heads * g.width, target = (g.columns_are_others ? i : j) * g.heads + h;
    T dot{};
    for (std::int64_t c = h * g.width; c < (h + 1) * g.width; ++c) dot += g.own_value[i * d + c] * g.value[j * d + c];
    const T alpha = std::exp(rows.score(i, j, h) - g.log_sum[target]), factor = rows.factor(i, j, h);
    weight = alpha * factor;
    slope = alpha * (dot * factor - g.inner[target]);
    if (!g.v2) slope *= rows.bend(g.own[i * g.heads + h] + g.other[j * g.heads + h]);
  }
  /// Adds a tile's part to element c of the row's own gradient.
  GALENA_KERNEL void add_own(std::int64_t i, const typename AttentionRows<T>::Neighbours& n, std::int64_t begin,
                             std::int64_t size, std::int64_t c, const T* slope) const {
    const AttentionArgs<T>& g = rows.g;
    if (!g.v2) {
      T total{};
      for (std::int64_t k = 0; k < size; ++k) total += slope[k * g.heads + c];
      g.d_own[i * g.heads + c] += total;
      return;
    }
    const std::int64_t d = g.heads * g.width;
    T total{}, of_a{};
    for (std::int64_t k = 0; k < size; ++k) {
      const T x = g.own[i * d + c] + g.other[rows.other(i, n, begin + k) * d + c];
      const T by_own = slope[k * g.heads + c / g.width] * rows.bend(x);
      total += by_own * g.a[c];
      of_a += by_own * x;
    }
    g.d_own[i * d + c] += total;
    if (rows.d_a_rows != nullptr) rows.d_a_rows[i * d + c] += of_a;
  }
};

/// <dy, y> by row and head.
template <class T>
struct HeadProducts {
  const T *dy, *y;
  std::int64_t width;
  GALENA_KERNEL T operator()(std::int64_t i) const {
    T total{};
    for (std::int64_t c = i * width; c < (i + 1) * width; ++c) total += dy[c] * y[c];
    return total;
  }
};

/// Rows are targets.
template <class T>
AttentionRows<T> attention_rows(AttentionKind kind, const AttentionBlock& block, const Tensor& target, const Tensor& a,
                                double slope, const AttentionState& state) {
  const DeviceCsr& csr = device_csr(block.csr);
  AttentionRows<T> rows;
  AttentionArgs<T>& g = rows.g;
  g.indptr = device_data<std::uint64_t>(csr.indptr);
  g.indices = device_data<std::uint32_t>(csr.indices);
  g.limit = block.source.rows();
  g.bounded = g.limit < block.csr.cols;
  g.loops = block.self_loops ? state.y.rows() : 0;
  g.heads = static_cast<int>(state.maximum.cols());
  g.width = state.y.cols() / g.heads;
  g.v2 = kind == AttentionKind::gat_v2;
  g.slope = static_cast<T>(slope);
  g.own = device_data<T>(target);
  g.other = device_data<T>(block.source);
  g.a = g.v2 ? device_data<T>(a) : nullptr;
  g.log_weight = device_data_or_null<T>(&block.log_weight);
  g.value = device_data<T>(block.value);
  rows.row_ids = block.row_ids;
  rows.other_ids = block.column_ids;
  rows.drop_below = static_cast<std::uint32_t>(std::lround(block.dropout * 65536));
  rows.keep = static_cast<T>(65536.0 / (65536.0 - rows.drop_below));
  rows.tile = g.heads >= 256 ? 1 : g.heads <= 8 ? 32 : 256 / g.heads;
  return rows;
}

struct MixedSeed {
  DeviceKey key;
  std::uint64_t* seed;
  GALENA_KERNEL void operator()(std::int64_t) const { *seed = mixed_seed(key_now(key)); }
};

/// The seed of a block's dropout, which is worked out there: it goes by the epoch.
template <class M, class T>
Tensor give_seed(const AttentionBlock& block, AttentionRows<T>& rows) {
  if (rows.drop_below == 0) return {};
  const Tensor seed = scratch(1, 1, DType::i64);
  rows.seed = device_data<std::uint64_t>(seed);
  M::map(1, MixedSeed{device_key(block.dropout_key), device_data<std::uint64_t>(seed)});
  return seed;
}

/// Bytes that a team needs: two numbers a neighbour of a tile and head, or one and one a head.
template <class T>
std::size_t attention_bytes(const AttentionRows<T>& rows) {
  return static_cast<std::size_t>(2 * rows.tile * rows.g.heads) * sizeof(T);
}

template <class M>
void add_attention(DeviceOps& ops) {
  ops.attention_accumulate = [](AttentionKind kind, const AttentionBlock& block, const Tensor& target, const Tensor& a,
                                double slope, const AttentionState& state) {
    with_float("attention_accumulate", state.y.dtype(), [&]<class T>(T) {
      AttentionRows<T> rows = attention_rows<T>(kind, block, target, a, slope, state);
      const Tensor seed = give_seed<M>(block, rows);
      rows.g.maximum = device_data<T>(state.maximum);
      rows.g.sum = device_data<T>(state.sum);
      rows.g.y = device_data<T>(state.y);
      M::teams(state.y.rows(), attention_bytes(rows), AttentionForward<T>{rows});
    });
  };
  ops.attention_finish = [](const AttentionState& state) {
    with_float("attention_finish", state.y.dtype(), [&]<class T>(T) {
      const std::int64_t heads = state.sum.cols();
      M::teams(state.y.rows(), 0,
               AttentionFinish<T>{device_data<T>(state.maximum), device_data<T>(state.sum), device_data<T>(state.y),
                                  heads, heads > 0 ? state.y.cols() / heads : 0});
    });
  };
  ops.attention_backward = [](AttentionKind kind, const AttentionBlock& block, const Csr& csr_t, const Tensor& target,
                              const Tensor& a, double slope, const AttentionState& state, const Tensor& dy,
                              const Tensor& dtarget, const Tensor& da, const Tensor& dsource, const Tensor& dvalue) {
    with_float("attention_backward", state.y.dtype(), [&]<class T>(T) {
      AttentionRows<T> rows = attention_rows<T>(kind, block, target, a, slope, state);
      const Tensor seed = give_seed<M>(block, rows);
      AttentionArgs<T>& g = rows.g;
      const std::int64_t n = state.y.rows(), d = state.y.cols();
      const Tensor inner = scratch(n, g.heads, state.y.dtype());
      store_map<M, T>(inner, false, HeadProducts<T>{device_data<T>(dy), device_data<T>(state.y), g.width});
      g.log_sum = device_data<T>(state.sum);
      g.inner = device_data<T>(inner);
      g.own_value = device_data<T>(dy);
      g.d_own = device_data<T>(dtarget);
      Tensor parts;
      if (g.v2) {
        parts = scratch(n, d, state.y.dtype());
        parts.fill(0);
        rows.d_a_rows = device_data<T>(parts);
      }
      M::teams(n, attention_bytes(rows), AttentionBackward<T>{rows});
      if (g.v2) device_ops().column_sums(parts, da, true);
      // The pull over sources, whose "others" are the targets.
      rows.d_a_rows = nullptr;
      std::swap(rows.row_ids, rows.other_ids);
      std::swap(g.own, g.other);
      std::swap(g.own_value, g.value);
      const DeviceCsr& transposed = device_csr(csr_t);
      g.indptr = device_data<std::uint64_t>(transposed.indptr);
      g.indices = device_data<std::uint32_t>(transposed.indices);
      g.limit = n;
      g.bounded = n < csr_t.cols;
      g.columns_are_others = false;
      dsource.fill(0);
      if (!g.v2) dvalue.fill(0);
      g.d_own = device_data<T>(dsource);
      g.d_value = device_data<T>(g.v2 ? dsource : dvalue);
      M::teams(block.source.rows(), attention_bytes(rows), AttentionBackward<T>{rows});
    });
  };
}

}  // namespace galena::ops::gpu
