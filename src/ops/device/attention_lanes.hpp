#pragma once
// Attention with a row in registers: lanes hold columns of a head in packs, a group of lanes a neighbour's, and go on to
// the next neighbours, several at once. Dot products are sums over a head's lanes; each group has an online softmax of its
// own, which are joined in order at the end. A team takes a row, or a range of its heads where they do not fit a warp:
// a warp short rows, a block long ones.

#include <cmath>
#include <limits>

#include "src/ops/device/attention_rows.hpp"
#include "src/ops/device/head_lanes.hpp"
#include "src/ops/device/pieces.hpp"
#include "src/ops/device/rows.hpp"

namespace galena::ops::gpu {

/// K packs of V columns a lane.
template <class T, int V, int K>
struct LaneRows {
  static constexpr int kAtOnce = K == 4 ? 2 : 4;  ///< neighbours of a group
  using Part = T[K][V];

  AttentionRows<T> rows;
  HeadLanes lanes;
  const CsrPiece* order = nullptr;  ///< rows that are taken, or null: all with at most `most` nonzeros
  std::int64_t count = 0, most = 0;

  GALENA_KERNEL std::int64_t range(std::int64_t index) const { return lanes.ranges == 1 ? 0 : index % lanes.ranges; }
  /// The row of a team, -1: none.
  GALENA_KERNEL std::int64_t row(std::int64_t index) const {
    std::int64_t i = lanes.ranges == 1 ? index : index / lanes.ranges;
    if (order != nullptr) {
      i = order[i].row;
      return i < count ? i : -1;  // kNoRow is none
    }
    return static_cast<std::int64_t>(rows.g.indptr[i + 1] - rows.g.indptr[i]) <= most ? i : -1;
  }

  /// A lane's: which group of neighbours, which head, and the first of its columns in the row and in the head.
  struct Place {
    int group;
    bool active;
    std::int64_t head, at, within;
  };
  GALENA_KERNEL Place place(std::int64_t range, int lane) const {
    const int slot = lane & ((1 << lanes.shift) - 1), number = slot >> lanes.head_shift;
    const std::int64_t head = range * lanes.heads + number;
    const bool active = number < lanes.heads && head < rows.g.heads;
    const std::int64_t within = std::int64_t{slot & ((1 << lanes.head_shift) - 1)} * V;
    return {lane >> lanes.shift, active, active ? head : 0, head * rows.g.width + within, within};
  }
  GALENA_KERNEL bool has(const Place& p, int k) const { return p.active && p.within + k * 32 * V < rows.g.width; }
  /// Whether a lane writes what its head has once.
  GALENA_KERNEL bool leads(const Place& p) const { return p.active && p.within == 0; }

  GALENA_KERNEL void read(const T* x, std::int64_t j, const Place& p, bool wanted, Part& to) const {
    GALENA_UNROLL
    for (int k = 0; k < K; ++k) {
      Pack<T, V> pack{};
      if (wanted && has(p, k)) pack = load<V>(x + j * rows.g.heads * rows.g.width + p.at + k * 32 * V);
      GALENA_UNROLL
      for (int e = 0; e < V; ++e) to[k][e] = pack.at[e];
    }
  }
  GALENA_KERNEL void read_own(const T* x, const Place& p, Part& to) const {  // a row that all have, by column
    read(x, 0, p, true, to);
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
    GALENA_UNROLL
    for (int k = 0; k < K; ++k) {
      if (!has(p, k)) continue;
      Pack<T, V> pack;
      GALENA_UNROLL
      for (int e = 0; e < V; ++e) pack.at[e] = total[k * V + e];
      store(to + i * rows.g.heads * rows.g.width + p.at + k * 32 * V, pack, accumulate);
    }
  }

  /// The neighbours that a lane has at once, with what is read beside their rows.
  struct Others {
    std::int64_t j[kAtOnce];
    bool live[kAtOnce];
    T log_weight[kAtOnce];
    VertexId id[kAtOnce];
  };
  GALENA_KERNEL Others others(std::int64_t i, const typename AttentionRows<T>::Neighbours& n, std::int64_t begin,
                              const Place& p, int groups) const {
    const AttentionArgs<T>& g = rows.g;
    Others o;
    GALENA_UNROLL
    for (int u = 0; u < kAtOnce; ++u) {
      const std::int64_t k = begin + p.group + u * groups;
      o.live[u] = k < n.count;
      o.j[u] = o.live[u] ? rows.other(i, n, k) : 0;
    }
    GALENA_UNROLL
    for (int u = 0; u < kAtOnce; ++u) {
      o.log_weight[u] = g.log_weight != nullptr && o.live[u] ? g.log_weight[g.columns_are_others ? o.j[u] : i] : T{};
      o.id[u] = rows.drop_below != 0 && o.live[u] ? rows.other_ids[o.j[u]] : 0;
    }
    return o;
  }
  /// What a row's draws have in common.
  struct Draws {
    std::uint64_t seed;
    VertexId id;
  };
  GALENA_KERNEL Draws draws(std::int64_t i) const {
    return rows.drop_below != 0 ? Draws{*rows.seed, rows.row_ids[i]} : Draws{};
  }
  GALENA_KERNEL T factor(const Draws& from, const Others& o, int u, std::int64_t head) const {
    return rows.drop_below != 0 ? rows.factor(from.seed, from.id, o.id[u], head) : T{1};
  }
};

template <class T, int V, int K, bool kV2>
struct LaneForward {
  using Rows = LaneRows<T, V, K>;
  static constexpr int kAtOnce = Rows::kAtOnce;
  /// What a group leaves to be joined, a lane: y, the maximum and the sum.
  static constexpr int kJoined = K * V + 2;
  Rows r;

  struct Lane {
    typename Rows::Part own, a, value[kAtOnce];
    T y[K * V], own_score, most, sum, score[kAtOnce];
    typename Rows::Others others;
    typename Rows::Draws draws;
  };

  template <class Team>
  GALENA_KERNEL void operator()(Team& team, std::int64_t index) const {
    const std::int64_t i = r.row(index);
    if (i < 0) return;
    const std::int64_t range = r.range(index);
    const auto n = r.rows.neighbours(i);
    const int groups = team.lanes() >> r.lanes.shift;
    typename Team::template PerLane<Lane> of;
    team.each([&](int lane) { begin(of[lane], i, r.place(range, lane)); });
    for (std::int64_t first = 0; first < n.count; first += groups * kAtOnce) {
      team.each([&](int lane) { read(of[lane], i, n, first, r.place(range, lane), groups); });
      if constexpr (kV2) {
        team.sum_groups(
            r.lanes.head_shift, [&](int lane) -> auto& { return of[lane].score; });
      }
      team.each([&](int lane) { add(of[lane], r.place(range, lane)); });
    }
    if (groups > 1) join(team, of, groups);
    team.each([&](int lane) {
      const auto p = r.place(range, lane);
      if (p.group == 0) end(of[lane], i, p);
    });
  }

 private:
  /// The first group goes on from what earlier blocks have left.
  GALENA_KERNEL void begin(Lane& x, std::int64_t i, const typename Rows::Place& p) const {
    const AttentionArgs<T>& g = r.rows.g;
    const std::int64_t at = i * g.heads + p.head;
    const bool goes_on = p.group == 0 && p.active;
    x.draws = r.draws(i);
    typename Rows::Part y;
    r.read(g.y, i, p, goes_on, y);
    for (int k = 0; k < K; ++k)
      for (int e = 0; e < V; ++e) x.y[k * V + e] = y[k][e];
    x.most = goes_on ? g.maximum[at] : -std::numeric_limits<T>::infinity();
    x.sum = goes_on ? g.sum[at] : T{0};
    if constexpr (kV2) {
      r.read(g.own, i, p, true, x.own);
      r.read_own(g.a, p, x.a);
    } else {
      x.own_score = g.own[at];
    }
  }
  GALENA_KERNEL void read(Lane& x, std::int64_t i, const typename AttentionRows<T>::Neighbours& n, std::int64_t first,
                          const typename Rows::Place& p, int groups) const {
    const AttentionArgs<T>& g = r.rows.g;
    x.others = r.others(i, n, first, p, groups);
    GALENA_UNROLL
    for (int u = 0; u < kAtOnce; ++u) {
      r.read(g.value, x.others.j[u], p, x.others.live[u], x.value[u]);
      if constexpr (!kV2) x.score[u] = x.others.live[u] ? g.other[x.others.j[u] * g.heads + p.head] : T{};
    }
    if constexpr (kV2) {  // values are what scores are of
      GALENA_UNROLL
      for (int u = 0; u < kAtOnce; ++u) x.score[u] = r.score(x.a, x.own, x.value[u]);
    }
  }
  GALENA_KERNEL void add(Lane& x, const typename Rows::Place& p) const {
    T most = x.most;
    GALENA_UNROLL
    for (int u = 0; u < kAtOnce; ++u) {
      if (!x.others.live[u]) continue;
      if constexpr (!kV2) {
        const T both = x.own_score + x.score[u];
        x.score[u] = both * r.rows.bend(both);
      }
      x.score[u] += x.others.log_weight[u];
      most = x.score[u] > most ? x.score[u] : most;
    }
    const T scale = x.sum > 0 ? std::exp(x.most - most) : T{0};
    x.most = most;
    x.sum *= scale;
    GALENA_UNROLL
    for (int c = 0; c < K * V; ++c) x.y[c] *= scale;
    GALENA_UNROLL
    for (int u = 0; u < kAtOnce; ++u) {
      if (!x.others.live[u]) continue;
      T weight = std::exp(x.score[u] - most);
      x.sum += weight;
      weight *= r.factor(x.draws, x.others, u, p.head);
      GALENA_UNROLL
      for (int k = 0; k < K; ++k) {
        GALENA_UNROLL
        for (int e = 0; e < V; ++e) x.y[k * V + e] += weight * x.value[u][k][e];
      }
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
    team.sync();
  }
  GALENA_KERNEL void end(const Lane& x, std::int64_t i, const typename Rows::Place& p) const {
    const AttentionArgs<T>& g = r.rows.g;
    r.write(g.y, i, p, x.y, false);
    if (!r.leads(p)) return;
    g.maximum[i * g.heads + p.head] = x.most;
    g.sum[i * g.heads + p.head] = x.sum;
  }
};

/// Gradients of what row i brought: a target's, or a source's.
template <class T, int V, int K, bool kV2, bool kSource>
struct LaneBackward {
  using Rows = LaneRows<T, V, K>;
  static constexpr int kAtOnce = Rows::kAtOnce, kRow = K * V;
  static constexpr bool kSecond =
      kV2 != kSource;  ///< besides the row's own terms: d a (v2, targets), d value (sources)
  static constexpr int kOwn = kV2 ? kRow : 1;
  /// What a group leaves to be joined, a lane.
  static constexpr int kJoined = kOwn + (kSecond ? kRow : 0);
  Rows r;

  struct Lane {
    typename Rows::Part own, own_value, a, value[kAtOnce], other[kV2 && kSource ? kAtOnce : 1];
    T total[kJoined], own_score, log_sum[kSource ? kAtOnce : 1], inner[kSource ? kAtOnce : 1], score[kAtOnce];
    T dot[(kV2 ? 2 : 1) * kAtOnce];  ///< with values, then of GATv2's scores
    typename Rows::Others others;
    typename Rows::Draws draws;
  };

  template <class Team>
  GALENA_KERNEL void operator()(Team& team, std::int64_t index) const {
    const std::int64_t i = r.row(index);
    if (i < 0) return;
    const auto n = r.rows.neighbours(i);
    if (n.count == 0) return;
    const std::int64_t range = r.range(index);
    const int groups = team.lanes() >> r.lanes.shift;
    typename Team::template PerLane<Lane> of;
    team.each([&](int lane) { begin(of[lane], i, r.place(range, lane)); });
    for (std::int64_t first = 0; first < n.count; first += groups * kAtOnce) {
      team.each([&](int lane) { read(of[lane], i, n, first, r.place(range, lane), groups); });
      team.sum_groups(
          r.lanes.head_shift, [&](int lane) -> auto& { return of[lane].dot; });
      team.each([&](int lane) { add(of[lane], r.place(range, lane)); });
    }
    if (groups > 1) join(team, of, groups);
    team.each([&](int lane) {
      const auto p = r.place(range, lane);
      if (p.group == 0) end(of[lane], i, p);
    });
  }

 private:
  GALENA_KERNEL void begin(Lane& x, std::int64_t i, const typename Rows::Place& p) const {
    const AttentionArgs<T>& g = r.rows.g;
    const std::int64_t at = i * g.heads + p.head;
    for (int c = 0; c < kJoined; ++c) x.total[c] = 0;
    x.draws = r.draws(i);
    r.read(g.own_value, i, p, true, x.own_value);
    if constexpr (!kSource) {
      x.log_sum[0] = g.log_sum[at];
      x.inner[0] = g.inner[at];
    }
    if constexpr (kV2) {
      r.read(g.own, i, p, true, x.own);
      r.read_own(g.a, p, x.a);
    } else {
      x.own_score = g.own[at];
    }
  }
  /// Of GATv2, targets' others are the values.
  GALENA_KERNEL const typename Rows::Part& other_of(const Lane& x, int u) const {
    if constexpr (kV2 && kSource) {
      return x.other[u];
    } else {
      return x.value[u];
    }
  }
  GALENA_KERNEL void read(Lane& x, std::int64_t i, const typename AttentionRows<T>::Neighbours& n, std::int64_t first,
                          const typename Rows::Place& p, int groups) const {
    const AttentionArgs<T>& g = r.rows.g;
    x.others = r.others(i, n, first, p, groups);
    GALENA_UNROLL
    for (int u = 0; u < kAtOnce; ++u) {
      const std::int64_t j = x.others.j[u], target = j * g.heads + p.head;
      r.read(g.value, j, p, x.others.live[u], x.value[u]);
      if constexpr (kV2 && kSource) r.read(g.other, j, p, x.others.live[u], x.other[u]);
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
  GALENA_KERNEL void add(Lane& x, const typename Rows::Place& p) const {
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
      const T factor = r.factor(x.draws, x.others, u, p.head);
      const T slope = alpha * (x.dot[u] * factor - x.inner[of]) * bend;
      if constexpr (!kV2) x.total[0] += slope;
      GALENA_UNROLL
      for (int k = 0; k < K; ++k) {
        GALENA_UNROLL
        for (int e = 0; e < V; ++e) {
          const int c = k * V + e;
          if constexpr (kV2) {
            const T both = x.own[k][e] + other_of(x, u)[k][e], by_own = slope * r.rows.bend(both);
            x.total[c] += by_own * x.a[k][e];
            if constexpr (kSource) x.total[c] += alpha * factor * x.value[u][k][e];
            if constexpr (kSecond) x.total[kOwn + c] += by_own * both;
          } else if constexpr (kSecond) {
            x.total[kOwn + c] += alpha * factor * x.value[u][k][e];
          }
        }
      }
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
    team.sync();
  }
  GALENA_KERNEL void end(const Lane& x, std::int64_t i, const typename Rows::Place& p) const {
    const AttentionArgs<T>& g = r.rows.g;
    if constexpr (kV2) {
      r.write(g.d_own, i, p, x.total, true);
      if constexpr (kSecond) r.write(r.rows.d_a_rows, i, p, x.total + kOwn, true);
    } else {
      if (r.leads(p)) g.d_own[i * g.heads + p.head] += x.total[0];
      if constexpr (kSecond) r.write(g.d_value, i, p, x.total + kOwn, true);
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
