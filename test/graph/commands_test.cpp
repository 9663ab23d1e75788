// galena convert, info, generate and dataset, as a person runs them.

#include <filesystem>

#include "galena/generate.hpp"
#include "galena/hypergraph.hpp"
#include "galena/io.hpp"
#include "test/support/catch.hpp"
#include "test/support/data.hpp"
#include "test/support/process.hpp"

using namespace galena;
using test::contains;
using test::run_galena;

TEST_CASE("info: a table, or one JSON object and nothing else") {
  const test::Outcome table = run_galena({"info", "karate"});
  CHECK(table.code == 0);
  CHECK_THAT(table.out, contains("triangles") && contains("45") && contains("degree distribution"));
  const test::Outcome json = run_galena({"info", "karate", "--json"});
  CHECK(json.code == 0);
  CHECK(json.err.empty());
  CHECK_THAT(json.out, contains("\"triangles\":45") && contains("\"edges\":78"));
  CHECK_THAT(run_galena({"info", "davis", "--json"}).out, contains("\"incidences\":89"));
}

TEST_CASE("generate and convert: there and back") {
  const test::TemporaryFolder folder;
  const std::string gal = folder.path() / "g.gal", text = folder.path() / "g.txt.gz", again = folder.path() / "h.gal";
  REQUIRE(run_galena({"generate", "rmat", "10", "--edge-factor", "4", "--seed", "3", "-o", gal}).code == 0);
  CHECK(load_graph(gal).digest() == generate_rmat(10, 4, 3).digest());
  REQUIRE(run_galena({"convert", gal, text}).code == 0);
  const test::Outcome back = run_galena({"convert", text, again, "--verify", "--json"});
  CHECK(back.code == 0);
  CHECK_THAT(back.out, contains("\"vertices\":1024"));
  CHECK(load_graph(again).digest() == load_graph(gal).digest());
  REQUIRE(run_galena({"convert", "davis", again, "--expand", "star"}).code == 0);
  CHECK(load_graph(again).num_edges() == 89);
}

TEST_CASE("convert: a hypergraph becomes hyperedges or an incidence matrix, or is expanded") {
  const test::TemporaryFolder folder;
  const std::string matrix = folder.path() / "d.mtx", list = folder.path() / "d.hg", graph = folder.path() / "d.gal";
  REQUIRE(run_galena({"convert", "davis", matrix}).code == 0);
  REQUIRE(run_galena({"convert", "davis", list}).code == 0);
  CHECK(load_hypergraph(matrix).digest() == resolve_hypergraph("davis").digest());
  CHECK(load_hypergraph(list).digest() == resolve_hypergraph("davis").digest());
  for (const std::string& input : {std::string("davis"), list, (test::source_dir() / "datasets/davis").string()}) {
    CAPTURE(input);
    const test::Outcome refused = run_galena({"convert", input, graph});
    CHECK(refused.code == 2);
    CHECK_THAT(refused.err, contains("a hypergraph, which can be written as hyperedges (OUT.hg) or as an incidence "
                                     "matrix (OUT.mtx); --expand clique or --expand star makes a graph of it"));
    CHECK(run_galena({"convert", input, graph, "--expand", "clique"}).code == 0);
  }
  CHECK(run_galena({"convert", list, folder.path() / "e.mtx", "--expand", "clique"}).code == 0);
  CHECK(load_graph(folder.path() / "e.mtx").num_vertices() == 18);
}

TEST_CASE("wrong input: exit code 2 and one line that helps") {
  const test::TemporaryFolder folder;
  const std::string bad = folder.write("bad.txt", "0 1\n1\n");
  const auto check = [](const std::vector<std::string>& arguments, int code, const std::string& message) {
    const test::Outcome outcome = run_galena(arguments);
    CAPTURE(outcome.err);
    CHECK(outcome.code == code);
    CHECK(outcome.out.empty());
    CHECK_THAT(outcome.err, contains(message));
    CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
  };
  check({"info", bad}, 2, "bad.txt:2:2: expected a second vertex id");
  check({"info", "carate"}, 2, "did you mean 'karate'?");
  check({"dataset", "get", "carate"}, 2, "did you mean 'karate'?");
  check({"convert", "karate", "/no/such/folder/g.gal"}, 1, "create the folder first");
  check({"convert", "karate", "/dev/full", "--to", "gal"}, 1, "No space left on device");
  check({"convert", "karate", folder.path() / "g.mtx"}, 2, "no place for the graph's vertex labels");
  check({"generate", "er", "10", "100", "-o", folder.path() / "g.gal"}, 2, "only 45 pairs");
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), std::filesystem::directory_iterator()) == 1);
}

TEST_CASE("dataset: the list names what is bundled") {
  const test::Outcome list = run_galena({"dataset", "list"});
  CHECK(list.code == 0);
  CHECK_THAT(list.out, contains("karate") && contains("bundled") && contains("ca-grqc"));
  CHECK_THAT(run_galena({"dataset", "verify", "karate"}).out, contains("karate: 34 vertices, 78 edges, 45 triangles"));
}

TEST_CASE("dataset: folders of GALENA_DATA_DIR are listed and verified; errors say where was looked") {
  const test::TemporaryFolder folder;
  const std::string variable = "GALENA_DATA_DIR=" + folder.path().string();
  REQUIRE(run_galena({"convert", "karate", folder.path() / "mine" / ""}).code == 0);
  const auto with = [&](const std::string& set, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"env", set, test::galena_path()});
    return test::run_program(arguments);
  };
  CHECK_THAT(with(variable, {"dataset", "list"}).out, contains("mine") && contains("folder"));
  CHECK_THAT(with(variable, {"dataset", "verify", "mine"}).out, contains("34 vertices, 78 edges"));
  CHECK(with(variable, {"dataset", "get", "mine"}).out == (folder.path() / "mine").string() + "\n");
  CHECK_THAT(with(variable, {"train", "cora"}).err, contains("in GALENA_DATA_DIR, " + folder.path().string()));
  CHECK_THAT(with("GALENA_DATA_DIR=/nonexistent", {"train", "cora"}).err, contains("/nonexistent is no folder"));
  CHECK_THAT(with("GALENA_DATA_DIR=", {"train", "cora"}).err,
             contains("GALENA_DATA_DIR, which would name it, is not set"));
}

TEST_CASE("info shows what numbered labels stand for") {
  const test::TemporaryFolder folder;
  const std::string file = folder.write("g.lg", "t # 1\nv 0 1\nv 1 2\nv 2 1\ne 0 1 0.5\ne 1 2 0.25\n");
  const test::Outcome info = run_galena({"info", file});
  CHECK_THAT(info.out, contains("2 edge labels were numbered 0..1 in ascending order") && contains("0 was 0.25") &&
                           contains("1 was 0.5"));
  CHECK_THAT(run_galena({"mine", file, "(a)--(b)"}).err, contains("2 edge labels were numbered 0..1"));
}

TEST_CASE("what an option or a file's name should have been") {
  const test::TemporaryFolder folder;
  static_cast<void>(folder.write("garbage.txt", "x"));
  const test::Outcome far = run_galena({"info", folder.path() / "karate.txt"});
  CHECK(far.code == 2);
  CHECK_THAT(far.err, !contains("did you mean"));
  const test::Outcome format = run_galena({"info", "karate", "--from", "foo"});
  CHECK(format.code == 2);
  CHECK_THAT(format.err,
             contains("'foo' is no format; expected auto, edges") && !contains("FAILED") && !contains("->"));
  CHECK_THAT(run_galena({"info", "--help"}).out, !contains("->"));
  CHECK_THAT(run_galena({"convert", "karate", folder.path() / "k.mtx"}).err, contains("--drop-labels"));
}
