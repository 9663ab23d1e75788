// COUNT ... APPROX: intervals that hold what they promise, and exact answers where those are as quick.

#include "galena/error.hpp"
#include "galena/generate.hpp"
#include "src/mine/approximate.hpp"
#include "src/mine/select.hpp"
#include "test/mine/graphs.hpp"
#include "test/support/catch.hpp"

using namespace galena;
using namespace galena::test;

namespace {

struct Sampled {
  mine::SelectedPlan selected;
  mine::Executable code;
  Sampled(const std::string& pattern, const mine::Prepared& graph)
      : selected(mine::select_plan(Pattern::parse(pattern), graph, {})),
        code(selected.plan, selected.estimate, quick()) {}
};

}  // namespace

TEST_CASE("APPROX: 95% intervals hold the exact sum in about 95 of 100 draws") {
  const std::string pattern = GENERATE("triangle", "house", "(a:0)--(b:1)--(c:0)--(d:2)");
  const mine::Prepared graph(with_random_labels(generate_rmat(11, 8, 5), 3, 9));
  const Sampled sampled(pattern, graph);
  const mine::Approximation exact = mine::approximate(graph, sampled.selected.plan, sampled.code, 1e-12, quick());
  CHECK(exact.half == 0);
  CHECK(exact.done > 0.999);
  CHECK(Count(static_cast<Count::Wide>(exact.sum / static_cast<rt::i128>(sampled.selected.plan.outputs[0].divisor))) ==
        count(graph.graph(), pattern, quick()));
  int inside = 0, early = 0;
  constexpr int kDraws = 100;
  for (int seed = 1; seed <= kDraws; ++seed) {
    MineOptions options = quick();
    options.seed = static_cast<std::uint64_t>(seed);
    const mine::Approximation found = mine::approximate(graph, sampled.selected.plan, sampled.code, 0.05, options);
    CHECK(found.half <= 0.05 * static_cast<double>(found.sum));
    const double missed = std::abs(static_cast<double>(found.sum) - static_cast<double>(exact.sum));
    inside += missed <= found.half + 1 ? 1 : 0;
    early += found.done < 0.9 ? 1 : 0;
  }
  CAPTURE(pattern);
  CHECK(inside >= 90);  // of 100 draws at 0.95, one in 35 falls below
  CHECK(early > 50);
}

TEST_CASE("APPROX: the same for any number of threads, and drawn by the seed") {
  const mine::Prepared graph(generate_rmat(10, 8, 6));
  const Sampled sampled("house", graph);
  const auto sum = [&](int threads, std::uint64_t seed) {
    MineOptions options = quick(Engine::interpreter, threads);
    options.seed = seed;
    return mine::approximate(graph, sampled.selected.plan, sampled.code, 0.1, options).sum;
  };
  CHECK(sum(1, 1) == sum(2, 1));
  CHECK(sum(1, 1) == sum(3, 1));
  CHECK(sum(1, 1) != sum(1, 2));
}

TEST_CASE("APPROX: what is counted quickly is counted exactly, and nothing is nothing") {
  const Graph graph = generate_rmat(8, 6, 3);
  const QueryResult result = Miner(graph, quick()).run(parse_queries("COUNT house APPROX 10%").front());
  CHECK_FALSE(result.interval);
  CHECK(result.count == count(graph, "house", quick()));
  const mine::Prepared bipartite(generate_complete_bipartite(40, 40));
  const Sampled sampled("triangle", bipartite);
  const mine::Approximation none = mine::approximate(bipartite, sampled.selected.plan, sampled.code, 0.5, quick());
  CHECK(none.sum == 0);
  CHECK(none.half == 0);  // all was looked at: a sample without any says little
  CHECK(none.done > 0.999);
  const mine::Prepared empty(graph_of({}, 3));
  CHECK(
      mine::approximate(empty, Sampled("triangle", empty).selected.plan, Sampled("triangle", empty).code, 0.5, quick())
          .sum == 0);
}

TEST_CASE("APPROX: percentages, and where it does not go") {
  CHECK(parse_queries("COUNT house APPROX 1%").front().approx == 0.01);
  CHECK(parse_queries("COUNT house APPROX 0.25%").front().approx == Approx(0.0025));
  for (const std::string bad : {"COUNT house APPROX 0%", "COUNT house APPROX 51%", "COUNT house APPROX 5",
                                "LIST house APPROX 1%", "COUNT house APPROX 1% APPROX 1%", "COUNT house APPROX 1.%"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(parse_queries(bad), InputError);
  }
}

TEST_CASE("APPROX: a raised stop flag ends it") {
  volatile int stop = 1;
  MineOptions options = quick();
  options.stop = &stop;
  const mine::Prepared graph(generate_rmat(10, 8, 6));
  const Sampled sampled("house", graph);
  const mine::Approximation found = mine::approximate(graph, sampled.selected.plan, sampled.code, 0.1, options);
  CHECK(found.partial);
  CHECK(found.sum == 0);
}
