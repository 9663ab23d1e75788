#include "codegen/passes/planner.hpp"

#include <algorithm>
#include <bit>
#include <set>

#include "codegen/passes/assist.hpp"
#include "codegen/passes/edges.hpp"
#include "codegen/passes/estimate.hpp"
#include "codegen/passes/least.hpp"
#include "codegen/passes/local.hpp"
#include "codegen/passes/lower.hpp"
#include "codegen/passes/orders.hpp"
#include "codegen/passes/swap.hpp"
#include "codegen/pattern/automorphism.hpp"
#include "galena/error.hpp"

namespace galena::codegen {

namespace {

/// A plan of one order: restrictions towards the smallest or the largest representative, with or
/// without counters, and with counters also without the inner restrictions on the tail, which
/// would tie a table to a vertex it does not otherwise depend on. On a graph numbered by
/// degree these differ by orders of magnitude. For GPUs also one that walks each edge once, which several patterns of
/// MOTIFS may share.
struct Variant {
  bool largest;
  bool loose;
  Additions additions;
  bool edges_once = false;
};

constexpr Additions kCounters{.counters = true}, kSwapped{.counters = true, .swapped = true};
constexpr Variant kVariants[] = {
    {false, false, {}},       {true, false, {}},       {false, false, kCounters},     {true, false, kCounters},
    {false, true, kCounters}, {true, true, kCounters}, {false, false, kSwapped},      {true, false, kSwapped},
    {false, true, kSwapped},  {true, true, kSwapped},  {false, true, kCounters, true}};

/// The levels below the first whose restriction reaches into the tail, as far as sums stay of a
/// sensible size: each multiplies them by its orbit.
Mask reaching_tail(const MatchingOrder& order) {
  constexpr double kMaxFactor = 1e12;
  const int prefix = static_cast<int>(order.order.size()) - order.tail;
  Mask levels = 0;
  double factor = 1;
  for (std::size_t i = static_cast<std::size_t>(prefix); i < order.chain.size(); ++i)
    factor *= std::popcount(order.chain[i]);
  for (int i = 1; i < prefix; ++i) {
    const Mask orbit = order.chain[static_cast<std::size_t>(i)];
    if ((orbit & ~first(prefix)) == 0 || factor * std::popcount(orbit) > kMaxFactor) continue;
    factor *= std::popcount(orbit);
    levels |= bit(i);
  }
  return levels;
}

Plan build(const Pattern& pattern, const MatchingOrder& order, const PlanRequest& request, const Variant& variant) {
  LowerOptions options;
  options.kind = request.kind;
  options.name = request.name;
  options.labels_given = request.labels_given;
  options.tail = order.tail;
  options.largest = variant.largest ? ~Mask{0} : 0;
  options.dropped = variant.loose ? reaching_tail(order) : 0;
  options.filter_degree = !pattern.plain();
  const Pattern arranged = pattern.permuted(order.order);
  Plan plan = lower(arranged, order.chain, options);
  plan.outputs.front().order = order.order;
  if (variant.edges_once) walk_edges_once(plan);
  return plan;
}

constexpr double kWorthLocals = 2e6;  ///< nanoseconds: what runs shorter is not worth planning longer
constexpr double kWorthLanes = 2e5;   ///< the same for a GPU

/// A worker's tables take at most this many bytes, or this many times what its buffers take.
constexpr double kTableBytes = 64.0 * 1024 * 1024;
constexpr double kTablesPerBuffer = 16;

bool tables_fit(const Plan& plan, const GraphStatistics& statistics) {
  const double tables = statistics.vertices * (sizeof(std::uint32_t) * static_cast<double>(plan.counters.size()) +
                                               static_cast<double>(plan.marks.size()));
  const double buffers = sizeof(VertexId) * statistics.max_degree * plan.slots;
  return tables <= std::max(kTableBytes, kTablesPerBuffer * buffers);
}

/// How often rows are asked for again depends on hubs, of which a model of means knows nothing: so the best plans
/// are offered with local graphs too, for a sample to decide.
std::vector<RankedPlan> with_locals(const std::vector<RankedPlan>& ranked, const GraphStatistics& statistics,
                                    std::size_t most) {
  std::vector<RankedPlan> offered;
  std::set<std::uint64_t> seen;
  for (const RankedPlan& plain : ranked) {
    if (!seen.insert(fingerprint(plain.bare)).second) continue;
    for (const int from : seen.size() == 1 ? std::vector{1, 2} : std::vector{1}) {
      RankedPlan local{plain.bare, plain.bare};
      finish_plan(local.plan, statistics, {.counters = true, .locals_from = from});
      if (local.plan.locals.empty()) continue;
      local.estimate = Estimate(local.plan, statistics).total();
      offered.push_back(std::move(local));
    }
    if (seen.size() == most) break;
  }
  return offered;
}

}  // namespace

void finish_plan(Plan& plan, const GraphStatistics& statistics, const Additions& additions) {
  if (additions.swapped) swap_ends(plan);
  if (additions.locals_from > 0) add_locals(plan, additions.locals_from);
  raise_least(plan);
  const Plan without_tables = plan;
  add_marks(plan);
  if (additions.counters) {
    add_counters(plan, [&](int size, int depth) { return counters_pay(plan, statistics, size, depth); });
    fold_counters(plan);
  }
  add_marked_sizes(plan);
  assign_slots(plan);
  if (!tables_fit(plan, statistics)) {
    plan = without_tables;
    assign_slots(plan);
  }
  verify(plan);
}

std::vector<RankedPlan> make_plans(const Pattern& pattern, const GraphStatistics& statistics,
                                   const PlanRequest& request) {
  const Automorphisms group(pattern, request.by >= 0 ? bit(request.by) : 0);
  OrderSearch search;
  search.first = request.by;
  search.walk_all = request.kind == Output::Kind::list || request.kind == Output::Kind::image;
  search.symmetric = !request.embeddings;
  std::vector<RankedPlan> ranked;
  std::set<std::uint64_t> seen;
  for (const MatchingOrder& order : search_orders(pattern, group, statistics, search))
    for (const Variant& variant : kVariants) {
      if (variant.edges_once && !request.lanes) continue;
      RankedPlan candidate;
      candidate.bare = build(pattern, order, request, variant);
      candidate.plan = candidate.bare;
      finish_plan(candidate.plan, statistics, variant.additions);
      if (!seen.insert(fingerprint(candidate.plan)).second) continue;
      candidate.estimate = Estimate(candidate.plan, statistics).total();
      ranked.push_back(std::move(candidate));
    }
  const auto cheaper = [](const RankedPlan& a, const RankedPlan& b) { return a.estimate < b.estimate; };
  if (ranked.empty()) throw InternalError("the planner found no order for " + pattern.to_string());
  std::stable_sort(ranked.begin(), ranked.end(), cheaper);
  if (ranked.size() > static_cast<std::size_t>(request.keep)) ranked.resize(static_cast<std::size_t>(request.keep));
  if (request.locals && ranked.front().estimate > (request.lanes ? kWorthLanes : kWorthLocals)) {
    constexpr std::size_t kOffered = 3, kOfferedToLanes = 6;
    for (RankedPlan& local : with_locals(ranked, statistics, request.lanes ? kOfferedToLanes : kOffered))
      if (seen.insert(fingerprint(local.plan)).second) ranked.push_back(std::move(local));
    std::stable_sort(ranked.begin(), ranked.end(), cheaper);
  }
  return ranked;
}

}  // namespace galena::codegen
