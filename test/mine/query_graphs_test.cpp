// Files of labelled query graphs given to --file.

#include "test/mine/command.hpp"
#include "test/support/data.hpp"

using namespace galena;
using test::contains;
using test::mine;

namespace {

/// A path 0-1-2-3 with labels 5 6 5 7, and 6 again as a leaf of vertex 2.
const char* const kGraph = "t # 1\nv 0 5\nv 1 6\nv 2 5\nv 3 7\nv 4 6\ne 0 1 1\ne 1 2 2\ne 2 3 1\ne 2 4 1\n";

}  // namespace

TEST_CASE("query graphs: each is counted by all its maps, under its name") {
  const test::TemporaryFolder folder;
  const std::string graph = folder.write("g.lg", kGraph);
  const std::string file = folder.write("queries.txt",
                                        "# two of them\nq fork 3 2\nv 0 6\nv 1 5\nv 2 6\ne 0 1\ne 1 2\n"
                                        "q any 2 1\nv 0 *\nv 1 5\ne 0 1 1\n");
  const test::Outcome outcome = mine({graph, "--file", file, "--json"});
  CHECK(test::counts(outcome) == std::vector<std::string>{"2", "3"});
  CHECK_THAT(outcome.out, contains("COUNT EMBEDDINGS fork"));
  CHECK(test::counts(mine({graph, "--file", file, "COUNT fork", "EXISTS any", "--json"})) ==
        std::vector<std::string>{"1", "1"});
  CHECK(mine({graph, "--file", file, "LIST fork LIMIT 5"}).out == "# a\tb\tc\n1\t2\t4\n");
}

TEST_CASE("query graphs: one graph, with degrees behind the labels, Windows line ends, and an end mark") {
  const test::TemporaryFolder folder;
  const std::string graph = folder.write("g.lg", kGraph);
  const std::string one = folder.write("query.graph", "t 2 1\r\nv 0 5 1\r\nv 1 6 1\r\ne 0 1\r\n");
  CHECK(test::counts(mine({graph, "--file", one, "--json"})) == std::vector<std::string>{"3"});
  const std::string marked = folder.write("query.lg", "t # edge\nv 0 5\nv 1 6\ne 0 1 2\nt # -1\n");
  CHECK(test::counts(mine({graph, "--file", marked, "COUNT edge", "--json"})) == std::vector<std::string>{"1"});
}

TEST_CASE("query graphs: errors name the file and the line") {
  const test::TemporaryFolder folder;
  const std::string graph = folder.write("g.lg", kGraph);
  const auto fails = [&](const std::string& text, const std::string& message) {
    test::check_fails({graph, "--file", folder.write("bad.graph", text)}, 2, {"bad.graph:", message});
  };
  fails("t 2 1\nv 0 5\nv 2 6\n", ":3: vertices are numbered 0, 1, 2, ...; expected vertex 1");
  fails("t 2 1\nv 0 5\nv 1 x\n", ":3: expected a label (a number, or *), found 'x'");
  fails("t 2 1\nv 0 5\nv 1 6\ne 0 2\n", ":4: expected a vertex from 0 to 1, found '2'");
  fails("t 2 1\nv 0 5\nv 1 6\ne 1 1\n", ":4: an edge from a vertex to itself");
  fails("t 2 2\nv 0 5\nv 1 6\ne 0 1\n", "was to have 2 vertices and 2 edges, and has 2 vertices and 1 edges");
  fails("q a 1 0\nv 0 5\nq a 1 0\nv 0 5\n", ":3: a second query graph called 'a'");
  fails("t 1 0\nv 0 5\nx 1\n", ":3: expected a line 't vertices edges'");
  fails("t 0 0\n", "has no vertices");
}
