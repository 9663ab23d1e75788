#pragma once
// Sums of columns over many rows, in double, in an order that depends on the shape alone: blocks sum chunks of rows, their
// lanes in groups that take every g-th row, groups are added in order; then a warp a column adds the chunks.

#include "src/ops/device/rows.hpp"

namespace galena::ops::gpu {

/// A lane reads so many rows before it adds them: that is what keeps the memory busy.
constexpr int kRowsAtOnce = 8;
constexpr int kColumnLanes = 256;
constexpr std::int64_t kMostChunks = 8 * 132;  ///< enough for all processors of a large GPU

/// F::kSums sums a column: f.load<V>(i, c) reads row i from column c on, f.add(row, c, sums) adds it to V columns' sums.
template <class F, int V>
struct ChunkSums {
  F f;
  double* partial;  ///< [kSums * cols x chunks]
  std::int64_t n, cols, chunk, chunks;
  template <class Team>
  GALENA_KERNEL void operator()(Team& team, std::int64_t k) const {
    constexpr int kSums = F::kSums;
    const std::int64_t begin = k * chunk, end = begin + chunk < n ? begin + chunk : n;
    auto* const sums = static_cast<double*>(team.shared());  // [group][sum][column]
    for (std::int64_t first = 0; first < cols; first += team.lanes() * V) {
      const std::int64_t left = (cols - first) / V;
      const int across = left < team.lanes() ? static_cast<int>(left) : team.lanes();  // lanes of a group
      const int groups = team.lanes() / across, width = across * V;
      team.each([&](int lane) {
        const int group = lane / across, at = lane % across * V;
        if (group >= groups) return;
        double sum[kSums][V] = {};
        add_rows(begin + group, end, groups, first + at, sum);
        for (int s = 0; s < kSums; ++s)
          for (int e = 0; e < V; ++e) sums[(group * kSums + s) * width + at + e] = sum[s][e];
      });
      team.sync();
      team.each([&](int lane) {
        for (int x = lane; x < kSums * width; x += team.lanes()) {
          double total = 0;
          for (int group = 0; group < groups; ++group) total += sums[group * kSums * width + x];
          partial[(x / width * cols + first + x % width) * chunks + k] = total;
        }
      });
      team.sync();
    }
  }

 private:
  GALENA_KERNEL void add_rows(std::int64_t i, std::int64_t end, std::int64_t step, std::int64_t c,
                              double (&sum)[F::kSums][V]) const {
    for (; i + (kRowsAtOnce - 1) * step < end; i += kRowsAtOnce * step) {
      decltype(f.template load<V>(i, c)) rows[kRowsAtOnce];
      GALENA_UNROLL
      for (int r = 0; r < kRowsAtOnce; ++r) rows[r] = f.template load<V>(i + r * step, c);
      GALENA_UNROLL
      for (int r = 0; r < kRowsAtOnce; ++r) f.add(rows[r], c, sum);
    }
    for (; i < end; i += step) f.add(f.template load<V>(i, c), c, sum);
  }
};

/// y[c] (+)= the sum of row c of `partial`; a warp each.
template <class T>
struct AddChunks {
  const double* partial;
  T* y;
  std::int64_t chunks;
  bool accumulate;
  template <class Team>
  GALENA_KERNEL void operator()(Team& team, std::int64_t c) const {
    const double total = team.sum([&](int lane) {
      double sum = 0;
      GALENA_UNROLL_8
      for (std::int64_t k = lane; k < chunks; k += team.lanes()) sum += partial[c * chunks + k];
      return sum;
    });
    team.each([&](int lane) {
      if (lane == 0) y[c] = accumulate ? y[c] + static_cast<T>(total) : static_cast<T>(total);
    });
  }
};

/// y [kSums x cols] (+)= the sums of f over n rows; `pointers`: what it reads packs of.
template <class M, class From, class To, class F>
void sum_columns(std::int64_t n, std::int64_t cols, std::initializer_list<const From*> pointers, const F& f, To* y,
                 bool accumulate) {
  if (cols == 0) return;
  with_packs<From>(cols, pointers, [&]<int V>() {
    const std::int64_t across = cols / V < kColumnLanes ? cols / V : kColumnLanes;
    const std::int64_t step = kColumnLanes / across * kRowsAtOnce;  // rows of all groups at once
    const std::int64_t chunk = ((n + kMostChunks - 1) / kMostChunks + step - 1) / step * step;
    const std::int64_t chunks = n > 0 ? (n + chunk - 1) / chunk : 0;
    const Tensor partial = scratch(F::kSums * cols, chunks, DType::f64);
    auto* const sums = device_data<double>(partial);
    M::template blocks<kColumnLanes>(chunks, kColumnLanes * V * F::kSums * sizeof(double),
                                     ChunkSums<F, V>{f, sums, n, cols, chunk, chunks});
    M::teams(F::kSums * cols, 0, AddChunks<To>{sums, y, chunks, accumulate});
  });
}

/// Of the elements themselves.
template <class T>
struct Elements {
  static constexpr int kSums = 1;
  const T* x;
  std::int64_t cols;
  template <int V>
  GALENA_KERNEL Pack<T, V> load(std::int64_t i, std::int64_t c) const {
    return gpu::load<V>(x + i * cols + c);
  }
  template <int V>
  GALENA_KERNEL void add(const Pack<T, V>& row, std::int64_t, double (&sum)[1][V]) const {
    GALENA_UNROLL
    for (int e = 0; e < V; ++e) sum[0][e] += static_cast<double>(row.at[e]);
  }
};

template <class M, class From, class To>
void sum_columns(const Tensor& x, To* y, bool accumulate) {
  const From* const from = device_data<From>(x);
  sum_columns<M, From>(x.rows(), x.cols(), {from}, Elements<From>{from, x.cols()}, y, accumulate);
}

}  // namespace galena::ops::gpu
