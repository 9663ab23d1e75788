#pragma once
// Choosing a plan for a graph.

#include <functional>
#include <limits>

#include "codegen/passes/planner.hpp"
#include "src/mine/prepared.hpp"

namespace galena::mine {

struct SelectedPlan {
  codegen::Plan plan, bare;
  double estimate = 0;                  ///< nanoseconds on one core
  bool sampled = false;                 ///< measured on sampled tasks, not only modelled
  bool cut = false;                     ///< some of those were cut short: the estimate is a lower bound
  std::vector<std::string> considered;  ///< a line a candidate, for --explain
};

/// The plan of least estimated cost. Where the model says the query is long, the best few
/// candidates are run on a seeded sample of tasks by the metered interpreter; a plan whose code
/// is linked in is preferred unless another is clearly cheaper. Where the first candidate is long, `alternative` is
/// asked for nanoseconds beyond which a plan is of no use: candidates are not sampled further than it takes to know
/// that. `effort`: of each sample, as in sampled_cost(). Deterministic, but where `stop` rises: then some plan.
SelectedPlan select_plan(const Pattern& pattern, const Prepared& graph, const codegen::PlanRequest& request,
                         const volatile int* stop = nullptr, const std::function<double()>& alternative = {},
                         double effort = 1);

/// How much dearer than others linked-in code may be and still be preferred.
inline constexpr double kBuiltInBonus = 1.5;

/// The plan for a typical graph: nothing is sampled.
SelectedPlan typical_plan(const Pattern& pattern, const codegen::PlanRequest& request);

/// Estimated nanoseconds of the plan on one core, from sampled tasks.
struct SampledCost {
  double nanoseconds = 0;
  bool cut = false;  ///< tasks were cut short: a lower bound
};

/// Takes some 10 ms, or `effort` times that; ends as soon as the cost exceeds `limit` nanoseconds, with a lower bound.
SampledCost sampled_cost(const codegen::Plan& plan, const Prepared& graph, double effort = 1,
                         const volatile int* stop = nullptr, double limit = std::numeric_limits<double>::infinity());

}  // namespace galena::mine
