#pragma once
// Sums over neighbours, as kernels. A row's columns are dealt to lanes in vectors of up to 16 bytes, so that a lane holds
// its part of the sum in registers; rows go by their number of nonzeros (DeviceCsr):
//   short: as many lanes as the row has vectors walk the nonzeros one after another, several rows a warp, which the order
//          of pieces makes about equally long;
//   long:  a block of 128 lanes, its groups each every g-th nonzero, their sums added in order of the groups;
//   split: chunks the same way, whose sums go to scratch and are added in order.
// Of several nonzeros all rows are asked for before the first is added, since otherwise a lane waits for each.
// The order of additions depends on the structure and the width alone.

#include "src/ops/bf16.hpp"
#include "src/ops/device/machine.hpp"
#include "src/ops/max_math.hpp"

namespace galena::ops::gpu {

/// V elements that are loaded at once, or in pieces of 16 bytes.
template <class X, int V>
struct alignas(sizeof(X) * V < 16 ? sizeof(X) * V : 16) Pack {
  X at[V];
};

GALENA_KERNEL inline float widen(float x) { return x; }
GALENA_KERNEL inline double widen(double x) { return x; }
GALENA_KERNEL inline float widen(std::uint16_t x) { return from_bf16(x); }

/// How many of a row's columns, which increase, are below the limit.
GALENA_KERNEL inline std::int32_t columns_below(const std::int32_t* columns, std::int32_t count, std::int64_t limit) {
  std::int32_t low = 0;
  while (low < count) {
    const std::int32_t middle = low + (count - low) / 2;
    if (std::int64_t{static_cast<std::uint32_t>(columns[middle])} < limit) {
      low = middle + 1;
    } else {
      count = middle;
    }
  }
  return low;
}

/// What all rows' sums have in common. X: as rows are stored, T: as they are summed.
template <class T, class X>
struct RowSum {
  using Sum = T;
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

  /// Of nonzeros first .. first + count, those that take part.
  GALENA_KERNEL std::int32_t clipped(std::int64_t first, std::int32_t count) const {
    return bounded ? columns_below(indices + first, count, limit) : count;
  }
  /// Adds nonzeros first + k for k = begin, begin + step, ... below `count` (some thousands at most), all of which take
  /// part: of their rows, columns c, c + 32 V, ... in N vectors.
  template <int V, int N>
  GALENA_KERNEL void gather(std::int64_t first, std::int32_t count, std::int32_t begin, std::int32_t step,
                            std::int64_t c, T (&sum)[N][V]) const {
    constexpr int kWords = N * V * static_cast<int>(sizeof(X)) / 4, U = kWords >= 8 ? 2 : 4;  // rows at once
    const char* const from = reinterpret_cast<const char*>(x + c);
    std::int32_t k = begin;
    for (; k + (U - 1) * step < count; k += U * step) add<V, N, U, true>(from, first, count, k, step, c, sum);
    if (k < count) add<V, N, U, false>(from, first, count, k, step, c, sum);
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
  /// Adds U nonzeros from number k on, or those of them that there are. They are all loaded before one is added.
  template <int V, int N, int U, bool kAll>
  GALENA_KERNEL void add(const char* from, std::int64_t first, std::int32_t count, std::int32_t k, std::int32_t step,
                         std::int64_t c, T (&sum)[N][V]) const {
    std::uint32_t j[U] = {};
    Pack<X, V> part[U][N] = {};
    T w[U] = {};
    GALENA_UNROLL
    for (int u = 0; u < U; ++u)
      if (kAll || k + u * step < count) j[u] = static_cast<std::uint32_t>(indices[first + k + u * step]);
    GALENA_UNROLL
    for (int u = 0; u < U; ++u) {
      const auto* const row = reinterpret_cast<const Pack<X, V>*>(from + std::uint64_t{j[u]} * row_bytes);
      if (!kAll && k + u * step >= count) continue;
      GALENA_UNROLL
      for (int v = 0; v < N; ++v)
        if (v == 0 || c + v * (32 * V) < width) part[u][v] = row[v * 32];
    }
    weigh(first + k, kAll ? U * step : count - k, step, j, w);
    GALENA_UNROLL
    for (int u = 0; u < U; ++u) {
      if (!kAll && k + u * step >= count) continue;
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

/// Lane by lane: 2^shift lanes a row, N vectors of V elements a lane. G is a RowSum, or another with its functions.
template <class G, int V, int N>
struct ShortRows {
  using T = typename G::Sum;
  G g;
  const CsrPiece* pieces;
  int shift;
  GALENA_KERNEL void operator()(std::int64_t thread) const {
    const CsrPiece row = pieces[thread >> shift];
    if (row.row >= g.rows) return;
    const std::int64_t lanes = std::int64_t{1} << shift, lane = thread & (lanes - 1), stride = lanes * V;
    const std::int32_t count = g.clipped(row.first, static_cast<std::int32_t>(row.count));
    for (std::int64_t c = lane * V; c < g.width; c += stride * N) {
      T sum[N][V] = {};
      g.template gather<V, N>(row.first, count, 0, 1, c, sum);
      GALENA_UNROLL
      for (int v = 0; v < N; ++v)
        if (c + v * stride < g.width) g.template finish<V>(row.row, c + v * stride, sum[v]);
    }
  }
};

/// Block by block: groups of 2^shift lanes. Of the pieces the first are chunks.
template <class G, int V, int N>
struct LongRows {
  using T = typename G::Sum;
  G g;
  const CsrPiece* pieces;
  std::int64_t chunks;
  T* chunk_sums;
  int shift;
  template <class Team>
  GALENA_KERNEL void operator()(Team& team, std::int64_t index) const {
    const CsrPiece piece = pieces[index];
    if (piece.row >= (index < chunks ? chunks : g.rows)) return;
    const std::int64_t size = (std::int64_t{V} << shift) * N;  // columns at once
    const std::int32_t count = g.clipped(piece.first, static_cast<std::int32_t>(piece.count));
    T* const sums = static_cast<T*>(team.shared());  // [groups x size]
    for (std::int64_t begin = 0; begin < g.width; begin += size) {
      team.each([&](int lane) {
        const std::int32_t group = lane >> shift, at = (lane & ((1 << shift) - 1)) * V;
        if (begin + at >= g.width) return;
        T sum[N][V] = {};
        g.template gather<V, N>(piece.first, count, group, team.lanes() >> shift, begin + at, sum);
        GALENA_UNROLL
        for (int v = 0; v < N; ++v) put(sums + group * size + at + (v * V << shift), sum[v]);
      });
      team.sync();
      team.each([&](int lane) {
        for (std::int64_t c = lane; c < size && begin + c < g.width; c += team.lanes()) {
          T total{};
          for (std::int32_t group = 0; group < team.lanes() >> shift; ++group) total += sums[group * size + c];
          if (index < chunks) {
            chunk_sums[piece.row * g.width + begin + c] = total;
          } else {
            g.template finish<1>(piece.row, begin + c, &total);
          }
        }
      });
      team.sync();
    }
  }

 private:
  GALENA_KERNEL void put(T* to, const T (&sum)[V]) const {
    Pack<T, V> out;
    GALENA_UNROLL
    for (int e = 0; e < V; ++e) out.at[e] = sum[e];
    *reinterpret_cast<Pack<T, V>*>(to) = out;
  }
};

/// Element by element: a split row's chunks, in order.
template <class G>
struct SplitRows {
  using T = typename G::Sum;
  G g;
  const CsrPiece* pieces;
  const T* chunk_sums;
  GALENA_KERNEL void operator()(std::int64_t i) const {
    const CsrPiece row = pieces[i / g.width];
    if (row.row >= g.rows) return;
    const std::int64_t c = i % g.width;
    const T* const from = chunk_sums + row.first * g.width + c;
    T total{};
    GALENA_UNROLL_4
    for (std::uint32_t k = 0; k < row.count; ++k) total += from[k * g.width];
    g.template finish<1>(row.row, c, &total);
  }
};

inline const CsrPiece* pieces_data(const Tensor& pieces) {
  return reinterpret_cast<const CsrPiece*>(device_data<std::int64_t>(pieces));
}

/// What takes longest comes first.
template <class M, int V, int N, class G>
void launch_rows(const DeviceCsr& csr, const G& g, int shift) {
  using T = typename G::Sum;
  const CsrPiece* const pieces = pieces_data(csr.pieces);
  const auto from = [&](DeviceCsr::Kind kind) { return pieces + csr.first[kind]; };
  const std::int64_t splits = csr.count(DeviceCsr::kSplitRows), chunks = csr.count(DeviceCsr::kChunks);
  const Tensor sums = chunks > 0 ? scratch(chunks, g.width, kDType<T>) : Tensor();
  if (const std::int64_t n = chunks + csr.count(DeviceCsr::kLongRows); n > 0)
    M::template blocks<128>(
        n, 128 * V * N * sizeof(T),
        LongRows<G, V, N>{g, from(DeviceCsr::kChunks), chunks, device_data_or_null<T>(&sums), shift});
  if (const std::int64_t n = csr.count(DeviceCsr::kShortRows); n > 0)
    M::map(n << shift, ShortRows<G, V, N>{g, from(DeviceCsr::kShortRows), shift});
  if (splits > 0) M::map(splits * g.width, SplitRows<G>{g, from(DeviceCsr::kSplitRows), device_data<T>(sums)});
}

/// 2^this many lanes hold a row of so many vectors, or its first 32.
inline int shift_for(std::int64_t vectors) {
  int shift = 0;
  while (shift < 5 && (std::int64_t{1} << shift) < vectors) ++shift;
  return shift;
}

/// The N that the width needs: vectors a lane, of up to 32 lanes; of 32 where N is more than one.
template <class M, class T, class X, int V>
void launch_width(const DeviceCsr& csr, const RowSum<T, X>& g) {
  const std::int64_t vectors = (g.width + V - 1) / V;
  if (vectors <= 32) return launch_rows<M, V, 1>(csr, g, shift_for(vectors));
  launch_rows<M, V, 2>(csr, g, 5);
}

inline bool aligned(const void* p, std::size_t bytes) { return reinterpret_cast<std::uintptr_t>(p) % bytes == 0; }

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

/// One warp a row: dot products of its nonzeros, by head.
template <class T>
struct Sddmm {
  const std::int64_t* indptr;
  const std::int32_t* indices;
  const T *a, *b;
  T* e;
  std::int64_t heads, width;
  template <class Team>
  GALENA_KERNEL void operator()(Team& team, std::int64_t i) const {
    const std::int64_t cols = heads * width;
    for (std::int64_t k = indptr[i]; k < indptr[i + 1]; ++k) {
      const T *own = a + i * cols, *other = b + std::int64_t{static_cast<std::uint32_t>(indices[k])} * cols;
      for (std::int64_t h = 0; h < heads; ++h) {
        const T total = team.sum([&](int lane) {
          T sum{};
          for (std::int64_t c = h * width + lane; c < (h + 1) * width; c += team.lanes()) sum += own[c] * other[c];
          return sum;
        });
        team.each([&](int lane) {
          if (lane == 0) e[k * heads + h] = total;
        });
      }
    }
  }
};

/// Element by element: the largest of a row's columns, the first of equals, and where it is from; 0 and -1 of none.
template <class T>
struct SpmmMax {
  const std::int64_t* indptr;
  const std::int32_t* indices;
  const T* x;
  T* y;
  std::int32_t* arg;
  std::int64_t limit, width;
  bool bounded;  ///< there are columns from the limit on
  GALENA_KERNEL void operator()(std::int64_t at) const {
    const std::int64_t i = at / width, c = at % width;
    const std::int32_t* const columns = indices + indptr[i];
    const auto all = static_cast<std::int32_t>(indptr[i + 1] - indptr[i]);
    const std::int32_t count = bounded ? columns_below(columns, all, limit) : all;
    T best{};
    std::int32_t from = -1;
    for (std::int32_t k = 0; k < count; k += 4) {
      std::int32_t j[4] = {};
      T value[4] = {};
      GALENA_UNROLL
      for (int u = 0; u < 4; ++u)
        if (k + u < count) j[u] = columns[k + u];
      GALENA_UNROLL
      for (int u = 0; u < 4; ++u)
        if (k + u < count) value[u] = x[std::int64_t{static_cast<std::uint32_t>(j[u])} * width + c];
      GALENA_UNROLL
      for (int u = 0; u < 4; ++u) {
        if (k + u >= count || (from >= 0 && !(value[u] > best))) continue;
        best = value[u];
        from = j[u];
      }
    }
    y[at] = best;
    arg[at] = from;
  }
};

/// Adds what rows that chose column j give back.
template <class T>
struct SpmmMaxBackward {
  const std::int64_t* indptr;
  const std::int32_t* indices;
  const std::int32_t* arg;
  const T* dy;
  std::int64_t limit, width;
  bool bounded;  ///< there are columns from the limit on
  GALENA_KERNEL T operator()(std::int64_t at) const {
    const std::int64_t j = at / width, c = at % width;
    const std::int32_t* const rows = indices + indptr[j];
    const auto all = static_cast<std::int32_t>(indptr[j + 1] - indptr[j]);
    const std::int32_t count = bounded ? columns_below(rows, all, limit) : all;
    T sum{};
    for (std::int32_t k = 0; k < count; k += 4) {
      std::int64_t from[4] = {};
      std::int32_t chosen[4] = {-1, -1, -1, -1};
      T value[4] = {};
      GALENA_UNROLL
      for (int u = 0; u < 4; ++u)
        if (k + u < count) from[u] = std::int64_t{static_cast<std::uint32_t>(rows[k + u])} * width + c;
      GALENA_UNROLL
      for (int u = 0; u < 4; ++u)
        if (k + u < count) chosen[u] = arg[from[u]];
      GALENA_UNROLL
      for (int u = 0; u < 4; ++u)
        if (chosen[u] == j) value[u] = dy[from[u]];
      GALENA_UNROLL
      for (int u = 0; u < 4; ++u) sum += value[u];
    }
    return sum;
  }
};

template <class M>
void add_spmm_max(DeviceOps& ops) {
  ops.spmm_max = [](const Csr& csr, const Tensor& x, const Tensor& y, const Tensor& arg) {
    const DeviceCsr& device = device_csr(csr);
    with_float("spmm_max", x.dtype(), [&]<class T>(T) {
      M::map(y.size(), SpmmMax<T>{device_data<std::int64_t>(device.indptr), device_data<std::int32_t>(device.indices),
                                  device_data<T>(x), device_data<T>(y), device_data<std::int32_t>(arg), x.rows(),
                                  x.cols(), x.rows() < csr.cols});
    });
  };
  ops.merge_max = [](const Tensor& other, const Tensor& other_arg, std::int32_t code, const Tensor& y,
                     const Tensor& arg) {
    with_float("merge_max", y.dtype(), [&]<class T>(T) {
      M::map(y.size(), math::MergeMax<T>{device_data<T>(other), device_data_or_null<std::int32_t>(&other_arg), code,
                                         device_data<T>(y), device_data<std::int32_t>(arg)});
    });
  };
  ops.add_where = [](const Tensor& arg, std::int32_t code, const Tensor& dy, const Tensor& dx) {
    with_float("add_where", dy.dtype(), [&]<class T>(T) {
      M::map(dy.size(),
             math::AddWhere<T>{device_data<std::int32_t>(arg), code, device_data<T>(dy), device_data<T>(dx)});
    });
  };
  ops.spmm_max_backward = [](const Csr& csr_t, const Tensor& arg, const Tensor& dy, const Tensor& dx) {
    const DeviceCsr& device = device_csr(csr_t);
    with_float("spmm_max_backward", dx.dtype(), [&]<class T>(T) {
      store_map<M, T>(dx, true,
                      SpmmMaxBackward<T>{device_data<std::int64_t>(device.indptr),
                                         device_data<std::int32_t>(device.indices), device_data<std::int32_t>(arg),
                                         device_data<T>(dy), dy.rows(), dx.cols(), dy.rows() < csr_t.cols});
    });
  };
}

template <class M>
void add_spmm(DeviceOps& ops) {
  add_spmm_max<M>(ops);
  ops.spmm = [](const Csr& csr, const SpmmWeights& w, const Tensor& x, const Tensor& y, bool accumulate) {
    if (x.dtype() == DType::bf16) return spmm_as<M, float, std::uint16_t>(csr, w, x, y, accumulate);
    with_float("spmm", x.dtype(), [&]<class T>(T) { spmm_as<M, T, T>(csr, w, x, y, accumulate); });
  };
  ops.sddmm = [](const Csr& csr, const Tensor& a, const Tensor& b, int heads, const Tensor& e) {
    const DeviceCsr& device = device_csr(csr);
    with_float("sddmm", a.dtype(), [&]<class T>(T) {
      M::teams(csr.rows, 0,
               Sddmm<T>{device_data<std::int64_t>(device.indptr), device_data<std::int32_t>(device.indices),
                        device_data<T>(a), device_data<T>(b), device_data<T>(e), heads, a.cols() / heads});
    });
  };
}

}  // namespace galena::ops::gpu
