// Datasets by name, without a network: bundled ones, mirrors, the cache.

#include "galena/dataset.hpp"

#include <fstream>

#include "galena/error.hpp"
#include "galena/generate.hpp"
#include "galena/stats.hpp"
#include "src/graph/binary.hpp"
#include "src/graph/download.hpp"
#include "test/graph/reference.hpp"
#include "test/support/catch.hpp"
#include "test/support/data.hpp"
#include "test/support/variable.hpp"

using namespace galena;
using test::contains;
using test::Variable;
namespace fs = std::filesystem;

TEST_CASE("registry: entries are complete, names unique") {
  std::set<std::string> names;
  for (const DatasetInfo& info : dataset_registry()) {
    CAPTURE(info.name);
    CHECK(names.insert(info.name).second);
    CHECK((info.kind == "graph" || info.kind == "hypergraph"));
    CHECK(info.bundled.empty() != info.urls.empty());
    CHECK(info.vertices > 0);
    CHECK(info.edges > 0);
    CHECK(!info.description.empty());
    CHECK(!info.citation.empty());
  }
  CHECK(find_dataset("Karate").name == "karate");
  CHECK_THROWS_WITH(find_dataset("carate"), contains("no dataset is named 'carate'; did you mean 'karate'?"));
}

TEST_CASE("bundled datasets are at hand everywhere") {
  const test::TemporaryFolder cache;
  const Variable variable("GALENA_CACHE", (cache.path() / "deep" / "er").string());
  const Graph g = resolve_graph("karate");
  CHECK(g.num_edges() == 78);
  CHECK(std::ranges::count(g.vertex_labels(), Label{0}) == 17);
  CHECK(g.vertex_labels()[0] != g.vertex_labels()[33]);
  CHECK(fs::is_empty(cache.path()));
  const fs::path folder = resolve_folder("karate");
  CHECK(load_graph(folder).digest() == g.digest());
  CHECK(fs::exists(folder / "labels.npy"));
  CHECK(verify_dataset("karate").size() == 3);
  CHECK_THROWS_WITH(resolve_graph("davis"), contains("a hypergraph"));
}

TEST_CASE("mirror, cache and verification") {
  const auto data = test::data_dir();
  if (!data || !fs::exists(*data / "ca-grqc")) GALENA_SKIP("no data sets here");
  const test::TemporaryFolder cache, mirror;
  const Variable variable("GALENA_CACHE", cache.path().string()), no_folders("GALENA_DATA_DIR", "");
  CHECK_THROWS_WITH(verify_dataset("ca-grqc"), contains("fetch it with 'galena dataset get ca-grqc'"));
  DatasetOptions options;
  options.mirror = mirror.path().string();
  // As published: gaps in the ids, both directions, under the name of the URL.
  save_graph(load_graph(*data / "ca-grqc"), mirror.path() / "CA-GrQc.txt.gz", Format::edge_list);
  fs::rename(mirror.path() / "CA-GrQc.txt.gz", mirror.path() / "ca-GrQc.txt.gz");
  const fs::path file = get_dataset("ca-grqc", options);
  CHECK(file == cache.path() / "ca-grqc.gal");
  CHECK(verify_dataset("ca-grqc").size() == 4);
  CHECK(resolve_graph("ca-GrQc").num_edges() == 14484);

  SECTION("what is in the cache is not fetched again, unless asked for") {
    save_graph(generate_path(3), mirror.path() / "ca-GrQc.txt.gz");
    CHECK(get_dataset("ca-grqc", options) == file);
    options.refresh = true;
    CHECK_THROWS_WITH(get_dataset("ca-grqc", options), contains("3 vertices, but the registry says 5242"));
    CHECK(resolve_graph("ca-grqc").num_edges() == 14484);  // the old one stays
  }
  SECTION("damage is found") {
    const auto size = fs::file_size(file);
    fs::resize_file(file, size - 100);
    CHECK_THROWS_WITH(verify_dataset("ca-grqc"), contains("truncated"));
  }
  SECTION("another graph of this name is found") {
    save_graph(generate_path(5242), file);
    CHECK_THROWS_WITH(verify_dataset("ca-grqc"), contains("5241 edges, but the registry says 14484"));
  }
}

TEST_CASE("download: file URLs, whole or not at all") {
  const test::TemporaryFolder folder;
  const fs::path source = folder.write("a.txt", "0 1\n");
  double share = 0;
  detail::download("file://" + source.string(), folder.path() / "b.txt", [&](double s) { share = s; });
  CHECK(load_graph(folder.path() / "b.txt").num_edges() == 1);
  CHECK(share == 1.0);
  CHECK_THROWS_WITH(detail::download("file:///no/such/file", folder.path() / "c.txt", {}),
                    contains("cannot fetch file:///no/such/file") && contains("--mirror"));
  CHECK_THROWS_AS(detail::download("file://" + source.string(), folder.path() / "c.txt",
                                   [](double) { throw InputError("stopped"); }),
                  InputError);
  CHECK(!fs::exists(folder.path() / "c.txt"));
  CHECK(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()) == 2);
}

TEST_CASE("resolve: paths, folders of GALENA_DATA_DIR, suggestions") {
  const test::TemporaryFolder folder;
  fs::create_directory(folder.path() / "mygraph");
  save_graph(generate_cycle(7), folder.path() / "mygraph", Format::folder);
  const Variable variable("GALENA_DATA_DIR", folder.path().string());
  CHECK(resolve_graph("mygraph").num_edges() == 7);
  CHECK(resolve_graph((folder.path() / "mygraph").string()).num_edges() == 7);
  CHECK(resolve_folder("mygraph") == folder.path() / "mygraph");
  CHECK_THROWS_WITH(resolve_graph("mygrph"), contains("did you mean 'mygraph'?"));
  CHECK_THROWS_WITH(resolve_graph("trianglegraph"), contains("no file, folder or dataset is named"));
  CHECK_THROWS_WITH(resolve_graph((folder.path() / "mygrap").string()),
                    contains("no such file or folder; did you mean 'mygraph'?"));
  CHECK_THROWS_AS(resolve_graph(""), InputError);
  CHECK_THROWS_AS(resolve_graph(std::string(5000, 'x')), InputError);
  CHECK_THROWS_AS(resolve_folder("nothing"), InputError);
}

TEST_CASE("resolve: a binary file given by path is checked") {
  const test::TemporaryFolder folder;
  const fs::path file = folder.path() / "g.gal";
  save_graph(generate_rmat(8, 8, 1), file);
  {
    std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
    detail::BinaryHeader header;
    bytes.read(reinterpret_cast<char*>(&header), sizeof header);
    bytes.seekp(static_cast<std::streamoff>(header.arrays[1].offset + 3));  // the highest byte of a neighbour
    bytes.put(0x7f);
  }
  CHECK_NOTHROW(load_graph(file));
  CHECK_THROWS_WITH(resolve_graph(file.string()), contains("a neighbour that is not below 256"));
}
