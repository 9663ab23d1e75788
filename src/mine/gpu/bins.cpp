#include "src/mine/gpu/bins.hpp"

#include <algorithm>

#include "codegen/runtime/chunk.h"

namespace galena::mine::gpu {

namespace {

rt::vid degree(const rt::GraphView& g, rt::vid v) { return static_cast<rt::vid>(g.indptr[v + 1] - g.indptr[v]); }

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

/// Elements of the set at the most; around(d): of the neighbours of v[d].
template <class F>
std::uint64_t most(const codegen::Plan& plan, const codegen::SetDef& set, const F& around) {
  const std::uint64_t here = around(set.vertex);
  if (set.op == codegen::SetDef::Op::adjacency) return here;
  const std::uint64_t left = most(plan, plan.sets[static_cast<std::size_t>(set.a)], around);
  return set.op == codegen::SetDef::Op::intersect ? std::min(left, here) : left;
}

}  // namespace

Bounds::Bounds(const rt::GraphView& graph) : graph_(graph), neighbour_(graph.n) {
  for (rt::vid v = 0; v < graph.n; ++v)
    for (std::uint64_t a = graph.indptr[v]; a < graph.indptr[v + 1]; ++a)
      neighbour_[v] = std::max(neighbour_[v], degree(graph, graph.indices[a]));
}

std::uint64_t Bounds::roots(const rt::Chunk& chunk) const {
  const rt::Slice roots = rt::roots(graph_, chunk);
  return roots.end - roots.begin;
}

std::uint64_t Bounds::slot(const codegen::Plan& plan, const rt::Chunk& chunk) const {
  const rt::Slice roots = rt::roots(graph_, chunk);
  std::uint64_t root = 0, second = second_is_neighbour(plan) ? 0 : graph_.max_degree;
  for (std::uint64_t v = roots.begin; v < roots.end; ++v) {
    root = std::max<std::uint64_t>(root, degree(graph_, static_cast<rt::vid>(v)));
    second = std::max<std::uint64_t>(second, neighbour_[v]);
  }
  const auto around = [&](int vertex) -> std::uint64_t {
    return vertex == 0 ? root : vertex == 1 ? second : graph_.max_degree;
  };
  std::uint64_t largest = 0;
  for (const codegen::SetDef& set : plan.sets)
    if (set.slot >= 0) largest = std::max(largest, most(plan, set, around));
  return largest;
}

Team team_for(const codegen::Plan& plan, double weight) {
  if (!plan.counters.empty() || !plan.marks.empty()) return Team::block;
  return weight > kHeavy ? Team::block : Team::warp;
}

Room room_for(const codegen::Plan& plan, const Bounds& bounds, Team team, std::uint64_t n_padded,
              std::span<const rt::Chunk> chunks, const Limits& limits) {
  Room room;
  std::uint64_t roots = 0;
  for (const rt::Chunk& chunk : chunks) {
    if (plan.slots > 0) room.slot = std::max(room.slot, bounds.slot(plan, chunk));
    roots = std::max(roots, bounds.roots(chunk));
  }
  if (team == Team::warp) room.slot = std::min(room.slot, limits.warp_slot);
  if (has(plan, codegen::Output::Kind::list)) room.log = team == Team::warp ? limits.warp_log : limits.block_log;
  if (has(plan, codegen::Output::Kind::local)) room.log = roots * rt::kLocalWords;
  room.bytes = (room.slot * static_cast<std::uint64_t>(plan.slots) + room.log) * sizeof(rt::vid) +
               n_padded * (plan.counters.size() * sizeof(std::uint32_t) + plan.marks.size());
  return room;
}

}  // namespace galena::mine::gpu
