#include <algorithm>
#include <ostream>

#include "codegen/jit/jit.hpp"
#include "galena/error.hpp"
#include "galena/mine.hpp"
#include "src/mine/bind.hpp"
#include "src/mine/runner.hpp"

namespace galena {

std::ostream& operator<<(std::ostream& out, const Count& count) { return out << count.to_string(); }

std::string Count::to_string() const {
  if (value_ == 0) return "0";
  std::string digits;
  for (Wide rest = value_; rest > 0; rest /= 10) digits += static_cast<char>('0' + static_cast<int>(rest % 10));
  std::reverse(digits.begin(), digits.end());
  return digits;
}

namespace {

Query one_query(const std::string& text) {
  std::vector<Query> queries = parse_queries(text);
  if (queries.size() != 1)
    throw InputError("expected one query, found " + std::to_string(queries.size()) + " in '" + text + "'");
  return std::move(queries.front());
}

Query query_of_kind(const std::string& text, QueryKind kind, const char* word) {
  Query query = one_query(text);
  if (query.kind != kind) throw InputError(std::string("expected a ") + word + " query, found '" + text + "'");
  return query;
}

/// FREQUENT, whose patterns are the graph's, and CLIQUES: nothing to compile.
bool needs_no_plan(const Query& query) { return query.kind == QueryKind::frequent || query.kind == QueryKind::cliques; }

}  // namespace

struct CompiledQuery::State {
  Query query;
  MineOptions options;
  mine::Recipe recipe;
  std::vector<std::unique_ptr<mine::Executable>> code;  ///< one a job; refers to the recipe's plans
};

CompiledQuery::CompiledQuery(const std::string& query, MineOptions options) : state_(std::make_unique<State>()) {
  state_->query = one_query(query);
  state_->options = std::move(options);
  if (needs_no_plan(state_->query)) return;
  state_->recipe = mine::typical_recipe(state_->query);
  for (const mine::Job& job : state_->recipe.jobs) {
    MineOptions how = state_->options;
    const bool ready = mine::built_in(job.selected.plan) || !jit::compiler_available();
    if (how.engine == Engine::automatic && !ready) how.engine = Engine::jit;
    state_->code.push_back(std::make_unique<mine::Executable>(job.selected.plan, job.selected.estimate, how));
  }
}

CompiledQuery::~CompiledQuery() = default;
CompiledQuery::CompiledQuery(CompiledQuery&&) noexcept = default;
CompiledQuery& CompiledQuery::operator=(CompiledQuery&&) noexcept = default;

const Query& CompiledQuery::query() const { return state_->query; }

QueryResult CompiledQuery::run(const Graph& graph, const RowSink& sink) const {
  if (needs_no_plan(state_->query)) return Miner(graph, state_->options).run(state_->query, sink);
  const mine::Prepared prepared(graph);
  mine::check_query(state_->query, graph);
  // The kernels made ahead do not watch for sums over 128 bits.
  if (mine::may_overflow(state_->query, prepared.view())) return Miner(graph, state_->options).run(state_->query, sink);
  mine::Checkpoint checkpoint;
  if (!state_->options.resume.empty()) checkpoint = mine::Checkpoint(state_->options.resume, graph.digest());
  mine::Runner runner(prepared, state_->options, checkpoint);
  runner.use(state_->code);
  return runner.run(state_->query, state_->recipe, sink);
}

Count count(const Graph& graph, const std::string& query, const MineOptions& options) {
  return Miner(graph, options).run(query_of_kind(query, QueryKind::count, "COUNT")).count;
}

std::uint64_t list(const Graph& graph, const std::string& query, const RowSink& sink, const MineOptions& options) {
  Query parsed = one_query(query);
  if (parsed.kind == QueryKind::count) parsed.kind = QueryKind::list;
  if (parsed.kind != QueryKind::list) throw InputError("expected a LIST query, found '" + query + "'");
  return Miner(graph, options).run(parsed, sink).count.low();
}

}  // namespace galena
