// The sample: units of work drawn uniformly. The unit's vertex is the root of a task that costs
// `outermost` once and the rest in proportion to its 1 + degree units, so
//   total = sum over vertices of outermost + rest = units * mean over drawn units of
//           (outermost / (1 + degree) + rest of this unit),
// unbiased for any plan. Vertices stand by decreasing degree, so drawing once from each of equal
// stretches of units stratifies by degree. A draw that exceeds its budget is cut short and counts as what it cost
// so far: the estimate is then a lower bound, on the plans that are not to be chosen anyway.

#include "src/mine/select.hpp"

#include <algorithm>

#include "codegen/emit/lanes.hpp"
#include "codegen/interpret/interpreter.hpp"
#include "codegen/passes/estimate.hpp"
#include "codegen/plan/walk.hpp"
#include "codegen/runtime/chunk.h"
#include "codegen/runtime/gpu_job.h"
#include "src/base/hash.hpp"
#include "src/mine/kernels.hpp"
#include "src/mine/worker.hpp"

namespace galena::mine {

namespace {

constexpr std::uint64_t kDraws = 256;
constexpr double kDrawBudget = 4e5;  ///< metered nanoseconds
constexpr double kPlanBudget = 1.0e7;
constexpr double kWorthSampling = 2e6;     ///< a query of this many nanoseconds
constexpr double kWorthAlternative = 2e7;  ///< the same

/// The i-th draw, from a stretch of its own; the stretches are visited in leaps, so that a sample
/// cut short covers the graph too.
std::uint64_t drawn_unit(std::uint64_t i, std::uint64_t units) {
  constexpr std::uint64_t kLeap = 73;  // coprime to kDraws
  const std::uint64_t stretch = i * kLeap % kDraws;
  const auto begin = static_cast<std::uint64_t>(static_cast<rt::u128>(units) * stretch / kDraws);
  const auto end = static_cast<std::uint64_t>(static_cast<rt::u128>(units) * (stretch + 1) / kDraws);
  return begin + base::mix64((i + 1) * 0x9e3779b97f4a7c15ULL) % std::max<std::uint64_t>(1, end - begin);
}

std::string describe(const codegen::RankedPlan& candidate, bool linked) {
  std::string order;
  for (const int u : candidate.plan.outputs.front().order) order += " " + std::to_string(u);
  return "order" + order + ", " + std::to_string(candidate.plan.max_depth + 1) + " loops, " +
         std::to_string(candidate.plan.counters.size()) + " counters, " + std::to_string(candidate.plan.locals.size()) +
         " local graphs, estimated " + std::to_string(candidate.estimate / 1e6) + " ms" + (linked ? ", built in" : "");
}

/// Elements that no set of the plan's has more of.
double longest(const codegen::Plan& plan, int id, const codegen::GraphStatistics& graph) {
  const codegen::SetDef& set = plan.sets[static_cast<std::size_t>(id)];
  const bool below = (set.bounds.below & codegen::bit(set.vertex)) != 0;
  if (set.op == codegen::SetDef::Op::adjacency) return below ? graph.max_below : graph.max_degree;
  const double a = longest(plan, set.a, graph);
  return set.op == codegen::SetDef::Op::intersect && set.b >= 0 ? std::min(a, longest(plan, set.b, graph)) : a;
}

/// Whether a GPU's lanes run a nest of the plan's alone, whatever the root.
bool has_lanes_alone(const codegen::Plan& plan, const codegen::GraphStatistics& graph) {
  const std::vector<bool> parts = codegen::sizes_in_parts(plan);
  bool alone = false;
  codegen::for_each_loop(plan, [&](const codegen::Loop& loop) {
    const codegen::Nest nest = codegen::nest_of(plan, loop, parts, loop.body.depth);
    if (nest.local < 0 || nest.levels < 2) return;
    const int columns = plan.locals[static_cast<std::size_t>(nest.local)].columns;
    alone = alone || longest(plan, columns, graph) <= rt::kAloneColumns;
  });
  return alone;
}

/// How much less a plan costs on a GPU, relative to others, than on a CPU.
constexpr double kAloneGain = 8;

/// The plans for no graph in particular, among which are those linked in.
std::vector<codegen::RankedPlan> typical_plans(const Pattern& pattern, codegen::PlanRequest request) {
  request.locals = false;
  return codegen::make_plans(pattern, codegen::GraphStatistics::typical(), request);
}

}  // namespace

SampledCost sampled_cost(const codegen::Plan& plan, const Prepared& graph, double effort, const volatile int* stop,
                         double limit) {
  const std::uint64_t units = graph.units();
  SampledCost result;
  if (units == 0) return result;
  WorkerMemory memory(plan, graph.view());
  rt::Worker& worker = memory.worker();
  worker.emit = [](rt::Worker*, int, const rt::vid*, int) { return 0; };
  worker.add_local = [](rt::Worker*, rt::vid, rt::i128) {};
  const codegen::Interpreter interpreter(plan);
  double sum = 0;
  double spent = 0;
  std::uint64_t drawn = 0;
  while (drawn < kDraws && spent < kPlanBudget * effort && !(drawn > 0 && rt::raised(stop))) {
    const std::uint64_t unit = std::min(units - 1, drawn_unit(drawn, units));
    const rt::vid v = rt::vertex_of_unit(graph.view(), unit);
    const auto own = static_cast<double>(1 + graph.view().indptr[v + 1] - graph.view().indptr[v]);
    codegen::Meter meter;
    meter.limit = kDrawBudget * effort;
    interpreter.run_metered(worker, {unit, unit + 1, 0, 1}, meter);
    sum += (meter.outermost + meter.rows) / own + (meter.total - meter.outermost);
    spent += meter.spent();
    ++drawn;
    if (worker.aborted != 0) {
      result.cut = true;
      memory.reset();
    }
    const double least = static_cast<double>(units) * sum / kDraws;  // the other draws cost nothing at the least
    if (least > limit) return {least, true};
  }
  result.nanoseconds = static_cast<double>(units) * sum / static_cast<double>(drawn);
  return result;
}

SelectedPlan select_plan(const Pattern& pattern, const Prepared& graph, const codegen::PlanRequest& request,
                         const volatile int* stop, const std::function<double()>& alternative, double effort) {
  std::vector<codegen::RankedPlan> candidates = codegen::make_plans(pattern, graph.statistics(), request);
  std::vector<char> linked(candidates.size());
  for (std::size_t i = 0; i < candidates.size(); ++i) linked[i] = built_in(candidates[i].plan);
  if (request.kind == codegen::Output::Kind::count) {  // those linked in were made for the typical graph
    for (codegen::RankedPlan& other : typical_plans(pattern, request)) {
      const auto same = [&](const codegen::RankedPlan& c) {
        return codegen::fingerprint(c.plan) == codegen::fingerprint(other.plan);
      };
      if (std::any_of(candidates.begin(), candidates.end(), same) || !built_in(other.plan)) continue;
      other.estimate = codegen::Estimate(other.plan, graph.statistics()).total();
      candidates.push_back(std::move(other));
      linked.push_back(1);
    }
  }
  // Of a plan that is to be compared: on a CPU that of one not linked in, on a GPU that of one without lanes of their own.
  const auto handicap = [&](const codegen::Plan& plan, bool is_linked) {
    if (request.lanes) return has_lanes_alone(plan, graph.statistics()) ? 1 : kAloneGain;
    return is_linked ? 1 : kBuiltInBonus;
  };
  SelectedPlan selected;
  selected.sampled = candidates.size() > 1 && candidates.front().estimate > kWorthSampling;
  double best = 0;
  double limit = std::numeric_limits<double>::infinity();
  std::size_t chosen = candidates.size();
  for (std::size_t i = 0; i < candidates.size() && !(i > 0 && rt::raised(stop)); ++i) {
    const SampledCost sample = selected.sampled ? sampled_cost(candidates[i].plan, graph, effort, stop, limit)
                                                : SampledCost{candidates[i].estimate};
    candidates[i].estimate = sample.nanoseconds;
    if (i == 0 && alternative && selected.sampled && sample.nanoseconds > kWorthAlternative) limit = alternative();
    const double price = candidates[i].estimate * handicap(candidates[i].plan, linked[i] != 0);
    if (chosen == candidates.size() || price < best) {
      best = price;
      chosen = i;
      selected.cut = sample.cut;
    }
    selected.considered.push_back(describe(candidates[i], linked[i] != 0));
  }
  selected.estimate = candidates[chosen].estimate;
  selected.plan = std::move(candidates[chosen].plan);
  selected.bare = std::move(candidates[chosen].bare);
  return selected;
}

SelectedPlan typical_plan(const Pattern& pattern, const codegen::PlanRequest& request) {
  codegen::RankedPlan best = typical_plans(pattern, request).front();
  SelectedPlan selected;
  selected.plan = std::move(best.plan);
  selected.bare = std::move(best.bare);
  selected.estimate = best.estimate;
  return selected;
}

}  // namespace galena::mine
