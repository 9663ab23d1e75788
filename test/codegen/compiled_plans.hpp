#pragma once
// Queries that between them use all that a plan can say, and compiled kernels against the interpreter.

#include <algorithm>
#include <string>

#include "codegen/passes/images.hpp"
#include "codegen/passes/planner.hpp"
#include "galena/pattern.hpp"
#include "test/codegen/run_plan.hpp"
#include "test/support/catch.hpp"

namespace galena::test {

using codegen::Output;
using codegen::Plan;
using codegen::PlanRequest;

/// What one compiled plan each is made of.
inline const char* const kQueries[] = {
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

/// Plans of images: shapes, of one of their vertices.
inline std::vector<Plan> image_plans() {
  struct Rooted {
    const char* shape;
    int root;
    bool vertices, edges;
  };
  std::vector<Plan> plans;
  for (const Rooted& each :
       {Rooted{"(a)--(b)", 1, true, true}, Rooted{"wedge", 0, true, true}, Rooted{"(a)--(b)--(c)--(d)", 1, true, false},
        Rooted{"star(3)", 1, false, true}, Rooted{"triangle", 0, true, true}, Rooted{"cycle(4)", 2, true, false},
        Rooted{"house", 4, false, false}})
    plans.push_back(codegen::image_plan(Pattern::parse(each.shape), each.root, {each.vertices, each.edges},
                                        codegen::GraphStatistics::typical()));
  return plans;
}

inline PlanRequest request_for(const Query& query) {
  PlanRequest request;
  request.name = query.text;
  request.by = query.by;
  switch (query.kind) {
    case QueryKind::list: request.kind = Output::Kind::list; break;
    case QueryKind::exists: request.kind = Output::Kind::exists; break;
    case QueryKind::local: request.kind = Output::Kind::local; break;
    default: break;
  }
  return request;
}

/// The planner's first plan of a query, for a typical graph.
inline Plan plan_of(const std::string& text) {
  const Query query = parse_queries(text).front();
  return codegen::make_plans(query.pattern, codegen::GraphStatistics::typical(), request_for(query)).front().plan;
}

inline PlanOutcome run(rt::RunFn code, const Plan& plan, const SmallGraph& graph, std::mt19937 random) {
  return PlanRun(plan, graph)
      .over_random_chunks([code](rt::Worker& w, const rt::Chunk& c) { code(&w, &c); }, random, 200);
}

/// The kernel leaves what the interpreter leaves.
inline void check_same(rt::RunFn code, const Plan& plan, std::mt19937& random) {
  for (const int n : {0, 1, 9, 40, 60}) {
    const SmallGraph graph(n, n < 20 ? 0.6 : 0.25, random);
    std::mt19937 again = random;
    PlanOutcome expected = interpret(plan, graph, again, 200);
    PlanOutcome found = run(code, plan, graph, random);
    std::sort(expected.rows.begin(), expected.rows.end());
    std::sort(found.rows.begin(), found.rows.end());
    INFO(codegen::print(plan) << "\non " << n << " vertices");
    CHECK(found.clean);
    CHECK(found.rows == expected.rows);
    CHECK(found.images == expected.images);
    CHECK(found.image_count == expected.image_count);
    CHECK((found.emits > 0) == (expected.emits > 0));
    REQUIRE((found.sums == expected.sums && found.local == expected.local));
  }
}

}  // namespace galena::test
