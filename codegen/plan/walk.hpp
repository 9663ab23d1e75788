#pragma once
// Visiting the blocks of a plan, outermost first.

#include <utility>

#include "codegen/plan/plan.hpp"

namespace galena::codegen {

template <class LoopT, class F>
void for_each_loop_in(LoopT& loop, F&& visit) {
  visit(loop);
  for (auto& inner : loop.body.loops) for_each_loop_in(inner, visit);
}

template <class F>
void for_each_loop(Plan& plan, F&& visit) {
  for_each_loop_in(plan.root, visit);
}
template <class F>
void for_each_loop(const Plan& plan, F&& visit) {
  for_each_loop_in(plan.root, visit);
}

/// Whether the plan asks which vertices are images.
inline bool of_images(const Plan& plan) {
  return !plan.outputs.empty() && plan.outputs.front().kind == Output::Kind::image;
}

/// The list in which v[depth of the loop] has a known position: what the loop walks, or where that is bits, their
/// columns; -1 where it walks all vertices.
inline int home_of(const Plan& plan, const Loop& loop) {
  if (loop.from.set < 0) return -1;
  const int local = plan.sets[static_cast<std::size_t>(loop.from.set)].local;
  return local < 0 ? loop.from.set : plan.locals[static_cast<std::size_t>(local)].columns;
}

/// A set that is a stretch of the graph's own array needs no buffer.
inline bool is_view(const SetDef& set) { return set.op == SetDef::Op::adjacency && set.elabel < 0 && set.vlabel < 0; }

}  // namespace galena::codegen
