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

/// A set that is a stretch of the graph's own array needs no buffer.
inline bool is_view(const SetDef& set) { return set.op == SetDef::Op::adjacency && set.elabel < 0 && set.vlabel < 0; }

}  // namespace galena::codegen
