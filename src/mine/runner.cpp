#include "src/mine/runner.hpp"

#include <algorithm>
#include <numeric>
#include <optional>

#include "codegen/passes/spanning.hpp"
#include "codegen/pattern/automorphism.hpp"
#include "galena/error.hpp"
#include "src/mine/algebra/evaluate.hpp"
#include "src/mine/approximate.hpp"
#include "src/mine/cliques/cliques.hpp"
#include "src/mine/count_instead.hpp"
#include "src/mine/executor.hpp"
#include "src/mine/passes.hpp"
#include "src/mine/rows.hpp"

namespace galena::mine {

using codegen::Output;
using rt::i128;

namespace {

/// Nanoseconds on one core below which a count is made exactly, whatever was asked for.
constexpr double kWorthSampling = 2e8;

i128 instances(i128 sum, const Output& output, bool partial) {
  const auto divisor = static_cast<i128>(output.divisor);
  if (!partial && sum % divisor != 0)
    throw InternalError("the sum of '" + output.name + "' is no multiple of its symmetry");
  // A part of the work may have seen more of what is subtracted than of what it is subtracted from.
  return partial && sum < 0 ? 0 : sum / divisor;
}

/// The maps of an instance: all automorphisms, or for LOCAL those that keep the vertex counted by.
Count times_embeddings(i128 instances, const Query& query) {
  auto value = static_cast<Count::Wide>(instances);
  if (!query.embeddings) return Count(value);
  const codegen::Mask fixed = query.by >= 0 ? codegen::bit(query.by) : 0;
  const Count::Wide group = codegen::Automorphisms(query.pattern, fixed).size();
  if (__builtin_mul_overflow(value, group, &value)) throw InputError("the number of embeddings is over 128 bits");
  return Count(value);
}

/// Solves E = M I from the densest pattern down (spanning.hpp).
void make_induced(const std::vector<Motif>& motifs, std::vector<i128>& counts) {
  std::vector<Pattern> patterns;
  for (const Motif& motif : motifs) patterns.push_back(motif.pattern);
  const auto matrix = codegen::spanning_matrix(patterns);
  std::vector<std::size_t> by_edges(patterns.size());
  std::iota(by_edges.begin(), by_edges.end(), std::size_t{0});
  std::stable_sort(by_edges.begin(), by_edges.end(), [&](std::size_t a, std::size_t b) {
    return patterns[a].edges().size() > patterns[b].edges().size();
  });
  for (const std::size_t i : by_edges)
    for (std::size_t j = 0; j < counts.size(); ++j)
      if (patterns[j].edges().size() > patterns[i].edges().size())
        add_product(counts[i], counts[j], -static_cast<std::int64_t>(matrix[i][j]));
}

}  // namespace

struct Runner::Outcome {
  ExecuteResult run;
  const codegen::Plan* plan;

  [[nodiscard]] std::vector<i128> counts() const {
    std::vector<i128> all;
    for (std::size_t o = 0; o < run.sums.size(); ++o)
      all.push_back(instances(run.sums[o], plan->outputs[o], run.partial));
    return all;
  }
};

Runner::Outcome Runner::run_job(const Recipe& recipe, std::size_t job, QueryResult& result,
                                const std::function<bool(int, const rt::vid*, int)>& on_match, std::uint64_t enough) {
  const SelectedPlan& selected = recipe.jobs[job].selected;
  std::unique_ptr<Executable> own;
  if (ready_ == nullptr) own = std::make_unique<Executable>(selected.plan, selected.estimate, options_);
  const Executable& code = ready_ == nullptr ? *own : *(*ready_)[job];
  ExecuteRequest request;
  request.plan = &selected.plan;
  request.code = &code;
  request.estimate = selected.estimate;
  request.on_match = on_match;
  request.enough = enough;
  request.key = recipe.jobs[job].key;
  request.checkpoint = &checkpoint_;
  Outcome outcome{execute(graph_, request, of_pass(options_, recipe, job)), &selected.plan};
  result.engine = result.engine.empty() || result.engine == code.engine() ? code.engine() : "mixed";
  result.compile_seconds += code.compile_seconds() + outcome.run.compile_seconds;
  result.device_seconds += outcome.run.device_seconds;
  result.kernel_seconds += outcome.run.kernel_seconds;
  result.seconds += outcome.run.seconds;
  result.partial = result.partial || outcome.run.partial;
  result.done = std::min(result.done, outcome.run.done);
  result.balance = std::max(result.balance, outcome.run.balance);
  working_bytes_ = std::max(working_bytes_, outcome.run.worker_bytes);
  return outcome;
}

QueryResult Runner::run(const Query& query, const Recipe& recipe, const RowSink& sink) {
  QueryResult result;
  result.query = query;
  switch (query.kind) {
    case QueryKind::count: count(recipe, result); break;
    case QueryKind::motifs: motifs(recipe, result); break;
    case QueryKind::list: list(recipe, result, sink); break;
    case QueryKind::exists: exists(recipe, result); break;
    case QueryKind::local: local(recipe, result); break;
    case QueryKind::frequent:
    case QueryKind::cliques: throw InternalError("this query has no recipe");
  }
  return result;
}

std::vector<i128> Runner::by_algebra(const Recipe& recipe, QueryResult& result) {
  const AlgebraPlan& plan = *recipe.algebra;
  std::vector<i128> enumerated, counts(plan.counts.size());
  for (std::size_t i = 0; i < recipe.jobs.size() && !result.partial; ++i)
    enumerated.push_back(recipe.jobs[i].clique > 0 ? cliques(recipe.jobs[i].clique, result)
                                                   : run_job(recipe, i, result).counts().front());
  if (result.partial) return counts;
  const EvaluateResult rows = evaluate(graph_, plan.program, of_pass(options_, recipe, recipe.jobs.size()));
  result.engine = result.engine.empty() ? "algebra" : "algebra+" + result.engine;
  result.seconds += rows.seconds;
  result.partial = rows.partial;
  result.done = rows.done;
  working_bytes_ = std::max(working_bytes_, rows.working_bytes);
  if (result.partial) return counts;
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] = combine(plan.counts[i], rows.homomorphisms, enumerated);
  return counts;
}

i128 Runner::cliques(int size, QueryResult& result) {
  Query query;
  query.kind = QueryKind::count;
  query.pattern = named_pattern("clique", {size});
  std::uint64_t bytes = 0;
  const QueryResult found = CliqueCounter(graph_).count(query, options_, bytes);
  result.seconds += found.seconds;
  result.partial = found.partial;
  result.done = std::min(result.done, found.done);
  working_bytes_ = std::max(working_bytes_, bytes);
  return static_cast<i128>(found.count.wide());
}

void Runner::count_a_sample(const Recipe& recipe, QueryResult& result) {
  if (checkpoint_.enabled()) throw InputError("a COUNT with APPROX cannot be resumed; leave out --resume or APPROX");
  const SelectedPlan& selected = recipe.jobs.front().selected;
  MineOptions on_cpu = options_;
  on_cpu.device = MineDevice::cpu;
  const Executable code(selected.plan, selected.estimate, on_cpu);
  const Approximation found = approximate(graph_, selected.plan, code, result.query.approx, on_cpu);
  result.engine = code.engine();
  result.compile_seconds = code.compile_seconds();
  result.seconds = found.seconds;
  result.partial = found.partial;
  result.done = found.done;
  working_bytes_ = found.worker_bytes;
  const Output& output = selected.plan.outputs.front();
  const auto counted = [&](i128 sum) { return times_embeddings(instances(sum, output, true), result.query); };
  result.count = counted(found.sum);
  if (found.half <= 0) return;
  const i128 half = static_cast<i128>(found.half) + 1;
  result.interval = Interval{counted(found.sum - half), counted(found.sum + half)};
}

void Runner::count(const Recipe& recipe, QueryResult& result) {
  if (result.query.approx > 0 && !recipe.algebra && recipe.jobs.front().selected.estimate > kWorthSampling) {
    return count_a_sample(recipe, result);
  }
  i128 total = 0;
  if (recipe.algebra) {
    const std::vector<i128> counts = by_algebra(recipe, result);
    for (std::size_t i = 0; i < counts.size(); ++i)
      add_product(total, counts[i], recipe.coefficients.empty() ? 1 : recipe.coefficients[i]);
    result.count = times_embeddings(total, result.query);
    return;
  }
  for (std::size_t i = 0; i < recipe.jobs.size() && !result.partial; ++i) {
    const i128 n = run_job(recipe, i, result).counts().front();
    add_product(total, n, recipe.coefficients.empty() ? 1 : recipe.coefficients[i]);
  }
  if (result.partial && !recipe.coefficients.empty()) total = 0;  // differences of parts bound nothing
  result.count = times_embeddings(total, result.query);
}

void Runner::motifs(const Recipe& recipe, QueryResult& result) {
  std::vector<i128> counts;
  if (recipe.algebra) counts = by_algebra(recipe, result);
  std::size_t known = counts.size();
  counts.resize(recipe.motifs.size());
  for (std::size_t i = 0; !recipe.algebra && i < recipe.jobs.size() && !result.partial; ++i)
    for (const i128 n : run_job(recipe, i, result).counts()) counts[recipe.counted[known++]] = n;
  if (known < counts.size()) {
    result.partial = true;  // also where the stop flag rose while plans were made
    result.done = std::min(result.done, static_cast<double>(known) / static_cast<double>(counts.size()));
  }
  if (result.query.induced && result.partial) std::fill(counts.begin(), counts.end(), i128{0});  // as above
  if (result.query.induced && !result.partial) make_induced(recipe.motifs, counts);
  for (std::size_t i = 0; i < counts.size(); ++i)
    result.motifs.push_back({recipe.motifs[i].name, Count(static_cast<Count::Wide>(counts[i]))});
}

void Runner::list(const Recipe& recipe, QueryResult& result, const RowSink& sink) {
  if (checkpoint_.enabled()) throw InputError("a LIST cannot be resumed; leave out --resume, or COUNT instead");
  const std::vector<int>& order = recipe.jobs.front().selected.plan.outputs.front().order;
  Rows rows(graph_, result.query, order, worker_count(options_), sink);
  const std::uint64_t enough = result.query.ordered ? 0 : result.query.limit.value_or(0);
  run_job(
      recipe, 0, result,
      [&rows](int thread, const rt::vid* matched, int size) { return rows.add(thread, matched, size); }, enough);
  result.count = Count(rows.finish());
}

void Runner::exists(const Recipe& recipe, QueryResult& result) {
  CountInstead instead(graph_, result.query, options_);
  const bool watched = !checkpoint_.enabled() && instead.possible(recipe.jobs.front().selected.estimate);
  const auto look = [&](const MineOptions& options) {
    Runner enumeration(graph_, options, checkpoint_);
    enumeration.ready_ = ready_;
    const Outcome outcome = enumeration.run_job(recipe, 0, result, [&instead](int, const rt::vid*, int) {
      instead.found();
      return false;
    });
    working_bytes_ = std::max(working_bytes_, enumeration.working_bytes_);
    result.count = Count(outcome.run.ended ? 1 : 0);
    if (outcome.run.ended) result.done = 1;
    return outcome.run.partial;
  };
  if (!look(watched ? instead.watched() : options_) || instead.taken_over() == nullptr) return;
  const QueryResult before = result;
  result.partial = false;
  result.done = 1;
  try {
    count(*instead.taken_over(), result);
    result.count = Count(result.count == Count() ? 0 : 1);
  } catch (const InputError&) {  // numbers that make up the count are too large, which EXISTS need not know
    result = before;
    result.partial = false;
    look(options_);
  }
}

void Runner::local(const Recipe& recipe, QueryResult& result) {
  const Outcome outcome = run_job(recipe, 0, result);
  const std::vector<i128>& sums = outcome.run.local;
  result.local.resize(sums.size());
  for (std::size_t v = 0; v < sums.size(); ++v)
    result.local[graph_.given(static_cast<VertexId>(v))] =
        times_embeddings(instances(sums[v], outcome.plan->outputs.front(), outcome.run.partial), result.query);
}

}  // namespace galena::mine
