// The class Graph itself.

#include "galena/graph.hpp"

#include "galena/error.hpp"
#include "test/graph/reference.hpp"
#include "test/support/catch.hpp"

using namespace galena;

namespace {

GraphArrays path_arrays() {
  GraphArrays a;
  a.indptr = {0, 1, 3, 4};
  a.indices = {1, 0, 2, 1};
  return a;
}

template <class Change>
void check_refused(const Change& change, const std::string& message) {
  GraphArrays a = path_arrays();
  change(a);
  CAPTURE(message);
  CHECK_THROWS_AS(Graph::from_arrays(a), InputError);
  CHECK_THROWS_WITH(Graph::from_arrays(a), test::contains(message));
}

}  // namespace

TEST_CASE("graph: the accessors") {
  GraphArrays a = path_arrays();
  a.vertex_labels = {4, 5, 6};
  a.edge_labels = {1, 1, 2, 2};
  a.original_ids = {10, 20, 30};
  const Graph g = Graph::from_arrays(a);
  CHECK(g.num_vertices() == 3);
  CHECK(g.num_edges() == 2);
  CHECK(g.max_degree() == 2);
  CHECK(g.degree(1) == 2);
  CHECK(std::ranges::equal(g.neighbors(1), std::vector<VertexId>{0, 2}));
  CHECK(g.has_edge(0, 1));
  CHECK(g.has_edge(1, 0));
  CHECK(!g.has_edge(0, 2));
  CHECK(g.original_id(2) == 30);
  CHECK(g.bytes() == 4 * 8 + 4 * 4 + 3 * 4 + 4 * 4 + 3 * 8);
  const Graph copy = g;
  CHECK(copy.indices().data() == g.indices().data());
}

TEST_CASE("graph: the empty one") {
  const Graph g;
  CHECK(g.num_vertices() == 0);
  CHECK(g.num_edges() == 0);
  CHECK(g.indptr().size() == 1);
  CHECK(g.digest() == build_graph({}).digest());
}

TEST_CASE("graph: arrays that are none are refused") {
  check_refused([](GraphArrays& a) { a.indptr = {}; }, "no offsets");
  check_refused([](GraphArrays& a) { a.indptr = {1, 1, 3, 4}; }, "the first offset is 1");
  check_refused([](GraphArrays& a) { a.indptr = {0, 1, 3, 5}; }, "the last offset is 5");
  check_refused([](GraphArrays& a) { a.indptr = {0, 3, 1, 4}; }, "vertex 1: its offsets are out of order");
  check_refused([](GraphArrays& a) { a.indptr = {0, 1000, 3, 4}; }, "out of order");
  check_refused([](GraphArrays& a) { a.indices = {1, 0, 3, 1}; }, "vertex 1 has a neighbour that is not below 3");
  check_refused([](GraphArrays& a) { a.indices = {1, 2, 0, 1}; }, "not strictly increasing");
  check_refused([](GraphArrays& a) { a.indices = {1, 0, 0, 1}; }, "not strictly increasing");
  check_refused([](GraphArrays& a) { a.indices = {0, 0, 2, 1}; }, "vertex 0 has an edge to itself");
  check_refused([](GraphArrays& a) { a.indices = {2, 0, 2, 1}; }, "lacks its other arc");
  check_refused([](GraphArrays& a) { a.vertex_labels = {1}; }, "1 vertex labels for 3 vertices");
  check_refused([](GraphArrays& a) { a.edge_labels = {1, 2}; }, "2 edge labels for 4 arcs");
  check_refused([](GraphArrays& a) { a.edge_labels = {1, 2, 3, 3}; }, "differs in label");
  check_refused([](GraphArrays& a) { a.original_ids = {1}; }, "1 original ids");
  GraphArrays directed = path_arrays();
  directed.indices = {2, 0, 2, 1};
  directed.directed = true;
  CHECK(Graph::from_arrays(directed).num_edges() == 4);
}

TEST_CASE("graph: the digest tells structure and labels apart, and nothing else") {
  const EdgeList edges = test::random_edges(1000, 100, 1);
  const Graph g = build_graph(edges);
  const auto digest_of = [](GraphArrays a) { return Graph::from_arrays(std::move(a)).digest(); };
  GraphArrays a = path_arrays();
  const std::uint64_t plain = digest_of(a);
  a.original_ids = {7, 8, 9};
  a.report.input_edges = 99;
  CHECK(digest_of(a) == plain);
  a.vertex_labels = {0, 0, 0};
  const std::uint64_t labelled = digest_of(a);
  CHECK(labelled != plain);
  a.vertex_labels = {0, 0, 1};
  CHECK(digest_of(a) != labelled);
  a = path_arrays();
  a.directed = true;
  CHECK(digest_of(a) != plain);
  CHECK(g.digest() != plain);
}

TEST_CASE("graph: vertex labels are added without copying edges") {
  const Graph g = build_graph(test::random_edges(1000, 100, 1));
  const Graph labelled = with_vertex_labels(g, std::vector<Label>(g.num_vertices(), 3));
  CHECK(labelled.indices().data() == g.indices().data());
  CHECK(labelled.vertex_labels()[5] == 3);
  CHECK(g.vertex_labels().empty());
  CHECK_THROWS_WITH(with_vertex_labels(g, {1, 2}), test::contains("2 vertex labels for 100 vertices"));
}
