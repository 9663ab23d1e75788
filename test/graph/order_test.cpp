#include <numeric>

#include "galena/error.hpp"
#include "galena/generate.hpp"
#include "test/graph/reference.hpp"
#include "test/support/catch.hpp"

using namespace galena;

namespace {

// By definition: the least d such that every subgraph has a vertex of degree at most d. Removes a vertex of
// smallest remaining degree, found by looking at all.
VertexId slow_degeneracy(const Graph& g) {
  std::vector<std::set<VertexId>> adjacent(g.num_vertices());
  for (VertexId v = 0; v < g.num_vertices(); ++v) adjacent[v].insert(g.neighbors(v).begin(), g.neighbors(v).end());
  std::set<VertexId> left;
  for (VertexId v = 0; v < g.num_vertices(); ++v) left.insert(v);
  std::size_t degeneracy = 0;
  while (!left.empty()) {
    const VertexId v = *std::ranges::min_element(left, {}, [&](VertexId u) { return adjacent[u].size(); });
    degeneracy = std::max(degeneracy, adjacent[v].size());
    for (const VertexId u : adjacent[v]) adjacent[u].erase(v);
    left.erase(v);
  }
  return static_cast<VertexId>(degeneracy);
}

std::vector<Graph> samples() {
  return {Graph(),
          generate_path(1),
          generate_star(9),
          generate_complete(7),
          generate_grid(5, 6, true),
          generate_rmat(9, 6, 1),
          generate_er(200, 900, 2),
          generate_ba(150, 3, 3)};
}

bool is_permutation(std::vector<VertexId> order, VertexId n) {
  std::ranges::sort(order);
  std::vector<VertexId> all(n);
  std::iota(all.begin(), all.end(), VertexId{0});
  return order == all;
}

}  // namespace

TEST_CASE("degree order: decreasing, ties by id") {
  for (const Graph& g : samples()) {
    const auto order = degree_order(g);
    REQUIRE(is_permutation(order, g.num_vertices()));
    for (std::size_t i = 1; i < order.size(); ++i) {
      const VertexId a = order[i - 1], b = order[i];
      CHECK((g.degree(a) > g.degree(b) || (g.degree(a) == g.degree(b) && a < b)));
    }
  }
}

TEST_CASE("degeneracy order: the degeneracy by definition, and few neighbours before each vertex") {
  for (const Graph& g : samples()) {
    const Degeneracy result = degeneracy_order(g);
    REQUIRE(is_permutation(result.order, g.num_vertices()));
    CHECK(result.degeneracy == slow_degeneracy(g));
    std::vector<VertexId> position(g.num_vertices());
    for (VertexId i = 0; i < g.num_vertices(); ++i) position[result.order[i]] = i;
    for (VertexId v = 0; v < g.num_vertices(); ++v) {
      const auto before = std::ranges::count_if(g.neighbors(v), [&](VertexId u) { return position[u] < position[v]; });
      CHECK(before <= result.degeneracy);
    }
  }
}

TEST_CASE("orient: every edge once, to the end that comes first") {
  for (const Graph& g : samples()) {
    const auto order = degree_order(g);
    const Graph out = orient(g, order);
    CHECK(out.directed());
    CHECK(out.num_edges() == g.num_edges());
    CHECK(test::is_sound(out));
    std::vector<VertexId> position(g.num_vertices());
    for (VertexId i = 0; i < g.num_vertices(); ++i) position[order[i]] = i;
    for (VertexId u = 0; u < g.num_vertices(); ++u) {
      for (const VertexId v : out.neighbors(u)) {
        CHECK(position[u] > position[v]);
        CHECK(g.has_edge(u, v));
      }
    }
  }
}

TEST_CASE("permute: the same graph under new names, labels included") {
  const Graph g = with_random_labels(build_graph(test::random_edges(3000, 400, 4, 5)), 3, 1);
  const auto order = degree_order(g);
  const Graph p = permute(g, order);
  REQUIRE(test::is_sound(p));
  CHECK(test::edge_set(p).size() == test::edge_set(g).size());
  for (VertexId v = 0; v < p.num_vertices(); ++v) {
    CHECK(p.original_id(v) == order[v]);
    CHECK(p.vertex_labels()[v] == g.vertex_labels()[order[v]]);
    for (std::size_t i = 0; i < p.neighbors(v).size(); ++i) {
      const VertexId a = order[v], b = order[p.neighbors(v)[i]];
      const auto list = g.neighbors(a);
      const auto at = std::ranges::lower_bound(list, b);
      REQUIRE(at != list.end());
      CHECK(p.edge_labels()[p.indptr()[v] + i] ==
            g.edge_labels()[g.indptr()[a] + static_cast<std::size_t>(at - list.begin())]);
    }
  }
  std::vector<VertexId> back(order.size());
  for (VertexId i = 0; i < order.size(); ++i) back[order[i]] = i;
  const Graph again = permute(p, back);
  CHECK(again.digest() == g.digest());
  CHECK(again.original_id(17) == 17);
}

TEST_CASE("orders that are none are refused") {
  const Graph g = generate_path(3);
  CHECK_THROWS_AS(permute(g, std::vector<VertexId>{0, 1}), InputError);
  CHECK_THROWS_WITH(permute(g, std::vector<VertexId>{0, 1, 1}), test::contains("there twice"));
  CHECK_THROWS_WITH(orient(g, std::vector<VertexId>{0, 1, 3}), test::contains("no vertex"));
  CHECK_THROWS_AS(orient(orient(g, degree_order(g)), degree_order(g)), InputError);
  CHECK_THROWS_AS(degeneracy_order(orient(g, degree_order(g))), InputError);
}
