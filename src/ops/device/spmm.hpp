#pragma once
// Sums over neighbours, as kernels. A row's columns are dealt to lanes in vectors of up to 16 bytes, so that a lane holds
// its part of the sum in registers; rows go by their number of nonzeros:
//   up to 64:    as many lanes as the row has vectors walk the nonzeros one after another, several rows a warp;
//   up to 4096:  a block of 128 lanes, its groups each every g-th nonzero, their sums added in order of the groups;
//   more:        the same with 512 lanes.
// The order of additions depends on the structure and the width alone.

#include "src/ops/bf16.hpp"
#include "src/ops/device/machine.hpp"
#include "src/ops/max_math.hpp"

namespace galena::ops::gpu {

/// V elements that are loaded at once.
template <class X, int V>
struct alignas(sizeof(X) * V) Pack {
  X at[V];
};

GALENA_KERNEL inline float widen(float x) { return x; }
GALENA_KERNEL inline double widen(double x) { return x; }
GALENA_KERNEL inline float widen(std::uint16_t x) { return from_bf16(x); }

/// What all rows' sums have in common. X: as rows are stored, T: as they are summed.
template <class T, class X>
struct RowSum {
  const std::int64_t* indptr;
  const std::int32_t* indices;
  const X* x;
  T* y;
  const T *left, *right, *diagonal, *values;  ///< null: 1; diagonal: none
  const std::int64_t* position;               ///< of values, or null
  std::int64_t limit;                         ///< columns below it take part
  std::int64_t width;
  bool accumulate;

  GALENA_KERNEL T weight(std::int64_t k, std::int64_t column) const {
    if (values != nullptr) return values[position != nullptr ? position[k] : k];
    return right != nullptr ? right[column] : T{1};
  }
  /// Adds nonzeros first, first + step, ... of those before `last`; columns c, c + stride, ... in N vectors.
  template <int V, int N>
  GALENA_KERNEL void gather(std::int64_t first, std::int64_t last, std::int64_t step, std::int64_t c,
                            std::int64_t stride, T (&sum)[N][V]) const {
    GALENA_UNROLL_4
    for (std::int64_t k = first; k < last; k += step) {
      const std::int64_t column = static_cast<std::uint32_t>(indices[k]);
      if (column >= limit) break;  // columns increase
      const T w = weight(k, column);
      const X* const row = x + column * width;
      GALENA_UNROLL
      for (int v = 0; v < N; ++v) {
        const std::int64_t at = c + v * stride;
        if (at >= width) break;
        const auto part = *reinterpret_cast<const Pack<X, V>*>(row + at);
        GALENA_UNROLL
        for (int e = 0; e < V; ++e) sum[v][e] += w * widen(part.at[e]);
      }
    }
  }
  /// Scales a sum of row i and writes it.
  template <int V>
  GALENA_KERNEL void finish(std::int64_t i, std::int64_t c, const T* sum) const {
    Pack<T, V> out;
    T* const to = y + i * width + c;
    const Pack<T, V> before = accumulate ? *reinterpret_cast<const Pack<T, V>*>(to) : Pack<T, V>{};
    const bool own = diagonal != nullptr && i < limit;
    for (int e = 0; e < V; ++e) {
      T total = left != nullptr ? left[i] * sum[e] : sum[e];
      if (own) total += diagonal[i] * widen(x[i * width + c + e]);
      out.at[e] = total + before.at[e];
    }
    *reinterpret_cast<Pack<T, V>*>(to) = out;
  }
};

/// Lane by lane: 2^shift lanes a row, N vectors of V elements a lane.
template <class T, class X, int V, int N>
struct ShortRows {
  RowSum<T, X> g;
  const std::int32_t* order;
  int shift;
  GALENA_KERNEL void operator()(std::int64_t thread) const {
    const std::int64_t i = static_cast<std::uint32_t>(order[thread >> shift]);
    if (i == kNoRow) return;
    const std::int64_t lanes = std::int64_t{1} << shift, lane = thread & (lanes - 1);
    const std::int64_t first = g.indptr[i], last = g.indptr[i + 1], stride = lanes * V;
    for (std::int64_t c = lane * V; c < g.width; c += stride * N) {
      T sum[N][V] = {};
      g.template gather<V, N>(first, last, 1, c, stride, sum);
      for (int v = 0; v < N; ++v)
        if (c + v * stride < g.width) g.template finish<V>(i, c + v * stride, sum[v]);
    }
  }
};

/// Block by block: groups of 2^shift lanes.
template <class T, class X, int V, int N>
struct LongRows {
  RowSum<T, X> g;
  const std::int32_t* order;
  int shift;
  template <class Team>
  GALENA_KERNEL void operator()(Team& team, std::int64_t index) const {
    const std::int64_t i = static_cast<std::uint32_t>(order[index]);
    if (i == kNoRow) return;
    const std::int64_t lanes = std::int64_t{1} << shift, groups = team.lanes() >> shift, stride = lanes * V;
    const std::int64_t first = g.indptr[i], last = g.indptr[i + 1];
    T* const sums = static_cast<T*>(team.shared());  // [vector][element][lane]
    for (std::int64_t begin = 0; begin < g.width; begin += stride * N) {
      team.each([&](int lane) {
        const std::int64_t group = lane >> shift, c = begin + (lane & (lanes - 1)) * V;
        T sum[N][V] = {};
        g.template gather<V, N>(first + group, last, groups, c, stride, sum);
        for (int v = 0; v < N; ++v)
          for (int e = 0; e < V; ++e) sums[(v * V + e) * team.lanes() + lane] = sum[v][e];
      });
      team.sync();
      team.each([&](int lane) {
        if (lane >= lanes) return;
        const std::int64_t c = begin + lane * V;
        for (int v = 0; v < N; ++v) {
          if (c + v * stride >= g.width) break;
          T total[V] = {};
          for (int e = 0; e < V; ++e)
            for (std::int64_t group = 0; group < groups; ++group)
              total[e] += sums[(v * V + e) * team.lanes() + (group << shift) + lane];
          g.template finish<V>(i, c + v * stride, total);
        }
      });
      team.sync();
    }
  }
};

template <class M, class T, class X, int V, int N>
void launch_rows(const DeviceCsr& csr, const RowSum<T, X>& g, std::int64_t rows, int shift) {
  const auto* const order = device_data<std::int32_t>(csr.order);
  const auto part = [&](int bin) { return order + csr.first[static_cast<std::size_t>(bin)]; };
  if (const std::int64_t n = csr.count(0, rows); n > 0) M::map(n << shift, ShortRows<T, X, V, N>{g, part(0), shift});
  if (const std::int64_t n = csr.count(1, rows); n > 0)
    M::template blocks<128>(n, 128 * V * N * sizeof(T), LongRows<T, X, V, N>{g, part(1), shift});
  if (const std::int64_t n = csr.count(2, rows); n > 0)
    M::template blocks<512>(n, 512 * V * N * sizeof(T), LongRows<T, X, V, N>{g, part(2), shift});
}

/// The N that the width needs: vectors a lane, of up to 32 lanes.
template <class M, class T, class X, int V>
void launch_width(const DeviceCsr& csr, const RowSum<T, X>& g, std::int64_t rows) {
  const std::int64_t vectors = (g.width + V - 1) / V;
  int shift = 0;
  while (shift < 5 && (std::int64_t{1} << shift) < vectors) ++shift;
  if (vectors <= 32) return launch_rows<M, T, X, V, 1>(csr, g, rows, shift);
  if (vectors <= 64) return launch_rows<M, T, X, V, 2>(csr, g, rows, shift);
  launch_rows<M, T, X, V, 4>(csr, g, rows, shift);
}

inline bool aligned(const void* p, std::size_t bytes) { return reinterpret_cast<std::uintptr_t>(p) % bytes == 0; }

template <class M, class T, class X>
void spmm_as(const Csr& csr, const SpmmWeights& w, const Tensor& x, const Tensor& y, bool accumulate) {
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
                       x.cols(),
                       accumulate};
  constexpr int kMost = 16 / static_cast<int>(sizeof(T));
  const auto fits = [&](int v) {
    return g.width % v == 0 && aligned(g.x, sizeof(X) * static_cast<std::size_t>(v)) &&
           aligned(g.y, sizeof(T) * static_cast<std::size_t>(v));
  };
  if (g.width == 0) return;
  if (fits(kMost)) return launch_width<M, T, X, kMost>(device, g, y.rows());
  if constexpr (kMost > 2) {
    if (fits(2)) return launch_width<M, T, X, 2>(device, g, y.rows());
  }
  launch_width<M, T, X, 1>(device, g, y.rows());
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
  GALENA_KERNEL void operator()(std::int64_t at) const {
    const std::int64_t i = at / width, c = at % width;
    T best{};
    std::int32_t from = -1;
    for (std::int64_t k = indptr[i]; k < indptr[i + 1]; ++k) {
      const std::int64_t j = static_cast<std::uint32_t>(indices[k]);
      if (j >= limit) break;  // columns increase
      const T value = x[j * width + c];
      if (from < 0 || value > best) {
        best = value;
        from = indices[k];
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
  GALENA_KERNEL T operator()(std::int64_t at) const {
    const std::int64_t j = at / width, c = at % width;
    T sum{};
    for (std::int64_t k = indptr[j]; k < indptr[j + 1]; ++k) {
      const std::int64_t i = static_cast<std::uint32_t>(indices[k]);
      if (i >= limit) break;
      sum += arg[i * width + c] == j ? dy[i * width + c] : T{0};
    }
    return sum;
  }
};

template <class M>
void add_spmm_max(DeviceOps& ops) {
  ops.spmm_max = [](const Csr& csr, const Tensor& x, const Tensor& y, const Tensor& arg) {
    const DeviceCsr& device = device_csr(csr);
    with_float("spmm_max", x.dtype(), [&]<class T>(T) {
      M::map(y.size(),
             SpmmMax<T>{device_data<std::int64_t>(device.indptr), device_data<std::int32_t>(device.indices),
                        device_data<T>(x), device_data<T>(y), device_data<std::int32_t>(arg), x.rows(), x.cols()});
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
      store_map<M, T>(
          dx, true,
          SpmmMaxBackward<T>{device_data<std::int64_t>(device.indptr), device_data<std::int32_t>(device.indices),
                             device_data<std::int32_t>(arg), device_data<T>(dy), dy.rows(), dx.cols()});
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
