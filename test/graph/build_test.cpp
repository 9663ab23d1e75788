// build_graph against sets of pairs.

#include <numeric>

#include "galena/error.hpp"
#include "galena/stats.hpp"
#include "test/graph/reference.hpp"
#include "test/support/catch.hpp"

using namespace galena;

namespace {

BuildOptions with(int threads, bool directed = false, std::uint64_t vertices = 0) {
  BuildOptions options;
  options.threads = threads;
  options.directed = directed;
  options.num_vertices = vertices;
  return options;
}

EdgeList list_of(std::vector<std::pair<std::uint64_t, std::uint64_t>> pairs) {
  EdgeList list;
  for (const auto& [u, v] : pairs) {
    list.source.push_back(u);
    list.target.push_back(v);
  }
  return list;
}

}  // namespace

TEST_CASE("build: random edges, dense and sparse ids, any number of threads") {
  struct Case {
    std::size_t edges;
    std::uint64_t bound;
  };
  // Repeats; dense; more than one block of edges; bitmap renumbering; 32-bit and 64-bit hashes.
  for (const Case& c : {Case{200, 12}, Case{5000, 3000}, Case{300'000, 40'000}, Case{20'000, 900'000},
                        Case{5000, 4'000'000'000}, Case{150'000, ~std::uint64_t{0}}}) {
    for (const bool directed : {false, true}) {
      const EdgeList list = test::random_edges(c.edges, c.bound, c.edges);
      const test::EdgeSet expected = test::edge_set(list, directed);
      const Graph one = build_graph(list, with(1, directed));
      CHECK(test::edge_set(one) == expected);
      CHECK(test::is_sound(one));
      CHECK(one.num_edges() == expected.size());
      CHECK(one.report().input_edges == c.edges);
      CHECK(one.report().self_loops + one.report().duplicates + one.num_edges() == c.edges);
      for (const int threads : {2, 3, 8}) {
        const Graph many = build_graph(list, with(threads, directed));
        CHECK(many.digest() == one.digest());
        CHECK(many.report() == one.report());
        CHECK(std::ranges::equal(many.original_ids(), one.original_ids()));
      }
    }
  }
}

TEST_CASE("build: what becomes of ids") {
  SECTION("dense ids are kept, gaps become isolated vertices") {
    const Graph g = build_graph(list_of({{1, 2}, {2, 4}}));
    CHECK(g.num_vertices() == 5);
    CHECK(g.original_ids().empty());
    CHECK(g.degree(3) == 0);
  }
  SECTION("sparse ids are renumbered in increasing order") {
    const Graph g = build_graph(list_of({{1000, 30}, {30, 5000000000}}));
    CHECK(g.num_vertices() == 3);
    CHECK(std::ranges::equal(g.original_ids(), std::vector<std::uint64_t>{30, 1000, 5000000000}));
    CHECK(g.report().relabelled);
    CHECK(g.has_edge(0, 2));
    CHECK(!g.has_edge(1, 2));
  }
  SECTION("ids below num_vertices are kept in any case") {
    const Graph g = build_graph(list_of({{1, 3}, {3, 99999999}}), with(1, false, 5));
    CHECK(g.num_vertices() == 6);
    CHECK(g.original_id(3) == 3);
    CHECK(g.original_id(5) == 99999999);
    CHECK(g.has_edge(3, 5));
  }
  SECTION("the largest 64-bit and 32-bit ids") {
    CHECK(build_graph(list_of({{~std::uint64_t{0}, 0}})).original_id(1) == ~std::uint64_t{0});
    CHECK(build_graph(list_of({{0xffffffff, 0}})).original_id(1) == 0xffffffff);
  }
  SECTION("a self-loop makes its vertex exist") {
    const Graph g = build_graph(list_of({{0, 0}, {1, 1}}));
    CHECK(g.num_vertices() == 2);
    CHECK(g.num_edges() == 0);
    CHECK(g.report().self_loops == 2);
  }
}

TEST_CASE("build: nothing, and too much") {
  CHECK(build_graph({}).num_vertices() == 0);
  CHECK(build_graph({}, with(2, false, 7)).num_vertices() == 7);
  CHECK_THROWS_WITH(build_graph({}, with(1, false, 4294967295)), test::contains("at most 4294967294"));
  EdgeList uneven = list_of({{0, 1}});
  uneven.source.push_back(2);
  CHECK_THROWS_AS(build_graph(uneven), InputError);
}

TEST_CASE("build: repeated edges in hundreds") {
  EdgeList list;
  for (int i = 0; i < 500; ++i) {
    list.source.insert(list.source.end(), {0, 1, 2, 2});
    list.target.insert(list.target.end(), {1, 0, 2, 1});
  }
  const Graph g = build_graph(list);
  CHECK(g.num_edges() == 2);
  CHECK(g.report().self_loops == 500);
  CHECK(g.report().duplicates == 999 + 499);
}

TEST_CASE("build: of labels of one pair the smallest is kept, and conflicts are counted") {
  EdgeList list = list_of({{0, 1}, {1, 0}, {0, 1}, {1, 2}, {2, 1}});
  list.labels = {5, 3, 3, 7, 7};
  const Graph g = build_graph(list);
  CHECK(std::ranges::equal(g.edge_labels(), std::vector<Label>{3, 3, 7, 7}));
  CHECK(g.report().duplicates == 3);
  CHECK(g.report().label_conflicts == 1);  // the 5
  const Graph directed = build_graph(list, with(1, true));
  CHECK(std::ranges::equal(directed.edge_labels(), std::vector<Label>{3, 3, 7, 7}));
  CHECK(directed.report().duplicates == 1);
}

TEST_CASE("build: random labelled edges, against a map") {
  for (const int threads : {1, 3}) {
    const EdgeList list = test::random_edges(100'000, 500, 5, 4);
    std::map<std::pair<std::uint64_t, std::uint64_t>, Label> expected;
    for (std::size_t i = 0; i < list.source.size(); ++i) {
      const auto key = std::minmax(list.source[i], list.target[i]);
      if (key.first == key.second) continue;
      const auto [at, inserted] = expected.emplace(key, list.labels[i]);
      if (!inserted) at->second = std::min(at->second, list.labels[i]);
    }
    const Graph g = build_graph(list, with(threads));
    REQUIRE(test::is_sound(g));
    REQUIRE(g.num_edges() == expected.size());
    for (VertexId u = 0; u < g.num_vertices(); ++u) {
      for (std::size_t i = 0; i < g.neighbors(u).size(); ++i) {
        const auto key = std::minmax(u, g.neighbors(u)[i]);
        REQUIRE(g.edge_labels()[g.indptr()[u] + i] == expected.at(key));
      }
    }
  }
}

TEST_CASE("build: a star of ten million leaves") {
  constexpr std::uint64_t kLeaves = 10'000'000;
  EdgeList list;
  list.source.assign(kLeaves, 0);
  list.target.resize(kLeaves);
  std::iota(list.target.rbegin(), list.target.rend(), 1);  // worst order: decreasing
  const Graph g = build_graph(std::move(list));
  CHECK(g.num_vertices() == kLeaves + 1);
  CHECK(g.num_edges() == kLeaves);
  CHECK(g.max_degree() == kLeaves);
  CHECK(std::ranges::is_sorted(g.neighbors(0)));
  CHECK(g.has_edge(12345, 0));
  CHECK(!g.has_edge(12345, 12346));
  CHECK(count_triangles(g) == 0);
  CHECK(degeneracy_order(g).degeneracy == 1);
}
