// Teams of a simulated GPU that give each other pieces of their chunks: in every order the results are those of
// chunks that stay whole.

#include <algorithm>
#include <numeric>

#include "codegen/passes/local.hpp"
#include "codegen/passes/merge.hpp"
#include "codegen/passes/planner.hpp"
#include "galena/generate.hpp"
#include "src/mine/executor.hpp"
#include "src/mine/gpu/lease.hpp"
#include "test/codegen/compiled_plans.hpp"
#include "test/codegen/private_cache.hpp"
#include "test/mine/simulated_machine.hpp"
#include "test/support/catch.hpp"

using namespace galena;
using namespace galena::mine;
using namespace galena::test;
using codegen::GraphStatistics;
using rt::ChunkState;

namespace {

constexpr std::uint64_t kOneChunk = 1;
constexpr std::uint64_t kWorkers = 8;

/// The motifs of four vertices by one plan, which has several loops side by side.
Plan merged_motifs() {
  std::vector<Plan> plans;
  for (const Motif& motif : connected_motifs(4)) {
    PlanRequest request;
    request.name = motif.name;
    plans.push_back(codegen::make_plans(motif.pattern, GraphStatistics::typical(), request).front().bare);
  }
  Plan plan = codegen::merge(plans);
  codegen::finish_plan(plan, GraphStatistics::typical(), {});
  return plan;
}

/// What a lease of a whole graph found.
struct Found {
  std::vector<rt::i128> sums, local;
  std::vector<std::vector<rt::vid>> rows;  ///< in order
  std::size_t done = 0, chunks = 0;
  bool operator==(const Found&) const = default;
};

Found run_lease(SimulatedMachine& machine, const Prepared& graph, const Plan& plan, const mine::gpu::Limits& limits,
                std::uint64_t pieces) {
  const ChunkPlan& chunks = graph.chunks(pieces, plan.max_depth >= 2);
  mine::gpu::Fleet fleet(graph.view(), {&machine});
  mine::gpu::LeaseRunner runner(fleet[0], plan, limits);
  Found found;
  const std::ptrdiff_t width = plan.max_depth + 1;
  const auto take = [&](std::span<const rt::vid> rows) {
    for (auto at = rows.begin(); at < rows.end(); at += width) found.rows.emplace_back(at, at + width);
    return true;
  };
  runner.hand_rows_to(take, 0);
  const mine::gpu::LeaseResult result =
      runner.run(chunks.chunks, std::vector<double>(chunks.chunks.size(), 1), nullptr);
  found.sums.resize(plan.outputs.size());
  found.local.resize(graph.view().n);
  for (std::size_t i = 0; i < result.sums.size(); ++i) found.sums[i % found.sums.size()] += result.sums[i];
  for (const auto& [v, count] : result.local) found.local[v] += count;
  if (plan.outputs.front().kind == Output::Kind::local) runner.add_local(found.local);
  std::sort(found.rows.begin(), found.rows.end());
  found.chunks = result.states.size();
  found.done = static_cast<std::size_t>(std::count(result.states.begin(), result.states.end(), ChunkState::done));
  return found;
}

/// The same by chunks that stay whole.
Found whole(const Prepared& graph, const Plan& plan, std::uint64_t pieces) {
  SimulatedMachine machine;
  const Found found = run_lease(machine, graph, plan, {.pieces = 0}, pieces);
  CHECK(machine.given == 0);
  CHECK(found.done == found.chunks);
  return found;
}

void check_same_in_pieces(const Prepared& graph, const Plan& plan, int seeds) {
  for (const std::uint64_t pieces : {kOneChunk, std::uint64_t{20}}) {
    const Found expected = whole(graph, plan, pieces);
    for (int seed = 0; seed < seeds; ++seed) {
      for (const std::uint32_t every : {0, 3}) {
        SimulatedMachine machine(std::uint64_t{1} << 30, kWorkers);
        machine.seed = static_cast<std::uint64_t>(seed);
        INFO("order " << seed << ", a look every " << every << " rounds, " << machine.given << " pieces\n"
                      << print(plan));
        CHECK(run_lease(machine, graph, plan, {.pieces = 300, .give_every = every}, pieces) == expected);
        CHECK(machine.given > 0);
      }
    }
  }
}

}  // namespace

TEST_CASE("teams without work take over what others have left, in any order") {
  if (const std::string why = no_compiler(); !why.empty()) GALENA_SKIP(why);
  const PrivateCache cache;
  const Graph plain = with_random_labels(generate_rmat(6, 5, 3), 3, 4);
  const Prepared graph(plain);
  for (const char* text :
       {"COUNT triangle", "COUNT INDUCED house", "COUNT clique(4)", "COUNT cycle(4)", "COUNT (a:1)--(b:!2)--(c)",
        "COUNT (a)--(b), (c)--(d)", "LIST diamond", "LOCAL cycle(4) BY a", "LOCAL triangle BY a"}) {
    INFO(text);
    check_same_in_pieces(graph, plan_of(text), 4);
  }
}

TEST_CASE("pieces of loops that stand side by side") {
  if (const std::string why = no_compiler(); !why.empty()) GALENA_SKIP(why);
  const PrivateCache cache;
  const Prepared graph(generate_rmat(6, 4, 5));
  const Plan plan = merged_motifs();
  REQUIRE(plan.root.body.loops.size() > 1);
  check_same_in_pieces(graph, plan, 4);
}

TEST_CASE("pieces of walks over rows of bits") {
  if (const std::string why = no_compiler(); !why.empty()) GALENA_SKIP(why);
  const PrivateCache cache;
  const Prepared graph(generate_rmat(6, 6, 3));
  const Query query = parse_queries("COUNT INDUCED wheel(5)").front();
  Plan plan = codegen::make_plans(query.pattern, GraphStatistics::typical(), request_for(query)).front().bare;
  codegen::finish_plan(plan, GraphStatistics::typical(), {.locals_from = 1});
  REQUIRE(!plan.locals.empty());
  check_same_in_pieces(graph, plan, 4);
}

TEST_CASE("one chunk, even one hub, is spread over many teams") {
  if (const std::string why = no_compiler(); !why.empty()) GALENA_SKIP(why);
  const PrivateCache cache;
  const Prepared graph(generate_complete(48));
  const Plan plan = plan_of("COUNT clique(5)");
  const auto busiest = [&](std::uint64_t pieces) {
    SimulatedMachine machine(std::uint64_t{1} << 30, kWorkers);
    CHECK(run_lease(machine, graph, plan, {.pieces = pieces}, kOneChunk) == whole(graph, plan, kOneChunk));
    const auto all = std::accumulate(machine.rounds.begin(), machine.rounds.end(), std::uint64_t{0});
    return static_cast<double>(*std::max_element(machine.rounds.begin(), machine.rounds.end())) /
           static_cast<double>(all);
  };
  CHECK(busiest(0) > 0.99);
  CHECK(busiest(1 << 12) < 2.0 / kWorkers);
}

TEST_CASE("where there is no place for more pieces, teams go on alone") {
  if (const std::string why = no_compiler(); !why.empty()) GALENA_SKIP(why);
  const PrivateCache cache;
  const Prepared graph(generate_rmat(6, 6, 3));
  const Plan plan = plan_of("COUNT INDUCED house");
  for (const std::uint64_t pieces : {1, 2, 7}) {
    SimulatedMachine machine(std::uint64_t{1} << 30, kWorkers);
    CHECK(run_lease(machine, graph, plan, {.pieces = pieces, .give_every = 0}, 5) == whole(graph, plan, 5));
    CHECK(machine.given == pieces);
  }
}

TEST_CASE("a chunk one of whose pieces does not fit is run again as a whole") {
  if (const std::string why = no_compiler(); !why.empty()) GALENA_SKIP(why);
  const PrivateCache cache;
  const Prepared graph(generate_complete(24));
  SECTION("a set") {
    const Plan plan = plan_of("COUNT clique(5)");
    SimulatedMachine machine(std::uint64_t{1} << 30, kWorkers);
    CHECK(run_lease(machine, graph, plan, {.warp_slot = 8, .give_every = 0}, 10) == whole(graph, plan, 10));
    CHECK(machine.launches[mine::gpu::Team::block] == 1);
  }
  SECTION("matches of a launch") {
    const Plan plan = plan_of("LIST triangle");
    SimulatedMachine machine(std::uint64_t{1} << 30, kWorkers);
    CHECK(run_lease(machine, graph, plan, {.rows = 600, .give_every = 0}, 10) == whole(graph, plan, 10));
    CHECK(machine.launches[mine::gpu::Team::warp] > 2);
  }
  SECTION("matches of a team: nothing of the chunk is handed on") {
    const Plan plan = plan_of("LIST triangle");
    SimulatedMachine machine(std::uint64_t{1} << 30, 1);
    const Found found =
        run_lease(machine, graph, plan, {.warp_log = 300, .block_log = 300, .pieces = 3, .give_every = 0}, 10);
    CHECK(found.done < found.chunks);
    CHECK(std::adjacent_find(found.rows.begin(), found.rows.end()) == found.rows.end());
  }
  SECTION("local counts") {
    const Plan plan = plan_of("LOCAL triangle BY a");
    SimulatedMachine machine(std::uint64_t{1} << 30, kWorkers);
    CHECK(run_lease(machine, graph, plan, {.rows = 60, .give_every = 0}, 10) == whole(graph, plan, 10));
    CHECK(machine.launches[mine::gpu::Team::warp] + machine.launches[mine::gpu::Team::block] > 1);
  }
}
