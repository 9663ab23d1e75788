// galena partition, as a person runs it.

#include <regex>

#include "galena/generate.hpp"
#include "galena/io.hpp"
#include "galena/partition.hpp"
#include "test/support/catch.hpp"
#include "test/support/data.hpp"
#include "test/support/process.hpp"
#include "test/support/variable.hpp"

using namespace galena;
using test::contains;

namespace {

// A cache of one's own, so that what is kept is known.
test::Outcome run(const test::TemporaryFolder& cache, std::vector<std::string> arguments) {
  const test::Variable variable("GALENA_CACHE", cache.path().string());
  arguments.insert(arguments.begin(), "partition");
  return test::run_galena(arguments);
}

}  // namespace

TEST_CASE("partition: a row a part, and the balance") {
  const test::TemporaryFolder cache;
  const test::Outcome first = run(cache, {"karate", "--parts", "2"});
  CHECK(first.code == 0);
  CHECK_THAT(first.out, contains("karate: 34 vertices, 78 edges, 2 for training; 2 parts") && contains("inner") &&
                            contains("halo") && contains("max/mean") && contains("cut edges") &&
                            contains("metis-volume, balanced by vertices edges train"));
  CHECK(first.out.find("kept from before") == std::string::npos);
  CHECK_THAT(run(cache, {"karate", "--parts", "2"}).out, contains("kept from before"));
  CHECK(run(cache, {"karate", "--parts", "2", "--no-cache"}).out.find("kept") == std::string::npos);
  const test::Outcome many = run(cache, {"karate", "--parts", "36"});
  CHECK_THAT(many.err, contains("2 of the 36 parts are empty"));
}

TEST_CASE("partition: JSON is one object that adds up") {
  const test::TemporaryFolder cache;
  const test::Outcome json = run(cache, {"karate", "--parts", "2", "--json", "--split", "none"});
  CHECK(json.code == 0);
  CHECK(json.err.empty());
  CHECK(std::count(json.out.begin(), json.out.end(), '\n') == 1);
  CHECK_THAT(json.out, contains("\"vertices\":34") && contains("\"train\":0") &&
                           contains("\"method\":\"metis-volume\"") && contains("\"balanced\":\"vertices edges\"") &&
                           contains("\"volume\":") && contains("\"seconds\":"));
  std::uint64_t inner = 0, halo = 0;
  const std::regex part("\"inner\":(\\d+),\"halo\":(\\d+)"), volume("\"volume\":(\\d+)");
  for (auto at = std::sregex_iterator(json.out.begin(), json.out.end(), part); at != std::sregex_iterator(); ++at) {
    inner += std::stoull((*at)[1]);
    halo += std::stoull((*at)[2]);
  }
  CHECK(inner == 34);
  std::smatch total;
  REQUIRE(std::regex_search(json.out, total, volume));
  CHECK(std::stoull(total[1]) == halo);
}

TEST_CASE("partition: --compare runs every method, --output writes what is loaded again") {
  const test::TemporaryFolder cache;
  const test::Outcome all = run(cache, {"karate", "--parts", "3", "--compare"});
  CHECK(all.code == 0);
  for (const PartitionMethod method : partition_methods()) CHECK_THAT(all.out, contains(partition_method_name(method)));
  const std::string file = cache.path() / "k.part", gal = cache.path() / "g.gal";
  const Graph graph = generate_rmat(8, 4, 1);
  save_graph(graph, gal);
  CHECK(run(cache, {gal, "--parts", "3", "--method", "ldg", "-o", file}).code == 0);
  PartitionOptions options;
  options.parts = 3;
  options.method = PartitionMethod::streaming;
  CHECK(load_partition(file, graph).part_of == partition_graph(graph, options).part_of);
}

TEST_CASE("partition: a machine without a place for the cache does without it") {
  const test::TemporaryFolder folder;
  save_graph(generate_rmat(7, 4, 1), folder.path() / "g.gal");
  const test::Variable cache("GALENA_CACHE"), xdg("XDG_CACHE_HOME"), home("HOME");
  const test::Outcome outcome = test::run_galena({"partition", folder.path() / "g.gal", "--parts", "2"});
  CHECK(outcome.code == 0);
  CHECK_THAT(outcome.out, contains("max/mean"));
  CHECK_THAT(outcome.err, contains("could not be kept for the next time"));
}

TEST_CASE("partition says what the parts of a hypergraph are parts of") {
  const test::TemporaryFolder cache;
  CHECK_THAT(run(cache, {"davis", "--parts", "2"}).out, contains("star expansion"));
  CHECK_THAT(run(cache, {"karate", "--parts", "2"}).out, !contains("star expansion"));
}

TEST_CASE("partition: wrong usage is one line that helps") {
  const test::TemporaryFolder cache;
  const auto check = [&](const std::vector<std::string>& arguments, int code, const std::string& message) {
    const test::Outcome outcome = run(cache, arguments);
    CAPTURE(outcome.err);
    CHECK(outcome.code == code);
    CHECK(outcome.out.empty());
    CHECK_THAT(outcome.err, contains(message));
    CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
  };
  check({"karate"}, 2, "--parts");
  check({"karate", "--parts", "0"}, 2, "0 parts; expected 1 to 65536");
  check({"karate", "--parts", "2", "--method", "metis"}, 2,
        "expected metis-volume, metis-cut, random, ldg, contiguous");
  check({"karate", "--parts", "2", "--imbalance", "0.5"}, 2, "an imbalance of 0.5");
  check({"karate", "--parts", "2", "--split", "mask:1"}, 2, "split.npz");
  check({"carate", "--parts", "2"}, 2, "did you mean 'karate'?");
  check({"karate", "--parts", "2", "-o", "/no/such/folder/k.part"}, 1, "create the folder first");
  check({"karate", "--parts", "2", "--compare", "-o", "k.part"}, 2, "excludes");
}
