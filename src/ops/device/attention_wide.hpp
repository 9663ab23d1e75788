#pragma once
// Attention with heads too wide for a warp's registers: a warp a row, which takes its neighbours in tiles. Scores of a tile
// lie in shared memory by neighbour, then head.

#include <cmath>

#include "src/ops/device/attention_rows.hpp"

namespace galena::ops::gpu {

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

}  // namespace galena::ops::gpu
