#pragma once
// Sums over neighbours (pieces.hpp). Of several nonzeros all rows are asked for before the first is added, since otherwise a
// lane waits for each.

#include "src/ops/device/pieces.hpp"

namespace galena::ops::gpu {

/// What all rows' sums have in common. X: as rows are stored, T: as they are summed.
template <class T, class X>
struct RowSum {
  using Part = T;
  const std::int64_t* indptr;
  const std::int32_t* indices;
  const X* x;
  T* y;
  const T *left, *right, *diagonal, *values;  ///< null: 1; diagonal: none
  const std::int64_t* position;               ///< of values, or null
  std::int64_t limit;                         ///< columns below it take part
  std::int64_t rows;                          ///< of y: others are not summed
  std::int64_t width;
  std::uint32_t row_bytes;  ///< of x
  bool bounded;             ///< there are other columns
  bool accumulate;

  GALENA_KERNEL CsrPiece clipped(const CsrPiece& piece) const {
    return bounded ? piece_below(indices, piece, limit) : piece;
  }
  GALENA_KERNEL void join(T& sum, const T& other) const { sum += other; }
  template <int V, int N>
  GALENA_KERNEL void gather(const CsrPiece& piece, std::int32_t begin, std::int32_t step, std::int64_t c,
                            T (&sum)[N][V]) const {
    constexpr int kWords = N * V * static_cast<int>(sizeof(X)) / 4, U = kWords >= 8 ? 2 : 4;  // rows at once
    const auto count = static_cast<std::int32_t>(piece.count);
    in_turns<U>(indices + piece.first, count, begin, step, [&](auto all, std::int32_t k, const auto& j) {
      add(all, piece.first + k, j, count - k, step, c, sum);
    });
  }
  /// Scales a sum of row i and writes it.
  template <int V>
  GALENA_KERNEL void finish(std::int64_t i, std::int64_t c, const T* sum) const {
    Pack<T, V>* const to = reinterpret_cast<Pack<T, V>*>(y + i * width + c);
    const Pack<T, V> before = accumulate ? *to : Pack<T, V>{};
    const bool own = diagonal != nullptr && i < limit;
    const T scale = left != nullptr ? left[i] : T{1}, weight = own ? diagonal[i] : T{0};
    const Pack<X, V> self = own ? *reinterpret_cast<const Pack<X, V>*>(x + i * width + c) : Pack<X, V>{};
    Pack<T, V> out;
    GALENA_UNROLL
    for (int e = 0; e < V; ++e) {
      T total = scale * sum[e];
      if (own) total += weight * widen(self.at[e]);
      out.at[e] = total + before.at[e];
    }
    *to = out;
  }

 private:
  /// Adds nonzeros k, k + step, ... in columns j, U or those that `rest` numbers hold. They are all loaded before one is
  /// added.
  template <bool kAll, int V, int N, int U>
  GALENA_KERNEL void add(std::bool_constant<kAll>, std::int64_t k, const std::uint32_t (&j)[U], std::int32_t rest,
                         std::int32_t step, std::int64_t c, T (&sum)[N][V]) const {
    const char* const from = reinterpret_cast<const char*>(x + c);
    Pack<X, V> part[U][N] = {};
    T w[U] = {};
    GALENA_UNROLL
    for (int u = 0; u < U; ++u) {
      const auto* const row = reinterpret_cast<const Pack<X, V>*>(from + std::uint64_t{j[u]} * row_bytes);
      if (!kAll && u * step >= rest) continue;
      GALENA_UNROLL
      for (int v = 0; v < N; ++v)
        if (v == 0 || c + v * (32 * V) < width) part[u][v] = row[v * 32];
    }
    weigh(k, kAll ? U * step : rest, step, j, w);
    GALENA_UNROLL
    for (int u = 0; u < U; ++u) {
      if (!kAll && u * step >= rest) continue;
      GALENA_UNROLL
      for (int v = 0; v < N; ++v) {
        if (v > 0 && c + v * (32 * V) >= width) continue;
        GALENA_UNROLL
        for (int e = 0; e < V; ++e) sum[v][e] += w[u] * widen(part[u][v].at[e]);
      }
    }
  }
  /// Weights of nonzeros k, k + step, ..., of which `count` numbers are left, in columns j.
  template <int U>
  GALENA_KERNEL void weigh(std::int64_t k, std::int32_t count, std::int32_t step, const std::uint32_t (&j)[U],
                           T (&w)[U]) const {
    if (values != nullptr) {
      std::int64_t at[U] = {};
      GALENA_UNROLL
      for (int u = 0; u < U; ++u) at[u] = k + u * step;
      if (position != nullptr) {
        GALENA_UNROLL
        for (int u = 0; u < U; ++u)
          if (u * step < count) at[u] = position[at[u]];
      }
      GALENA_UNROLL
      for (int u = 0; u < U; ++u)
        if (u * step < count) w[u] = values[at[u]];
    } else if (right != nullptr) {
      GALENA_UNROLL
      for (int u = 0; u < U; ++u)
        if (u * step < count) w[u] = right[j[u]];
    } else {
      GALENA_UNROLL
      for (int u = 0; u < U; ++u) w[u] = T{1};
    }
  }
};

/// The N that the width needs: vectors a lane, of up to 32 lanes; of 32 where N is more than one.
template <class M, class T, class X, int V>
void launch_width(const DeviceCsr& csr, const RowSum<T, X>& g) {
  const std::int64_t vectors = (g.width + V - 1) / V;
  if (vectors <= 32) return launch_rows<M, V, 1>(csr, g, shift_for(vectors));
  launch_rows<M, V, 2>(csr, g, 5);
}

/// Vectors of V elements, or fewer where rows begin at other places.
template <class M, int V, class T, class X>
void launch_vectors(const DeviceCsr& csr, const RowSum<T, X>& g) {
  if constexpr (V > 1) {
    if (g.width % V != 0 || !aligned(g.x, alignof(Pack<X, V>)) || !aligned(g.y, alignof(Pack<T, V>)))
      return launch_vectors<M, V / 2>(csr, g);
  }
  launch_width<M, T, X, V>(csr, g);
}

template <class M, class T, class X>
void spmm_as(const Csr& csr, const SpmmWeights& w, const Tensor& x, const Tensor& y, bool accumulate) {
  if (x.cols() == 0) return;
  const DeviceCsr& device = device_csr(csr);
  const RowSum<T, X> g{device_data<std::int64_t>(device.indptr),
                       device_data<std::int32_t>(device.indices),
                       device_data<X>(x),
                       device_data<T>(y),
                       device_data_or_null<T>(w.scale.left),
                       device_data_or_null<T>(w.scale.right),
                       device_data_or_null<T>(w.scale.diagonal),
                       device_data_or_null<T>(w.values),
                       device_data_or_null<std::int64_t>(w.position),
                       x.rows(),
                       y.rows(),
                       x.cols(),
                       static_cast<std::uint32_t>(x.cols() * static_cast<std::int64_t>(sizeof(X))),
                       x.rows() < csr.cols,
                       accumulate};
  launch_vectors<M, 16 / static_cast<int>(sizeof(X))>(device, g);
}

template <class M>
void add_spmm(DeviceOps& ops) {
  ops.spmm = [](const Csr& csr, const SpmmWeights& w, const Tensor& x, const Tensor& y, bool accumulate) {
    if (x.dtype() == DType::bf16) return spmm_as<M, float, std::uint16_t>(csr, w, x, y, accumulate);
    with_float("spmm", x.dtype(), [&]<class T>(T) { spmm_as<M, T, T>(csr, w, x, y, accumulate); });
  };
}

}  // namespace galena::ops::gpu
