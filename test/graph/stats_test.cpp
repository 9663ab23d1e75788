#include "galena/stats.hpp"

#include "galena/dataset.hpp"
#include "galena/error.hpp"
#include "galena/generate.hpp"
#include "galena/io.hpp"
#include "test/graph/reference.hpp"
#include "test/support/catch.hpp"
#include "test/support/data.hpp"

using namespace galena;

namespace {

std::vector<std::uint64_t> slow_triangles(const Graph& g) {
  std::vector<std::uint64_t> counts(g.num_vertices());
  for (VertexId a = 0; a < g.num_vertices(); ++a) {
    for (VertexId b = a + 1; b < g.num_vertices(); ++b) {
      for (VertexId c = b + 1; c < g.num_vertices(); ++c) {
        if (!g.has_edge(a, b) || !g.has_edge(b, c) || !g.has_edge(a, c)) continue;
        ++counts[a], ++counts[b], ++counts[c];
      }
    }
  }
  return counts;
}

}  // namespace

TEST_CASE("triangles: every triple, one or many threads") {
  for (const Graph& g : {generate_rmat(7, 6, 1), generate_er(60, 500, 2), generate_complete(12), generate_star(30)}) {
    const auto expected = slow_triangles(g);
    std::uint64_t sum = 0;
    for (const std::uint64_t count : expected) sum += count;
    for (const int threads : {1, 3}) {
      CHECK(local_triangles(g, threads) == expected);
      CHECK(count_triangles(g, threads) == sum / 3);
    }
  }
  CHECK_THROWS_AS(count_triangles(orient(generate_path(3), degree_order(generate_path(3)))), InputError);
}

TEST_CASE("components: named by their smallest vertex") {
  EdgeList edges;
  edges.source = {9, 8, 1, 2};
  edges.target = {8, 7, 2, 3};
  BuildOptions options;
  options.num_vertices = 11;
  const Components c = connected_components(build_graph(edges, options), 2);
  CHECK(c.of == std::vector<VertexId>{0, 1, 1, 1, 4, 5, 6, 7, 7, 7, 10});
  CHECK(c.count == 7);
  CHECK(c.largest == 3);
  CHECK(connected_components(Graph()).count == 0);
}

TEST_CASE("degree histogram: bins of powers of two") {
  const auto bins = degree_histogram(generate_star(5));
  CHECK(bins == std::vector<DegreeBin>{{0, 0, 0}, {1, 1, 5}, {2, 3, 0}, {4, 7, 1}});
  CHECK(degree_histogram(Graph()).empty());
}

// Known values: networkx's karate_club_graph.
TEST_CASE("statistics: the karate club") {
  const GraphStats s = graph_stats(resolve_graph("karate"));
  CHECK(s.vertices == 34);
  CHECK(s.edges == 78);
  CHECK(s.max_degree == 17);
  CHECK(s.triangles == 45);
  CHECK(s.degeneracy == 4);
  CHECK(s.components == 1);
  CHECK(s.largest_component == 34);
  CHECK(s.isolated == 0);
  CHECK(s.vertex_labels == 2);
  CHECK(s.global_clustering == Approx(0.2556818182));
  CHECK(s.average_clustering == Approx(0.5706384782));
}

TEST_CASE("statistics: of a directed graph, as if undirected") {
  BuildOptions directed;
  directed.directed = true;
  EdgeList edges;
  edges.source = {0, 1, 2, 1};
  edges.target = {1, 2, 0, 0};
  const Graph g = build_graph(edges, directed);
  const GraphStats s = graph_stats(g);
  CHECK(s.edges == 4);
  CHECK(s.triangles == 1);
  CHECK(s.global_clustering == 1.0);
  CHECK(to_undirected(g).num_edges() == 3);
  CHECK(graph_stats(Graph()).vertices == 0);
}

TEST_CASE("statistics: real graphs have their published counts") {
  const auto root = test::data_dir();
  if (!root) GALENA_SKIP("no data sets here");
  for (const DatasetInfo& info : dataset_registry()) {
    if (!info.triangles || !std::filesystem::exists(*root / info.name)) continue;
    const Graph g = load_graph(*root / info.name);
    CAPTURE(info.name);
    CHECK(g.num_vertices() == info.vertices);
    CHECK(g.num_edges() == info.edges);
    CHECK(count_triangles(g) == *info.triangles);
  }
}
