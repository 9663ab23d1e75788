// Matrix Market, METIS, GraMi and label files.

#include <map>

#include "galena/error.hpp"
#include "galena/generate.hpp"
#include "src/graph/readers.hpp"
#include "test/graph/reference.hpp"
#include "test/support/catch.hpp"

using namespace galena;
using test::contains;

namespace {

using Reader = Graph (*)(const detail::TextSource&, const LoadOptions&);

Graph parse(Reader read, const std::string& text, LoadOptions options = {}) {
  return read(detail::TextSource(text, "g"), options);
}

void check_errors(Reader read, const std::map<std::string, std::string>& cases) {
  for (const auto& [text, message] : cases) {
    CAPTURE(text);
    CHECK_THROWS_AS(parse(read, text), InputError);
    CHECK_THROWS_WITH(parse(read, text), contains(message));
  }
}

const std::string kHead = "%%MatrixMarket matrix coordinate pattern symmetric\n";

}  // namespace

TEST_CASE("matrix market: symmetric, general, with values") {
  const Graph g = parse(detail::read_matrix_market, kHead + "% note\n\n5 5 3\n2 1\n3 2\n5 5\n");
  CHECK(g.num_vertices() == 5);
  CHECK(test::edge_set(g) == test::EdgeSet{{0, 1}, {1, 2}});
  CHECK(g.report().self_loops == 1);
  const std::string general = "%%matrixmarket MATRIX Coordinate Real General\n3 3 3\n1 2 -0.5\n2 1 1e9\n3 1 0\n";
  CHECK(parse(detail::read_matrix_market, general).num_edges() == 2);
  LoadOptions directed;
  directed.directed = true;
  CHECK(parse(detail::read_matrix_market, general, directed).num_edges() == 3);
  CHECK(parse(detail::read_matrix_market, kHead + "3 3 1\n2 1\n", directed).num_edges() == 2);
  LoadOptions labels;
  labels.edge_labels = true;
  const Graph l = parse(detail::read_matrix_market,
                        "%%MatrixMarket matrix coordinate integer symmetric\n3 3 2\n2 1 8\n3 1 9\n", labels);
  CHECK(std::ranges::equal(l.edge_labels(), std::vector<Label>{8, 9, 8, 9}));
}

TEST_CASE("matrix market: errors") {
  check_errors(detail::read_matrix_market,
               {{"", "ends within its header"},
                {"1 1 0\n", "expected '%%MatrixMarket matrix coordinate ...'"},
                {"%%MatrixMarket matrix array real general\n2 2\n", "a 'array' matrix"},
                {"%%MatrixMarket matrix coordinate blue general\n2 2 0\n", "unknown field 'blue'"},
                {"%%MatrixMarket matrix coordinate real odd\n2 2 0\n", "unknown symmetry 'odd'"},
                {kHead + "2 3 0\n", "a 2 x 3 matrix"},
                {kHead + "2 2\n", "g:2:1: expected 'rows columns entries'"},
                {kHead + "2 2 1 7\n", "expected three sizes only, found '7'"},
                {kHead + "2 2 2\n2 1\n", "1 entries, but the header says 2: the file is truncated"},
                {kHead + "2 2 1\n3 1\n", "entry 1: index 3 is outside 1..2"},
                {kHead + "2 2 1\n1 0\n", "index 0 is outside 1..2"},
                {kHead + "2 2 1\n99999999999 1\n", "index 99999999999 is outside"},
                {kHead + "2 2 2\n2 1\n1 99999999999\n", "entry 2: index 99999999999 is outside 1..2"},
                {kHead + "2 2 1\n1 x\n", "g:3:3: expected a vertex id"},
                {kHead + "99999999999 99999999999 0\n", "do not fit 32-bit ids"},
                {kHead + "4000000000 4000000000 0\n", "the header declares"}});
}

TEST_CASE("metis: plain, weighted, with isolated vertices") {
  const Graph g = parse(detail::read_metis, "% note\n4 2\n2\n1 3\n% between\n2\n\n");
  CHECK(g.num_vertices() == 4);
  CHECK(test::edge_set(g) == test::EdgeSet{{0, 1}, {1, 2}});
  CHECK(g.report().input_edges == 2);
  CHECK(g.report().duplicates == 0);
  const Graph w = parse(detail::read_metis, "3 2 011\n7 2 50\n8 1 50 3 60\n9 2 60\n");
  CHECK(std::ranges::equal(w.vertex_labels(), std::vector<Label>{7, 8, 9}));
  CHECK(std::ranges::equal(w.edge_labels(), std::vector<Label>{50, 50, 60, 60}));
  const Graph sizes = parse(detail::read_metis, "2 1 110 2\n1 5 6 2\n1 5 6 1\n");
  CHECK(sizes.num_edges() == 1);
  CHECK(sizes.vertex_labels().empty());
}

TEST_CASE("metis: errors") {
  check_errors(detail::read_metis, {{"", "empty; expected 'vertices edges' first"},
                                    {"2 1\n2\n", "ends after 1 of 2 vertices: the file is truncated"},
                                    {"2 1\n2\n1\n1\n", "g:4:1: more lines than the 2 vertices"},
                                    {"2 1\n3\n1\n", "neighbour 3 is outside 1..2"},
                                    {"2 1\n0\n1\n", "neighbour 0 is outside 1..2"},
                                    {"2 2\n2\n1\n", "says 2 edges, but the lines list 2 neighbours"},
                                    {"2 1\n2 x\n1\n", "g:2:3: expected a neighbour, found 'x'"},
                                    {"2 1 012\n2\n1\n", "format flags of three digits"},
                                    {"2 1 001\n2\n1\n", "expected an edge weight, found the end of the line"},
                                    {"4000000000 1\n2\n1\n", "more vertices than the file has lines"},
                                    {"99999999999 1\n", "is too large for the number of vertices"}});
}

TEST_CASE("grami: labels of vertices and edges") {
  const Graph g = parse(detail::read_grami, "t # 1\nv 0 5\nv 1 6\nv 2 5\ne 0 1 9\ne 2 1 8\nt # -1\n");
  CHECK(g.num_vertices() == 3);
  CHECK(std::ranges::equal(g.vertex_labels(), std::vector<Label>{5, 6, 5}));
  CHECK(std::ranges::equal(g.edge_labels(), std::vector<Label>{9, 9, 8, 8}));
  CHECK(parse(detail::read_grami, "v 0 1\nv 1 1\ne 0 1\n").edge_labels().empty());
  // Decimal labels are numbered by value.
  const Graph d = parse(detail::read_grami, "v 0 1\nv 1 1\nv 2 1\ne 0 1 100.0\ne 1 2 83.5\n");
  CHECK(std::ranges::equal(d.edge_labels(), std::vector<Label>{1, 1, 0, 0}));
}

TEST_CASE("grami: errors") {
  check_errors(detail::read_grami, {{"", "no vertices; expected lines 'v id label'"},
                                    {"v 1 0\n", "g:1:4: vertex 1 out of order; expected vertex 0"},
                                    {"v 0 a\n", "expected a vertex label (a number), found 'a'"},
                                    {"v 0\n", "expected a vertex label"},
                                    {"v 0 1 2\n", "expected the end of the line"},
                                    {"v 0 1\ne 0 1 1\n", "vertex 1 has no 'v' line before this edge"},
                                    {"v 0 1\nv 1 1\nv 2 1\ne 0 1 5\ne 1 2\n", "a label on every edge, or on none"},
                                    {"x 0 1\n", "g:1:1: expected a line 't # name'"},
                                    {"vertex 0 1\n", "expected a line 't # name'"},
                                    {"t # 1\nv 0 1\nt # 2\nv 0 1\n", "g:3:5: a second graph"},
                                    {"v 0 inf\n", "expected a vertex label"}});
}

TEST_CASE("label files") {
  const auto read = [](const std::string& text) { return detail::read_labels(detail::TextSource(text, "l.txt")); };
  CHECK(read("3\n# note\n\n 4 \r\n4294967295") == std::vector<Label>{3, 4, 4294967295});
  CHECK(read("") == std::vector<Label>{});
  CHECK(read("83.5\n100\n-1\n83.5\n") == std::vector<Label>{1, 2, 0, 1});
  CHECK(read("4294967296\n5\n") == std::vector<Label>{1, 0});
  LoadOptions options;
  std::vector<NumberedLabels> numbered;
  options.numbered = [&](const NumberedLabels& labels) { numbered.push_back(labels); };
  detail::read_labels(detail::TextSource(std::string_view("0.5\n0.1\n0.5\n"), "l.txt"), "edge", options);
  detail::read_labels(detail::TextSource(std::string_view("5\n1\n"), "l.txt"), "vertex", options);
  REQUIRE(numbered.size() == 1);
  CHECK(numbered[0].of == "edge");
  CHECK(numbered[0].values == std::vector<double>{0.1, 0.5});
  CHECK_THROWS_WITH(read("1\n2 3\n"), contains("l.txt:2:1: expected a label (one number a line)"));
  CHECK_THROWS_WITH(read("1\nred\n"), contains("l.txt:2:1") && contains("found 'red'"));
}
