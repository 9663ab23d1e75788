#include "codegen/passes/estimate.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "codegen/passes/step_cost.hpp"
#include "codegen/plan/walk.hpp"

namespace galena::codegen {

namespace cost = step_cost;

namespace {

double halved(double size, const Bounds& bounds) {
  return size * std::pow(0.5, std::popcount(bounds.below) + std::popcount(bounds.above));
}

}  // namespace

Estimate::Estimate(const Plan& plan, const GraphStatistics& statistics)
    : plan_(plan),
      stats_(statistics),
      sizes_(plan.sets.size()),
      runs_(static_cast<std::size_t>(plan.max_depth) + 1),
      opened_(plan.locals.size()),
      asked_(plan.locals.size()),
      paths_(plan.sizes.size()) {
  loop(plan.root, 1);
  fill_rows();
}

void Estimate::fill_rows() {
  for (std::size_t l = 0; l < plan_.locals.size(); ++l) {
    const LocalDef& def = plan_.locals[l];
    const double rows = std::min(asked_[l], opened_[l] * size({def.rows, {}}));
    total_ += rows * cost::fill_row(size({def.columns, {}}), stats_.biased_degree) +
              opened_[l] * cost::kScatter * size({def.rows, {}});
  }
}

double Estimate::by_row(int local, const SetUse& a, double runs) {
  asked_[static_cast<std::size_t>(local)] += runs;
  const int columns = plan_.locals[static_cast<std::size_t>(local)].columns;
  return cost::combine_bits(halved(size({columns, {}}), a.bounds));
}

double Estimate::size(const SetUse& use) const {
  return use.set < 0 ? halved(stats_.vertices, use.bounds)
                     : halved(sizes_[static_cast<std::size_t>(use.set)], use.bounds);
}

void Estimate::define(int id) {
  const SetDef& def = plan_.sets[static_cast<std::size_t>(id)];
  double& size = sizes_[static_cast<std::size_t>(id)];
  Bounds bounds = def.bounds;
  if (def.op == SetDef::Op::adjacency) {
    size = def.vertex == 0 ? stats_.mean_degree : stats_.biased_degree;
    const double scale = def.vertex == 0 ? stats_.mean_degree / std::max(1e-9, stats_.biased_degree) : 1;
    if (bounds.below & bit(def.vertex)) size = def.vertex == 0 ? size / 2 : stats_.biased_below;
    if (bounds.above & bit(def.vertex)) size = def.vertex == 0 ? size / 2 : stats_.biased_above * scale;
    bounds.below &= ~bit(def.vertex);
    bounds.above &= ~bit(def.vertex);
    if (def.elabel >= 0) size *= stats_.edge_share(plan_.labels[static_cast<std::size_t>(def.elabel)]);
    if (def.vlabel >= 0) size *= stats_.vertex_share(plan_.labels[static_cast<std::size_t>(def.vlabel)]);
    size = halved(size, bounds);
    return;
  }
  const SetDef& a = plan_.sets[static_cast<std::size_t>(def.a)];
  bounds = {bounds.below & ~a.bounds.below, bounds.above & ~a.bounds.above};
  const double chance = std::max(stats_.closure, stats_.biased_degree / std::max(1.0, stats_.vertices));
  const double kept = def.op == SetDef::Op::intersect ? chance : 1 - chance;
  size = halved(sizes_[static_cast<std::size_t>(def.a)] * kept, bounds);
}

void Estimate::loop(const Loop& l, double outer) {
  double iterations = outer * size(l.from);
  if (const int home = home_of(plan_, l); home != l.from.set)
    total_ += outer * cost::walk_bits(halved(size({home, {}}), l.from.bounds));
  total_ += iterations * cost::kIteration;
  if (l.vlabel >= 0) iterations *= stats_.vertex_share(plan_.labels[static_cast<std::size_t>(l.vlabel)]);
  for (std::size_t i = 0; i < l.conditions.size() + l.checks.size(); ++i) iterations *= 0.5;
  block(l.body, iterations);
}

void Estimate::block(const Block& b, double runs) {
  runs_[static_cast<std::size_t>(b.depth)] = runs;
  double once = 0;
  for (const int s : b.sets) {
    define(s);
    const SetDef& def = plan_.sets[static_cast<std::size_t>(s)];
    if (def.local >= 0)
      once += by_row(def.local, {def.a, def.bounds}, runs);
    else if (def.op != SetDef::Op::adjacency)
      once += cost::intersect(size({def.a, {}}), halved(size({def.b, {}}), def.bounds));
    else if (def.slot >= 0)
      once += cost::kFilter * stats_.biased_degree;
  }
  for (const int l : b.locals) opened_[static_cast<std::size_t>(l)] = runs;
  for (const int m : b.marks) once += cost::kScatter * size(plan_.marks[static_cast<std::size_t>(m)].set);
  for (const int c : b.counters) {
    const CounterDef& def = plan_.counters[static_cast<std::size_t>(c)];
    once += size(def.set) * (cost::kScatterList + cost::kScatter * halved(stats_.biased_degree, def.bounds));
  }
  for (const int t : b.tests)
    for (const Atom& atom : plan_.tests[static_cast<std::size_t>(t)].atoms)
      once += atom.mark >= 0 ? cost::kLookup : cost::kSearch;
  for (const int s : b.sizes) {
    paths_[static_cast<std::size_t>(s)] = runs_;
    const SizeDef& def = plan_.sizes[static_cast<std::size_t>(s)];
    if (def.counter >= 0 || def.moment > 0)
      once += cost::kLookup;
    else if (def.local >= 0)
      once += by_row(def.local, def.a, runs);
    else if (def.b >= 0)
      once += (def.mark >= 0 ? cost::intersect_marked : cost::intersect)(size(def.a),
                                                                         halved(size({def.b, {}}), def.b_bounds));
  }
  once += cost::kLookup * static_cast<double>(b.sums.size()) + cost::kEmit * static_cast<double>(b.emits.size());
  total_ += runs * once;
  for (const Loop& inner : b.loops) loop(inner, runs);
}

bool counters_pay(const Plan& plan, const GraphStatistics& statistics, int size, int depth) {
  const Estimate estimate(plan, statistics);
  const SizeDef& def = plan.sizes[static_cast<std::size_t>(size)];
  const double asked = estimate.runs(size, def.depth) / std::max(1e-9, estimate.runs(size, depth));
  const double a = estimate.size(def.a);
  const double b = statistics.biased_degree;
  const double fill = a * (cost::kScatterList + cost::kScatter * b);
  return fill + asked * cost::kLookup < asked * cost::intersect(a, b);
}

}  // namespace galena::codegen
