// Files and folders: what is written is read back, and the rest is refused.

#include "galena/io.hpp"

#include <unistd.h>

#include <fstream>

#include "galena/error.hpp"
#include "galena/generate.hpp"
#include "test/graph/reference.hpp"
#include "test/support/catch.hpp"
#include "test/support/data.hpp"

using namespace galena;
using test::contains;
namespace fs = std::filesystem;

namespace {

std::size_t count_files(const fs::path& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

}  // namespace

TEST_CASE("files: every format is read back as it was") {
  const test::TemporaryFolder folder;
  const Graph plain = generate_rmat(9, 5, 1);  // has isolated vertices
  const Graph labelled = with_random_labels(build_graph(test::random_edges(2000, 300, 1, 5)), 4, 2);
  for (const char* name : {"g.txt", "g.txt.gz", "g.el", "g.csv", "g.mtx", "g.mtx.gz", "g.graph", "g.gal", "folder/"}) {
    CAPTURE(name);
    save_graph(plain, folder.path() / name);
    CHECK(load_graph(folder.path() / name).digest() == plain.digest());
  }
  for (const char* name : {"l.lg", "l.lg.gz", "l.graph", "l.gal", "labelled/"}) {
    CAPTURE(name);
    save_graph(labelled, folder.path() / name);
    CHECK(load_graph(folder.path() / name).digest() == labelled.digest());
  }
}

TEST_CASE("files: sparse ids survive in edge lists and folders") {
  const test::TemporaryFolder folder;
  const Graph g = build_graph(test::random_edges(500, std::uint64_t{1} << 60, 7));
  for (const char* name : {"g.txt", "f/"}) {
    save_graph(g, folder.path() / name);
    const Graph again = load_graph(folder.path() / name);
    CHECK(again.digest() == g.digest());
    CHECK(std::ranges::equal(again.original_ids(), g.original_ids()));
  }
}

TEST_CASE("files: edge labels in an edge list") {
  const test::TemporaryFolder folder;
  const Graph g = build_graph(test::random_edges(2000, 300, 1, 5));
  save_graph(g, folder.path() / "g.txt");
  LoadOptions options;
  options.edge_labels = true;
  CHECK(load_graph(folder.path() / "g.txt", options).digest() == g.digest());
  save_graph(g, folder.path() / "g.mtx");
  CHECK(load_graph(folder.path() / "g.mtx", options).digest() == g.digest());
}

TEST_CASE("files: directions survive where the format has them") {
  const test::TemporaryFolder folder;
  BuildOptions directed;
  directed.directed = true;
  const Graph g = build_graph(test::random_edges(900, 100, 3), directed);
  LoadOptions options;
  options.directed = true;
  for (const char* name : {"g.txt", "g.mtx", "g.gal"}) {
    save_graph(g, folder.path() / name);
    CHECK(load_graph(folder.path() / name, options).digest() == g.digest());
  }
  CHECK_THROWS_WITH(save_graph(g, folder.path() / "g.graph"), contains("no place for directed edges"));
  CHECK_THROWS_AS(save_graph(g, folder.path() / "f/"), InputError);
}

TEST_CASE("files: formats are recognised by their first bytes") {
  const test::TemporaryFolder folder;
  const Graph g = generate_path(20);
  save_graph(g, folder.path() / "a.mtx.gz");
  save_graph(g, folder.path() / "a.gal");
  save_graph(g, folder.path() / "a.lg");
  fs::rename(folder.path() / "a.mtx.gz", folder.path() / "b1.txt");
  fs::rename(folder.path() / "a.gal", folder.path() / "b2.txt");
  fs::rename(folder.path() / "a.lg", folder.path() / "b3.txt");
  for (const char* name : {"b1.txt", "b2.txt", "b3.txt"}) CHECK(load_graph(folder.path() / name).num_edges() == 19);
  LoadOptions options;
  options.format = Format::edge_list;
  CHECK_THROWS_AS(load_graph(folder.path() / "b2.txt", options), InputError);
}

TEST_CASE("files: what cannot be written, and where") {
  const test::TemporaryFolder folder;
  const Graph labelled = with_random_labels(generate_path(5), 2, 1);
  CHECK_THROWS_WITH(save_graph(labelled, folder.path() / "g.txt"), contains("no place for the graph's vertex labels"));
  CHECK_THROWS_WITH(save_graph(labelled, folder.path() / "g.gall"), contains("did you mean '.gal'?"));
  CHECK_THROWS_AS(save_graph(labelled, folder.path() / "g"), InputError);
  CHECK_THROWS_AS(save_graph(labelled, folder.path() / "g.hg"), InputError);
  CHECK_THROWS_AS(save_graph(labelled, folder.path() / "none" / "g.gal"), EnvironmentError);
  CHECK_THROWS_AS(save_graph(labelled, "/dev/full", Format::binary), EnvironmentError);
  CHECK_THROWS_AS(save_graph(generate_path(5), "/dev/full", Format::edge_list), EnvironmentError);
  CHECK(count_files(folder.path()) == 0);
}

TEST_CASE("files: what cannot be read") {
  const test::TemporaryFolder folder;
  CHECK_THROWS_WITH(load_graph(folder.path() / "none.txt"), contains("none.txt: no such file"));
  CHECK_THROWS_WITH(load_graph(folder.path()), contains("no edges.txt or edges.txt.gz here"));
  CHECK_THROWS_WITH(load_graph(folder.write("hyperedges.txt", "0 1 2\n")), contains("a hypergraph"));
  CHECK_THROWS_WITH(load_graph(folder.path()), contains("this is a hypergraph"));
  CHECK_THROWS_AS(load_graph(folder.write("empty.txt", "")), InputError);
  CHECK_THROWS_AS(load_graph(folder.write("garbage.txt", std::string("\x00\xff\xfe\x01", 4))), InputError);
  CHECK_THROWS_AS(load_graph(folder.write("short.gal", "GALENA\r\n")), InputError);
  LoadOptions options;
  options.format = Format::folder;
  CHECK_THROWS_AS(load_graph(folder.write("g.txt", "0 1\n"), options), InputError);
  if (::geteuid() != 0) {
    fs::permissions(folder.path() / "g.txt", fs::perms::none);
    CHECK_THROWS_AS(load_graph(folder.path() / "g.txt"), EnvironmentError);
  }
}

TEST_CASE("folders: labels must fit") {
  const test::TemporaryFolder folder;
  static_cast<void>(folder.write("edges.txt", "# Nodes: 4 Edges: 2\n2 1\n0 1\n"));
  static_cast<void>(folder.write("vlabels.txt", "1\n2\n3\n4\n"));
  static_cast<void>(folder.write("edge_labels.txt", "8\n9\n"));
  const Graph g = load_graph(folder.path());
  CHECK(std::ranges::equal(g.vertex_labels(), std::vector<Label>{1, 2, 3, 4}));
  CHECK(std::ranges::equal(g.edge_labels(), std::vector<Label>{9, 9, 8, 8}));
  static_cast<void>(folder.write("vlabels.txt", "1\n2\n3\n"));
  CHECK_THROWS_WITH(load_graph(folder.path()), contains("3 labels, but") && contains("4 vertices"));
  static_cast<void>(folder.write("edge_labels.txt", "8\n9\n7\n"));
  CHECK_THROWS_WITH(load_graph(folder.path()), contains("2 edges, but there are 3 edge labels"));
}

TEST_CASE("folders: writing another graph leaves no labels of the first") {
  const test::TemporaryFolder folder;
  save_graph(with_random_labels(build_graph(test::random_edges(100, 50, 1, 2)), 2, 1), folder.path(), Format::folder);
  const Graph plain = generate_cycle(12);
  save_graph(plain, folder.path(), Format::folder);
  CHECK(load_graph(folder.path()).digest() == plain.digest());
}
