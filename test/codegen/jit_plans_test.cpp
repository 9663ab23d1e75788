// Generated C++ against the interpreter: compiled now, and linked in when Galena was built.

#include <set>

#include "codegen/builtin/catalogue.hpp"
#include "codegen/builtin/registry.hpp"
#include "codegen/emit/cpp.hpp"
#include "codegen/interpret/interpreter.hpp"
#include "codegen/jit/jit.hpp"
#include "codegen/passes/planner.hpp"
#include "test/codegen/compiled_plans.hpp"
#include "test/codegen/private_cache.hpp"
#include "test/support/catch.hpp"

using namespace galena;
using namespace galena::codegen;
using namespace galena::test;

namespace {

void check_compiled(const char* text, bool inline_sets, std::size_t which) {
  std::mt19937 random(21);
  const auto plans = make_plans(parse_queries(text).front().pattern, GraphStatistics::typical(),
                                request_for(parse_queries(text).front()));
  const Plan& plan = plans[which % plans.size()].plan;
  INFO(text);
  const jit::JitResult compiled = jit::compile(emit_cpp(plan), {.inline_sets = inline_sets});
  REQUIRE(compiled.kernel != nullptr);
  check_same(compiled.kernel->run(), plan, random);
}

}  // namespace

TEST_CASE("compiled plans equal the interpreter") {
  std::string why;
  if (!jit::compiler_available(&why)) GALENA_SKIP(why);
  const PrivateCache cache;
  std::size_t which = 0;
  for (const char* text : kQueries) check_compiled(text, false, which++ % 3);
}

TEST_CASE("compiled plans of images equal the interpreter") {
  std::string why;
  if (!jit::compiler_available(&why)) GALENA_SKIP(why);
  const PrivateCache cache;
  std::mt19937 random(24);
  for (const Plan& plan : image_plans()) check_same(jit::compile(emit_cpp(plan)).kernel->run(), plan, random);
}

TEST_CASE("plans compiled with their set operations equal the interpreter") {
  std::string why;
  if (!jit::compiler_available(&why)) GALENA_SKIP(why);
  const PrivateCache cache;
  for (const char* text : {"COUNT INDUCED house", "COUNT (a:0|1)-[:1]-(b)-[:*]-(c:!2)", "COUNT cycle(5)"})
    check_compiled(text, true, 0);
}

TEST_CASE("a run that is stopped says so") {
  std::string why;
  if (!jit::compiler_available(&why)) GALENA_SKIP(why);
  const PrivateCache cache;
  for (const char* text : {"LIST path(4)", "COUNT cycle(4)"}) {  // the second has no loop but that over roots
    const Plan plan = plan_of(text);
    const auto kernel = jit::compile(emit_cpp(plan)).kernel;
    const Interpreter interpreter(plan);
    std::mt19937 random(22);
    const SmallGraph graph(30, 0.5, random);
    const volatile int stop = 1;
    const auto check_stopped = [&](auto&& run) {
      int aborted = 0, chunks = 0;
      const auto run_stopped = [&](rt::Worker& w, const rt::Chunk& c) {
        w.stop = &stop;
        run(w, c);
        aborted += w.aborted;
        ++chunks;
      };
      const PlanOutcome outcome = PlanRun(plan, graph).over_random_chunks(run_stopped, random, 100);
      INFO(text);
      CHECK(outcome.rows.empty());
      CHECK(outcome.sums.front() == 0);
      CHECK(aborted == chunks);
    };
    check_stopped([&](rt::Worker& w, const rt::Chunk& c) { kernel->run()(&w, &c); });
    check_stopped([&](rt::Worker& w, const rt::Chunk& c) { interpreter.run(w, c); });
  }
}

TEST_CASE("every kernel linked in equals the interpreter") {
  std::mt19937 random(23);
  const std::vector<Plan> plans = builtin::catalogue();
  CHECK(plans.size() > 150);
  CHECK(builtin::size() == plans.size());
  const SmallGraph sparse(61, 0.12, random), dense(57, 0.3, random);
  for (const Plan& plan : plans) {
    const rt::RunFn kernel = builtin::find(emit_cpp(plan));
    INFO(print(plan));
    REQUIRE(kernel != nullptr);
    for (const SmallGraph* graph : {&sparse, &dense}) {
      std::mt19937 again = random;
      const PlanOutcome expected = interpret(plan, *graph, again, 200);
      const PlanOutcome found = run(kernel, plan, *graph, random);
      CHECK(found.clean);
      REQUIRE(found.sums == expected.sums);
      random = again;
    }
  }
}

TEST_CASE("a text that is not linked in is not found") {
  CHECK(builtin::find("") == nullptr);
  PlanRequest request;
  request.name = "clique(9)";
  CHECK(builtin::find(emit_cpp(
            make_plans(named_pattern("clique", {9}), GraphStatistics::typical(), request).front().plan)) == nullptr);
}
