#include "src/mine/recipe.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <utility>

#include "codegen/passes/merge.hpp"
#include "codegen/passes/spanning.hpp"
#include "codegen/pattern/automorphism.hpp"
#include "src/mine/algebra/bounds.hpp"
#include "src/mine/cliques/cliques.hpp"
#include "src/mine/kernels.hpp"

namespace galena::mine {

using codegen::Output;
using codegen::PlanRequest;

namespace {

constexpr double kWorthAlgebra = 1e6;  ///< nanoseconds of the direct plan
constexpr double kWorthRows = 2e7;     ///< nanoseconds of enumeration before row programs are considered
constexpr double kInterpreted = 8;     ///< how much slower a plan is interpreted than run as compiled
constexpr double kCompiling = 1.5e8;   ///< nanoseconds, and what the interpreter does meanwhile
constexpr int kMaxMotifRows = 6;       ///< beyond, planning row programs for all patterns takes longer than counting
constexpr double kPlanning = 2.5e6;    ///< nanoseconds of choosing a plan for 5 vertices; a fourth of that for 4
constexpr double kWorthKnowing = 2;    ///< how much more must be at stake than the knowledge costs
constexpr double kOfMany = 0.25;       ///< the effort of a pattern's samples where many are planned
constexpr double kCliqueOfFour = 3;    ///< nanoseconds a clique of four, of counting those of four or five vertices
constexpr std::size_t kMany = 4;
constexpr double kSampled = 0.25;      ///< of a direct plan's work: what APPROX may take
constexpr double kLargerSample = 0.1;  ///< of what is compared with, what a second sample may cost
constexpr double kSampleCost = 1e7;    ///< nanoseconds of a sample of effort 1
constexpr double kMaxEffort = 30;
constexpr std::size_t kMaxMerged = 8;  ///< patterns in one loop nest: beyond, their tables crowd the cache

Output::Kind output_kind(QueryKind kind) {
  switch (kind) {
    case QueryKind::list: return Output::Kind::list;
    case QueryKind::exists: return Output::Kind::exists;
    case QueryKind::local: return Output::Kind::local;
    case QueryKind::count:
    case QueryKind::motifs:
    case QueryKind::frequent:
    case QueryKind::cliques: break;
  }
  return Output::Kind::count;
}

PlanRequest plan_request(const Query& query) {
  PlanRequest request;
  request.kind = output_kind(query.kind);
  request.name = query.text;
  request.by = query.kind == QueryKind::local ? query.by : -1;
  request.locals = true;
  return request;
}

/// `locals`: where this is one of few plans, which may be longer planned.
PlanRequest count_request(const std::string& name, bool locals = false) {
  PlanRequest request;
  request.name = name;
  request.locals = locals;
  return request;
}

std::string key_of(const std::string& name, const codegen::Plan& plan) {
  return name + "#" + std::to_string(codegen::fingerprint(plan));
}

bool complete(const Pattern& pattern) {
  const auto k = static_cast<std::size_t>(pattern.size());
  return pattern.edges().size() == k * (k - 1) / 2;
}

class Maker {
 public:
  Maker(const Query& query, const Prepared* graph, const RecipeOptions& options, const volatile int* stop)
      : query_(query),
        graph_(graph),
        stop_(stop),
        checked_(graph != nullptr && may_overflow(query, graph->view())),
        algebra_(options.algebra && graph != nullptr && !checked_),
        lanes_(options.lanes) {}

  Recipe run() const {
    if (query_.kind == QueryKind::motifs) return motifs();
    Recipe recipe;
    std::optional<Rows> rows;
    std::function<double()> alternative;
    if (query_.kind == QueryKind::count && query_.pattern.plain() && query_.approx == 0 && algebra_)
      alternative = [&] { return (rows = by_rows({query_.pattern}))->cost; };
    recipe.jobs.push_back(job(query_.pattern, plan_request(query_), alternative));
    if (query_.kind == QueryKind::count && query_.pattern.plain_induced() && !complete(query_.pattern) &&
        query_.approx == 0)
      consider_algebra(recipe);
    if (query_.kind != QueryKind::count || !(query_.pattern.plain() || query_.pattern.plain_induced())) return recipe;
    if (query_.approx == 0) {
      consider_rows(recipe, std::move(rows));
      return recipe;
    }
    Recipe exact = recipe;
    consider_rows(exact, std::nullopt);
    const double enumeration = recipe.jobs.front().selected.estimate;
    const bool dear = exact.algebra && exact.algebra->estimate > kSampled * enumeration;
    return dear ? recipe : exact;
  }

 private:
  [[nodiscard]] bool stopped() const { return rt::raised(stop_); }

  Job job(const Pattern& pattern, PlanRequest request, const std::function<double()>& alternative = {},
          double effort = 1) const {
    request.lanes = lanes_;
    Job result{graph_ != nullptr ? select_plan(pattern, *graph_, request, stop_, alternative, effort)
                                 : typical_plan(pattern, request),
               {}};
    result.selected.plan.checked = checked_;
    result.key = key_of(request.name, result.selected.plan);
    return result;
  }

  /// The plan of one of so many patterns to count, made once.
  const Job& part(const Pattern& pattern, std::size_t patterns) const {
    const std::string name = pattern.to_string();
    const auto known = parts_.find(name);
    if (known != parts_.end()) return known->second;
    return parts_
        .emplace(name, job(pattern, count_request(name, patterns <= kMany), {}, patterns > kMany ? kOfMany : 1))
        .first->second;
  }

  /// Replaces the direct plan of an induced pattern by edge-induced counts where those are cheaper.
  void consider_algebra(Recipe& recipe) const {
    const double direct = recipe.jobs.front().selected.estimate;
    if (direct < kWorthAlgebra) return;
    const auto sum = codegen::induced_as_sum(query_.pattern);
    if (!sum) return;
    Recipe algebra;
    algebra.coefficients = sum->coefficients;
    double total = 0;
    for (const Pattern& pattern : sum->patterns) {
      algebra.jobs.push_back(part(pattern, sum->patterns.size()));
      total += algebra.jobs.back().selected.estimate;
      if (total > direct || stopped()) return;
    }
    recipe = std::move(algebra);
  }

  /// Without a plan, where its neighbourhoods fit rows of bits.
  std::optional<Job> clique_job(const Pattern& pattern) const {
    const double fours = graph_->row_costs().fours;  // infinite where they were not counted
    if (!complete(pattern) || !std::isfinite(fours) || !CliqueCounter(*graph_).fits()) return std::nullopt;
    Job job;
    job.clique = pattern.size();
    job.selected.estimate = kCliqueOfFour * fours / 24;
    return job;
  }

  double cost_of(const Job& job) const {
    if (job.clique > 0) return job.selected.estimate;
    const double run = job.selected.estimate;
    if (lanes_ || built_in(job.selected.plan)) return run;
    return run * kBuiltInBonus + std::min(run * (kInterpreted - 1), kCompiling);
  }

  /// Row programs for these counts, with jobs for what they leave to enumeration; of infinite cost where that is no use.
  struct Rows {
    Recipe recipe;
    double cost = std::numeric_limits<double>::infinity();
  };

  Rows by_rows(const std::vector<Pattern>& patterns) const {
    Rows rows;
    rows.recipe.algebra = plan_algebra(patterns, graph_->row_costs());
    const auto& algebra = rows.recipe.algebra;
    if (!algebra || !rows_fit(algebra->program, graph_->view())) return rows;
    double cost = algebra->estimate;
    for (const Pattern& pattern : algebra->enumerated) {
      if (stopped()) return rows;
      const auto clique = clique_job(pattern);
      rows.recipe.jobs.push_back(clique ? *clique : part(pattern, algebra->enumerated.size()));
      cost += cost_of(rows.recipe.jobs.back());
    }
    if (std::isfinite(cost)) rows.cost = cost;
    return rows;
  }

  /// What enumeration costs, where samples that were cut short say only that it is no less than that: such a sample
  /// is drawn again, larger, for a small part of what the alternative costs.
  double closer_cost(const Recipe& recipe, double alternative) const {
    double total = 0;
    const double effort = std::clamp(kLargerSample * alternative / kSampleCost, 1.0, kMaxEffort);
    for (const Job& each : recipe.jobs) {
      const double first = each.selected.estimate;
      const double better =
          each.selected.cut ? sampled_cost(each.selected.plan, *graph_, effort, stop_).nanoseconds : first;
      total += cost_of(each) * (first > 0 ? std::max(1.0, better / first) : 1);
    }
    return total;
  }

  static std::string milliseconds(double nanoseconds) { return std::to_string(nanoseconds / 1e6) + " ms"; }

  void consider_rows(Recipe& recipe, std::optional<Rows> rows) const {
    double enumeration = 0;
    for (const Job& each : recipe.jobs) enumeration += cost_of(each);
    if (!algebra_ || stopped()) return;
    if (enumeration < kWorthRows) {
      recipe.choice = "enumeration, " + milliseconds(enumeration) + ": too little to look for rows";
      return;
    }
    const auto sum = query_.pattern.plain() ? std::nullopt : codegen::induced_as_sum(query_.pattern);
    if (!sum && !query_.pattern.plain()) {
      recipe.choice = "enumeration: induced counts of so many vertices are not made of edge-induced ones";
      return;
    }
    if (!rows) rows = by_rows(sum ? sum->patterns : std::vector<Pattern>{query_.pattern});
    const double cost = rows->cost;
    if (std::isinf(cost)) {
      recipe.choice =
          "enumeration: no cut takes the pattern apart, or its rows would leave 64 bits or need too long lists";
      return;
    }
    if (enumeration <= cost) enumeration = closer_cost(recipe, cost);
    const std::string costs = milliseconds(cost) + " by algebra, " + milliseconds(enumeration) + " by enumeration";
    recipe.choice = "enumeration, the cheaper: " + costs;
    if (cost >= enumeration) return;
    if (sum) rows->recipe.coefficients = sum->coefficients;
    recipe = std::move(rows->recipe);
    recipe.choice = "algebra, the cheaper: " + costs;
    recipe.by_algebra = cost;
    recipe.by_enumeration = enumeration;
  }

  /// To know that enumeration is cheaper takes the plans that are still missing.
  bool not_worth_more_plans(const Recipe& recipe, double at_stake) const {
    const auto missing = static_cast<double>(recipe.motifs.size() - recipe.jobs.size());
    return at_stake < kWorthKnowing * kPlanning * std::pow(4, query_.motif_size - 5) * missing;
  }

  static std::string chosen_for_motifs(double by_algebra, double apart) {
    const std::string cost = milliseconds(by_algebra);
    if (apart > by_algebra)
      return "algebra, the cheaper: " + cost + ", more than " + milliseconds(apart) + " by enumeration";
    return "algebra: " + cost + ", too little for planning the enumeration of all patterns to pay";
  }

  /// Every connected pattern of this size, edge-induced (induced counts follow by algebra), as
  /// one loop nest where sharing its prefixes saves more than the linked-in kernels do.
  Recipe motifs() const {
    Recipe recipe;
    recipe.motifs = connected_motifs(query_.motif_size);
    std::vector<Pattern> patterns;
    for (const Motif& motif : recipe.motifs) patterns.push_back(motif.pattern);
    Rows rows;
    if (algebra_ && query_.motif_size > 3 && query_.motif_size <= kMaxMotifRows) rows = by_rows(patterns);
    const double by_algebra = rows.cost;
    double apart = 0;
    for (const Motif& motif : recipe.motifs) {
      if (not_worth_more_plans(recipe, by_algebra - apart)) break;
      recipe.counted.push_back(recipe.jobs.size());
      recipe.jobs.push_back(job(motif.pattern, count_request(motif.name, lanes_), {}, kOfMany));
      apart += cost_of(recipe.jobs.back());
      if (stopped()) return recipe;
    }
    if (not_worth_more_plans(recipe, by_algebra - apart)) {
      rows.recipe.motifs = std::move(recipe.motifs);
      rows.recipe.choice = chosen_for_motifs(by_algebra, apart);
      rows.recipe.by_algebra = by_algebra;
      rows.recipe.by_enumeration = apart;
      return std::move(rows.recipe);
    }
    if (graph_ != nullptr)
      recipe.choice = std::isinf(by_algebra) ? "enumeration: " + milliseconds(apart)
                                             : "enumeration, the cheaper: " + milliseconds(apart) + ", " +
                                                   milliseconds(by_algebra) + " by algebra";
    if (graph_ == nullptr || recipe.jobs.size() < 2 || apart < kWorthAlgebra) return recipe;
    if (lanes_) {
      share_loops(recipe);
      return recipe;
    }
    std::vector<Job> merged = merge_jobs(recipe.jobs);
    double together = 0;
    for (const Job& each : merged) together += each.selected.estimate * kBuiltInBonus;
    if (together < apart && !stopped()) recipe.jobs = std::move(merged);
    return recipe;
  }

  std::vector<Job> merge_jobs(const std::vector<Job>& jobs) const {
    std::vector<Job> merged;
    for (std::size_t begin = 0; begin < jobs.size() && !stopped(); begin += kMaxMerged) {
      std::vector<codegen::Plan> plans;
      for (std::size_t i = begin; i < std::min(begin + kMaxMerged, jobs.size()); ++i)
        plans.push_back(jobs[i].selected.bare);
      merged.push_back(merge_plans(plans));
    }
    return merged;
  }

  Job merge_plans(const std::vector<codegen::Plan>& plans) const {
    Job job;
    job.selected.bare = codegen::merge(plans);
    job.selected.plan = job.selected.bare;
    codegen::finish_plan(job.selected.plan, graph_->statistics(), {.counters = true});
    job.selected.plan.checked = checked_;
    job.selected.estimate = sampled_cost(job.selected.plan, *graph_, 1, stop_).nanoseconds;
    job.selected.sampled = true;
    job.key = key_of(query_.text, job.selected.plan);
    return job;
  }

  /// On a GPU nothing is linked in, and each plan is a launch of its own: those that walk the same loop are merged, as
  /// long as that saves work. Those with local graphs are left alone.
  void share_loops(Recipe& recipe) const {
    std::vector<std::vector<std::size_t>> counted;
    for (const std::size_t motif : recipe.counted) counted.push_back({motif});
    auto& jobs = recipe.jobs;
    for (std::size_t a = 0; a < jobs.size(); ++a) {
      for (std::size_t b = a + 1; b < jobs.size() && !stopped();) {
        std::optional<Job> both;
        if (mergeable(jobs[a], jobs[b])) both = merge_plans({jobs[a].selected.bare, jobs[b].selected.bare});
        if (!both || stopped() || both->selected.estimate >= jobs[a].selected.estimate + jobs[b].selected.estimate) {
          ++b;
          continue;
        }
        jobs[a] = std::move(*both);
        jobs.erase(jobs.begin() + static_cast<std::ptrdiff_t>(b));
        counted[a].insert(counted[a].end(), counted[b].begin(), counted[b].end());
        counted.erase(counted.begin() + static_cast<std::ptrdiff_t>(b));
      }
    }
    recipe.counted.clear();
    for (const auto& each : counted) recipe.counted.insert(recipe.counted.end(), each.begin(), each.end());
  }

  static bool mergeable(const Job& a, const Job& b) {
    const codegen::Plan &p = a.selected.plan, &q = b.selected.plan;
    return p.locals.empty() && q.locals.empty() && p.outputs.size() + q.outputs.size() <= kMaxMerged &&
           codegen::share_a_loop(a.selected.bare, b.selected.bare);
  }

  const Query& query_;
  const Prepared* graph_;
  const volatile int* stop_;
  bool checked_;
  bool algebra_, lanes_;
  mutable std::map<std::string, Job> parts_;  ///< by pattern
};

}  // namespace

bool may_overflow(const Query& query, const rt::GraphView& graph) {
  const int size = query.kind == QueryKind::motifs ? query.motif_size : query.pattern.size();
  constexpr double kMargin = 1e3;  // coefficients and symmetry factors
  double bound = kMargin * graph.n;
  for (int i = 1; i < size; ++i) bound *= std::max<double>(1, graph.max_degree);
  return bound > 1e38;
}

Recipe make_recipe(const Query& query, const Prepared& graph, const RecipeOptions& options, const volatile int* stop) {
  return Maker(query, &graph, options, stop).run();
}
Recipe typical_recipe(const Query& query) { return Maker(query, nullptr, {}, nullptr).run(); }

std::string describe(const Recipe& recipe, const Query& query) {
  std::string text = query.text + "\n";
  if (query.kind != QueryKind::motifs) {
    text += "pattern: " + query.pattern.to_string() + "\n";
    text += "automorphisms: " + Count(codegen::Automorphisms(query.pattern).size()).to_string() + "\n";
  }
  if (!recipe.choice.empty()) text += "chosen: " + recipe.choice + "\n";
  if (recipe.algebra) text += describe(*recipe.algebra);
  if (!recipe.coefficients.empty()) text += "induced count as a sum of edge-induced ones:\n";
  for (std::size_t i = 0; i < recipe.jobs.size(); ++i) {
    const SelectedPlan& selected = recipe.jobs[i].selected;
    if (recipe.algebra) text += "enumerated " + std::to_string(i) + "\n";
    if (recipe.jobs[i].clique > 0) {
      text += "cliques of " + std::to_string(recipe.jobs[i].clique) + " vertices, without a plan\n";
      continue;
    }
    if (!recipe.algebra && !recipe.coefficients.empty()) text += std::to_string(recipe.coefficients[i]) + " times\n";
    text += std::string(selected.sampled ? "sampled" : "modelled") +
            " cost on one core: " + std::to_string(selected.estimate / 1e6) + " ms" +
            (built_in(selected.plan) ? ", built in" : "") + "\n";
    std::string before;
    for (const std::string& line : selected.considered)  // orders that came to the same plan follow each other
      if (std::exchange(before, line) != line) text += "  considered " + line + "\n";
    text += codegen::print(selected.plan);
  }
  return text;
}

}  // namespace galena::mine
