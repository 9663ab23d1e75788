#pragma once
// Attention with a row in registers: lanes hold columns of a head in packs, a group of lanes a neighbour's, and go on to
// the next neighbours, several at once. Dot products are sums over a head's lanes; each group has an online softmax of its
// own, which are joined in order at the end. A team takes a row, or a range of its heads where they do not fit a warp: a warp
// short rows, a block long ones and chunks of the longest, whose parts go to scratch (attention_join.hpp).

#include <cmath>
#include <limits>

#include "src/ops/device/attention_rows.hpp"
#include "src/ops/device/head_lanes.hpp"
#include "src/ops/device/pieces.hpp"

namespace galena::ops::gpu {

/// A row, or a chunk of one, as a team takes it.
struct AttentionPiece {
  std::int64_t first;  ///< neighbour in the matrix
  std::uint32_t row;
  std::int32_t edges, count;  ///< neighbours in the matrix, and with the row itself, which is the last
  std::int64_t range;         ///< of heads
  std::int64_t chunk;         ///< its number, or -1: it is the whole row
};

/// K packs of V columns a lane.
template <class T, int V, int K>
struct LaneRows {
  using Real = T;
  static constexpr int kV = V, kK = K;
  using Part = T[K][V];
  using Place = HeadLanes::Place;

  AttentionRows<T> rows;
  HeadLanes lanes;
  const CsrPiece* pieces = nullptr;  ///< chunks, long rows, short rows
  std::int64_t chunks = 0, count = 0;

  GALENA_KERNEL Place place(std::int64_t range, int lane) const { return lanes.place(range, lane, rows.g.heads, V); }
  GALENA_KERNEL std::int64_t range(std::int64_t index) const { return lanes.ranges == 1 ? 0 : index % lanes.ranges; }
  /// Of a team. `count` -1: there is nothing to do.
  GALENA_KERNEL AttentionPiece piece(std::int64_t index) const {
    const AttentionArgs<T>& g = rows.g;
    const std::int64_t number = lanes.ranges == 1 ? index : index / lanes.ranges;
    const CsrPiece all = pieces[number];
    AttentionPiece p{all.first, all.row, 0, -1, range(index), number < chunks ? number : -1};
    if (p.row >= count) return p;  // kNoRow too
    p.edges = static_cast<std::int32_t>(all.count);
    if (g.bounded) p.edges = columns_below(columns(p), p.edges, g.limit);
    const auto end = static_cast<std::uint64_t>(all.first + all.count);
    p.count = p.edges + (p.row < g.loops && end == g.indptr[p.row + 1] ? 1 : 0);
    if (p.count == 0 && p.chunk < 0) p.count = -1;
    return p;
  }
  GALENA_KERNEL const std::int32_t* columns(const AttentionPiece& p) const {
    return reinterpret_cast<const std::int32_t*>(rows.g.indices) + p.first;
  }
  /// The first of a lane's columns in a row.
  GALENA_KERNEL std::int64_t at(const Place& p) const { return p.head * rows.g.width + p.within; }
  GALENA_KERNEL bool has(const Place& p, int k) const { return p.active && p.within + k * 32 * V < rows.g.width; }
  /// Whether a lane writes what its head has once.
  GALENA_KERNEL bool leads(const Place& p) const { return p.active && p.within == 0; }

  GALENA_KERNEL void read(const T* x, std::int64_t j, const Place& p, bool wanted, Part& to) const {
    const T* const from = x + j * (rows.g.heads * rows.g.width) + at(p);
    GALENA_UNROLL
    for (int k = 0; k < K; ++k) {
      Pack<T, V> pack{};
      if (wanted && has(p, k)) pack = load<V>(from + k * 32 * V);
      GALENA_UNROLL
      for (int e = 0; e < V; ++e) to[k][e] = pack.at[e];
    }
  }
  /// A lane's part of a dot product.
  GALENA_KERNEL T dot(const Part& a, const Part& b) const {
    T sum{};
    GALENA_UNROLL
    for (int k = 0; k < K; ++k) {
      GALENA_UNROLL
      for (int e = 0; e < V; ++e) sum += a[k][e] * b[k][e];
    }
    return sum;
  }
  /// A lane's part of a score of GATv2.
  GALENA_KERNEL T score(const Part& a, const Part& own, const Part& other) const {
    T sum{};
    GALENA_UNROLL
    for (int k = 0; k < K; ++k) {
      GALENA_UNROLL
      for (int e = 0; e < V; ++e) {
        const T x = own[k][e] + other[k][e];
        sum += a[k][e] * x * rows.bend(x);
      }
    }
    return sum;
  }
  /// to (+)= total, of a row.
  GALENA_KERNEL void write(T* to, std::int64_t i, const Place& p, const T* total, bool accumulate) const {
    T* const row = to + i * (rows.g.heads * rows.g.width) + at(p);
    GALENA_UNROLL
    for (int k = 0; k < K; ++k) {
      if (!has(p, k)) continue;
      Pack<T, V> pack;
      GALENA_UNROLL
      for (int e = 0; e < V; ++e) pack.at[e] = total[k * V + e];
      store(row + k * 32 * V, pack, accumulate);
    }
  }
};

/// The U neighbours that a lane has at once, with what is read beside their rows; and which are next.
template <class T, int U>
struct LaneOthers {
  std::uint32_t j[U], next[U], id[U];
  bool live[U];
  T log_weight[U];
  std::uint64_t seed;  ///< of the row's draws, as own_id
  VertexId own_id;

  template <class Rows>
  GALENA_KERNEL void begin(const Rows& r, const AttentionPiece& w, const typename Rows::Place& p, int groups) {
    seed = r.rows.drop_below != 0 ? *r.rows.seed : 0;
    own_id = r.rows.drop_below != 0 ? r.rows.row_ids[w.row] : 0;
    columns_from(r.columns(w), w.edges, p.group, groups, next);
  }
  /// Those from number `first` on, of a group each.
  template <class Rows>
  GALENA_KERNEL void read(const Rows& r, const AttentionPiece& w, std::int32_t first, const typename Rows::Place& p,
                          int groups) {
    const AttentionArgs<T>& g = r.rows.g;
    GALENA_UNROLL
    for (int u = 0; u < U; ++u) {
      const std::int32_t k = first + p.group + u * groups;
      live[u] = k < w.count;
      j[u] = k < w.edges ? next[u] : w.row;
    }
    columns_from(r.columns(w), w.edges, first + p.group + U * groups, groups, next);
    GALENA_UNROLL
    for (int u = 0; u < U; ++u) {
      log_weight[u] = g.log_weight != nullptr && live[u] ? g.log_weight[g.columns_are_others ? j[u] : w.row] : T{};
      id[u] = r.rows.drop_below != 0 && live[u] ? r.rows.other_ids[j[u]] : 0;
    }
  }
  template <class Rows>
  GALENA_KERNEL T factor(const Rows& r, int u, std::int64_t head) const {
    return r.rows.drop_below != 0 ? r.rows.factor(seed, own_id, id[u], head) : T{1};
  }
};

/// Of so many words that a lane reads of a neighbour; more at once would leave room for fewer warps.
constexpr int neighbours_at_once(std::size_t words) { return words >= 16 ? 1 : words >= 8 ? 2 : 4; }

/// A team's way through its neighbours, forward and backward: `op` begins, reads and adds some at once, between which dot
/// products are summed over a head's lanes, joins what groups have and ends.
template <class Op, class Team>
GALENA_KERNEL void walk_neighbours(const Op& op, Team& team, std::int64_t index) {
  const AttentionPiece w = op.r.piece(index);
  if (w.count < 0) return;
  const int groups = team.lanes() >> op.r.lanes.shift;
  typename Team::template PerLane<typename Op::Lane> of;
  const auto each = [&](const auto& f) { team.each([&](int lane) { f(of[lane], op.r.place(w.range, lane)); }); };
  each([&](auto& x, const auto& p) {
    x.others.begin(op.r, w, p, groups);
    op.begin(x, w, p);
  });
  for (std::int32_t first = 0; first < w.count; first += groups * Op::kAtOnce) {
    each([&](auto& x, const auto& p) {
      x.others.read(op.r, w, first, p, groups);
      op.read(x, p);
    });
    if constexpr (Op::kDots) {
      team.sum_groups(
          op.r.lanes.head_shift, [&](int lane) -> auto& { return of[lane].dot; });
    }
    each([&](auto& x, const auto& p) { op.add(x, p); });
  }
  if (groups > 1) op.join(team, of, groups);
  team.sync();  // before a lane writes what others began with
  each([&](auto& x, const auto& p) {
    if (p.group == 0) op.end(x, w, p);
  });
}

template <class T, int V, int K, bool kV2>
struct LaneForward {
  using Rows = LaneRows<T, V, K>;
  using Place = typename Rows::Place;
  static constexpr int kAtOnce = neighbours_at_once(K * V * sizeof(T) / 4);
  static constexpr bool kDots = kV2;
  /// What a group leaves to be joined, a lane: y, the maximum and the sum.
  static constexpr int kJoined = K * V + 2;
  Rows r;
  T *chunk_y = nullptr, *chunk_most = nullptr, *chunk_sum = nullptr;

  struct Lane {
    LaneOthers<T, kAtOnce> others;
    typename Rows::Part own, a, value[kAtOnce];
    T y[K * V], own_score, most, sum;
    T dot[kAtOnce];  ///< scores
  };

  template <class Team>
  GALENA_KERNEL void operator()(Team& team, std::int64_t index) const {
    walk_neighbours(*this, team, index);
  }
  /// The first group goes on from what earlier blocks have left.
  GALENA_KERNEL void begin(Lane& x, const AttentionPiece& w, const Place& p) const {
    const AttentionArgs<T>& g = r.rows.g;
    const std::int64_t at = std::int64_t{w.row} * g.heads + p.head;
    const bool goes_on = p.group == 0 && p.active && w.chunk < 0;
    typename Rows::Part y;
    r.read(g.y, w.row, p, goes_on, y);
    GALENA_UNROLL
    for (int c = 0; c < K * V; ++c) x.y[c] = y[c / V][c % V];
    x.most = goes_on ? g.maximum[at] : -std::numeric_limits<T>::infinity();
    x.sum = goes_on ? g.sum[at] : T{0};
    if constexpr (kV2) {
      r.read(g.own, w.row, p, true, x.own);
      r.read(g.a, 0, p, true, x.a);
    } else {
      x.own_score = g.own[at];
    }
  }
  GALENA_KERNEL void read(Lane& x, const Place& p) const {
    const AttentionArgs<T>& g = r.rows.g;
    GALENA_UNROLL
    for (int u = 0; u < kAtOnce; ++u) {
      const std::int64_t j = x.others.j[u];
      r.read(g.value, j, p, x.others.live[u], x.value[u]);
      if constexpr (!kV2) x.dot[u] = x.others.live[u] ? g.other[j * g.heads + p.head] : T{};
    }
    if constexpr (kV2) {  // values are what scores are of
      GALENA_UNROLL
      for (int u = 0; u < kAtOnce; ++u) x.dot[u] = r.score(x.a, x.own, x.value[u]);
    }
  }
  GALENA_KERNEL void add(Lane& x, const Place& p) const {
    T most = x.most;
    GALENA_UNROLL
    for (int u = 0; u < kAtOnce; ++u) {
      if (!x.others.live[u]) continue;
      if constexpr (!kV2) {
        const T both = x.own_score + x.dot[u];
        x.dot[u] = both * r.rows.bend(both);
      }
      x.dot[u] += x.others.log_weight[u];
      most = x.dot[u] > most ? x.dot[u] : most;
    }
    const T scale = x.sum > 0 ? std::exp(x.most - most) : T{0};
    x.most = most;
    x.sum *= scale;
    GALENA_UNROLL
    for (int c = 0; c < K * V; ++c) x.y[c] *= scale;
    GALENA_UNROLL
    for (int u = 0; u < kAtOnce; ++u) {
      if (!x.others.live[u]) continue;
      T weight = std::exp(x.dot[u] - most);
      x.sum += weight;
      weight *= x.others.factor(r, u, p.head);
      GALENA_UNROLL
      for (int c = 0; c < K * V; ++c) x.y[c] += weight * x.value[u][c / V][c % V];
    }
  }
  template <class Team, class Lanes>
  GALENA_KERNEL void join(Team& team, Lanes& of, int groups) const {
    T* const parts = static_cast<T*>(team.shared());  // [kJoined x lanes]
    const int all = team.lanes(), group = 1 << r.lanes.shift;
    team.each([&](int lane) {
      GALENA_UNROLL
      for (int c = 0; c < K * V; ++c) parts[c * all + lane] = of[lane].y[c];
      parts[K * V * all + lane] = of[lane].most;
      parts[(K * V + 1) * all + lane] = of[lane].sum;
    });
    team.sync();
    team.each([&](int lane) {
      if (lane >= group) return;
      Lane& x = of[lane];
      const T *const most = parts + K * V * all, *const sum = most + all;
      for (int k = lane + group; k < groups * group; k += group) x.most = most[k] > x.most ? most[k] : x.most;
      x.sum = 0;
      for (int c = 0; c < K * V; ++c) x.y[c] = 0;
      for (int k = lane; k < groups * group; k += group) {
        const T scale = sum[k] > 0 ? std::exp(most[k] - x.most) : T{0};
        x.sum += scale * sum[k];
        GALENA_UNROLL
        for (int c = 0; c < K * V; ++c) x.y[c] += scale * parts[c * all + k];
      }
    });
  }
  GALENA_KERNEL void end(const Lane& x, const AttentionPiece& w, const Place& p) const {
    const AttentionArgs<T>& g = r.rows.g;
    const bool whole = w.chunk < 0;
    const std::int64_t i = whole ? w.row : w.chunk, at = i * g.heads + p.head;
    r.write(whole ? g.y : chunk_y, i, p, x.y, false);
    if (!r.leads(p)) return;
    (whole ? g.maximum : chunk_most)[at] = x.most;
    (whole ? g.sum : chunk_sum)[at] = x.sum;
  }
};

/// Gradients of what row i brought: a target's, or a source's.
template <class T, int V, int K, bool kV2, bool kSource>
struct LaneBackward {
  using Rows = LaneRows<T, V, K>;
  using Place = typename Rows::Place;
  static constexpr int kRow = K * V;
  static constexpr bool kOther = kV2 && kSource;  ///< scores are of other rows than products
  static constexpr int kAtOnce = neighbours_at_once((kV2 || kSource ? 2 : 1) * kRow * sizeof(T) / 4);
  static constexpr bool kDots = true;
  static constexpr bool kSecond =
      kV2 != kSource;  ///< besides the row's own terms: d a (v2, targets), d value (sources)
  static constexpr int kOwn = kV2 ? kRow : 1;
  /// What a group leaves to be joined, a lane.
  static constexpr int kJoined = kOwn + (kSecond ? kRow : 0);
  Rows r;
  T *chunk_own = nullptr, *chunk_second = nullptr;

  struct Lane {
    LaneOthers<T, kAtOnce> others;
    typename Rows::Part own, own_value, a, value[kAtOnce], other[kOther ? kAtOnce : 1];
    T total[kJoined], own_score, log_sum[kSource ? kAtOnce : 1], inner[kSource ? kAtOnce : 1], score[kAtOnce];
    T dot[(kV2 ? 2 : 1) * kAtOnce];  ///< with values, then of GATv2's scores
  };

  template <class Team>
  GALENA_KERNEL void operator()(Team& team, std::int64_t index) const {
    walk_neighbours(*this, team, index);
  }
  GALENA_KERNEL void begin(Lane& x, const AttentionPiece& w, const Place& p) const {
    const AttentionArgs<T>& g = r.rows.g;
    const std::int64_t at = std::int64_t{w.row} * g.heads + p.head;
    GALENA_UNROLL
    for (int c = 0; c < kJoined; ++c) x.total[c] = 0;
    r.read(g.own_value, w.row, p, true, x.own_value);
    if constexpr (!kSource) {
      x.log_sum[0] = g.log_sum[at];
      x.inner[0] = g.inner[at];
    }
    if constexpr (kV2) {
      r.read(g.own, w.row, p, true, x.own);
      r.read(g.a, 0, p, true, x.a);
    } else {
      x.own_score = g.own[at];
    }
  }
  GALENA_KERNEL void read(Lane& x, const Place& p) const {
    const AttentionArgs<T>& g = r.rows.g;
    GALENA_UNROLL
    for (int u = 0; u < kAtOnce; ++u) {
      const std::int64_t j = x.others.j[u], target = j * g.heads + p.head;
      r.read(g.value, j, p, x.others.live[u], x.value[u]);
      if constexpr (kOther) r.read(g.other, j, p, x.others.live[u], x.other[u]);
      if constexpr (!kV2) x.score[u] = x.others.live[u] ? g.other[target] : T{};
      if constexpr (kSource) {
        x.log_sum[u] = x.others.live[u] ? g.log_sum[target] : T{};
        x.inner[u] = x.others.live[u] ? g.inner[target] : T{};
      }
    }
    GALENA_UNROLL
    for (int u = 0; u < kAtOnce; ++u) {
      x.dot[u] = r.dot(x.own_value, x.value[u]);
      if constexpr (kV2) x.dot[kAtOnce + u] = r.score(x.a, x.own, other_of(x, u));
    }
  }
  GALENA_KERNEL void add(Lane& x, const Place& p) const {
    GALENA_UNROLL
    for (int u = 0; u < kAtOnce; ++u) {
      if (!x.others.live[u]) continue;
      T score, bend{1};
      if constexpr (kV2) {
        score = x.dot[kAtOnce + u];
      } else {
        score = x.own_score + x.score[u];
        bend = r.rows.bend(score);
        score *= bend;
      }
      const int of = kSource ? u : 0;
      const T alpha = std::exp(score + x.others.log_weight[u] - x.log_sum[of]);
      const T factor = x.others.factor(r, u, p.head);
      const T slope = alpha * (x.dot[u] * factor - x.inner[of]) * bend;
      if constexpr (!kV2) x.total[0] += slope;
      GALENA_UNROLL
      for (int c = 0; c < kRow; ++c) add_column(x, u, c, slope, alpha * factor);
    }
  }
  template <class Team, class Lanes>
  GALENA_KERNEL void join(Team& team, Lanes& of, int groups) const {
    T* const parts = static_cast<T*>(team.shared());  // [kJoined x lanes]
    const int all = team.lanes(), group = 1 << r.lanes.shift;
    team.each([&](int lane) {
      GALENA_UNROLL
      for (int c = 0; c < kJoined; ++c) parts[c * all + lane] = of[lane].total[c];
    });
    team.sync();
    team.each([&](int lane) {
      if (lane >= group) return;
      for (int k = lane + group; k < groups * group; k += group) {
        GALENA_UNROLL
        for (int c = 0; c < kJoined; ++c) of[lane].total[c] += parts[c * all + k];
      }
    });
  }
  GALENA_KERNEL void end(const Lane& x, const AttentionPiece& w, const Place& p) const {
    const AttentionArgs<T>& g = r.rows.g;
    const bool whole = w.chunk < 0;
    const std::int64_t i = whole ? w.row : w.chunk;
    T* const own = whole ? g.d_own : chunk_own;
    if constexpr (kV2) {
      r.write(own, i, p, x.total, whole);
    } else if (r.leads(p)) {
      T& to = own[i * g.heads + p.head];
      to = whole ? to + x.total[0] : x.total[0];
    }
    if constexpr (kSecond) {
      T* const second = kSource ? g.d_value : r.rows.d_a_rows;
      r.write(whole ? second : chunk_second, i, p, x.total + kOwn, whole);
    }
  }

 private:
  /// Of GATv2, targets' others are the values.
  GALENA_KERNEL static const typename Rows::Part& other_of(const Lane& x, int u) {
    if constexpr (kOther) {
      return x.other[u];
    } else {
      return x.value[u];
    }
  }
  GALENA_KERNEL void add_column(Lane& x, int u, int c, T slope, T weight) const {
    const T value = x.value[u][c / V][c % V];
    if constexpr (kV2) {
      const T both = x.own[c / V][c % V] + other_of(x, u)[c / V][c % V], by_own = slope * r.rows.bend(both);
      x.total[c] += by_own * x.a[c / V][c % V];
      if constexpr (kSource) x.total[c] += weight * value;
      if constexpr (kSecond) x.total[kOwn + c] += by_own * both;
    } else if constexpr (kSecond) {
      x.total[kOwn + c] += weight * value;
    }
  }
};

/// <dy, y> by row and head: a warp's groups take a row each.
template <class T, int V, int K>
struct HeadProducts {
  LaneRows<T, V, K> r;
  const T *dy, *y;
  T* to;
  struct Sum {
    T of[1];
  };
  template <class Team>
  GALENA_KERNEL void operator()(Team& team, std::int64_t index) const {
    typename Team::template PerLane<Sum> dot;
    const std::int64_t range = r.range(index), first = index / r.lanes.ranges * (team.lanes() >> r.lanes.shift);
    team.each([&](int lane) {
      const auto p = r.place(range, lane);
      typename LaneRows<T, V, K>::Part a, b;
      const bool there = first + p.group < r.count;
      r.read(dy, first + p.group, p, there, a);
      r.read(y, first + p.group, p, there, b);
      dot[lane].of[0] = r.dot(a, b);
    });
    team.sum_groups(
        r.lanes.head_shift, [&](int lane) -> auto& { return dot[lane].of; });
    team.each([&](int lane) {
      const auto p = r.place(range, lane);
      if (first + p.group < r.count && r.leads(p)) to[(first + p.group) * r.rows.g.heads + p.head] = dot[lane].of[0];
    });
  }
};

}  // namespace galena::ops::gpu
