// Several processes, here as threads with a communicator each, share the chunks of a query: the same results as one.

#include <unistd.h>

#include <filesystem>
#include <mutex>

#include "galena/error.hpp"
#include "galena/generate.hpp"
#include "src/comm/thread_transport.hpp"
#include "src/mine/checkpoint.hpp"
#include "src/mine/team.hpp"
#include "test/mine/graphs.hpp"
#include "test/support/catch.hpp"

using namespace galena;
using namespace galena::test;

namespace {

/// Every rank's result of the query.
std::vector<QueryResult> together(int ranks, const Graph& graph, const std::string& query, MineOptions options,
                                  Engine engine = Engine::interpreter) {
  std::vector<QueryResult> results(static_cast<std::size_t>(ranks));
  comm::run_ranks(ranks, {}, [&](comm::Communicator& communicator) {
    MineOptions own = options;
    own.engine = engine;
    own.threads = 1;
    own.processes = &communicator;
    results[static_cast<std::size_t>(communicator.rank())] = Miner(graph, own).run(parse_queries(query).front());
  });
  return results;
}

struct Folder {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("galena-processes-" + std::to_string(getpid()));
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
};

}  // namespace

TEST_CASE("processes: each has the result of one, by every route") {
  const Graph graph = with_random_labels(generate_rmat(10, 8, 4), 3, 2);
  const int ranks = GENERATE(2, 3);
  for (const Engine engine : {Engine::interpreter, Engine::automatic})
    for (const std::string query :
         {"house", "COUNT INDUCED cycle(4)", "(a:0)--(b:1)--(c:2)", "clique(5)", "MOTIFS 4", "MOTIFS 5", "CLIQUES",
          "LOCAL triangle BY a", "EXISTS clique(4)", "EXISTS clique(30)",
          "(a:0)--(b:1)--(c:2)--(d:0)--(e:1)--(f:2)--(g:0), (a)--(c), (c)--(e), (e)--(g)",
          "EXISTS (a:0)--(b:1)--(c:2)--(d:0)--(e:1)--(f:2)--(g:0)"}) {
      if (query == "MOTIFS 5" && engine == Engine::interpreter) continue;
      CAPTURE(ranks, query, static_cast<int>(engine));
      MineOptions alone = quick(engine);
      const QueryResult one = Miner(graph, alone).run(parse_queries(query).front());
      for (const QueryResult& result : together(ranks, graph, query, {}, engine)) {
        CHECK(result.processes == ranks);
        CHECK_FALSE(result.partial);
        CHECK(result.count == one.count);
        CHECK(result.local == one.local);
        REQUIRE(result.motifs.size() == one.motifs.size());
        for (std::size_t i = 0; i < one.motifs.size(); ++i) {
          CHECK(result.motifs[i].name == one.motifs[i].name);
          CHECK(result.motifs[i].count == one.motifs[i].count);
        }
      }
    }
}

TEST_CASE("processes: what they cannot share is an error") {
  const Graph graph = generate_cycle(5);
  for (const std::string query : {"LIST edge", "FREQUENT EDGES <= 1 SUPPORT >= 1", "COUNT house APPROX 1%"})
    CHECK_THROWS_WITH(together(2, graph, query, {}), contains("runs in one process"));
}

TEST_CASE("processes: a killed run goes on from what each had, whatever is missing") {
  const Graph graph = generate_rmat(9, 8, 7);
  const std::string query = "house";
  const Count expected = count(graph, query, quick());
  const Folder folder;
  MineOptions options;
  options.resume = folder.path / "run";
  CHECK(together(2, graph, query, options)[0].count == expected);
  const auto other = std::filesystem::path(options.resume.string() + ".rank1");
  REQUIRE(std::filesystem::exists(options.resume));
  REQUIRE(std::filesystem::exists(other));
  // The second time all is there; then one file or the other is lost, then there are more and fewer processes.
  CHECK(together(2, graph, query, options)[1].count == expected);
  std::filesystem::remove(options.resume);
  CHECK(together(2, graph, query, options)[0].count == expected);
  std::filesystem::remove(other);
  CHECK(together(3, graph, query, options)[2].count == expected);
  CHECK(together(1, graph, query, options)[0].count == expected);
}

TEST_CASE("a team hands out each chunk once, and adds up parts") {
  constexpr std::size_t kChunks = 1000;
  std::vector<std::uint8_t> seen(kChunks, 0);
  std::mutex mutex;
  comm::run_ranks(3, {}, [&](comm::Communicator& communicator) {
    mine::Team team(communicator, kChunks);
    mine::Team::Part mine{std::vector<std::uint8_t>(kChunks, 0), {0}, {}};
    const volatile int halt = 0;
    for (;;) {
      team.refill(1);
      const std::size_t chunk = team.take(&halt);
      if (chunk == kChunks) break;
      mine.done[chunk] = 1;
      mine.sums[0] += static_cast<rt::i128>(chunk);
      const std::scoped_lock lock(mutex);
      ++seen[chunk];
    }
    const mine::Team::Part all = team.merge(mine);
    const std::scoped_lock lock(mutex);
    CHECK(all.sums[0] == static_cast<rt::i128>(kChunks * (kChunks - 1) / 2));
    CHECK(all.done == std::vector<std::uint8_t>(kChunks, 1));
  });
  CHECK(seen == std::vector<std::uint8_t>(kChunks, 1));
}

TEST_CASE("a team keeps of restored parts those that have no chunk in common") {
  comm::run_ranks(3, {}, [](comm::Communicator& communicator) {
    mine::Team team(communicator, 4);
    // Rank 1 has a chunk that rank 0 has too; rank 2 has one of its own.
    const std::vector<std::vector<std::uint8_t>> done{{1, 1, 0, 0}, {0, 1, 1, 0}, {0, 0, 1, 0}};
    mine::Team::Part mine{done[static_cast<std::size_t>(communicator.rank())], {10}, {}};
    const auto elsewhere = team.share_restored(mine);
    const bool dropped = communicator.rank() == 1;
    const bool right = mine.sums[0] == (dropped ? 0 : 10) && (!dropped || mine.done == std::vector<std::uint8_t>(4, 0));
    const std::vector<std::vector<std::uint8_t>> expected{{0, 0, 1, 0}, {1, 1, 1, 0}, {1, 1, 0, 0}};
    if (!right || elsewhere != expected[static_cast<std::size_t>(communicator.rank())])
      throw InternalError("rank " + std::to_string(communicator.rank()) + " restored something else");
  });
}
