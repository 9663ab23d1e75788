// Mining on GPUs, by machines that are simulated: chunks in bins, buffers, what does not fit, what is
// handed back, several machines.

#include <algorithm>
#include <chrono>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

#include "codegen/passes/assist.hpp"
#include "codegen/passes/local.hpp"
#include "codegen/passes/planner.hpp"
#include "codegen/runtime/chunk.h"
#include "galena/error.hpp"
#include "galena/generate.hpp"
#include "src/device/cuda_device.hpp"
#include "src/mine/executor.hpp"
#include "src/mine/gpu/lease.hpp"
#include "src/mine/gpu/pace.hpp"
#include "src/mine/left_work.hpp"
#include "src/mine/recipe.hpp"
#include "src/mine/select.hpp"
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

using Rows = std::vector<std::vector<rt::vid>>;

struct Outcome {
  ExecuteResult result;
  Rows rows;
};

/// On the machines, or on the CPU where there are none.
Outcome run(const Prepared& graph, const Plan& plan, const std::vector<mine::gpu::Machine*>& machines,
            const MineOptions& options = {}, const mine::gpu::Limits& limits = {}) {
  MineOptions interpreted = options;
  interpreted.engine = Engine::interpreter;
  const Executable code(plan, 0, interpreted);
  Outcome outcome;
  std::mutex mutex;
  ExecuteRequest request;
  request.plan = &plan;
  request.code = &code;
  mine::gpu::Fleet fleet(graph.view(), machines);
  request.fleet = machines.empty() ? nullptr : &fleet;
  request.limits = limits;
  const bool exists = plan.outputs.front().kind == Output::Kind::exists;
  request.on_match = [&](int, const rt::vid* matched, int size) {
    const std::scoped_lock lock(mutex);
    if (!exists) outcome.rows.emplace_back(matched, matched + size);
    return !exists;
  };
  outcome.result = execute(graph, request, interpreted);
  std::sort(outcome.rows.begin(), outcome.rows.end());
  return outcome;
}

void check_equal(const Outcome& found, const Outcome& expected) {
  CHECK(found.rows == expected.rows);
  CHECK(found.result.ended == expected.result.ended);
  CHECK(!found.result.partial);
  if (expected.result.ended) return;
  CHECK((found.result.sums == expected.result.sums));
  CHECK((found.result.local == expected.result.local));
}

/// The counts of all chunks of a plan by one lease, and what became of the chunks.
struct Leased {
  mine::gpu::LeaseResult result;
  std::vector<rt::i128> sums;
  std::vector<rt::vid> rows;  ///< matches
  [[nodiscard]] std::size_t of(ChunkState state) const {
    return static_cast<std::size_t>(std::count(result.states.begin(), result.states.end(), state));
  }
};

Leased lease(SimulatedMachine& machine, const Prepared& graph, const Plan& plan, const mine::gpu::Limits& limits,
             std::uint64_t pieces = 64, std::uint64_t enough = 0) {
  const ChunkPlan& chunks = graph.chunks(pieces, plan.max_depth >= 2);
  mine::gpu::Fleet fleet(graph.view(), {&machine});
  mine::gpu::LeaseRunner runner(fleet[0], plan, limits);
  Leased leased;
  const auto take = [&](std::span<const rt::vid> rows) {
    leased.rows.insert(leased.rows.end(), rows.begin(), rows.end());
    return true;
  };
  runner.hand_rows_to(take, enough);
  leased.result = runner.run(chunks.chunks, std::vector<double>(chunks.chunks.size(), 1), nullptr);
  leased.sums.resize(plan.outputs.size());
  for (std::size_t i = 0; i < chunks.chunks.size(); ++i)
    for (std::size_t o = 0; o < leased.sums.size(); ++o)
      leased.sums[o] += leased.result.sums[i * leased.sums.size() + o];
  return leased;
}

}  // namespace

TEST_CASE("two simulated GPUs give what the CPU gives") {
  if (const std::string why = no_compiler(); !why.empty()) GALENA_SKIP(why);
  const PrivateCache cache;
  const Graph plain = with_random_labels(generate_rmat(7, 5, 3), 3, 4);
  const Prepared graph(plain);
  for (const char* text :
       {"COUNT triangle", "COUNT INDUCED cycle(4)", "COUNT house", "COUNT clique(4)", "COUNT K(2,3)",
        "COUNT (a:1)--(b:!2)--(c)", "COUNT (a)--(b), (c)--(d)", "LIST diamond", "LIST (a:1)--(b)--(c), (a)!-(c)",
        "EXISTS clique(4)", "EXISTS clique(12)", "LOCAL cycle(4) BY a", "LOCAL triangle BY a"}) {
    INFO(text);
    const Plan plan = plan_of(text);
    SimulatedMachine one, other;
    check_equal(run(graph, plan, {&one, &other}), run(graph, plan, {}));
    CHECK(one.held() + other.held() == 0);
  }
}

TEST_CASE("graphs without edges or vertices are mined on a GPU") {
  if (const std::string why = no_compiler(); !why.empty()) GALENA_SKIP(why);
  const PrivateCache cache;
  for (const Graph& plain : {build_graph(EdgeList{}), generate_path(1), generate_path(2)}) {
    const Prepared graph(plain);
    for (const char* text : {"COUNT triangle", "LIST wedge", "LOCAL wedge BY a"}) {
      SimulatedMachine machine;
      check_equal(run(graph, plan_of(text), {&machine}), run(graph, plan_of(text), {}));
    }
  }
}

TEST_CASE("a chunk that does not fit a warp's buffers goes on to a block") {
  if (const std::string why = no_compiler(); !why.empty()) GALENA_SKIP(why);
  const PrivateCache cache;
  const Prepared graph(generate_complete(40));
  const Plan plan = plan_of("COUNT clique(5)");
  REQUIRE(plan.slots > 0);
  SimulatedMachine machine;
  const Leased small = lease(machine, graph, plan, {.warp_slot = 4});
  CHECK(machine.launches[mine::gpu::Team::block] == 1);
  CHECK(small.of(ChunkState::done) == small.result.states.size());
  CHECK((small.sums == run(graph, plan, {}).result.sums));
}

TEST_CASE("local graphs on a GPU: with memory for all rows, and for one") {
  if (const std::string why = no_compiler(); !why.empty()) GALENA_SKIP(why);
  const PrivateCache cache;
  const Graph dense = generate_complete(70), skewed = generate_rmat(7, 6, 3);
  for (const Graph* plain : {&dense, &skewed}) {
    const Prepared graph(*plain);
    for (const char* text : {"COUNT clique(4)", "COUNT INDUCED diamond"}) {
      const Query query = parse_queries(text).front();
      codegen::RankedPlan ranked =
          codegen::make_plans(query.pattern, GraphStatistics::typical(), request_for(query)).front();
      Plan plan = ranked.bare;
      codegen::add_locals(plan, 1);
      codegen::assign_slots(plan);
      REQUIRE(!plan.locals.empty());
      INFO(print(plan));
      const Outcome expected = run(graph, ranked.plan, {});
      for (const std::uint64_t words : {1, 100000}) {
        SimulatedMachine machine;
        const Leased leased = lease(machine, graph, plan, {.warp_local = words, .block_local = words});
        CHECK(leased.of(ChunkState::done) == leased.result.states.size());
        CHECK((leased.sums.front() / static_cast<rt::i128>(plan.outputs.front().divisor) ==
               expected.result.sums.front() / static_cast<rt::i128>(ranked.plan.outputs.front().divisor)));
      }
    }
  }
}

TEST_CASE("matches that do not fit are not cut off") {
  if (const std::string why = no_compiler(); !why.empty()) GALENA_SKIP(why);
  const PrivateCache cache;
  const Prepared graph(generate_complete(16));
  const Plan plan = plan_of("LIST triangle");
  const std::size_t words = run(graph, plan, {}).rows.size() * 3;
  SECTION("a launch's: what workers had no time for is run by the next") {
    SimulatedMachine machine;
    const Leased leased = lease(machine, graph, plan, {.rows = 60});
    CHECK(machine.launches[mine::gpu::Team::warp] > 2);
    CHECK(leased.of(ChunkState::done) == leased.result.states.size());
    CHECK(leased.rows.size() == words);
  }
  SECTION("a worker's: the chunk is left to the CPU, and none of its matches is handed on") {
    SimulatedMachine machine;
    const Leased leased = lease(machine, graph, plan, {.warp_log = 30, .block_log = 60});
    CHECK(leased.of(ChunkState::overflow) > 0);
    CHECK(leased.of(ChunkState::done) > 0);
    CHECK(leased.rows.size() < words);
    CHECK(leased.of(ChunkState::overflow) + leased.of(ChunkState::done) == leased.result.states.size());
  }
}

TEST_CASE("no chunk is run twice because a launch has no room for its matches") {
  if (const std::string why = no_compiler(); !why.empty()) GALENA_SKIP(why);
  const PrivateCache cache;
  const Prepared graph(generate_rmat(9, 8, 3));
  const Plan plan = plan_of("LIST triangle");
  const auto listed = [&](std::uint64_t rows) {
    SimulatedMachine machine;
    Leased leased = lease(machine, graph, plan, {.rows = rows, .pieces = 0}, 2000);
    CHECK(leased.of(ChunkState::done) == leased.result.states.size());
    return std::tuple(machine.work(), machine.launches[mine::gpu::Team::warp], leased.rows.size());
  };
  const auto [once, one_launch, words] = listed(1 << 20);
  const auto [often, launches, same_words] = listed(words / 20);
  CHECK(one_launch == 1);
  CHECK(launches > 5);
  CHECK(same_words == words);
  CHECK(often < once + once / 10);
}

TEST_CASE("a LIST with LIMIT ends when there are enough matches") {
  if (const std::string why = no_compiler(); !why.empty()) GALENA_SKIP(why);
  const PrivateCache cache;
  const Plan plan = plan_of("LIST clique(4)");
  const auto work = [&](const Prepared& graph, std::uint64_t pieces, std::uint64_t enough) {
    SimulatedMachine machine;
    const Leased leased = lease(machine, graph, plan, {.give_every = 3}, pieces, enough);
    CHECK(leased.result.ended == (enough > 0));
    CHECK(leased.rows.size() / 4 >= enough);
    return machine.work();
  };
  SECTION("of many chunks") {
    const Prepared graph(generate_rmat(8, 16, 3));
    CHECK(work(graph, 2000, 10) < work(graph, 2000, 0) / 20);
  }
  SECTION("in the middle of one chunk, of which matches of single pieces will do") {
    const Prepared graph(generate_complete(40));
    CHECK(work(graph, 1, 10) < work(graph, 1, 0) / 20);
  }
}

TEST_CASE("a LIST with LIMIT on a GPU passes on as many matches as it is asked for") {
  if (const std::string why = no_compiler(); !why.empty()) GALENA_SKIP(why);
  const PrivateCache cache;
  const Prepared graph(generate_complete(20));
  const Plan plan = plan_of("LIST triangle");
  SimulatedMachine machine;
  MineOptions options;
  options.engine = Engine::interpreter;
  const Executable code(plan, 0, options);
  std::size_t matches = 0;
  ExecuteRequest request;
  request.plan = &plan;
  request.code = &code;
  mine::gpu::Fleet fleet(graph.view(), {&machine});
  request.fleet = &fleet;
  request.enough = 10;
  request.on_match = [&](int, const rt::vid*, int) { return ++matches < 10; };
  const ExecuteResult result = execute(graph, request, options);
  CHECK(matches == 10);
  CHECK(result.ended);
  CHECK(!result.partial);
}

TEST_CASE("what fits no buffer of the device runs on the CPU, and that is said") {
  if (const std::string why = no_compiler(); !why.empty()) GALENA_SKIP(why);
  const PrivateCache cache;
  const Prepared graph(generate_complete(16));
  const Plan plan = plan_of("LIST triangle");
  std::string said;
  MineOptions options;
  options.warn = [&said](const std::string& text) { said = text; };
  SimulatedMachine machine;
  check_equal(run(graph, plan, {&machine}, options, {.warp_log = 2, .block_log = 2}), run(graph, plan, {}));
  INFO(said);
  CHECK(said.find("ran on the CPU") != std::string::npos);
}

TEST_CASE("what fits no buffer of the device is said at once, and shared by the CPU's threads") {
  if (const std::string why = no_compiler(); !why.empty()) GALENA_SKIP(why);
  const PrivateCache cache;
  const Prepared graph(generate_complete(16));
  const Plan plan = plan_of("LIST triangle");
  MineOptions options;
  options.engine = Engine::interpreter;
  options.threads = 3;
  std::mutex mutex;
  std::set<int> threads;
  bool said = false, said_before = true;
  options.warn = [&](const std::string& text) {
    const std::scoped_lock lock(mutex);
    said = said || text.find("3 threads of the CPU") != std::string::npos;
  };
  const Executable code(plan, 0, options);
  SimulatedMachine machine;
  mine::gpu::Fleet fleet(graph.view(), {&machine});
  ExecuteRequest request;
  request.plan = &plan;
  request.code = &code;
  request.fleet = &fleet;
  request.limits = {.warp_log = 2, .block_log = 2};
  std::size_t matches = 0;
  request.on_match = [&](int thread, const rt::vid*, int) {
    {
      const std::scoped_lock lock(mutex);
      said_before = said_before && said;
      threads.insert(thread);
      ++matches;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return true;
  };
  CHECK(!execute(graph, request, options).partial);
  CHECK(matches == 560);
  CHECK(said_before);
  CHECK(threads.size() == 3);
}

TEST_CASE("chunks of too many matches are run in parts before they are left to the CPU") {
  if (const std::string why = no_compiler(); !why.empty()) GALENA_SKIP(why);
  const PrivateCache cache;
  const Prepared graph(generate_complete(16));
  const Plan plan = plan_of("LIST clique(4)");
  const Outcome expected = run(graph, plan, {});
  std::string said;
  MineOptions options;
  options.warn = [&said](const std::string& text) { said += text; };
  SimulatedMachine one, other;
  SECTION("where parts fit, the CPU runs none") {  // of an edge's cliques, a part has those of one third vertex
    check_equal(run(graph, plan, {&one, &other}, options, {.warp_log = 60, .block_log = 60, .pieces = 0}), expected);
    CHECK(said.empty());
  }
  SECTION("where some do, the CPU runs the others") {
    check_equal(run(graph, plan, {&one, &other}, options, {.warp_log = 20, .block_log = 20, .pieces = 0}), expected);
    CHECK(said.find("ran on the CPU") != std::string::npos);
  }
}

TEST_CASE("the CPU runs what a device left by a plan of its own, with tables that the device's lacks") {
  if (const std::string why = no_compiler(); !why.empty()) GALENA_SKIP(why);
  const PrivateCache cache;
  const Prepared graph(generate_rmat(7, 6, 3));
  const Plan plan = plan_of("LOCAL diamond BY a"), on_device = codegen::without_marked_sizes(plan);
  REQUIRE((!plan.marks.empty() && on_device.marks.empty()));
  MineOptions options;
  options.engine = Engine::interpreter;
  options.threads = 2;
  const Executable code(plan, 0, options);
  SimulatedMachine machine;
  mine::gpu::Fleet fleet(graph.view(), {&machine});
  machine.spare = 0;  // not one worker fits
  ExecuteRequest request;
  request.plan = &on_device;
  request.plan_here = &plan;
  request.code = &code;
  request.fleet = &fleet;
  CHECK((execute(graph, request, options).local == run(graph, plan, {}).result.local));
  CHECK(machine.launches.empty());
}

TEST_CASE("parts of a chunk cover it") {
  const std::vector<rt::Chunk> ranges = parts_of({5, 205, 0, 1}), thirds = parts_of({7, 8, 2, 3});
  REQUIRE(ranges.size() == 64);
  CHECK((ranges.front().begin == 5 && ranges.back().end == 205));
  for (std::size_t i = 1; i < ranges.size(); ++i) CHECK(ranges[i].begin == ranges[i - 1].end);
  CHECK(parts_of({5, 7, 0, 1}).size() == 2);
  REQUIRE(thirds.size() == 32);
  constexpr std::uint64_t kLength = 1000;
  const rt::Slice whole = rt::slice_third({7, 8, 2, 3}, kLength);
  CHECK(rt::slice_third(thirds.front(), kLength).begin == whole.begin);
  CHECK(rt::slice_third(thirds.back(), kLength).end == whole.end);
}

TEST_CASE("little memory gives few workers") {
  if (const std::string why = no_compiler(); !why.empty()) GALENA_SKIP(why);
  const PrivateCache cache;
  const Prepared graph(generate_rmat(7, 6, 3));
  const Plan plan = plan_of("COUNT cycle(4)");
  REQUIRE(!plan.counters.empty());  // tables of all vertices for each worker
  const std::uint64_t units = graph.units();
  const std::uint64_t graph_bytes = 16 * units, lease_bytes = 8 << 10, worker_bytes = 4 * graph.view().n;
  SECTION("two of many") {
    SimulatedMachine machine(graph_bytes + lease_bytes + 4 * worker_bytes, 64);
    const Leased leased = lease(machine, graph, plan, {});
    CHECK((leased.sums == run(graph, plan, {}).result.sums));
    CHECK(machine.most_seen < 64);
  }
  SECTION("none: all is left to the CPU") {
    SimulatedMachine machine(graph_bytes + lease_bytes, 64);
    machine.spare = 0;
    const Leased leased = lease(machine, graph, plan, {});
    CHECK(leased.of(ChunkState::overflow) == leased.result.states.size());
  }
  SECTION("not even the graph: an error") {
    SimulatedMachine machine(1 << 10, 64);
    CHECK_THROWS_AS(lease(machine, graph, plan, {}), EnvironmentError);
  }
}

TEST_CASE("buffers are as large as a bin's chunks need, not as the largest degree") {
  const Prepared graph(generate_star(5000));  // vertex 0 is the hub
  const mine::gpu::Bounds bounds(graph.view());
  Plan plan = plan_of("COUNT clique(4)");
  REQUIRE(plan.slots > 0);
  const rt::GraphView& view = graph.view();
  const rt::Chunk hub{0, view.indptr[1] + 1, 0, 1};
  const std::vector<mine::gpu::Reach> reach = bounds.reach(std::vector{hub});
  CHECK(reach.front().roots == 1);
  CHECK(bounds.slot(plan, reach.front()) == 1);  // the hub's neighbours have one neighbour each
  const auto room = mine::gpu::room_for(plan, bounds, mine::gpu::Team::block, 5056, reach, {});
  CHECK(room.slot < view.max_degree);
}

TEST_CASE("a local graph of lower neighbours has room for as many as there are") {
  const Prepared graph(generate_rmat(8, 8, 3));
  const rt::GraphView view = graph.view();
  const std::uint64_t most = *std::max_element(view.split, view.split + view.n);
  const Query query = parse_queries("COUNT clique(4)").front();
  int looked_at = 0;
  for (const codegen::RankedPlan& ranked : codegen::make_plans(query.pattern, graph.statistics(), request_for(query))) {
    Plan plan = ranked.bare;
    codegen::add_locals(plan, 1);
    codegen::assign_slots(plan);
    if (plan.locals.empty() || (plan.sets.front().bounds.below & 1U) == 0) continue;
    ++looked_at;
    const mine::gpu::Bounds bounds(view);
    const auto reach = bounds.reach(std::vector{rt::Chunk{0, graph.units(), 0, 1}});
    CHECK(bounds.local(plan, reach.front()).all == most * (rt::row_words(most) + 1));
    CHECK(most < view.max_degree);
  }
  CHECK(looked_at > 0);
}

TEST_CASE("plans for GPUs keep to lower neighbours where lanes run them alone") {
  const Prepared graph(generate_rmat(12, 20, 3));
  const Query query = parse_queries("COUNT clique(5)").front();
  codegen::PlanRequest request = request_for(query);
  request.locals = request.lanes = true;
  const mine::SelectedPlan selected = mine::select_plan(query.pattern, graph, request);
  INFO(codegen::print(selected.plan));
  REQUIRE(!selected.plan.locals.empty());
  CHECK((selected.plan.sets[static_cast<std::size_t>(selected.plan.locals.front().columns)].bounds.below & 1U) != 0);
}

TEST_CASE("plans of MOTIFS for GPUs share their walks, and each motif is counted once") {
  const Prepared graph(generate_rmat(11, 16, 3));
  const Query query = parse_queries("MOTIFS 4").front();
  const mine::Recipe recipe = mine::make_recipe(query, graph, {.lanes = true});
  INFO(mine::describe(recipe, query));
  CHECK(recipe.jobs.size() < recipe.motifs.size());
  std::set<std::size_t> seen;
  std::size_t k = 0;
  for (const mine::Job& job : recipe.jobs)
    for (const codegen::Output& output : job.selected.plan.outputs) {
      REQUIRE(k < recipe.counted.size());
      CHECK(output.name == recipe.motifs[recipe.counted[k]].name);
      seen.insert(recipe.counted[k++]);
    }
  CHECK(seen.size() == recipe.motifs.size());
  CHECK(k == recipe.counted.size());
}

TEST_CASE("a vertex's first neighbour has the largest degree of all, as bounds take it") {
  for (const Graph& plain : {generate_rmat(9, 6, 3), generate_star(50), generate_path(20), build_graph(EdgeList{}),
                             with_random_labels(generate_er(200, 900, 1), 3, 4)}) {
    const Prepared graph(plain);
    const rt::GraphView& view = graph.view();
    const auto degree = [&](rt::vid v) { return static_cast<rt::vid>(view.indptr[v + 1] - view.indptr[v]); };
    const mine::gpu::Bounds bounds(view);
    const ChunkPlan& chunks = graph.chunks(64, true);
    const std::vector<mine::gpu::Reach> reach = bounds.reach(chunks.chunks);
    for (std::size_t c = 0; c < chunks.chunks.size(); ++c) {
      rt::vid root = 0, second = 0;
      const rt::Slice roots = rt::roots(view, chunks.chunks[c]);
      for (auto v = static_cast<rt::vid>(roots.begin); v < roots.end; ++v) {
        root = std::max(root, degree(v));
        for (std::uint64_t a = view.indptr[v]; a < view.indptr[v + 1]; ++a)
          second = std::max(second, degree(view.indices[a]));
      }
      CHECK(reach[c].root == root);
      CHECK(reach[c].second == second);
    }
  }
}

TEST_CASE("machines without room for the graph are left out") {
  if (const std::string why = no_compiler(); !why.empty()) GALENA_SKIP(why);
  const PrivateCache cache;
  const Prepared graph(generate_rmat(7, 6, 3));
  const Plan plan = plan_of("COUNT triangle");
  SimulatedMachine large, small(1 << 10);
  const std::vector<mine::gpu::Machine*> both{&small, &large};
  const mine::gpu::Fleet fleet(graph.view(), both);
  CHECK(fleet.size() == 1);
  REQUIRE(fleet.left_out().size() == 1);
  CHECK_THAT(fleet.left_out().front(), contains("not enough memory on a simulated GPU"));
  check_equal(run(graph, plan, {&small, &large}), run(graph, plan, {}));
  CHECK(large.launches[mine::gpu::Team::warp] > 0);
  CHECK_THROWS_AS(run(graph, plan, {&small}), EnvironmentError);
}

TEST_CASE("more machines than chunks, and work for the CPU") {
  if (const std::string why = no_compiler(); !why.empty()) GALENA_SKIP(why);
  const PrivateCache cache;
  const Prepared graph(generate_complete(3));
  const Plan plan = plan_of("LIST triangle");
  std::vector<std::unique_ptr<SimulatedMachine>> own;
  std::vector<mine::gpu::Machine*> machines;
  for (int i = 0; i < 20; ++i) machines.push_back(own.emplace_back(std::make_unique<SimulatedMachine>()).get());
  check_equal(run(graph, plan, machines, {}, {.warp_log = 2, .block_log = 2}), run(graph, plan, {}));
}

TEST_CASE("a machine whose launches must be short gets few chunks at once") {
  if (const std::string why = no_compiler(); !why.empty()) GALENA_SKIP(why);
  const PrivateCache cache;
  const Prepared graph(generate_rmat(9, 6, 3));
  const Plan plan = plan_of("COUNT triangle");
  SimulatedMachine machine;
  machine.in_a_hurry = true;
  check_equal(run(graph, plan, {&machine}), run(graph, plan, {}));
  CHECK(machine.launches[mine::gpu::Team::warp] > 3);
  mine::gpu::Pace pace(true), free(false);
  const std::size_t first = pace.most();
  pace.took(0.01);
  CHECK(pace.most() == 2 * first);
  pace.took(1);
  CHECK(pace.most() == first);
  for (int i = 0; i < 100; ++i) pace.took(1);
  CHECK(pace.most() == 1);
  for (int i = 0; i < 100; ++i) pace.took(0);
  CHECK(pace.most() > 1 << 30);
  free.took(100);
  CHECK(free.most() > 1 << 30);
}

TEST_CASE("plans with tables of all vertices run by warps where memory holds a table for each") {
  if (const std::string why = no_compiler(); !why.empty()) GALENA_SKIP(why);
  const PrivateCache cache;
  const Prepared graph(generate_rmat(8, 5, 3));
  for (const char* text :
       {"COUNT house", "COUNT cycle(4)", "COUNT cycle(6)", "COUNT K(2,3)", "LOCAL cycle(4) BY a", "LOCAL house BY a"}) {
    INFO(text);
    const Plan plan = plan_of(text);
    const std::uint64_t tables = mine::gpu::table_bytes(plan, mine::gpu::padded_vertices(graph.view()));
    REQUIRE(tables > 0);
    SimulatedMachine enough, little;
    little.spare = 8 * tables;  // blocks' tables fit, and use all of it
    const Outcome expected = run(graph, plan, {});
    check_equal(run(graph, plan, {&enough}), expected);
    CHECK(enough.launches[mine::gpu::Team::warp] > 0);
    CHECK(enough.launches[mine::gpu::Team::block] == 0);
    check_equal(run(graph, plan, {&little}), expected);
    CHECK(little.launches[mine::gpu::Team::warp] == 0);
    CHECK(little.launches[mine::gpu::Team::block] > 0);
  }
}

TEST_CASE("long lists and heavy chunks go to blocks") {
  const Plan tables = plan_of("COUNT cycle(4)"), none = plan_of("COUNT clique(4)");
  REQUIRE(!tables.counters.empty());
  REQUIRE((none.counters.empty() && none.marks.empty()));
  using mine::gpu::Team;
  const mine::gpu::Reach short_lists{20, 5000, 3}, long_lists{5000, 20, 1};
  CHECK(mine::gpu::team_for(tables, 1, short_lists, true) == Team::warp);
  CHECK(mine::gpu::team_for(tables, 1, short_lists, false) == Team::block);
  CHECK(mine::gpu::team_for(tables, 1, long_lists, true) == Team::block);
  CHECK(mine::gpu::team_for(tables, 10, short_lists, true) == Team::block);
  CHECK(mine::gpu::team_for(none, 1, long_lists, true) == Team::warp);
  CHECK(mine::gpu::team_for(none, 10, short_lists, true) == Team::block);
}

TEST_CASE("compiling for a GPU is no part of running") {
  if (const std::string why = no_compiler(); !why.empty()) GALENA_SKIP(why);
  const PrivateCache cache;
  const Prepared graph(generate_complete(16));
  SimulatedMachine one, other;
  one.compiling = other.compiling = 1;
  const auto begin = std::chrono::steady_clock::now();
  const ExecuteResult result = run(graph, plan_of("COUNT triangle"), {&one, &other}).result;
  const double all = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  CHECK(result.compile_seconds == 1);  // both at once
  CHECK(result.seconds >= result.kernel_seconds);
  CHECK(result.seconds + result.compile_seconds <= all);
  CHECK(result.kernel_seconds > 0);
}

TEST_CASE("a stopped run on a GPU is partial") {
  if (const std::string why = no_compiler(); !why.empty()) GALENA_SKIP(why);
  const PrivateCache cache;
  const Prepared graph(generate_rmat(7, 6, 3));
  const volatile int stop = 1;
  MineOptions options;
  options.stop = &stop;
  SimulatedMachine machine;
  const Plan plan = plan_of("COUNT house");
  const Outcome found = run(graph, plan, {&machine}, options);
  CHECK((found.result.partial || found.result.sums == run(graph, plan, {}).result.sums));
}

TEST_CASE("asking for CUDA without a device says what is missing") {
  if (!device::cuda_device_names().empty()) GALENA_SKIP("there is a CUDA device");
  std::vector<std::string> left_out;
  CHECK_THROWS_WITH(mine::gpu::cuda_machines(left_out), contains("--device cuda") && contains("leave the option out"));
}
