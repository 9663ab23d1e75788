#include <algorithm>
#include <deque>
#include <memory>
#include <optional>

#include "codegen/emit/cpp.hpp"
#include "codegen/emit/cuda.hpp"
#include "codegen/jit/jit.hpp"
#include "codegen/passes/assist.hpp"
#include "galena/error.hpp"
#include "galena/mine.hpp"
#include "src/comm/communicator.hpp"
#include "src/mine/bind.hpp"
#include "src/mine/cliques/cliques.hpp"
#include "src/mine/clock.hpp"
#include "src/mine/frequent/frequent.hpp"
#include "src/mine/labelled/labelled.hpp"
#include "src/mine/recipe.hpp"
#include "src/mine/runner.hpp"

namespace galena {

struct Miner::State {
  mine::Prepared graph;
  MineOptions options;
  mine::Checkpoint checkpoint;
  std::uint64_t working_bytes = 0;
  mine::FrequentMiner frequent{graph};
  /// The last queries that were run by a recipe, the latest at the end. How depends on nothing else but the graph and the
  /// options.
  struct Planned {
    Query query;
    std::shared_ptr<const mine::Recipe> recipe;
  };
  std::deque<Planned> recipes;

  State(Graph given, MineOptions given_options) : graph(std::move(given)), options(std::move(given_options)) {
    if (!options.resume.empty()) checkpoint = mine::Checkpoint(checkpoint_path(), graph.graph().digest());
  }

  /// Each process has a file of its own.
  [[nodiscard]] std::filesystem::path checkpoint_path() const {
    std::filesystem::path path = options.resume;
    if (options.processes != nullptr && options.processes->rank() > 0)
      path += ".rank" + std::to_string(options.processes->rank());
    return path;
  }

  /// What several processes cannot share.
  void check_processes(const Query& query) const {
    if (options.processes == nullptr || options.processes->size() == 1) return;
    const char* const what = query.kind == QueryKind::list       ? "LIST"
                             : query.kind == QueryKind::frequent ? "FREQUENT"
                             : query.approx > 0                  ? "APPROX"
                                                                 : nullptr;
    if (what != nullptr)
      throw InputError(std::string(what) + " runs in one process: leave out mpirun, and use --threads");
  }

  /// Whoever asks for an engine or a device gets plans run by it.
  [[nodiscard]] bool algebra() const {
    return options.engine == Engine::automatic && options.device != MineDevice::cuda;
  }

  [[nodiscard]] mine::RecipeOptions planned_by(bool algebra) const {
    return {algebra, options.device == MineDevice::cuda};
  }

  /// Whether a query is searched for among filtered candidates; a checkpoint holds the sums of plans.
  [[nodiscard]] bool labelled(const Query& query) const {
    return algebra() && !checkpoint.enabled() && mine::asks_for_labelled_search(query);
  }

  /// By labelled search, where no plan is cheaper.
  std::optional<QueryResult> search(const Query& query, const RowSink& sink) {
    constexpr double kWorthPlanning = 1e9;  // nanoseconds
    const mine::Stopwatch planning;
    mine::LabelledSearch search(graph, query, options);
    const double cost = search.estimate();
    if (cost > kWorthPlanning && !rt::raised(options.stop)) {
      const mine::Recipe recipe = mine::make_recipe(query, graph, {}, options.stop);
      if (recipe.jobs.front().selected.estimate < cost) return std::nullopt;
    }
    const double planned = planning.seconds();
    QueryResult result = search.run(sink);
    result.plan_seconds = planned;
    working_bytes = search.bytes();
    return result;
  }

  /// Who counts the cliques that this query asks for; none where a plan does. CLIQUES has no plan.
  std::optional<mine::CliqueCounter> clique_counter(const Query& query) const {
    if (!mine::asks_for_cliques(query)) return std::nullopt;
    const bool planned = checkpoint.enabled() || !algebra();
    if (planned && query.kind == QueryKind::count) return std::nullopt;
    if (checkpoint.enabled()) throw InputError("CLIQUES cannot be resumed; leave out --resume");
    const mine::CliqueCounter cliques(graph);
    return cliques.fits(query) ? std::optional(cliques) : std::nullopt;
  }

  QueryResult run(const Query& query, const RowSink& sink) {
    mine::check_query(query, graph.graph());
    check_processes(query);
    QueryResult result = run_checked(query, sink);
    if (options.processes != nullptr) result.processes = options.processes->size();
    return result;
  }

  QueryResult run_checked(const Query& query, const RowSink& sink) {
    if (query.kind == QueryKind::frequent) {
      if (checkpoint.enabled()) throw InputError("FREQUENT cannot be resumed; leave out --resume");
      return frequent.run(query, options, working_bytes);
    }
    if (labelled(query)) {
      std::optional<QueryResult> found = search(query, sink);
      if (found) return std::move(*found);
    }
    const mine::Stopwatch planning;
    if (const auto counter = clique_counter(query)) {
      const double planned = planning.seconds();
      QueryResult result = counter->count(query, options, working_bytes);
      result.plan_seconds = planned;
      return result;
    }
    const std::shared_ptr<const mine::Recipe> recipe = recipe_of(query);
    const double planned = planning.seconds();
    mine::Runner runner(graph, options, checkpoint);
    QueryResult result = runner.run(query, *recipe, sink);
    result.plan_seconds = planned;
    working_bytes = runner.working_bytes();
    return result;
  }

  std::shared_ptr<const mine::Recipe> recipe_of(const Query& query) {
    constexpr std::size_t kKept = 16;
    const auto known = std::ranges::find(recipes, query, &Planned::query);
    if (known != recipes.end()) {
      std::rotate(known, known + 1, recipes.end());
      return recipes.back().recipe;
    }
    const bool rows = algebra() && !checkpoint.enabled();  // a checkpoint holds the sums of plans
    auto recipe = std::make_shared<const mine::Recipe>(mine::make_recipe(query, graph, planned_by(rows), options.stop));
    if (rt::raised(options.stop)) return recipe;  // it may lack jobs
    if (recipes.size() == kKept) recipes.pop_front();
    recipes.push_back({query, recipe});
    return recipe;
  }
};

Miner::Miner(Graph graph, MineOptions options)
    : state_(std::make_unique<State>(std::move(graph), std::move(options))) {}
Miner::~Miner() = default;
Miner::Miner(Miner&&) noexcept = default;
Miner& Miner::operator=(Miner&&) noexcept = default;

QueryResult Miner::run(const Query& query, const RowSink& sink) { return state_->run(query, sink); }

std::string Miner::explain(const Query& query) {
  mine::check_query(query, graph());
  if (query.kind == QueryKind::frequent) return state_->frequent.describe(query, state_->options);
  if (state_->labelled(query)) return mine::describe_labelled(state_->graph, query);
  if (const auto counter = state_->clique_counter(query)) return counter->describe(query);
  return mine::describe(
      mine::make_recipe(query, state_->graph, state_->planned_by(state_->algebra()), state_->options.stop), query);
}

std::string Miner::emit(const Query& query, const std::string& what) {
  if (what != "plan" && what != "cpp" && what != "cuda")
    throw InputError("cannot emit '" + what + "'; choose plan, cpp or cuda");
  mine::check_query(query, graph());
  if (query.kind == QueryKind::frequent) return state_->frequent.emit(query, what);
  if (query.kind == QueryKind::cliques)
    throw InputError("CLIQUES has no plan to emit: no clique is listed; emit the plan of clique(k)");
  std::string text;
  // By algebra there is no plan but that of the rows; generated source is that of enumeration.
  mine::RecipeOptions options = state_->planned_by(what == "plan" && state_->algebra());
  options.lanes = options.lanes || what == "cuda";
  const mine::Recipe recipe =
      mine::make_recipe(query, state_->graph, options, state_->options.stop);
  if (what == "plan" && !recipe.choice.empty()) text += "chosen: " + recipe.choice + "\n";
  if (recipe.algebra) text += mine::describe(*recipe.algebra);
  if (what == "cuda") {
    if (query.kind == QueryKind::motifs && query.induced)
      throw InputError("a program of its own counts edge-induced motifs only; leave INDUCED out to emit its CUDA");
    std::vector<codegen::Plan> plans;
    for (const mine::Job& job : recipe.jobs) plans.push_back(codegen::without_marked_sizes(job.selected.plan));
    std::vector<const codegen::Plan*> each;
    for (const codegen::Plan& plan : plans) each.push_back(&plan);
    return jit::expand(codegen::emit_cuda_program(each, recipe.coefficients, query.text));
  }
  for (const mine::Job& job : recipe.jobs) {
    if (!text.empty()) text += "\n";
    text += what == "plan" ? codegen::print(job.selected.plan) : codegen::emit_cpp(job.selected.plan);
  }
  return text;
}

const Graph& Miner::graph() const { return state_->graph.graph(); }
double Miner::prepare_seconds() const { return state_->graph.seconds(); }
std::uint64_t Miner::working_bytes() const { return state_->working_bytes; }

}  // namespace galena
