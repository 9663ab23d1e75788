// Local graphs wherever there can be one, whether they pay or not: by the interpreter against brute force, and by
// compiled C++ and simulated GPUs against plans without them.

#include <chrono>
#include <thread>

#include "codegen/emit/cpp.hpp"
#include "codegen/emit/cuda.hpp"
#include "codegen/jit/jit.hpp"
#include "codegen/passes/assist.hpp"
#include "codegen/passes/local.hpp"
#include "codegen/passes/planner.hpp"
#include "codegen/runtime/gpu_job.h"
#include "codegen/runtime/team_run.h"
#include "galena/error.hpp"
#include "test/codegen/compiled_plans.hpp"
#include "test/codegen/private_cache.hpp"
#include "test/support/catch.hpp"

using namespace galena;
using namespace galena::codegen;
using namespace galena::test;

namespace {

/// The plan with every local graph from that depth on; `tables`: marks and counters too.
Plan with_locals(const Plan& bare, int from, bool tables) {
  Plan plan = bare;
  add_locals(plan, from);
  if (tables) add_marks(plan);
  if (tables) add_counters(plan, [](int, int) { return true; });
  assign_slots(plan);
  verify(plan);
  return plan;
}

std::vector<RankedPlan> all_plans(const Pattern& pattern, PlanRequest request) {
  request.keep = 1000;
  return make_plans(pattern, GraphStatistics::typical(), request);
}

/// The first plan of the query in which there is a local graph.
Plan local_plan(const char* text) {
  const Query query = parse_queries(text).front();
  for (const RankedPlan& ranked : all_plans(query.pattern, request_for(query)))
    for (const int from : {1, 2})
      if (const Plan plan = with_locals(ranked.bare, from, false); !plan.locals.empty()) return plan;
  throw InternalError(std::string("no plan of this query has a local graph: ") + text);
}

std::string no_compiler() {
  std::string why;
  jit::compiler_available(&why);
  return why;
}

const char* const kDense[] = {
    "COUNT clique(4)", "COUNT INDUCED diamond", "COUNT INDUCED cycle(4)",
    "LIST diamond",    "LOCAL diamond BY a",    "COUNT (a:0|1)--(b:!2)--(c)--(a)--(d)--(b), (c)!-(d)",
};
const char* const kLarger[] = {
    "COUNT octahedron",
    "COUNT prism(3)",
    "COUNT K(3,3)",
    "COUNT INDUCED wheel(4)",
    "COUNT INDUCED house",
    "LIST clique(5)",
    "EXISTS clique(6)",
    "LOCAL (a)--(b)--(c)--(d)--(a)--(c), (b)--(d), (a)--(e), (b)--(e) BY c",
    "COUNT (a:1)--(b)--(c:!2)--(d)--(a)--(c) WHERE b.degree >= 3 AND a.label <> d.label",
    "COUNT (a)-[:1]-(b)--(c)--(a)--(d)--(c), (b)--(d)",
};

/// The kernel against the plan without local graphs, with memory for every row and for few. `near`: words that a team
/// has of its own for a local graph, which it is to use alone where all rows fit.
void check_kernel(rt::RunFn code, const Plan& plan, std::initializer_list<std::pair<int, double>> sizes,
                  std::uint64_t near = 0) {
  std::mt19937 random(41);
  Plan plain = plan;
  plain.locals.clear();
  for (SetDef& set : plain.sets) set.local = -1;
  for (SizeDef& size : plain.sizes) size.local = -1;
  const auto clear = [](auto& self, Block& block) -> void {
    block.locals.clear();
    for (Loop& inner : block.loops) self(self, inner.body);
  };
  clear(clear, plain.root.body);
  verify(plain);
  for (const auto& [n, density] : sizes) {
    const SmallGraph graph(n, density, random);
    PlanOutcome expected = interpret(plain, graph, random, 200);
    std::sort(expected.rows.begin(), expected.rows.end());
    for (const std::uint64_t rows : {1, 3, 200}) {
      PlanOutcome found =
          PlanRun(plan, graph, rows)
              .over_random_chunks([code](rt::Worker& w, const rt::Chunk& c) { code(&w, &c); }, random, 200);
      std::sort(found.rows.begin(), found.rows.end());
      INFO(print(plan) << "\non " << n << " vertices, memory for " << rows << " rows");
      CHECK(found.clean);
      const std::uint64_t most = graph.view().max_degree;
      if (most * (rt::row_words(most) + 1) <= near) CHECK_FALSE(found.wrote_locals);
      CHECK((found.rows == expected.rows));
      CHECK((found.emits > 0) == (expected.emits > 0));
      REQUIRE((found.sums == expected.sums && found.local == expected.local));
    }
  }
}

void check_simulated(const char* text, int warps, Lanes lanes, std::initializer_list<std::pair<int, double>> sizes) {
  const Plan plan = local_plan(text);
  const auto kernel = jit::compile(emit_simulated(plan, warps, lanes), {.hastily = true}).kernel;
  INFO(text << " by " << warps << " warps");
  REQUIRE(kernel != nullptr);
  const std::uint64_t words = warps == 1 ? rt::gpu::kHostRows<1> : rt::gpu::kHostRows<rt::kWarpsPerWorker>;
  check_kernel(kernel->run(), plan, sizes, words / plan.locals.size());
}

}  // namespace

TEST_CASE("every plan with every local graph counts what brute force counts") {
  std::mt19937 random(40);
  int plans = 0, matched = 0, sets = 0, sizes = 0;
  for (int k = 3; k <= 6; ++k)
    for (const Motif& motif : connected_motifs(k)) {
      Pattern pattern = random() % 3 == 0
                            ? motif.pattern
                            : Decoration{.anti_edge = 0.4, .vertex_label = 0.2, .edge_label = 0.1, .condition = 0.1}(
                                  motif.pattern, random);
      if (random() % 3 == 0) pattern.make_induced();
      const SmallGraph graph(k == 6 ? 7 : 8, 0.65, random);
      const BruteForce truth(pattern, graph);
      for (const RankedPlan& ranked : all_plans(pattern, {}))
        for (int from = 1; from <= 2; ++from) {
          const Plan plan = with_locals(ranked.bare, from, random() % 2 == 0);
          if (plan.locals.empty()) continue;
          ++plans;
          for (const SetDef& set : plan.sets) sets += set.local >= 0 ? 1 : 0;
          for (const SizeDef& size : plan.sizes) sizes += size.local >= 0 ? 1 : 0;
          const PlanOutcome outcome = interpret(plan, graph, random, 12, 1 + random() % 8);
          const rt::i128 expected = static_cast<rt::i128>(plan.outputs.front().divisor) * truth.instances();
          matched += expected != 0 ? 1 : 0;
          INFO(pattern.to_string() << "\n" << print(plan));
          CHECK(outcome.clean);
          REQUIRE(static_cast<std::int64_t>(outcome.sums.front()) == static_cast<std::int64_t>(expected));
        }
    }
  CHECK(plans > 500);
  CHECK(matched > 300);
  CHECK(sets > 500);
  CHECK(sizes > 300);
}

TEST_CASE("rows of several words, by the interpreter") {
  for (const char* text : kDense) {
    const Plan plan = local_plan(text);
    const Interpreter interpreter(plan);
    std::mt19937 random(42);
    for (const std::uint64_t rows : {1, 5, 300}) {
      const SmallGraph graph(140, 0.6, random);
      Plan plain =
          all_plans(parse_queries(text).front().pattern, request_for(parse_queries(text).front())).front().plan;
      std::mt19937 again = random;
      const PlanOutcome expected = interpret(plain, graph, again, 500);
      const PlanOutcome found = interpret(plan, graph, random, 500, rows);
      INFO(print(plan));
      CHECK(found.rows.size() == expected.rows.size());
      CHECK(found.sums.front() / static_cast<rt::i128>(plan.outputs.front().divisor) ==
            expected.sums.front() / static_cast<rt::i128>(plain.outputs.front().divisor));
    }
  }
}

TEST_CASE("compiled plans with local graphs equal those without") {
  if (const std::string why = no_compiler(); !why.empty()) GALENA_SKIP(why);
  const PrivateCache cache;
  const auto check = [](const char* text, bool inline_sets, std::initializer_list<std::pair<int, double>> sizes) {
    const Plan plan = local_plan(text);
    INFO(text);
    const auto kernel = jit::compile(emit_cpp(plan), {.inline_sets = inline_sets}).kernel;
    REQUIRE(kernel != nullptr);
    check_kernel(kernel->run(), plan, sizes);
  };
  for (const char* text : kDense) check(text, false, {{9, 0.6}, {130, 0.7}});
  for (const char* text : kLarger) check(text, false, {{0, 0.5}, {9, 0.7}, {24, 0.6}});
  for (const char* text : {"COUNT INDUCED diamond", "LIST diamond"}) check(text, true, {{100, 0.9}});
}

TEST_CASE("a chunk of one unit that is stopped in a nest is not taken for whole") {
  if (const std::string why = no_compiler(); !why.empty()) GALENA_SKIP(why);
  const PrivateCache cache;
  const Plan plan = local_plan("COUNT clique(5)");
  const auto kernel = jit::compile(emit_cpp(plan)).kernel;
  REQUIRE(kernel != nullptr);
  std::mt19937 random(5);
  const SmallGraph graph(260, 1, random);
  PlanRun run(plan, graph, 260);
  int left = 3, whole = 0;
  run.over_random_chunks(
      [&](rt::Worker& worker, const rt::Chunk& chunk) {
        const auto counted = [&](const volatile int* stop) {
          const rt::i128 before = worker.acc[0];
          worker.stop = stop;
          kernel->run()(&worker, &chunk);
          return worker.acc[0] - before;
        };
        const volatile int never = 0;
        if (left == 0) return;
        const auto begin = std::chrono::steady_clock::now();
        const rt::i128 all = counted(&never);
        const auto time = std::chrono::steady_clock::now() - begin;
        if (all < 1'000'000) return;
        --left;
        volatile int stop = 0;
        std::thread other([&] {
          std::this_thread::sleep_for(time / 4);
          stop = 1;
        });
        const rt::i128 found = counted(&stop);
        other.join();
        whole += worker.aborted == 0 && found != all ? 1 : 0;
      },
      random, 1);
  CHECK(left == 0);
  CHECK(whole == 0);
}

TEST_CASE("what a GPU runs of local graphs equals plans without, by warps") {
  if (const std::string why = no_compiler(); !why.empty()) GALENA_SKIP(why);
  const PrivateCache cache;
  for (const char* text : kDense) {
    const bool lists = std::string(text).starts_with("LIST");  // what a simulated chunk may log is limited
    check_simulated(text, 1, Lanes::loop, {{9, 0.6}, {lists ? 40 : 75, lists ? 0.5 : 0.9}});
  }
  for (const char* text : kLarger) check_simulated(text, 1, Lanes::fibers, {{0, 0.5}, {9, 0.7}, {15, 0.5}});
}

TEST_CASE("what a GPU runs of local graphs equals plans without, by blocks") {
  if (const std::string why = no_compiler(); !why.empty()) GALENA_SKIP(why);
  const PrivateCache cache;
  for (const char* text : {"COUNT INDUCED diamond", "LIST diamond", "COUNT octahedron"}) {
    check_simulated(text, rt::kWarpsPerWorker, Lanes::loop, {{14, 0.7}});
    check_simulated(text, rt::kWarpsPerWorker, Lanes::fibers, {{12, 0.7}});
  }
}

TEST_CASE("local graphs are verified") {
  const Plan good = local_plan("COUNT octahedron");
  const auto refused = [&](const auto& spoil) {
    Plan plan = good;
    spoil(plan);
    CHECK_THROWS_AS(verify(plan), InternalError);
  };
  refused([](Plan& p) { p.locals.front().depth += 1; });
  refused([](Plan& p) {
    for (SetDef& set : p.sets)
      if (set.local >= 0) set.local = static_cast<int>(p.locals.size());
  });
  refused([](Plan& p) {
    p.root.body.locals.clear();
    p.root.body.loops.front().body.locals.clear();
  });
}
