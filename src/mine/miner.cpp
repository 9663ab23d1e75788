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

  /// A checkpoint holds sums of plans chunk by chunk, and of algebra the whole result. So algebra must be short, or
  /// worth to be run again.
  mine::Recipe new_recipe(const Query& query) const {
    constexpr double kShort = 1e10;      // nanoseconds on one core
    constexpr double kMuchCheaper = 10;  // than enumeration
    mine::Recipe recipe = mine::make_recipe(query, graph, planned_by(algebra()), options.stop);
    if (!checkpoint.enabled() || !recipe.algebra || rt::raised(options.stop)) return recipe;
    if (recipe.by_algebra <= kShort || recipe.by_algebra * kMuchCheaper <= recipe.by_enumeration) {
      recipe.choice += "; --resume keeps its whole result";
      return recipe;
    }
    mine::Recipe plans = mine::make_recipe(query, graph, planned_by(false), options.stop);
    plans.ruled_out = true;
    plans.choice = "enumeration, of which --resume keeps every part that is done; without it " + recipe.choice;
    return plans;
  }

  /// Ways that are none of a plan, and so none of --resume.
  void warn_of_other_ways(const Query& query) const {
    if (!checkpoint.enabled() || !algebra() || !options.warn) return;
    if (query.kind == QueryKind::count && mine::asks_for_cliques(query))
      options.warn(query.text + ": --resume rules out the counter of cliques, which is often faster than a plan");
    else if (mine::asks_for_labelled_search(query))
      options.warn(query.text + ": --resume rules out the search among candidates, which is often faster than a plan");
  }

  static std::string result_key(const Query& query) {
    return "result " + query.text + (query.pattern.size() > 0 ? "#" + query.pattern.to_string() : "");
  }

  /// The whole result of an earlier run, where the checkpoints of all processes have it.
  std::optional<QueryResult> kept_result(const Query& query) {
    const bool counts = query.kind == QueryKind::count || query.kind == QueryKind::motifs;
    if (!checkpoint.enabled() || !counts) return std::nullopt;
    QueryResult result;
    result.query = query;
    result.engine = "checkpoint";
    const mine::Checkpoint::Section* section = checkpoint.find(result_key(query));
    std::vector<Motif> motifs;
    if (query.kind == QueryKind::motifs) motifs = connected_motifs(query.motif_size);
    const std::size_t expected = query.kind == QueryKind::motifs ? motifs.size() : 1;
    std::int64_t known[] = {section != nullptr && section->sums.size() == expected ? 1 : 0};
    if (options.processes != nullptr) options.processes->min(std::span(known), comm::Label{});
    if (known[0] == 0) return std::nullopt;
    if (query.kind == QueryKind::count) result.count = Count(static_cast<Count::Wide>(section->sums[0]));
    for (std::size_t i = 0; i < motifs.size(); ++i)
      result.motifs.push_back({motifs[i].name, Count(static_cast<Count::Wide>(section->sums[i]))});
    return result;
  }

  void keep_result(const QueryResult& result) {
    mine::Checkpoint::Section section;
    if (result.query.kind == QueryKind::count) section.sums.push_back(static_cast<rt::i128>(result.count.wide()));
    for (const MotifCount& motif : result.motifs) section.sums.push_back(static_cast<rt::i128>(motif.count.wide()));
    checkpoint.store(result_key(result.query), std::move(section));
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
    warn_of_other_ways(query);
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
    if (std::optional<QueryResult> kept = kept_result(query)) return std::move(*kept);
    const std::shared_ptr<const mine::Recipe> recipe = recipe_of(query);
    const double planned = planning.seconds();
    mine::Runner runner(graph, options, checkpoint);
    QueryResult result = runner.run(query, *recipe, sink);
    result.plan_seconds = planned;
    working_bytes = runner.working_bytes();
    if (checkpoint.enabled() && recipe->algebra && !result.partial) keep_result(result);
    return result;
  }

  std::shared_ptr<const mine::Recipe> recipe_of(const Query& query) {
    constexpr std::size_t kKept = 16;
    const auto known = std::ranges::find(recipes, query, &Planned::query);
    if (known != recipes.end()) {
      std::rotate(known, known + 1, recipes.end());
      return recipes.back().recipe;
    }
    auto recipe = std::make_shared<const mine::Recipe>(new_recipe(query));
    if (rt::raised(options.stop)) return recipe;  // it may lack jobs
    if (recipe->ruled_out && options.warn) options.warn(query.text + ": by " + recipe->choice);
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

void Miner::check(const Query& query) const { mine::check_query(query, graph()); }

std::string Miner::explain(const Query& query) {
  check(query);
  state_->warn_of_other_ways(query);
  if (query.kind == QueryKind::frequent) return state_->frequent.describe(query, state_->options);
  if (state_->labelled(query)) return mine::describe_labelled(state_->graph, query);
  if (const auto counter = state_->clique_counter(query)) return counter->describe(query);
  return mine::describe(state_->new_recipe(query), query);
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
  const mine::Recipe recipe =
      what == "plan" ? state_->new_recipe(query)
                     : mine::make_recipe(query, state_->graph, {.lanes = what == "cuda"}, state_->options.stop);
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
