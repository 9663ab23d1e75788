// galena mine as a whole: its JSON, its options, and the engines it falls back to.

#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): setenv is POSIX
#include <unistd.h>

#include <algorithm>
#include <sstream>

#include "galena/generate.hpp"
#include "galena/io.hpp"
#include "galena/mine.hpp"
#include "test/mine/command.hpp"
#include "test/support/data.hpp"

using namespace galena;
using test::contains;
using test::counts;
using test::mine;
using test::mine_with;
using Json = nlohmann::json;
using Strings = std::vector<std::string>;

namespace {

/// No named pattern: where it is long enough, a compiler is asked.
const char* const kUnnamed = "COUNT (a)--(b)--(c)--(d)--(e)--(f)--(a), (a)!-(d)";

struct LongGraph {
  test::TemporaryFolder folder;
  std::string path = folder.path() / "g.gal";
  LongGraph() { save_graph(generate_er(550, 11500, 1), path); }
};

std::string engine(const test::Outcome& outcome) {
  CAPTURE(outcome.err);
  REQUIRE(outcome.code == 0);
  return Json::parse(outcome.out).at("engine");
}

long lines_with(const std::string& text, const std::string& part) {
  long n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

}  // namespace

TEST_CASE("mine --json: one object with everything promised") {
  const test::Outcome outcome =
      mine({"karate", "triangle", "MOTIFS 3 INDUCED", "LOCAL triangle BY a", "--json", "--threads", "2"});
  REQUIRE(outcome.code == 0);
  CHECK(lines_with(outcome.out, "\n") == 1);
  const Json result = Json::parse(outcome.out);
  CHECK(result.at("graph") == Json{{"vertices", 34}, {"edges", 78}, {"max_degree", 17}});
  for (const char* phase : {"load", "prepare", "device", "compile", "run", "kernel"})
    CHECK(result.at("seconds").at(phase).get<double>() >= 0);
  CHECK(result.at("device") == "cpu");
  CHECK(result.at("threads") == 2);
  const Json queries = result.at("queries");
  REQUIRE(queries.size() == 4);  // an entry a motif
  CHECK(queries[0].at("query") == "triangle");
  CHECK(queries[0].at("count") == "45");
  CHECK(queries[0].at("seconds").get<double>() >= 0);
  CHECK(queries[1].at("pattern") == "wedge");
  CHECK(queries[1].at("count") == "393");
  CHECK(queries[2].at("count") == "45");
  CHECK(queries[3].at("local").size() == 34);
  CHECK(queries[3].at("local")[0] == Json{{"vertex", 0}, {"count", "18"}});
}

TEST_CASE("mine: the table on stdout, notes on stderr, --quiet without") {
  const test::Outcome loud = mine({"karate", "triangle", "MOTIFS 3"});
  CHECK_THAT(loud.out, contains("triangle") && contains("45") && contains("wedge") && contains("528"));
  CHECK_THAT(loud.err, contains("working memory"));
  CHECK(mine({"karate", "triangle", "--quiet"}).err.empty());
}

TEST_CASE("mine --file: queries of a file come first") {
  const test::TemporaryFolder folder;
  const std::string file =
      folder.write("p.gpm", "// two queries\nPATTERN roof = (a)--(b)--(c)--(a)\nCOUNT roof\nCOUNT clique(4)\n");
  CHECK(counts(mine({"karate", "clique(5)", "--file", file, "--json"})) == Strings{"45", "11", "2"});
}

TEST_CASE("mine: every engine and number of threads gives the same") {
  Strings expected;
  for (const char* engine : {"auto", "interpreter", "jit"})
    for (const char* threads : {"1", "2", "5"}) {
      const Strings found = counts(
          mine({"karate", "house", "COUNT INDUCED cycle(5)", "MOTIFS 4 INDUCED",
                "COUNT EMBEDDINGS (a)--(b)--(c), (a)!-(c)", "--json", "--engine", engine, "--threads", threads}));
      if (expected.empty()) expected = found;
      CAPTURE(engine, threads);
      CHECK(found == expected);
    }
}

TEST_CASE("mine --explain and --emit run nothing") {
  CHECK_THAT(mine({"karate", "house", "--explain"}).out, contains("automorphisms: 2"));
  CHECK_THAT(mine({"karate", "house", "--emit", "cpp"}).out, contains("galena_run"));
  CHECK_FALSE(mine({"karate", "house", "--emit", "plan"}).out.empty());
  test::check_fails({"karate", "house", "--emit", "llvm"}, 2, {"--emit"});
}

TEST_CASE("engines: named patterns are built in, with or without a compiler") {
  const LongGraph graph;
  for (const char* query : {"triangle", "diamond", "cycle(4)"})
    CHECK(engine(mine_with({"GALENA_CXX=/nonexistent"}, {graph.path, query, "--json"})) == "built-in");
}

TEST_CASE("engines: without a compiler, a long query is interpreted after one line of warning") {
  const LongGraph graph;
  const test::TemporaryFolder cache;
  const std::string home = "GALENA_CACHE=" + cache.path().string();
  const test::Outcome without = mine_with({"GALENA_CXX=/nonexistent", home}, {graph.path, kUnnamed, "--json"});
  CHECK(engine(without) == "interpreter");
  CHECK(lines_with(without.err, "no C++ compiler") == 1);
  CHECK_THAT(without.err, contains("/nonexistent") && contains("interpreted"));
  const test::Outcome with = mine_with({home}, {graph.path, kUnnamed, "--json"});
  CHECK_THAT(engine(with), contains("jit"));
  CHECK(with.err.find("no C++ compiler") == std::string::npos);
  CHECK(counts(with) == counts(without));
  CHECK(engine(mine_with({home}, {graph.path, kUnnamed, "--json"})) == "jit");  // found in the cache
}

TEST_CASE("engines: without a compiler, --engine jit is an error") {
  const test::Outcome outcome = mine_with({"GALENA_CXX=/nonexistent"}, {"karate", "triangle", "--engine", "jit"});
  CHECK(outcome.code == 1);
  CHECK(outcome.out.empty());
  CHECK_THAT(outcome.err, contains("galena: error: GALENA_CXX") && contains("/nonexistent"));
}

TEST_CASE("engines: no cache folder, or one that others may write to, fails --engine jit only") {
  const test::TemporaryFolder open;
  const std::string graph = open.path() / "g.gal";
  save_graph(generate_er(200, 3000, 1), graph);  // long enough to look for a kernel
  std::filesystem::create_directory(open.path() / "jit");
  std::filesystem::permissions(open.path() / "jit", std::filesystem::perms::all);
  const std::string file = open.write("file", "");
  const Strings expected = counts(mine({graph, kUnnamed, "--engine", "interpreter", "--json"}));
  for (const std::string& cache : {open.path().string(), file, std::string("/proc/none")}) {
    CAPTURE(cache);
    CHECK(counts(mine_with({"GALENA_CACHE=" + cache}, {graph, kUnnamed, "--json"})) == expected);
    const test::Outcome jit = mine_with({"GALENA_CACHE=" + cache}, {graph, kUnnamed, "--engine", "jit"});
    CHECK(jit.code == 1);
    CHECK(jit.out.empty());
    CHECK_THAT(jit.err, contains("set GALENA_CACHE"));
  }
  const test::Outcome nowhere =
      mine_with({"-u", "HOME", "-u", "XDG_CACHE_HOME", "-u", "GALENA_CACHE"}, {graph, kUnnamed, "--json"});
  CHECK(counts(nowhere) == expected);
}

TEST_CASE("engines: a query compiled ahead runs on many graphs, also without a compiler or a cache") {
  const auto check = [] {
    const CompiledQuery query("COUNT (a)--(b)--(c)--(a), (c)--(d)--(e)");
    for (const Graph& graph : {generate_complete(8), generate_er(100, 900, 1), generate_star(50), Graph()})
      CHECK(query.run(graph).count == count(graph, query.query().text));
  };
  check();
  const test::TemporaryFolder folder;
  const std::string file = folder.write("file", "");
  setenv("GALENA_CACHE", file.c_str(), 1);
  check();
  unsetenv("GALENA_CACHE");
  setenv("GALENA_CXX", "/nonexistent", 1);
  check();
  unsetenv("GALENA_CXX");
}

TEST_CASE("mine --file: queries of the command line may name what the file defines, in its place or theirs") {
  const test::TemporaryFolder folder;
  const std::string file = folder.write("p.gpm", "PATTERN roof = (a)--(b)--(c)--(a)\n");
  CHECK(counts(mine({"karate", "COUNT roof", "--file", file, "--json"})) == Strings{"45"});
  test::check_fails({"karate", "--file", file}, 2, {"asks nothing"});
  test::check_fails({"karate", "COUNT rof", "--file", file}, 2, {"query:1:7", "did you mean 'roof'?"});
  test::check_fails({"karate", "PATTERN roof = (a)--(b); COUNT roof", "--file", file}, 2,
                    {"already defined in the file"});
  const std::string graph = folder.write("q.graph", "t 2 1\nv 0 0\nv 1 1\ne 0 1\n");
  test::check_fails({"karate", "COUNT query9", "--file", graph}, 2, {"query:1:7"});
}

TEST_CASE("mine --file: what is no file is bad input") {
  test::check_fails({"karate", "--file", "."}, 2, {"--file .", "a folder"});
  test::check_fails({"karate", "--file", "no-such.gpm"}, 2, {"--file no-such.gpm", "no such file"});
}

TEST_CASE("mine --emit cuda is one program of one query; APPROX is left out of sources, and that is said") {
  test::check_fails({"karate", "house", "triangle", "--emit", "cuda"}, 2,
                    {"--emit cuda writes one program", "there are 2"});
  CHECK_THAT(mine({"karate", "COUNT prism(3) APPROX 2%", "--emit", "cuda"}).err, contains("counts exactly"));
}

TEST_CASE("mine --explain says each considered order once") {
  const std::string text = mine({"karate", "cycle(6)", "--explain"}).out;
  std::istringstream lines(text);
  std::string before;
  for (std::string line; std::getline(lines, line); before = line)
    if (line.starts_with("  considered")) CHECK(line != before);
}
