// Answers that were once wrong, or slow beyond use, each with the case that showed it.

#include <chrono>
#include <thread>

#include "codegen/interpret/interpreter.hpp"
#include "codegen/passes/planner.hpp"
#include "galena/error.hpp"
#include "galena/generate.hpp"
#include "galena/mine.hpp"
#include "src/mine/count_instead.hpp"
#include "src/mine/prepared.hpp"
#include "src/mine/recipe.hpp"
#include "src/mine/worker.hpp"
#include "test/support/catch.hpp"
#include "test/support/data.hpp"

using namespace galena;

namespace {

/// A square with one diagonal: degrees 3, 2, 3, 2.
Graph square_with_diagonal() { return build_graph({{0, 1, 2, 3, 0}, {1, 2, 3, 0, 2}, {}}); }

QueryResult run(const Graph& graph, const std::string& text, const MineOptions& options = {}) {
  return Miner(graph, options).run(parse_queries(text).back());
}

/// C(n, k) as a decimal.
std::string binomial(Count::Wide n, unsigned k) {
  Count::Wide value = 1;
  for (unsigned i = 0; i < k; ++i) value = value * (n - i) / (i + 1);
  return Count(value).to_string();
}

}  // namespace

TEST_CASE("once wrong: a checkpoint tells conditions apart that differ in a constant only") {
  const test::TemporaryFolder folder;
  MineOptions options;
  options.resume = folder.path() / "checkpoint";
  CHECK(run(square_with_diagonal(), "PATTERN p = (a)--(b) WHERE a.degree > 2\nCOUNT p", options).count.to_string() ==
        "6");
  CHECK(run(square_with_diagonal(), "PATTERN p = (a)--(b) WHERE a.degree > 1\nCOUNT p", options).count.to_string() ==
        "10");
}

TEST_CASE("once wrong: LOCAL EMBEDDINGS counts the maps that send the named vertex here") {
  const Graph graph = generate_complete(4);
  for (const Count& count : run(graph, "LOCAL EMBEDDINGS triangle BY a").local) CHECK(count.to_string() == "6");
  for (const Count& count : run(graph, "LOCAL triangle BY a").local) CHECK(count.to_string() == "3");
}

TEST_CASE("once slow: a star of many leaves is counted, not walked") {
  const Graph graph = generate_star(20000);
  for (const unsigned leaves : {5U, 6U, 7U, 8U})
    CHECK(run(graph, "star(" + std::to_string(leaves) + ")").count.to_string() == binomial(20000, leaves));
  // 20000^9 is over 127 bits: said, not guessed.
  CHECK_THROWS_AS(run(graph, "star(9)"), InputError);
}

TEST_CASE("once silent: a label that WHERE names and the graph lacks is an error") {
  const Graph graph = with_random_labels(square_with_diagonal(), 2, 1);
  CHECK_THROWS_AS(run(graph, "COUNT (a)--(b) WHERE a.label = 77"), InputError);
  CHECK_THROWS_AS(run(graph, "COUNT (a)--(b) WHERE NOT (3 = b.label OR a.degree > 1)"), InputError);
  CHECK_NOTHROW(run(graph, "COUNT (a)--(b) WHERE a.label < 77"));
}

TEST_CASE("once slow: a sample of a plan with rows of bits is cut short by what filling them takes") {
  const mine::Prepared graph(generate_star(1000000));
  const Query query = parse_queries("EXISTS INDUCED star(4)").back();
  codegen::PlanRequest request;
  request.kind = codegen::Output::Kind::exists;
  request.locals = true;
  int checked = 0;
  for (const codegen::RankedPlan& ranked : codegen::make_plans(query.pattern, graph.statistics(), request)) {
    const codegen::Plan& plan = ranked.plan;
    if (plan.locals.empty() || plan.locals.front().depth > 0) continue;
    mine::WorkerMemory memory(plan, graph.view());
    memory.worker().emit = [](rt::Worker*, int, const rt::vid*, int) { return 0; };
    codegen::Meter meter;
    meter.limit = 4e5;
    const std::uint64_t unit = graph.units() / 40;  // the hub and a leaf
    codegen::Interpreter(plan).run_metered(memory.worker(), {unit, unit + 1, 0, 1}, meter);
    CHECK(memory.worker().aborted != 0);
    CHECK(meter.filled > 0);
    CHECK(meter.filled < 1.1 * codegen::Meter::kFilling * meter.limit);
    ++checked;
  }
  CHECK(checked > 0);
}

TEST_CASE("once slow: a graph without a match is known by a count, where that is cheaper than to look for one") {
  using test::contains;
  const Graph graph = generate_complete_bipartite(500, 500);
  const QueryResult none = run(graph, "EXISTS cycle(5)");
  CHECK(none.count == Count());
  CHECK(!none.partial);
  CHECK(none.done == 1);
  CHECK_THAT(none.engine, contains("algebra"));
  EdgeList edges;  // an edge within a side
  for (VertexId u = 0; u < graph.num_vertices(); ++u)
    for (const VertexId v : graph.neighbors(u)) {
      edges.source.push_back(u);
      edges.target.push_back(v);
    }
  edges.source.push_back(0);
  edges.target.push_back(1);
  CHECK(run(build_graph(std::move(edges)), "EXISTS cycle(5)").count.to_string() == "1");
  for (const char* const query : {"EXISTS cycle(6)", "EXISTS INDUCED cycle(4)"}) {
    const QueryResult some = run(graph, query);
    CHECK(some.count.to_string() == "1");
    CHECK_THAT(some.engine, !contains("algebra"));
  }
}

TEST_CASE("EXISTS that a count was to answer ends at the stop flag, before, while and after the count is planned") {
  for (const double seconds : {0.0, 0.3, 0.6}) {
    volatile int stop = 0;
    MineOptions options;
    options.stop = &stop;
    options.progress = [&](const MineProgress& progress) {
      if (progress.seconds >= seconds) stop = 1;
    };
    const QueryResult result = run(generate_complete_bipartite(500, 500), "EXISTS INDUCED path(6)", options);
    CHECK(result.partial);
    CHECK(result.done < 1);
    CHECK(result.count == Count());
  }
}

TEST_CASE("an EXISTS is left to its count once it took as long as that would") {
  const mine::Prepared graph(generate_complete_bipartite(300, 300));
  const Query query = parse_queries("EXISTS cycle(5)").front();
  volatile int stop = 0;
  MineOptions given;
  given.stop = &stop;
  const auto plan = [&](mine::CountInstead& instead, const MineOptions& options) {
    for (int tick = 0; tick < 6000 && !rt::raised(options.stop); ++tick) {
      options.progress({0.5, 1e6, -1});  // long ago begun
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return instead.taken_over();
  };
  {
    mine::CountInstead instead(graph, query, given);
    CHECK(instead.possible(1e12));
    CHECK_FALSE(instead.possible(1e6));
    const MineOptions options = instead.watched();
    options.progress({0.5, 0.1, -1});  // just begun
    CHECK_FALSE(rt::raised(options.stop));
    const mine::Recipe* const recipe = plan(instead, options);
    REQUIRE(recipe != nullptr);
    CHECK(recipe->algebra.has_value());
  }
  {
    mine::CountInstead instead(graph, query, given);
    const MineOptions options = instead.watched();
    instead.found();
    for (int tick = 0; tick < 50; ++tick) {
      options.progress({0.5, 1e6, -1});
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    CHECK_FALSE(rt::raised(options.stop));
    CHECK(instead.taken_over() == nullptr);
  }
  stop = 1;
  mine::CountInstead instead(graph, query, given);
  const MineOptions options = instead.watched();
  CHECK(plan(instead, options) == nullptr);
  CHECK(rt::raised(options.stop));
}

TEST_CASE(
    "once unseen: what a sample of a hub costs beyond its tables, where these alone take longer than a draw may") {
  const mine::Prepared graph(generate_star(1000000));
  // Banners and long paths around the hub are looked for among all pairs of leaves.
  const mine::Recipe recipe = mine::make_recipe(parse_queries("MOTIFS 5").back(), graph, {});
  double estimate = 0;
  for (const mine::Job& job : recipe.jobs) estimate += job.selected.estimate;
  CHECK(estimate > 1e10);  // nanoseconds; 1e8 is what the tables take
}
