// Partitions in files and in the cache: read as written, or refused.

#include <fstream>
#include <iterator>

#include "galena/error.hpp"
#include "galena/generate.hpp"
#include "galena/partition.hpp"
#include "test/support/catch.hpp"
#include "test/support/data.hpp"
#include "test/support/variable.hpp"

using namespace galena;
using test::contains;
namespace fs = std::filesystem;

namespace {

const Graph& graph() {
  static const Graph made = generate_rmat(7, 4, 1);
  return made;
}

PartitionOptions four_parts() {
  PartitionOptions options;
  options.parts = 4;
  return options;
}

std::string slurp(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

std::vector<fs::path> files_in(const fs::path& folder) {
  return {fs::directory_iterator(folder), fs::directory_iterator()};
}

}  // namespace

TEST_CASE("partition files: read as written") {
  const test::TemporaryFolder folder;
  PartitionOptions options = four_parts();
  options.seed = ~std::uint64_t{0};
  options.imbalance = 1.1;
  options.balance_halo = true;
  const std::vector<VertexId> train{1, 2, 3};
  const Partition made = partition_graph(graph(), options, train);
  const fs::path path = folder.path() / "g.part";
  save_partition(made, path);
  const Partition read = load_partition(path, graph());
  CHECK(read.parts == 4);
  CHECK(read.part_of == made.part_of);
  CHECK(read.method == "metis-volume");
  CHECK(read.seed == options.seed);
  CHECK(read.imbalance == 1.1);
  CHECK(read.balanced == "vertices edges train halo");
  CHECK(read.train_digest == made.train_digest);
  CHECK(made.train_digest != 0);
  CHECK(read.graph_digest == graph().digest());
  CHECK(read.reused);
  CHECK(!made.reused);
}

TEST_CASE("partition files: more parts than are used survive, and so does the empty graph") {
  const test::TemporaryFolder folder;
  PartitionOptions options = four_parts();
  save_partition(partition_graph(generate_path(2), options), folder.path() / "p.part");
  CHECK(load_partition(folder.path() / "p.part", generate_path(2)).parts == 4);
  save_partition(partition_graph(Graph(), options), folder.path() / "e.part");
  CHECK(load_partition(folder.path() / "e.part", Graph()).part_of.empty());
}

TEST_CASE("partition files: METIS's own have no heading") {
  const test::TemporaryFolder folder;
  const Graph path = generate_path(4);
  const Partition read = load_partition(folder.write("g.graph.part.3", "0\n2\n2\n0\n"), path);
  CHECK(read.part_of == std::vector<std::uint32_t>{0, 2, 2, 0});
  CHECK(read.parts == 3);
  CHECK(read.method.empty());
  CHECK_THROWS_WITH(load_partition(folder.write("a", "0\n1\n"), path),
                    contains("parts of 2 vertices, but the graph has 4"));
  CHECK_THROWS_WITH(load_partition(folder.write("b", "0\n1\n0\n0\n0\n"), path), contains("b:5:1: more lines than"));
  CHECK_THROWS_WITH(load_partition(folder.write("c", "0\n1 2\n0\n0\n"), path),
                    contains("c:2:3: expected one part a line"));
  CHECK_THROWS_WITH(load_partition(folder.write("d", "0\n-1\n0\n0\n"), path), contains("d:2:1: expected a part"));
  CHECK_THROWS_WITH(load_partition(folder.write("e", "0\n65536\n0\n0\n"), path), contains("is too large for a part"));
  CHECK_THROWS_AS(load_partition(folder.path() / "none", path), InputError);
}

TEST_CASE("partition files: damage and other graphs are refused") {
  const test::TemporaryFolder folder;
  const fs::path path = folder.path() / "g.part";
  save_partition(partition_graph(graph(), four_parts()), path);
  const std::string good = slurp(path);
  const auto refused = [&](const std::string& text, const std::string& message) {
    const fs::path bad = folder.write("bad.part", text);
    CHECK_THROWS_AS(load_partition(bad, graph()), InputError);
    CHECK_THROWS_WITH(load_partition(bad, graph()), contains("bad.part") && contains(message));
  };
  CHECK_THROWS_WITH(load_partition(path, generate_rmat(7, 4, 2)), contains("made for another graph"));
  CHECK_THROWS_WITH(load_partition(path, generate_path(3)), contains("and 128 vertices, but this one has"));
  refused(replaced(good, "# vertices 128", "# vertices 127"), "and 127 vertices, but this one has");
  refused(replaced(good, "# parts 4", "# parts 0"), "0 parts; expected 1 or more");
  refused(replaced(good, "# parts 4", "# parts 2"), "is too large for a part: at most 1");
  refused(replaced(good, "# parts 4", "# parts 70000"), "70000 is too large for 'parts'");
  refused(replaced(good, "# parts 4", "# parts 5"), "its checksum is wrong");
  refused(replaced(good, "# seed 0", "# seed 1"), "its checksum is wrong");
  refused(replaced(good, "# seed 0", "# seed x"), "expected a number for 'seed', found 'x'");
  refused(replaced(good, "# imbalance 1.05", "# imbalance"), "expected a number for 'imbalance'");
  refused(replaced(good, "# seed 0\n", ""), "expected '# seed ...'");
  refused(good.substr(0, good.size() - 2), "parts of 127 vertices");
  refused(good + "0\n", "more lines than the graph's 128 vertices");
  refused(good.substr(0, 40), "expected");
  refused("# galena partition 1\n", "expected '# graph ...'");
  std::string flipped = good;
  flipped[flipped.size() - 2] = flipped[flipped.size() - 2] == '0' ? '1' : '0';
  refused(flipped, "its checksum is wrong");
}

TEST_CASE("partition cache: made once, then read, by graph, options and training vertices") {
  const test::TemporaryFolder folder;
  const fs::path cache = folder.path() / "deep" / "partitions";
  const Partition first = cached_partition(graph(), four_parts(), {}, cache);
  CHECK(!first.reused);
  CHECK(first.notes.empty());
  const Partition again = cached_partition(graph(), four_parts(), {}, cache);
  CHECK(again.reused);
  CHECK(again.part_of == first.part_of);
  CHECK(files_in(cache).size() == 1);

  std::size_t expected = 1;
  const auto another = [&](const PartitionOptions& options, const std::vector<VertexId>& train) {
    CHECK(!cached_partition(graph(), options, train, cache).reused);
    CHECK(cached_partition(graph(), options, train, cache).reused);
    CHECK(files_in(cache).size() == ++expected);
  };
  PartitionOptions options = four_parts();
  options.seed = 1;
  another(options, {});
  options = four_parts();
  options.parts = 3;
  another(options, {});
  options = four_parts();
  options.method = PartitionMethod::streaming;
  another(options, {});
  options = four_parts();
  options.imbalance = 1.5;
  another(options, {});
  options = four_parts();
  options.balance_edges = false;
  another(options, {});
  options = four_parts();
  options.balance_halo = true;
  another(options, {});
  another(four_parts(), {1, 2});
  another(four_parts(), {1, 3});
  CHECK(cached_partition(graph(), four_parts(), std::vector<VertexId>{3, 1}, cache).reused);  // a set, not a list
  CHECK(!cached_partition(generate_rmat(7, 4, 2), four_parts(), {}, cache).reused);
}

TEST_CASE("partition cache: a damaged file is made again, with a note") {
  const test::TemporaryFolder folder;
  const Partition first = cached_partition(graph(), four_parts(), {}, folder.path());
  const fs::path file = files_in(folder.path()).at(0);
  const std::string good = slurp(file);
  for (const std::string& bad : {std::string(), good.substr(0, 200), replaced(good, "# parts 4", "# parts 5"),
                                 std::string("0\n0\n0\n"), std::string(5000, '\xff')}) {
    (void)folder.write(file.filename().string(), bad);
    const Partition made = cached_partition(graph(), four_parts(), {}, folder.path());
    CHECK(!made.reused);
    CHECK(made.part_of == first.part_of);
    REQUIRE(made.notes.size() == 1);
    CHECK_THAT(made.notes[0], contains("was made again") && contains(file.string()));
    CHECK(slurp(file) == good);
  }
  // Sound, but of other arguments than its name says.
  PartitionOptions other = four_parts();
  other.seed = 9;
  save_partition(partition_graph(graph(), other), file);
  const Partition made = cached_partition(graph(), four_parts(), {}, folder.path());
  CHECK(!made.reused);
  CHECK_THAT(made.notes.at(0), contains("holds another partition than its name says"));
}

TEST_CASE("partition cache: done without where it cannot be written") {
  const test::TemporaryFolder folder;
  const fs::path blocked = folder.write("file", "") / "partitions";
  const Partition made = cached_partition(graph(), four_parts(), {}, blocked);
  CHECK(made.part_of.size() == 128);
  REQUIRE(made.notes.size() == 1);
  CHECK_THAT(made.notes[0], contains("could not be kept for the next time"));
}

TEST_CASE("partition cache: done without on a machine that has no place for it") {
  const test::Variable cache("GALENA_CACHE"), xdg("XDG_CACHE_HOME"), home("HOME");
  const Partition made = cached_partition(graph(), four_parts());
  CHECK(made.part_of == partition_graph(graph(), four_parts()).part_of);
  REQUIRE(made.notes.size() == 1);
  CHECK_THAT(made.notes[0], contains("could not be kept for the next time") && contains("set GALENA_CACHE"));
}
