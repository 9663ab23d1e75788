#pragma once
// Maxima over neighbours and their gradients (pieces.hpp). "The largest, the first of equals" joins in any order, since parts
// know where they are from.

#include "src/ops/device/pieces.hpp"
#include "src/ops/device/rows.hpp"
#include "src/ops/max_math.hpp"

namespace galena::ops::gpu {

/// The largest of a row's columns, and where it is from; 0 and -1 of none. As on the CPU, NaN is largest where the row's
/// first neighbour has it, and is passed over elsewhere.
template <class T>
struct SpmmMax {
  struct Part {
    T best{};
    std::int32_t from = -1;
  };
  const std::int64_t* indptr;
  const std::int32_t* indices;
  const T* x;
  T* y;
  std::int32_t* arg;
  std::int64_t limit, rows, width;
  bool bounded;  ///< there are columns from the limit on

  GALENA_KERNEL CsrPiece clipped(const CsrPiece& piece) const {
    return bounded ? piece_below(indices, piece, limit) : piece;
  }
  template <int V, int N>
  GALENA_KERNEL void gather(const CsrPiece& piece, std::int32_t begin, std::int32_t step, std::int64_t c,
                            Part (&part)[N][V]) const {
    static_assert(N == 1);
    constexpr int U = 4;
    const auto count = static_cast<std::int32_t>(piece.count);
    const bool starts = begin == 0 && piece.first == indptr[piece.row];
    in_turns<U>(indices + piece.first, count, begin, step, [&](auto all, std::int32_t k, const auto& j) {
      Pack<T, V> row[U] = {};
      GALENA_UNROLL
      for (int u = 0; u < U; ++u)
        if (decltype(all)::value || k + u * step < count) row[u] = load<V>(x + std::int64_t{j[u]} * width + c);
      GALENA_UNROLL
      for (int u = 0; u < U; ++u) {
        if (!decltype(all)::value && k + u * step >= count) continue;
        GALENA_UNROLL
        for (int e = 0; e < V; ++e) take(part[0][e], row[u].at[e], j[u], starts && k + u == 0);
      }
    });
  }
  GALENA_KERNEL void join(Part& part, const Part& other) const {
    const bool larger = other.best > part.best || (other.best == part.best && other.from < part.from);
    if (other.from >= 0 && (part.from < 0 || larger)) part = other;
  }
  template <int V>
  GALENA_KERNEL void finish(std::int64_t i, std::int64_t c, const Part* part) const {
    Pack<T, V> best;
    Pack<std::int32_t, V> from;
    GALENA_UNROLL
    for (int e = 0; e < V; ++e) {
      best.at[e] = part[e].best;
      from.at[e] = part[e].from;
    }
    store(y + i * width + c, best);
    store(arg + i * width + c, from);
  }

 private:
  GALENA_KERNEL static void take(Part& part, T value, std::uint32_t j, bool first) {
    if (!(part.from < 0 ? first || value == value : value > part.best)) return;
    part.best = value;
    part.from = static_cast<std::int32_t>(j);
  }
};

/// Adds what rows that chose column i give back.
template <class T>
struct SpmmMaxBackward {
  using Part = T;
  const std::int32_t* indices;
  const std::int32_t* arg;
  const T* dy;
  T* dx;
  std::int64_t limit, rows, width;
  bool bounded;  ///< there are columns from the limit on

  GALENA_KERNEL CsrPiece clipped(const CsrPiece& piece) const {
    return bounded ? piece_below(indices, piece, limit) : piece;
  }
  template <int V, int N>
  GALENA_KERNEL void gather(const CsrPiece& piece, std::int32_t begin, std::int32_t step, std::int64_t c,
                            T (&sum)[N][V]) const {
    static_assert(N == 1);
    constexpr int U = 4;
    const auto count = static_cast<std::int32_t>(piece.count);
    const auto own = static_cast<std::int32_t>(piece.row);
    in_turns<U>(indices + piece.first, count, begin, step, [&](auto all, std::int32_t k, const auto& i) {
      Pack<std::int32_t, V> chosen[U] = {};
      Pack<T, V> given[U] = {};
      GALENA_UNROLL
      for (int u = 0; u < U; ++u) {
        const bool there = decltype(all)::value || k + u * step < count;
        if (there) chosen[u] = load<V>(arg + std::int64_t{i[u]} * width + c);
        GALENA_UNROLL
        for (int e = 0; e < V; ++e) chosen[u].at[e] = there && chosen[u].at[e] == own ? 1 : 0;
      }
      GALENA_UNROLL
      for (int u = 0; u < U; ++u) {
        std::int32_t any = 0;
        GALENA_UNROLL
        for (int e = 0; e < V; ++e) any |= chosen[u].at[e];
        if (any != 0) given[u] = load<V>(dy + std::int64_t{i[u]} * width + c);
      }
      GALENA_UNROLL
      for (int u = 0; u < U; ++u) {
        GALENA_UNROLL
        for (int e = 0; e < V; ++e) sum[0][e] += chosen[u].at[e] != 0 ? given[u].at[e] : T{0};
      }
    });
  }
  GALENA_KERNEL void join(T& sum, const T& other) const { sum += other; }
  template <int V>
  GALENA_KERNEL void finish(std::int64_t i, std::int64_t c, const T* sum) const {
    Pack<T, V> out;
    GALENA_UNROLL
    for (int e = 0; e < V; ++e) out.at[e] = sum[e];
    store(dx + i * width + c, out, true);
  }
};

/// In packs where `arg` and the others lie so.
template <class M, class T, class G>
void launch_maxima(const DeviceCsr& csr, const std::int32_t* arg, std::initializer_list<const T*> pointers,
                   const G& g) {
  if (g.width == 0) return;
  with_packs<T>(aligned(arg, 16) ? g.width : 1, pointers,
                [&]<int V>() { launch_rows<M, V, 1>(csr, g, shift_for((g.width + V - 1) / V)); });
}

template <class M>
void add_spmm_max(DeviceOps& ops) {
  ops.spmm_max = [](const Csr& csr, const Tensor& x, const Tensor& y, const Tensor& arg) {
    const DeviceCsr& device = device_csr(csr);
    auto* const from = device_data<std::int32_t>(arg);
    with_float("spmm_max", x.dtype(), [&]<class T>(T) {
      const SpmmMax<T> g{device_data<std::int64_t>(device.indptr),
                         device_data<std::int32_t>(device.indices),
                         device_data<T>(x),
                         device_data<T>(y),
                         from,
                         x.rows(),
                         y.rows(),
                         x.cols(),
                         x.rows() < csr.cols};
      launch_maxima<M, T>(device, from, {g.x, g.y}, g);
    });
  };
  ops.spmm_max_backward = [](const Csr& csr_t, const Tensor& arg, const Tensor& dy, const Tensor& dx) {
    const DeviceCsr& device = device_csr(csr_t);
    const auto* const from = device_data<std::int32_t>(arg);
    with_float("spmm_max_backward", dx.dtype(), [&]<class T>(T) {
      const SpmmMaxBackward<T> g{device_data<std::int32_t>(device.indices),
                                 from,
                                 device_data<T>(dy),
                                 device_data<T>(dx),
                                 dy.rows(),
                                 dx.rows(),
                                 dx.cols(),
                                 dy.rows() < csr_t.cols};
      launch_maxima<M, T>(device, from, {g.dy, g.dx}, g);
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
}

}  // namespace galena::ops::gpu
