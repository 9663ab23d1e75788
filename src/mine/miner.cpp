// One query: plan, choose code, run, and turn sums into counts.

#include <algorithm>
#include <mutex>

#include "codegen/emit/cpp.hpp"
#include "codegen/passes/estimate.hpp"
#include "codegen/passes/merge.hpp"
#include "codegen/passes/spanning.hpp"
#include "codegen/pattern/automorphism.hpp"
#include "galena/error.hpp"
#include "galena/mine.hpp"
#include "src/mine/bind.hpp"
#include "src/mine/clock.hpp"
#include "src/mine/executor.hpp"
#include "src/mine/rows.hpp"
#include "src/mine/select.hpp"

namespace galena {

using codegen::Output;
using codegen::Plan;
using codegen::PlanRequest;
using mine::ExecuteRequest;
using mine::ExecuteResult;
using mine::SelectedPlan;

namespace {

Output::Kind output_kind(QueryKind kind) {
  switch (kind) {
    case QueryKind::list:
      return Output::Kind::list;
    case QueryKind::exists:
      return Output::Kind::exists;
    case QueryKind::local:
      return Output::Kind::local;
    case QueryKind::count:
    case QueryKind::motifs:
      break;
  }
  return Output::Kind::count;
}

PlanRequest plan_request(const Query& query) {
  PlanRequest request;
  request.kind = output_kind(query.kind);
  request.name = query.text;
  request.by = query.kind == QueryKind::local ? query.by : -1;
  request.embeddings = query.embeddings && query.kind == QueryKind::list;
  return request;
}

/// One plan, and what its outputs contribute: output o counts patterns[o].
struct Job {
  SelectedPlan selected;
  std::string key;
};

/// What a query amounts to: plans to run and how to combine their sums.
struct Recipe {
  std::vector<Job> jobs;
  /// COUNT INDUCED by algebra: the result is the sum of coefficient * count of job i.
  std::vector<std::int64_t> coefficients;
  std::vector<Motif> motifs;  ///< of MOTIFS: one job each
};

}  // namespace

struct Miner::State {
  mine::Prepared graph;
  MineOptions options;
  mine::Checkpoint checkpoint;
  std::uint64_t working_bytes = 0;

  State(Graph given, MineOptions given_options) : graph(std::move(given)), options(std::move(given_options)) {
    if (!options.resume.empty()) checkpoint = mine::Checkpoint(options.resume, graph.graph().digest());
  }

  // --- planning

  Job job_for(const Pattern& pattern, const PlanRequest& request) const {
    Job job{mine::select_plan(pattern, graph, request), {}};
    job.selected.plan.checked = may_overflow(pattern.size());
    job.key = request.name + "#" + std::to_string(codegen::fingerprint(job.selected.plan));
    return job;
  }

  /// Whether a sum could leave 127 bits: n * max_degree^(k-1) matches at the very most.
  [[nodiscard]] bool may_overflow(int size) const {
    double bound = graph.view().n;
    for (int i = 1; i < size; ++i) bound *= std::max<double>(1, graph.view().max_degree);
    return bound * 1e3 > 1e38;
  }

  Recipe recipe_for(const Query& query) const {
    if (query.kind == QueryKind::motifs) return motif_recipe(query);
    Recipe recipe;
    recipe.jobs.push_back(job_for(query.pattern, plan_request(query)));
    if (query.kind == QueryKind::count && query.pattern.plain_induced()) consider_algebra(query, recipe);
    return recipe;
  }

  /// Every connected pattern of this size, edge-induced; induced counts follow by algebra.
  Recipe motif_recipe(const Query& query) const {
    Recipe recipe;
    recipe.motifs = connected_motifs(query.motif_size);
    for (const Motif& motif : recipe.motifs) {
      PlanRequest request;
      request.name = motif.name;
      recipe.jobs.push_back(job_for(motif.pattern, request));
    }
    return recipe;
  }

  /// Replaces the direct plan of an induced pattern by edge-induced counts where those are cheaper.
  void consider_algebra(const Query& query, Recipe& recipe) const {
    const double direct = recipe.jobs.front().selected.estimate;
    if (direct < 1e6 || query.pattern.edges().size() == static_cast<std::size_t>(query.pattern.size() * (query.pattern.size() - 1) / 2)) return;
    const auto sum = codegen::induced_as_sum(query.pattern);
    if (!sum) return;
    Recipe algebra;
    algebra.coefficients = sum->coefficients;
    double total = 0;
    for (const Pattern& pattern : sum->patterns) {
      PlanRequest request;
      request.name = pattern.to_string();
      algebra.jobs.push_back(job_for(pattern, request));
      total += algebra.jobs.back().selected.estimate;
      if (total > direct) return;
    }
    recipe = std::move(algebra);
  }

  // --- running

  ExecuteResult run_job(const Job& job, QueryResult& result, mine::MatchFn on_match = {}) {
    const mine::Executable code(job.selected.plan, job.selected.estimate, options);
    ExecuteRequest request;
    request.plan = &job.selected.plan;
    request.code = &code;
    request.estimate = job.selected.estimate;
    request.on_match = std::move(on_match);
    request.key = job.key;
    request.checkpoint = &checkpoint;
    ExecuteResult out = mine::execute(graph, request, options);
    result.engine = result.engine.empty() || result.engine == code.engine() ? code.engine() : "mixed";
    result.compile_seconds += code.compile_seconds();
    result.seconds += out.seconds;
    result.partial = result.partial || out.partial;
    result.done = std::min(result.done, out.done);
    working_bytes = std::max(working_bytes, out.worker_bytes);
    return out;
  }

  static rt::i128 instances(rt::i128 sum, const Output& output, bool partial) {
    const auto divisor = static_cast<rt::i128>(output.divisor);
    if (!partial && sum % divisor != 0) throw InternalError("the sum of '" + output.name + "' is no multiple of its symmetry");
    return sum / divisor;
  }

  static Count times_embeddings(rt::i128 instances, const Query& query) {
    auto value = static_cast<Count::Wide>(instances);
    if (!query.embeddings) return Count(value);
    const Count::Wide group = codegen::Automorphisms(query.pattern).size();
    if (__builtin_mul_overflow(value, group, &value)) throw InputError("the number of embeddings is over 128 bits");
    return Count(value);
  }

  QueryResult run(const Query& query, const RowSink& sink) {
    mine::check_query(query, graph.graph());
    QueryResult result;
    result.query = query;
    const mine::Stopwatch planning;
    const Recipe recipe = recipe_for(query);
    result.plan_seconds = planning.seconds();
    switch (query.kind) {
      case QueryKind::count:
        run_count(recipe, result);
        break;
      case QueryKind::motifs:
        run_motifs(recipe, result);
        break;
      case QueryKind::list:
        run_list(recipe.jobs.front(), result, sink);
        break;
      case QueryKind::exists:
        run_exists(recipe.jobs.front(), result);
        break;
      case QueryKind::local:
        run_local(recipe.jobs.front(), result);
        break;
    }
    return result;
  }

  void run_count(const Recipe& recipe, QueryResult& result) {
    rt::i128 total = 0;
    for (std::size_t i = 0; i < recipe.jobs.size() && !result.partial; ++i) {
      const ExecuteResult out = run_job(recipe.jobs[i], result);
      const rt::i128 n = instances(out.sums.front(), recipe.jobs[i].selected.plan.outputs.front(), out.partial);
      total += recipe.coefficients.empty() ? n : n * recipe.coefficients[i];
    }
    if (result.partial && !recipe.coefficients.empty()) total = 0;  // differences of parts bound nothing
    result.count = times_embeddings(total, result.query);
  }

  void run_motifs(const Recipe& recipe, QueryResult& result) {
    std::vector<rt::i128> counts;
    for (const Job& job : recipe.jobs) {
      if (result.partial) break;
      const ExecuteResult out = run_job(job, result);
      counts.push_back(instances(out.sums.front(), job.selected.plan.outputs.front(), out.partial));
    }
    counts.resize(recipe.jobs.size());
    if (result.query.induced) {
      if (result.partial)
        std::fill(counts.begin(), counts.end(), rt::i128{0});  // differences of parts bound nothing
      else
        make_induced(recipe.motifs, counts);
    }
    for (std::size_t i = 0; i < counts.size(); ++i)
      result.motifs.push_back({recipe.motifs[i].name, Count(static_cast<Count::Wide>(counts[i]))});
  }

  /// Solves E = M I from the densest pattern down.
  static void make_induced(const std::vector<Motif>& motifs, std::vector<rt::i128>& counts) {
    std::vector<Pattern> patterns;
    for (const Motif& motif : motifs) patterns.push_back(motif.pattern);
    const auto matrix = codegen::spanning_matrix(patterns);
    std::vector<std::size_t> by_edges(patterns.size());
    for (std::size_t i = 0; i < by_edges.size(); ++i) by_edges[i] = i;
    std::stable_sort(by_edges.begin(), by_edges.end(),
                     [&](std::size_t a, std::size_t b) { return patterns[a].edges().size() > patterns[b].edges().size(); });
    for (const std::size_t i : by_edges)
      for (std::size_t j = 0; j < counts.size(); ++j)
        if (patterns[j].edges().size() > patterns[i].edges().size())
          counts[i] -= static_cast<rt::i128>(matrix[i][j]) * counts[j];
  }

  void run_list(const Job& job, QueryResult& result, const RowSink& sink) {
    if (checkpoint.enabled()) throw InputError("a LIST cannot be resumed; leave out --resume, or COUNT instead");
    mine::Rows rows(graph, result.query, job.selected.plan.outputs.front().order, mine::thread_count(options), sink);
    run_job(job, result, [&rows](int thread, const rt::vid* matched, int size) { return rows.add(thread, matched, size); });
    result.count = Count(rows.finish());
  }

  void run_exists(const Job& job, QueryResult& result) {
    const ExecuteResult out = run_job(job, result, [](int, const rt::vid*, int) { return false; });
    result.count = Count(out.ended ? 1 : 0);
    if (out.ended) result.done = 1;
  }

  void run_local(const Job& job, QueryResult& result) {
    const ExecuteResult out = run_job(job, result);
    result.local.resize(out.local.size());
    for (std::size_t v = 0; v < out.local.size(); ++v) {
      const rt::i128 n = instances(out.local[v], job.selected.plan.outputs.front(), out.partial);
      result.local[graph.given(static_cast<VertexId>(v))] = times_embeddings(n, result.query);
    }
  }

  // --- explaining

  [[nodiscard]] std::string explain(const Query& query) const {
    mine::check_query(query, graph.graph());
    const Recipe recipe = recipe_for(query);
    std::string text = query.text + "\n";
    if (query.kind != QueryKind::motifs) {
      const codegen::Automorphisms group(query.pattern);
      text += "pattern: " + query.pattern.to_string() + "\n";
      text += "automorphisms: " + Count(group.size()).to_string() + "\n";
    }
    if (!recipe.coefficients.empty()) text += "induced count as a sum of edge-induced ones:\n";
    for (std::size_t i = 0; i < recipe.jobs.size(); ++i) {
      const SelectedPlan& selected = recipe.jobs[i].selected;
      if (!recipe.coefficients.empty()) text += std::to_string(recipe.coefficients[i]) + " times\n";
      text += std::string(selected.sampled ? "sampled" : "modelled") + " cost on one core: " +
              std::to_string(selected.estimate / 1e6) + " ms\n";
      for (const std::string& line : selected.considered) text += "  considered " + line + "\n";
      text += codegen::print(selected.plan);
    }
    return text;
  }

  [[nodiscard]] std::string emit(const Query& query, const std::string& what) const {
    mine::check_query(query, graph.graph());
    std::string text;
    for (const Job& job : recipe_for(query).jobs) {
      if (!text.empty()) text += "\n";
      text += what == "plan" ? codegen::print(job.selected.plan) : codegen::emit_cpp(job.selected.plan);
    }
    return text;
  }
};

Miner::Miner(Graph graph, MineOptions options) : state_(std::make_unique<State>(std::move(graph), std::move(options))) {}
Miner::~Miner() = default;
Miner::Miner(Miner&&) noexcept = default;
Miner& Miner::operator=(Miner&&) noexcept = default;

QueryResult Miner::run(const Query& query, const RowSink& sink) { return state_->run(query, sink); }
std::string Miner::explain(const Query& query) { return state_->explain(query); }

std::string Miner::emit(const Query& query, const std::string& what) {
  if (what != "plan" && what != "cpp") throw InputError("cannot emit '" + what + "'; choose plan or cpp");
  return state_->emit(query, what);
}

const Graph& Miner::graph() const { return state_->graph.graph(); }
double Miner::prepare_seconds() const { return state_->graph.seconds(); }
std::uint64_t Miner::working_bytes() const { return state_->working_bytes; }

}  // namespace galena
