// The same counts by a second route: `second_route GRAPH [PATTERN ...]` prints pattern, route, count, seconds, separated
// by tabs. Without patterns: those that pairs.hpp knows. With patterns: each by algebra with its quotients
// taken apart in other ways than the planner's, of which there is one a price list.

#include <fmt/format.h>

#include "bench/mine/pairs.hpp"
#include "galena/io.hpp"
#include "src/mine/algebra/bounds.hpp"
#include "src/mine/algebra/evaluate.hpp"
#include "src/mine/algebra/plan.hpp"
#include "src/mine/clock.hpp"
#include "test/support/data.hpp"

namespace {

using namespace galena;

constexpr int kThreads = 2;

/// Prices at which cuts around any vertex, around the first, or within neighbourhoods win.
std::vector<std::pair<const char*, codegen::RowCosts>> price_lists() {
  return {{"any vertex", {1, 1, 1, 1, 1, 1, 1, 1, 1}},
          {"first vertex", {100, 100, 100, 1e6, 100, 100, 1, 1, 1}},
          {"neighbourhoods", {1e6, 1e6, 1e6, 1e6, 1, 1, 1e6, 1e6, 1e6}}};
}

std::vector<rt::i128> enumerated(const Graph& graph, const std::vector<Pattern>& patterns) {
  MineOptions options;
  options.threads = kThreads;
  Miner miner(graph, options);
  std::vector<rt::i128> counts;
  for (const Pattern& pattern : patterns) {
    Query query;
    query.pattern = pattern;
    counts.push_back(static_cast<rt::i128>(miner.run(query).count.wide()));
  }
  return counts;
}

void by_other_cuts(const Graph& graph, const std::string& text) {
  const mine::Prepared prepared(graph);
  MineOptions options;
  options.threads = kThreads;
  std::string before;
  for (const auto& [name, prices] : price_lists()) {
    const mine::Stopwatch clock;
    const auto plan = mine::plan_algebra({Pattern::parse(text)}, prices);
    if (!plan || !mine::rows_fit(plan->program, prepared.view())) continue;
    const std::string program = codegen::print(plan->program);
    if (program == before) continue;
    before = program;
    const auto rows = mine::evaluate(prepared, plan->program, options);
    const rt::i128 count = mine::combine(plan->counts.front(), rows.homomorphisms, enumerated(graph, plan->enumerated));
    fmt::print("{}\tcut around {}\t{}\t{:.2f}\n", text, name, Count(static_cast<Count::Wide>(count)).to_string(),
               clock.seconds());
    std::fflush(stdout);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string name = argc > 1 ? argv[1] : "";
  const auto folder = test::data_set(name);
  if (name.empty() || !folder) {
    fmt::print(stderr, "second_route: usage: second_route GRAPH [PATTERN ...], a folder of GALENA_DATA_DIR\n");
    return 2;
  }
  const Graph graph = load_graph(*folder);
  for (int i = 2; i < argc; ++i) by_other_cuts(graph, argv[i]);
  if (argc > 2) return 0;
  const mine::Stopwatch clock;
  for (const auto& [pattern, count] : bench::count_by_pairs(graph, kThreads))
    fmt::print("{}\tpairs\t{}\t{:.2f}\n", pattern, count.to_string(), clock.seconds());
  return 0;
}
