#pragma once
// Fused attention, as kernels; nothing an edge is written to memory. Gradients are two pulls, over targets and over sources,
// as on the CPU (src/ops/attention.cpp has the formulas), so no two teams add to one place. Heads that a warp can hold go by
// attention_lanes.hpp, others by attention_wide.hpp.

#include <cmath>
#include <utility>

#include "src/ops/device/attention_join.hpp"
#include "src/ops/device/attention_lanes.hpp"
#include "src/ops/device/attention_wide.hpp"
#include "src/ops/device/rows.hpp"

namespace galena::ops::gpu {

/// y over the sum of its weights.
template <class T>
struct AttentionMeans {
  const T *y, *sum;
  std::uint32_t heads, width;
  template <int V>
  GALENA_KERNEL Pack<T, V> pack(std::int64_t i, std::int64_t c) const {
    const T total = sum[i * heads + static_cast<std::uint32_t>(c) / width], by = total > 0 ? 1 / total : T{0};
    Pack<T, V> row = load<V>(y + i * heads * width + c);
    GALENA_UNROLL
    for (int e = 0; e < V; ++e) row.at[e] *= by;
    return row;
  }
};

template <class T>
struct LogSums {
  const T *maximum, *sum;
  GALENA_KERNEL T operator()(std::int64_t i) const {
    return maximum[i] + std::log(sum[i]);  // -infinity where there are no neighbours
  }
};

/// <dy, y> by row and head, one after the other, of wide heads: a warp each.
template <class T>
struct WideProducts {
  const T *dy, *y;
  T* to;
  std::int64_t width;
  template <class Team>
  GALENA_KERNEL void operator()(Team& team, std::int64_t i) const {
    const T total = team.sum([&](int lane) {
      T sum{};
      for (std::int64_t c = i * width + lane; c < (i + 1) * width; c += team.lanes()) sum += dy[c] * y[c];
      return sum;
    });
    team.each([&](int lane) {
      if (lane == 0) to[i] = total;
    });
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

/// Bytes that a team of wide heads needs: two numbers a neighbour of a tile and head, or one and one a head.
template <class T>
std::size_t wide_bytes(const AttentionRows<T>& rows) {
  return static_cast<std::size_t>(2 * rows.tile * rows.g.heads) * sizeof(T);
}

/// lanes(LaneRows<T, V, K>) where a warp can hold a head in packs, which `pointers` are read and written by; else wide().
/// Few V and K, since each is a kernel for every way: rows that do not lie for packs have K = 2, if they need it or not.
template <class T, class Lanes, class Wide>
void with_lanes(const AttentionRows<T>& rows, std::initializer_list<const void*> pointers, const Lanes& lanes,
                const Wide& wide) {
  constexpr int kMost = sizeof(T) == 4 ? 4 : 1;  // doubles are for tests
  bool fits = rows.g.width % kMost == 0;
  for (const void* const p : pointers) fits = fits && aligned(p, kMost * sizeof(T));
  if (rows.g.width == 0) return wide();
  const HeadLanes how(rows.g.heads, rows.g.width, fits ? kMost : 1);
  if constexpr (kMost > 1) {
    if (fits && how.vectors == 1) return lanes(LaneRows<T, kMost, 1>{rows, how});
    if (fits && how.vectors == 2) return lanes(LaneRows<T, kMost, 2>{rows, how});
    if (fits && how.vectors <= 4) return lanes(LaneRows<T, kMost, 4>{rows, how});
  }
  if ((kMost == 1 || !fits) && how.vectors <= 2) return lanes(LaneRows<T, 1, 2>{rows, how});
  wide();
}

/// One launch for the first n rows: a block a chunk or a long row, then a warp a short one.
template <class M, class F>
void launch_lanes(const DeviceCsr& csr, std::int64_t n, F f) {
  using T = typename F::Rows::Real;
  const std::int64_t ranges = f.r.lanes.ranges;
  f.r.count = n;
  f.r.chunks = csr.count(DeviceCsr::kChunks);
  f.r.pieces = pieces_data(csr.pieces) + csr.first[DeviceCsr::kChunks];
  M::mixed((f.r.chunks + csr.count(DeviceCsr::kLongRows)) * ranges, kMixedLanes * F::kJoined * sizeof(T),
           csr.count(DeviceCsr::kShortRows) * ranges, f.r.lanes.shift == 5 ? 0 : 32 * F::kJoined * sizeof(T), f);
}

template <class M, class T, int V, int K, bool kV2>
void launch_forward(const Csr& view, std::int64_t n, LaneForward<T, V, K, kV2> f) {
  const DeviceCsr& csr = device_csr(view);
  const AttentionArgs<T>& g = f.r.rows.g;
  const std::int64_t chunks = csr.count(DeviceCsr::kChunks);
  if (chunks == 0) return launch_lanes<M>(csr, n, f);
  const Tensor y = scratch(chunks, g.heads * g.width, kDType<T>), softmax = scratch(2 * chunks, g.heads, kDType<T>);
  f.chunk_y = device_data<T>(y);
  f.chunk_most = device_data<T>(softmax);
  f.chunk_sum = f.chunk_most + chunks * g.heads;
  launch_lanes<M>(csr, n, f);
  using Join = JoinAttention<T>;
  M::template blocks<Join::kLanes>(
      csr.count(DeviceCsr::kSplitRows) * g.heads, Join::kLanes * sizeof(T),
      Join{pieces_data(csr.pieces) + csr.first[DeviceCsr::kSplitRows], f.chunk_y, f.chunk_most, f.chunk_sum, g.y,
           g.maximum, g.sum, n, g.heads, g.width, shift_for(g.width)});
}

template <class M, class T, int V, int K, bool kV2, bool kSource>
void launch_backward(const Csr& view, std::int64_t n, LaneBackward<T, V, K, kV2, kSource> f) {
  using F = LaneBackward<T, V, K, kV2, kSource>;
  const DeviceCsr& csr = device_csr(view);
  const AttentionArgs<T>& g = f.r.rows.g;
  const std::int64_t chunks = csr.count(DeviceCsr::kChunks), d = g.heads * g.width, terms = kV2 ? d : g.heads;
  if (chunks == 0) return launch_lanes<M>(csr, n, f);
  const Tensor own = scratch(chunks, terms, kDType<T>), second = scratch(chunks, F::kSecond ? d : 0, kDType<T>);
  f.chunk_own = device_data<T>(own);
  f.chunk_second = device_data<T>(second);
  launch_lanes<M>(csr, n, f);
  join_chunks<M>(csr, AddToRows<T>{g.d_own, n, terms}, f.chunk_own);
  if (F::kSecond) join_chunks<M>(csr, AddToRows<T>{kSource ? g.d_value : f.r.rows.d_a_rows, n, d}, f.chunk_second);
}

template <class M>
void add_attention(DeviceOps& ops) {
  ops.attention_accumulate = [](AttentionKind kind, const AttentionBlock& block, const Tensor& target, const Tensor& a,
                                double slope, const AttentionState& state) {
    with_float("attention_accumulate", state.y.dtype(), [&]<class T>(T) {
      AttentionRows<T> rows = attention_rows<T>(kind, block, target, a, slope, state);
      const Tensor seed = give_seed<M>(block, rows);
      AttentionArgs<T>& g = rows.g;
      const std::int64_t n = state.y.rows();
      g.maximum = device_data<T>(state.maximum);
      g.sum = device_data<T>(state.sum);
      g.y = device_data<T>(state.y);
      with_lanes(
          rows, {g.y, g.value, g.v2 ? g.own : nullptr, g.a},
          [&]<int V, int K>(const LaneRows<T, V, K>& r) {
            if (g.v2) return launch_forward<M>(block.csr, n, LaneForward<T, V, K, true>{r});
            launch_forward<M>(block.csr, n, LaneForward<T, V, K, false>{r});
          },
          [&] { M::teams(n, wide_bytes(rows), AttentionForward<T>{rows}); });
    });
  };
  ops.attention_finish = [](const AttentionState& state) {
    with_float("attention_finish", state.y.dtype(), [&]<class T>(T) {
      const std::int64_t heads = state.sum.cols(), d = state.y.cols();
      if (heads == 0) return;
      T *const y = device_data<T>(state.y), *const sum = device_data<T>(state.sum);
      const AttentionMeans<T> means{y, sum, static_cast<std::uint32_t>(heads), static_cast<std::uint32_t>(d / heads)};
      with_packs<T>(d / heads, {y}, [&]<int V>() {
        M::map_rows(state.y.rows(), d / V, StoreRow<T, V, AttentionMeans<T>>{means, y, d, false});
      });
      store_map<M, T>(state.sum, false, LogSums<T>{device_data<T>(state.maximum), sum});
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
      const auto *const y = device_data<T>(state.y), *const d_y = device_data<T>(dy);
      T* const products = device_data<T>(inner);
      with_lanes(
          rows, {y, d_y},
          [&]<int V, int K>(LaneRows<T, V, K> r) {
            const std::int64_t groups = 32 >> r.lanes.shift;
            r.count = n;
            M::teams((n + groups - 1) / groups * r.lanes.ranges, 0, HeadProducts<T, V, K>{r, d_y, y, products});
          },
          [&] {
            M::teams(n * g.heads, 0, WideProducts<T>{d_y, y, products, g.width});
          });
      g.log_sum = device_data<T>(state.sum);
      g.inner = products;
      g.own_value = d_y;
      g.d_own = device_data<T>(dtarget);
      Tensor parts;
      if (g.v2) {
        parts = scratch(n, d, state.y.dtype());
        parts.fill(0);
        rows.d_a_rows = device_data<T>(parts);
      }
      // By targets, then by sources.
      const auto pull = [&]<bool kSource>(std::bool_constant<kSource>, const Csr& csr, std::int64_t count) {
        with_lanes(
            rows,
            {g.value, g.own_value, g.a, g.v2 ? g.own : nullptr, g.v2 ? g.other : nullptr, g.v2 ? g.d_own : nullptr,
             g.d_value},
            [&]<int V, int K>(const LaneRows<T, V, K>& r) {
              if (g.v2) return launch_backward<M>(csr, count, LaneBackward<T, V, K, true, kSource>{r});
              launch_backward<M>(csr, count, LaneBackward<T, V, K, false, kSource>{r});
            },
            [&] { M::teams(count, wide_bytes(rows), AttentionBackward<T>{rows}); });
      };
      pull(std::bool_constant<false>{}, block.csr, n);
      if (g.v2) device_ops().column_sums(parts, da, true);
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
      pull(std::bool_constant<true>{}, csr_t, block.source.rows());
    });
  };
}

}  // namespace galena::ops::gpu
