// Edge lists as people write them, and as they should not.

#include "galena/error.hpp"
#include "src/graph/readers.hpp"
#include "test/graph/reference.hpp"
#include "test/support/catch.hpp"
#include "test/support/data.hpp"

using namespace galena;

namespace {

Graph parse(const std::string& text, LoadOptions options = {}) {
  return detail::read_edge_list(detail::TextSource(text, "g.txt"), options);
}

}  // namespace

TEST_CASE("edge list: separators, comments, line ends") {
  const test::EdgeSet path{{0, 1}, {1, 2}, {2, 3}};
  for (const std::string text :
       {"0 1\n1 2\n2 3\n", "0\t1\n1\t2\n2\t3", "0,1\n1,2\n2,3\n", "0, 1\n 1 ,2\n2 , 3\n", "0 1\r\n1 2\r\n2 3\r\n",
        "# a\r\n#\r\n0 1 \r\n1 2 # b\r\n2 3\r\n", "# a\n0 1\n1 2\n2 3 \r",
        "# a\rb\r\r\n0 1\r\r\n1 2\r\r\n2 3 # c\r\r\n", "# SNAP\n% Konect\n\n0 1\n\n1 2\n  # later\n2 3",
        "   0    1  \n1\t \t2\t\n2 3 \n\n\n", "00000000000000000000000 0001\n1 2 # note\n2 3\n",
        "\xEF\xBB\xBF"
        "0 1\n1 2\n2 3\n"}) {
    CAPTURE(text);
    CHECK(test::edge_set(parse(text)) == path);
  }
}

TEST_CASE("edge list: further columns") {
  CHECK(parse("0 1 0.5\n1 2 -3e7\n").num_edges() == 2);
  CHECK(parse("0,1,x,2020\n1,2,y,2021\n").num_edges() == 2);
}

TEST_CASE("edge list: labels in the third column") {
  LoadOptions labelled;
  labelled.edge_labels = true;
  const Graph g = parse("0 1 7\n2 1 9\n", labelled);
  CHECK(std::ranges::equal(g.edge_labels(), std::vector<Label>{7, 7, 9, 9}));
  CHECK_THROWS_WITH(parse("0 1 7\n1 2 x\n", labelled), test::contains("g.txt:2:5: expected an edge label"));
  CHECK_THROWS_WITH(parse("0 1 4294967296\n", labelled), test::contains("g.txt:1:5"));
  CHECK_THROWS_WITH(parse("0 1\n", labelled), test::contains("no third column"));
}

TEST_CASE("edge list: the number of vertices in a SNAP header") {
  CHECK(parse("# Nodes: 10 Edges: 1\n0 1\n").num_vertices() == 10);
  CHECK(parse("# Nodes: 3 Edges: 0\n").num_vertices() == 3);
  CHECK(parse("0 1\n# Nodes: 10 Edges: 1\n").num_vertices() == 2);  // not a header any more
  const Graph gaps = parse("# Nodes: 3 Edges: 2\n1 2\n2 4\n");      // ids reach beyond: as published, 3 vertices
  CHECK(gaps.num_vertices() == 3);
  CHECK(gaps.original_id(2) == 4);
  CHECK_THROWS_WITH(parse("# Nodes: 4000000000 Edges: 1\n0 1\n"), test::contains("declares 4000000000 vertices"));
}

TEST_CASE("edge list: errors say where, what, and what was expected") {
  struct Case {
    std::string text, message;
  };
  for (const Case& c : {
           Case{"0 1\n1\n", "g.txt:2:2: expected a second vertex id, found the end of the line"},
           Case{"0 1\n1 ", "g.txt:2:3: expected a second vertex id"},
           Case{"0 1\n1 # 2\n", "expected a second vertex id"},
           Case{"0 1\n-1 2\n", "g.txt:2:1: '-1' is negative"},
           Case{"0 1\n1 -2\n", "g.txt:2:3: '-2' is negative"},
           Case{"0 18446744073709551616\n", "g.txt:1:3: '18446744073709551616' does not fit 64 bits"},
           Case{"99999999999999999999999 1\n", "does not fit 64 bits"},
           Case{"0 1\n1.5 2\n", "g.txt:2:2: expected a space, tab or comma after a vertex id, found '.5'"},
           Case{"0 1\n1 2x\n", "g.txt:2:4: expected a space"},
           Case{"source,target\n0,1\n", "g.txt:1:1: expected a vertex id, found 'source'; begin a heading with '#'"},
           Case{"0 1\n\n\nx y\n", "g.txt:4:1: expected a vertex id, found 'x'"},
           Case{"0 1\n1 2 3\n", "g.txt:2:1: 3 columns, but lines before have 2"},
           Case{"\x7f"
                "ELF\x02\x01",
                "g.txt:1:1: expected a vertex id, found byte 0x7f (not a text file?)"},
           Case{"0 1\r0 2\r", "g.txt:1:4: a carriage return within a line"},
           Case{"0 1\n1 2\r3 4\n", "g.txt:2:4: a carriage return within a line"},
           Case{"0 1\r 1 2\r 2 0\r", "g.txt:1:4: a carriage return within a line"},
           Case{"0\r1\n2 3\n", "g.txt:1:2: a carriage return within a line"},
           Case{"0 1 # a\r1 2\r\n", "g.txt:1:8: a carriage return within a line"},
           Case{"# a\r0 1\r1 2\r", "g.txt:1:4: a carriage return within a line"},
           Case{"", "g.txt: no edges; expected lines of two vertex ids"},
           Case{"\n\n# only comments\n", "g.txt: no edges"},
       }) {
    CAPTURE(c.text);
    CHECK_THROWS_AS(parse(c.text), InputError);
    CHECK_THROWS_WITH(parse(c.text), test::contains(c.message));
  }
  CHECK_THROWS_AS(parse(std::string("\0\0\0\0", 4)), InputError);
}

TEST_CASE("edge list: lines are counted across the pieces that threads parse") {
  std::string text = "# head\n";
  for (int i = 0; i < 400'000; ++i) text += std::to_string(i % 1000) + " " + std::to_string(i % 777) + "\n";
  REQUIRE(text.size() > (std::size_t{2} << 20));
  LoadOptions options;
  for (options.threads = 1; options.threads <= 3; ++options.threads) {
    CHECK_THROWS_WITH(parse(text + "5 x\n7 y\n", options), test::contains("g.txt:400002:3: expected a vertex id"));
    CHECK_THROWS_WITH(parse(text + "5 6 7\n", options), test::contains("g.txt:400002:1: 3 columns"));
    CHECK(parse(text + "5 6", options).report().input_edges == 400'001);
  }
}

TEST_CASE("edge list: ids beyond 32 bits in some pieces only") {
  std::string text;
  EdgeList list;
  for (std::uint64_t i = 0; i < 300'000; ++i) {
    const std::uint64_t u = i % 5000, v = i == 150'000 ? (std::uint64_t{1} << 40) : (i * 31) % 5000;
    text += std::to_string(u) + "\t" + std::to_string(v) + "\n";
    list.source.push_back(u);
    list.target.push_back(v);
  }
  const Graph g = parse(text);
  CHECK(test::edge_set(g) == test::edge_set(list, false));
  CHECK(g.original_id(g.num_vertices() - 1) == (std::uint64_t{1} << 40));
}

TEST_CASE("edge list: plain and compressed give the same graph, with any number of threads") {
  const test::TemporaryFolder folder;
  const Graph g = build_graph(test::random_edges(300'000, 100'000, 3));
  save_graph(g, folder.path() / "g.txt");
  save_graph(g, folder.path() / "g.txt.gz");
  LoadOptions options;
  double last = 0;
  options.progress = [&](double share) {
    CHECK(share >= 0);
    CHECK(share <= 1);
    last = share;
  };
  for (options.threads = 1; options.threads <= 4; ++options.threads) {
    CHECK(load_graph(folder.path() / "g.txt", options).digest() == g.digest());
    CHECK(load_graph(folder.path() / "g.txt.gz", options).digest() == g.digest());
  }
  CHECK(last > 0.5);
}

TEST_CASE("edge list: a compressed file cut off in the middle") {
  const test::TemporaryFolder folder;
  save_graph(build_graph(test::random_edges(300'000, 100'000, 3)), folder.path() / "g.txt.gz");
  std::filesystem::resize_file(folder.path() / "g.txt.gz", std::filesystem::file_size(folder.path() / "g.txt.gz") / 2);
  for (const int threads : {1, 2}) {
    LoadOptions options;
    options.threads = threads;
    CHECK_THROWS_WITH(load_graph(folder.path() / "g.txt.gz", options), test::contains("the file is truncated"));
  }
}
