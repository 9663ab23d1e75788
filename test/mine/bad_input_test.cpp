// galena mine on what is malformed, hostile or impossible. The readers themselves are tested in
// test/graph: here is what a person sees who runs the command.

#include <unistd.h>

#include "galena/error.hpp"
#include "galena/generate.hpp"
#include "galena/io.hpp"
#include "galena/mine.hpp"
#include "src/device/cuda_device.hpp"
#include "test/mine/command.hpp"
#include "test/support/data.hpp"

using namespace galena;
using test::check_fails;
using test::contains;
using test::counts;
using test::mine;

namespace {

using Wide = Count::Wide;
using Strings = std::vector<std::string>;

/// Flips the lowest bit of a byte.
void flip(const std::filesystem::path& path, std::size_t at) {
  std::string bytes = test::read_file(path);
  bytes.at(at) = static_cast<char>(bytes.at(at) ^ 1);
  std::ofstream(path, std::ios::binary) << bytes;
}

void cut(const std::filesystem::path& path, std::size_t off) {
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - off);
}

}  // namespace

TEST_CASE("bad query: all are looked at before the first runs; a later failure leaves what was found") {
  const test::TemporaryFolder folder;
  const test::Outcome labels = mine({"karate", "triangle", "COUNT (a:99)--(b)"});
  CHECK(labels.code == 2);
  CHECK(labels.out.empty());
  CHECK_THAT(labels.err, contains("no vertex has label 99"));
  std::string star;
  for (int leaf = 1; leaf <= 2000; ++leaf) star += "0 " + std::to_string(leaf) + "\n";
  const test::Outcome large = mine({folder.write("star.txt", star), "star(2)", "star(17)", "--json"});
  CHECK(large.code == 2);
  CHECK_THAT(large.out, contains("\"count\":\"1999000\""));
  CHECK_THAT(large.err, contains("over 127 bits"));
}

TEST_CASE("what a file's ids and labels become is said") {
  const test::TemporaryFolder folder;
  const test::Outcome run = mine({folder.write("g.txt", "5 6 1\n6 5 2\n6 7 1\n"), "edge", "--edge-labels"});
  CHECK_THAT(run.err, contains("5 of 8 vertices have no edge") && contains("came again with another label"));
  CHECK_THAT(mine({"karate", "edge"}).err, !contains("no edge"));
}

TEST_CASE("bad output: what rows are not written to") {
  check_fails({"karate", "LIST triangle", "--output", "rows.csv.gz"}, 2, {"rows.csv.gz", "not written compressed"});
  check_fails({"karate", "LIST triangle", "--output", "-"}, 2, {"standard output"});
}

TEST_CASE("bad graph: a malformed line is named") {
  const test::TemporaryFolder folder;
  const struct {
    const char *name, *text, *place, *what;
  } cases[] = {
      {"wide.txt", "0 1\n1 18446744073709551616\n", "wide.txt:2:3", "64"},
      {"negative.txt", "0 1\n-4 2\n", "negative.txt:2:1", "is negative"},
      {"single.txt", "0 1\n1 2\n3\n", "single.txt:3:2", "expected a second vertex id"},
      {"words.txt", "alice bob\n", "words.txt:1:1", "expected a vertex id"},
      {"empty.txt", "", "empty.txt", ""},
      {"garbage.txt", "\x7f\x45\x4c\x46\x02\x01\xff\xfe\x80", "garbage.txt", ""},
  };
  for (const auto& c : cases) check_fails({folder.write(c.name, c.text), "triangle"}, 2, {c.place, c.what});
}

TEST_CASE("bad graph: truncated and damaged files") {
  const test::TemporaryFolder folder;
  const std::string text = folder.path() / "g.txt.gz", binary = folder.path() / "g.gal";
  const Graph graph = generate_er(300, 2000, 1);
  save_graph(graph, text);
  save_graph(graph, binary);
  cut(text, 40);
  check_fails({text, "triangle"}, 2, {"g.txt.gz", "truncated"});
  flip(binary, 20);  // the header's checksum is always verified
  check_fails({binary, "triangle"}, 2, {"g.gal"});
  flip(binary, 20);
  CHECK(mine({binary, "triangle"}).code == 0);
  cut(binary, 1);
  check_fails({binary, "triangle"}, 2, {"g.gal"});
}

TEST_CASE("bad graph: a damaged payload never leads outside the file; --verify finds any damage") {
  const test::TemporaryFolder folder;
  const std::string binary = folder.path() / "g.gal";
  save_graph(generate_er(300, 2000, 1), binary);
  const std::size_t size = std::filesystem::file_size(binary);
  flip(binary, size - 1);  // the highest byte of the last neighbour
  check_fails({binary, "triangle"}, 2, {"g.gal", "a neighbour that is not below 300"});
  flip(binary, size - 1);
  flip(binary, size - 4);  // the lowest byte
  check_fails({binary, "triangle", "--verify"}, 2, {"g.gal", "wrong checksum"});
}

TEST_CASE("bad graph: not readable, not there, directed") {
  const test::TemporaryFolder folder;
  const std::string path = folder.write("g.txt", "0 1\n");
  check_fails({path, "triangle", "--directed"}, 2, {"undirected", "without --directed"});
  check_fails({folder.path() / "h.txt", "triangle"}, 2, {"h.txt: no such file"});
  check_fails({"carate", "triangle"}, 2, {"did you mean 'karate'?"});
}

TEST_CASE("bad graph: no permission") {
  if (geteuid() == 0) GALENA_SKIP("root may read everything");
  const test::TemporaryFolder folder;
  const std::string path = folder.write("g.txt", "0 1\n");
  std::filesystem::permissions(path, std::filesystem::perms::none);
  check_fails({path, "triangle"}, 1, {"g.txt", "ermission"});
}

TEST_CASE("hundreds of self-loops and duplicates are dropped and reported") {
  const test::TemporaryFolder folder;
  std::string text = "0 1\n1 2\n2 0\n";
  for (int i = 0; i < 300; ++i) text += "1 1\n";
  for (int i = 0; i < 200; ++i) text += "1 0\n2 1\n";
  const test::Outcome outcome = mine({folder.write("g.txt", text), "triangle", "--json"});
  CHECK(counts(outcome) == Strings{"1"});
  CHECK_THAT(outcome.err, contains("dropped 300 self-loops and 400 duplicates of"));
}

TEST_CASE("a star of ten million leaves: exact counts in bounded memory") {
  constexpr std::uint64_t kLeaves = 10'000'000;
  MineOptions options;
  options.threads = 2;
  Miner miner(generate_star(kLeaves), options);
  const auto counted = [&](const char* query) { return miner.run(parse_queries(query).front()).count.wide(); };
  const Wide n = kLeaves;
  CHECK(counted("triangle") == 0);
  CHECK(counted("wedge") == n * (n - 1) / 2);
  CHECK(counted("star(3)") == n * (n - 1) * (n - 2) / 6);
  CHECK(counted("cycle(4)") == 0);
  CHECK(counted("COUNT INDUCED wedge") == n * (n - 1) / 2);
  CHECK(miner.working_bytes() < 64 * kLeaves);
}

TEST_CASE("bad query: an unknown name gets a suggestion, a mistake a caret") {
  check_fails({"karate", "trangle"}, 2,
              {"query:1:1", "unknown pattern 'trangle'; did you mean 'triangle'?", "\n  ^^^^^^^"});
  check_fails({"karate", "COUNT (a)--(b"}, 2, {"query:1:14", "\n               ^"});
  check_fails({"karate", "COUNT (a)--(a)"}, 2, {"query:1:", "^"});
  check_fails({"karate", "LIST triangle AS (a,z)"}, 2, {"query:1:", "z", "^"});
  const test::TemporaryFolder folder;
  const std::string file = folder.write("p.gpm", "// houses\n\nCOUNT triangle\nCOUNT hosue\n");
  check_fails({"karate", "--file", file}, 2, {"p.gpm:4:7", "did you mean 'house'?"});
  check_fails({"karate", "--file", folder.path() / "q.gpm"}, 2, {"q.gpm: no such file"});
  check_fails({"karate"}, 2, {"nothing to mine"});
}

TEST_CASE("bad query: labels the graph lacks") {
  const test::TemporaryFolder folder;
  const std::string plain = folder.write("g.txt", "0 1\n1 2\n");
  check_fails({plain, "COUNT (a:1)--(b)"}, 2, {"vertex 'a'", "no vertex labels", "vlabels.txt"});
  check_fails({plain, "COUNT (a)-[:1]-(b)"}, 2, {"a--b", "no edge labels"});
  check_fails({plain, "COUNT (a)--(b) WHERE a.label = b.label"}, 2, {"no vertex labels"});
  check_fails({"karate", "COUNT (a:0)--(b:9)"}, 2,
              {"vertex 'b'", "label 9; did you mean 1?", "labels of this graph: 0, 1"});
}

TEST_CASE("pattern sizes: one vertex, twelve, more than the graph, more than there can be") {
  const test::TemporaryFolder folder;
  const auto saved = [&](const char* name, const Graph& graph) {
    save_graph(graph, folder.path() / name);
    return std::string(folder.path() / name);
  };
  const std::string path = saved("path.gal", generate_path(40)),
                    complete = saved("complete.gal", generate_complete(14));
  CHECK(counts(mine({path, "path(1)", "COUNT (a)", "path(12)", "clique(12)", "--json"})) ==
        Strings{"40", "40", "29", "0"});
  CHECK(counts(mine({complete, "clique(12)", "EXISTS clique(14)", "EXISTS clique(15)", "--json"})) ==
        Strings{"91", "1", "0"});
  CHECK(counts(mine({saved("tiny.gal", generate_path(2)), "triangle", "path(12)", "star(20)", "--json"})) ==
        Strings{"0", "0", "0"});
  CHECK(counts(mine({saved("cycle.gal", generate_cycle(12)), "cycle(12)", "path(12)", "--json"})) ==
        Strings{"1", "12"});
  check_fails({complete, "clique(33)"}, 2, {"query:1:1", "at most 32 vertices"});
  check_fails({complete, "path(33)"}, 2, {"at most 32 vertices"});
}

TEST_CASE("impossible options") {
  const test::TemporaryFolder folder;
  const std::string output = folder.path() / "rows.txt";
  if (device::cuda_device_names().empty())
    check_fails({"karate", "triangle", "--device", "cuda"}, 1, {"--device cuda", "leave the option out"});
  check_fails({"karate", "triangle", "--engine", "fast"}, 2, {"--engine", "auto", "jit", "interpreter"});
  check_fails({"karate", "triangle", "--threads", "-1"}, 2, {"--threads"});
  check_fails({"karate", "triangle", "--threads", "100000"}, 2, {"--threads"});
  CHECK(mine({"karate", "triangle", "--threads", "0"}).code == 0);  // every core
  check_fails({"karate", "LIST triangle", "--json"}, 2, {"--json", "--output"});
  check_fails({"karate", "triangle", "--output", output}, 2, {"--output", "there are 0"});
  check_fails({"karate", "LIST triangle", "LIST wedge", "--output", output}, 2, {"--output", "there are 2"});
  CHECK(test::files_in(folder.path()) == 0);
}

TEST_CASE("the API takes any number of threads") {
  for (const int threads : {-5, 0, 1, 300}) {
    MineOptions options;
    options.threads = threads;
    CHECK(count(generate_complete(20), "triangle", options).low() == 1140);
  }
}

TEST_CASE("full disk: an error, and no part of a file") {
  check_fails({"karate", "LIST triangle", "--output", "/dev/full"}, 1, {"/dev/full", "No space left on device"});
  const test::TemporaryFolder folder;
  const std::string output = folder.path() / "rows.txt";
  // A limit of the size of files (in blocks of 512 bytes) stands for a disk that fills in mid-run.
  const test::Outcome limited = test::run_program(
      {"sh", "-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" mine karate 'LIST path(5)' --output \"$1\"",
       test::galena_path(), output});
  CAPTURE(limited.err);
  CHECK(limited.code == 1);
  CHECK_THAT(limited.err, contains("rows.txt") && contains("cannot write"));
  CHECK(test::files_in(folder.path()) == 0);
  check_fails({"karate", "LIST triangle", "--output", folder.path() / "none" / "rows.txt"}, 1, {"create the folder"});
}

TEST_CASE("a full standard output is a failure") {
  for (const char* query : {"LIST triangle", "triangle"}) {
    const auto run =
        test::run_program({"sh", "-c", "exec \"$0\" mine karate \"$1\" >/dev/full", test::galena_path(), query});
    CAPTURE(query, run.err);
    CHECK(run.code == 1);
    CHECK_THAT(run.err, contains("cannot write to standard output"));
  }
}
