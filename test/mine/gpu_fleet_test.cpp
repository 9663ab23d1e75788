// What stays on machines between plans, by simulated ones.

#include <atomic>

#include "galena/error.hpp"
#include "galena/generate.hpp"
#include "src/mine/executor.hpp"
#include "src/mine/gpu/lease.hpp"
#include "test/codegen/compiled_plans.hpp"
#include "test/codegen/private_cache.hpp"
#include "test/mine/simulated_machine.hpp"
#include "test/support/catch.hpp"
#include "test/support/data.hpp"

using namespace galena;
using namespace galena::mine;
using namespace galena::test;

namespace {

using Sums = std::vector<rt::i128>;

/// The sums, then the local counts, then the number of matches.
Sums run(const Prepared& graph, const std::string& text, mine::gpu::Fleet* fleet, MineOptions options = {},
         Checkpoint* checkpoint = nullptr) {
  const Plan plan = plan_of(text);
  options.engine = Engine::interpreter;
  const Executable code(plan, 0, options);
  std::atomic<int> matches{0};
  ExecuteRequest request;
  request.plan = &plan;
  request.code = &code;
  request.fleet = fleet;
  request.estimate = 1e12;
  request.checkpoint = checkpoint;
  request.on_match = [&](int, const rt::vid*, int) {
    ++matches;
    return plan.outputs.front().kind != Output::Kind::exists;
  };
  options.threads = 1;
  const ExecuteResult result = execute(graph, request, options);
  if (result.ended) return {1};
  Sums all = result.sums;
  all.insert(all.end(), result.local.begin(), result.local.end());
  all.push_back(matches.load());
  return all;
}

}  // namespace

TEST_CASE("plans one after the other on one machine find what each finds alone") {
  if (const std::string why = no_compiler(); !why.empty()) GALENA_SKIP(why);
  const PrivateCache cache;
  const Prepared graph(generate_rmat(7, 5, 3));
  SimulatedMachine machine;
  {
    mine::gpu::Fleet fleet(graph.view(), {&machine});
    for (const char* text : {"LOCAL cycle(4) BY a", "LIST diamond", "EXISTS cycle(4)", "COUNT cycle(4)", "COUNT house",
                             "LOCAL triangle BY a", "COUNT clique(5)", "COUNT cycle(4)", "LIST triangle"}) {
      INFO(text);
      CHECK((run(graph, text, &fleet) == run(graph, text, nullptr)));
    }
  }
  CHECK(machine.held() == 0);
}

TEST_CASE("what a plan needs again stays on the machine") {
  if (const std::string why = no_compiler(); !why.empty()) GALENA_SKIP(why);
  const PrivateCache cache;
  const Prepared graph(generate_rmat(8, 5, 3));
  SimulatedMachine machine;
  mine::gpu::Fleet fleet(graph.view(), {&machine});
  const std::uint64_t graph_bytes = machine.uploaded;
  const auto cost = [&](const MineOptions& options = {}) {
    const std::uint64_t allocations = machine.allocations, zeroed = machine.zeroed, uploaded = machine.uploaded;
    run(graph, "COUNT cycle(4)", &fleet, options);
    return std::tuple(machine.allocations - allocations, machine.zeroed - zeroed, machine.uploaded - uploaded);
  };
  const std::uint64_t tables = 8 * mine::gpu::padded_vertices(graph.view()) * sizeof(std::uint32_t);
  const auto [first_allocations, first_zeroed, first_uploaded] = cost();
  const auto [allocations, zeroed, uploaded] = cost();
  CHECK(first_allocations > 0);
  CHECK(allocations == 0);
  CHECK(first_zeroed >= zeroed + tables);
  CHECK(uploaded == first_uploaded);
  CHECK(graph_bytes > 0);
  SECTION("tables are made zero again after a launch that was halted") {
    int halt = 0;
    machine.before_run = [&halt] { halt = 1; };
    const Plan plan = plan_of("COUNT cycle(4)");
    const ChunkPlan& chunks = graph.chunks(64, true);
    mine::gpu::LeaseRunner(fleet[0], plan).run(chunks.chunks, std::vector<double>(chunks.chunks.size(), 1), &halt);
    machine.before_run = {};
    CHECK(std::get<1>(cost()) >= zeroed + tables);
    CHECK(std::get<1>(cost()) == zeroed);
  }
}

TEST_CASE("one machine takes all chunks at once where nobody waits for a part of them") {
  if (const std::string why = no_compiler(); !why.empty()) GALENA_SKIP(why);
  const PrivateCache cache;
  const Prepared graph(generate_rmat(10, 8, 3));
  const auto launches = [&](const MineOptions& options) {
    SimulatedMachine machine;
    mine::gpu::Fleet fleet(graph.view(), {&machine});
    run(graph, "COUNT triangle", &fleet, options);
    return machine.launches[mine::gpu::Team::warp] + machine.launches[mine::gpu::Team::block];
  };
  CHECK(launches({}) == 1);
  MineOptions shown;
  shown.progress = [](const MineProgress&) {};
  CHECK(launches(shown) > 1);
}

TEST_CASE("buffers kept for one plan make way for those of another") {
  const Prepared graph(generate_rmat(7, 6, 3));
  SimulatedMachine machine(1 << 20);
  mine::gpu::Fleet fleet(graph.view(), {&machine});
  mine::gpu::Station& station = fleet[0];
  const Plan sets = plan_of("COUNT clique(5)"), tables = plan_of("COUNT cycle(4)");
  REQUIRE(sets.slots > 0);
  REQUIRE(!tables.counters.empty());
  const mine::gpu::Room slots{.slot = 1000, .bytes = 4000 * static_cast<std::uint64_t>(sets.slots)};
  const mine::gpu::Room counters{.bytes = mine::gpu::table_bytes(tables, station.n_padded())};
  const std::uint64_t many = station.make_room(sets, slots, 1 << 20, 1);
  CHECK(many > 1);
  CHECK(machine.free_bytes() < 300 << 10);
  CHECK(station.make_room(tables, counters, 1000, 1) == 1000);
  CHECK(station.make_room(sets, slots, 1 << 20, 1) == many);
  station.reserve(station.launch().rows, 600 << 10);  // as much as is there without workers
  CHECK(station.make_room(sets, slots, 1 << 20, 1) < many);
  CHECK_THROWS_AS(station.reserve(station.launch().local, 600 << 10), EnvironmentError);
}

TEST_CASE("what a launch of one plan has makes way for another plan's, as workers' buffers do") {
  if (const std::string why = no_compiler(); !why.empty()) GALENA_SKIP(why);
  const PrivateCache cache;
  const Prepared graph(generate_rmat(7, 6, 3));
  SimulatedMachine machine(1 << 20);
  mine::gpu::Fleet fleet(graph.view(), {&machine});
  mine::gpu::Station& station = fleet[0];
  station.reserve(station.launch().rows, 400 << 10);
  station.reserve(station.launch().local, 400 << 10);
  const Plan counts = plan_of("COUNT triangle"), local = plan_of("LOCAL triangle BY a");
  {
    const mine::gpu::LeaseRunner runner(station, local);  // these two are its own
    CHECK(!station.fit(station.launch().sums, 400 << 10));
  }
  const mine::gpu::LeaseRunner runner(station, counts);
  CHECK(station.available() > 800 << 10);
  CHECK(station.fit(station.launch().sums, 400 << 10));
}

TEST_CASE("local counts of several leases, with a checkpoint and without") {
  if (const std::string why = no_compiler(); !why.empty()) GALENA_SKIP(why);
  const PrivateCache cache;
  const Prepared graph(generate_rmat(10, 8, 3));
  const Sums expected = run(graph, "LOCAL triangle BY a", nullptr);
  SimulatedMachine one, other;
  const std::vector<mine::gpu::Machine*> both{&one, &other};
  mine::gpu::Fleet fleet(graph.view(), both);
  CHECK((run(graph, "LOCAL triangle BY a", &fleet) == expected));
  const TemporaryFolder folder;
  Checkpoint checkpoint(folder.path() / "mine", graph.graph().digest());
  CHECK((run(graph, "LOCAL triangle BY a", &fleet, {}, &checkpoint) == expected));
  int launches = 0;  // of both runs, whoever was quicker
  for (SimulatedMachine* const machine : {&one, &other})
    launches += machine->launches[mine::gpu::Team::warp] + machine->launches[mine::gpu::Team::block];
  CHECK(launches > 3);
}
