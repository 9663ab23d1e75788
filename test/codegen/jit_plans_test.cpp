// Generated C++ against the interpreter: compiled now, and linked in when Galena was built.

#include <set>

#include "codegen/builtin/catalogue.hpp"
#include "codegen/builtin/registry.hpp"
#include "codegen/emit/cpp.hpp"
#include "codegen/jit/jit.hpp"
#include "codegen/passes/planner.hpp"
#include "test/codegen/private_cache.hpp"
#include "test/codegen/run_plan.hpp"
#include "test/support/catch.hpp"

using namespace galena;
using namespace galena::codegen;
using namespace galena::test;

namespace {

/// What one compiled plan each is made of.
const char* const kQueries[] = {
    "COUNT (a)",
    "COUNT (a:1)--(b:!2)",
    "COUNT wedge",
    "COUNT INDUCED wedge",
    "COUNT triangle",
    "COUNT INDUCED cycle(4)",
    "COUNT cycle(5)",
    "COUNT house",
    "COUNT INDUCED house",
    "COUNT star(4)",
    "COUNT bowtie",
    "COUNT clique(5)",
    "COUNT K(2,3)",
    "COUNT path(6)",
    "COUNT (a)--(b)--(c), (a)!-(c)",
    "COUNT (a)--(b)--(c)--(d), (a)!-(d), (b)!-(d)",
    "COUNT (a:0|1)-[:1]-(b)-[:*]-(c:!2)",
    "COUNT (a)-[:0]-(b)-[:1]-(c)-[:0]-(d)-[:1]-(a)",
    "COUNT (a:1)--(b:1)--(c:1)--(a)",
    "COUNT (a)--(b)--(c)--(a) WHERE a.degree >= 4 AND b.label <> c.label",
    "COUNT (a)--(b)--(c)--(d) WHERE NOT (a.label = d.label OR b.degree < c.degree)",
    "COUNT (a)--(b), (c)--(d)",
    "COUNT (a)--(b), (c:1), (a)!-(c)",
    "LIST diamond",
    "LIST (a:1)-[:0]-(b)--(c), (a)!-(c)",
    "EXISTS clique(6)",
    "LOCAL cycle(4) BY a",
    "LOCAL (a)--(b:2)--(c) BY b",
};

PlanRequest request_for(const Query& query) {
  PlanRequest request;
  request.name = query.text;
  request.by = query.by;
  switch (query.kind) {
    case QueryKind::list: request.kind = Output::Kind::list; break;
    case QueryKind::exists: request.kind = Output::Kind::exists; break;
    case QueryKind::local: request.kind = Output::Kind::local; break;
    case QueryKind::count:
    case QueryKind::motifs: break;
  }
  return request;
}

PlanOutcome run(rt::RunFn code, const Plan& plan, const SmallGraph& graph, std::mt19937 random) {
  return PlanRun(plan, graph)
      .over_random_chunks([code](rt::Worker& w, const rt::Chunk& c) { code(&w, &c); }, random, 200);
}

/// The kernel leaves what the interpreter leaves.
void check_same(rt::RunFn code, const Plan& plan, std::mt19937& random) {
  for (const int n : {0, 1, 9, 40, 60}) {
    const SmallGraph graph(n, n < 20 ? 0.6 : 0.25, random);
    std::mt19937 again = random;
    PlanOutcome expected = interpret(plan, graph, again, 200);
    PlanOutcome found = run(code, plan, graph, random);
    std::sort(expected.rows.begin(), expected.rows.end());
    std::sort(found.rows.begin(), found.rows.end());
    INFO(print(plan) << "\non " << n << " vertices");
    CHECK(found.clean);
    CHECK(found.rows == expected.rows);
    CHECK((found.emits > 0) == (expected.emits > 0));
    REQUIRE((found.sums == expected.sums && found.local == expected.local));
  }
}

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

TEST_CASE("plans compiled with their set operations equal the interpreter") {
  std::string why;
  if (!jit::compiler_available(&why)) GALENA_SKIP(why);
  const PrivateCache cache;
  for (const char* text : {"COUNT INDUCED house", "COUNT (a:0|1)-[:1]-(b)-[:*]-(c:!2)", "COUNT cycle(5)"})
    check_compiled(text, true, 0);
}

TEST_CASE("a kernel that is stopped says so") {
  std::string why;
  if (!jit::compiler_available(&why)) GALENA_SKIP(why);
  const PrivateCache cache;
  PlanRequest request;
  request.name = "path(4)";
  request.kind = Output::Kind::list;
  const Plan plan = make_plans(named_pattern("path", {4}), GraphStatistics::typical(), request).front().plan;
  const auto kernel = jit::compile(emit_cpp(plan)).kernel;
  std::mt19937 random(22);
  const SmallGraph graph(30, 0.5, random);
  const volatile int stop = 1;
  int aborted = 0, chunks = 0;
  const PlanOutcome outcome = PlanRun(plan, graph)
                                  .over_random_chunks(
                                      [&](rt::Worker& w, const rt::Chunk& c) {
                                        w.stop = &stop;
                                        kernel->run()(&w, &c);
                                        aborted += w.aborted;
                                        ++chunks;
                                      },
                                      random, 100);
  CHECK(outcome.rows.empty());
  CHECK(aborted > chunks / 2);
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
