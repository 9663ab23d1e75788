#include "src/mine/gpu/bins.hpp"

#include <algorithm>

#include "codegen/runtime/bits.h"
#include "codegen/runtime/chunk.h"

namespace galena::mine::gpu {

namespace {

rt::vid degree(const rt::GraphView& g, rt::vid v) { return static_cast<rt::vid>(g.indptr[v + 1] - g.indptr[v]); }

/// A vertex's first neighbour has the largest degree of all.
rt::vid largest_around(const rt::GraphView& g, rt::vid v) {
  return degree(g, v) == 0 ? 0 : degree(g, g.indices[g.indptr[v]]);
}

bool has(const codegen::Plan& plan, codegen::Output::Kind kind) {
  return std::any_of(plan.outputs.begin(), plan.outputs.end(),
                     [kind](const codegen::Output& output) { return output.kind == kind; });
}

/// Whether v1 is always a neighbour of v0.
bool second_is_neighbour(const codegen::Plan& plan) {
  return std::all_of(plan.root.body.loops.begin(), plan.root.body.loops.end(), [&](const codegen::Loop& loop) {
    if (loop.from.set < 0) return false;
    const codegen::SetDef& set = plan.sets[static_cast<std::size_t>(loop.from.set)];
    return set.op == codegen::SetDef::Op::adjacency && set.vertex == 0;
  });
}

}  // namespace

std::vector<Reach> Bounds::reach(std::span<const rt::Chunk> chunks) const {
  std::vector<Reach> all;
  rt::vid v = graph_.n;
  for (const rt::Chunk& chunk : chunks) {
    Reach& reach = all.emplace_back();
    if (chunk.begin >= chunk.end) continue;
    if (v == graph_.n || rt::unit_of(graph_, v) > chunk.begin) v = rt::vertex_of_unit(graph_, chunk.begin);
    while (rt::unit_of(graph_, v + 1) <= chunk.begin) ++v;
    reach.first = v;
    for (;; ++v) {
      ++reach.roots;
      reach.root = std::max(reach.root, degree(graph_, v));
      reach.second = std::max(reach.second, largest_around(graph_, v));
      reach.below = std::max(reach.below, graph_.split[v]);
      if (rt::unit_of(graph_, v + 1) >= chunk.end) break;
    }
  }
  return all;
}

class Bounds::Most {
 public:
  Most(const Bounds& bounds, const codegen::Plan& plan, const Reach& reach)
      : plan_(plan),
        degree_(bounds.graph_.max_degree),
        root_(reach.root),
        below_(reach.below),
        second_(second_is_neighbour(plan) ? reach.second : degree_) {}

  [[nodiscard]] std::uint64_t operator()(int id) const {
    const codegen::SetDef& set = plan_.sets[static_cast<std::size_t>(id)];
    const bool below = set.vertex == 0 && (set.bounds.below & codegen::bit(0)) != 0;
    const std::uint64_t here = below ? below_ : set.vertex == 0 ? root_ : set.vertex == 1 ? second_ : degree_;
    if (set.op == codegen::SetDef::Op::adjacency) return here;
    const std::uint64_t left = (*this)(set.a);
    return set.op == codegen::SetDef::Op::intersect ? std::min(left, here) : left;
  }
  /// Words of a row of the local graph.
  [[nodiscard]] std::uint64_t row(int local) const {
    return rt::row_words((*this)(plan_.locals[static_cast<std::size_t>(local)].columns));
  }

 private:
  const codegen::Plan& plan_;
  std::uint64_t degree_, root_, below_, second_;
};

std::uint64_t Bounds::slot(const codegen::Plan& plan, const Reach& chunk) const {
  const Most most(*this, plan, chunk);
  std::uint64_t largest = 0;
  for (std::size_t s = 0; s < plan.sets.size(); ++s) {
    const codegen::SetDef& set = plan.sets[s];
    if (set.slot >= 0) largest = std::max(largest, set.local >= 0 ? most.row(set.local) : most(static_cast<int>(s)));
  }
  return largest;
}

Bounds::LocalWords Bounds::local(const codegen::Plan& plan, const Reach& chunk) const {
  const Most most(*this, plan, chunk);
  LocalWords words;
  for (std::size_t l = 0; l < plan.locals.size(); ++l) {
    const std::uint64_t row = most.row(static_cast<int>(l)) + 1;
    words.row = std::max(words.row, row);
    words.all = std::max(words.all, row * most(plan.locals[l].rows));
  }
  return words;
}

Team team_for(const codegen::Plan& plan, double weight, const Reach& reach, bool warps_hold_tables) {
  const bool tables = !plan.counters.empty() || !plan.marks.empty();
  if (tables && (!warps_hold_tables || reach.root > kLongList)) return Team::block;
  return weight > kHeavy ? Team::block : Team::warp;
}

bool warps_hold_tables(const codegen::Plan& plan, std::uint64_t n_padded, std::uint64_t warps, std::uint64_t bytes) {
  constexpr std::uint64_t kShare = 2;  // the rest is for other buffers
  return table_bytes(plan, n_padded) <= bytes / kShare / std::max<std::uint64_t>(1, warps);
}

std::uint64_t padded_vertices(const rt::GraphView& graph) {
  constexpr std::uint64_t kAlign = 64;
  return (static_cast<std::uint64_t>(graph.n) + kAlign - 1) / kAlign * kAlign;
}

std::uint64_t table_bytes(const codegen::Plan& plan, std::uint64_t n_padded) {
  return n_padded * (plan.counters.size() * sizeof(std::uint32_t) + plan.marks.size());
}

Room room_for(const codegen::Plan& plan, const Bounds& bounds, Team team, std::uint64_t n_padded,
              std::span<const Reach> chunks, const Limits& limits) {
  Room room;
  std::uint64_t roots = 0;
  Reach last;
  for (const Reach& chunk : chunks) {
    roots = std::max(roots, chunk.roots);
    if (chunk.root <= last.root && chunk.second <= last.second && chunk.below <= last.below) continue;  // as the last
    last = chunk;
    if (plan.slots > 0) room.slot = std::max(room.slot, bounds.slot(plan, chunk));
    if (plan.locals.empty()) continue;
    const Bounds::LocalWords words = bounds.local(plan, chunk);
    const std::uint64_t limit = std::max(team == Team::warp ? limits.warp_local : limits.block_local, words.row);
    room.local = std::max(room.local, std::min(words.all, limit));
  }
  if (team == Team::warp) room.slot = std::min(room.slot, limits.warp_slot);
  if (has(plan, codegen::Output::Kind::list)) room.log = team == Team::warp ? limits.warp_log : limits.block_log;
  if (has(plan, codegen::Output::Kind::local)) room.log = roots * rt::kLocalWords;
  room.bytes = (room.slot * static_cast<std::uint64_t>(plan.slots) + room.log) * sizeof(rt::vid) +
               room.local * plan.locals.size() * sizeof(std::uint32_t) + table_bytes(plan, n_padded);
  return room;
}

}  // namespace galena::mine::gpu
