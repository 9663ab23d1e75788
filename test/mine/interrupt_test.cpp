// Ctrl-C in a long query: a quick end, exit code 130, and what is known so far, marked partial.

#include <chrono>
#include <csignal>
#include <thread>

#include "galena/generate.hpp"
#include "galena/io.hpp"
#include "galena/mine.hpp"
#include "test/mine/command.hpp"
#include "test/support/data.hpp"

using namespace galena;
using namespace std::chrono_literals;
using test::contains;

namespace {

using Clock = std::chrono::steady_clock;

// The requirement is a second; busy machines get three, and sanitizers as much longer as they are slower
// (a plan is chosen by samples, which are not cut short: the choice must not depend on the moment).
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr double kBound = 45;
#else
constexpr double kBound = 3;
#endif

struct Interrupted {
  test::Outcome outcome;
  double seconds = 0;  ///< from the signal to the end
};

/// Starts the command, sends SIGINT after a while, and waits.
Interrupted interrupt(std::vector<std::string> arguments, int signal = SIGINT) {
  arguments.insert(arguments.begin(), {test::galena_path(), "mine"});
  test::RunningProgram program(arguments);
  std::this_thread::sleep_for(1200ms);
  REQUIRE(program.running());
  const auto sent = Clock::now();
  program.send(signal);
  Interrupted result{program.wait(), 0};
  result.seconds = std::chrono::duration<double>(Clock::now() - sent).count();
  CAPTURE(arguments, result.outcome.err);
  CHECK(result.outcome.code == 130);
  CHECK(result.seconds < kBound);
  return result;
}

/// A graph on which the queries below take minutes at least.
struct LongerGraph {
  test::TemporaryFolder folder;
  std::string path = folder.path() / "g.gal";
  LongerGraph() { save_graph(generate_er(3000, 60000, 1), path); }
};

}  // namespace

TEST_CASE("interrupt: text is marked PARTIAL") {
  const LongerGraph graph;
  for (const int signal : {SIGINT, SIGTERM}) {
    const Interrupted run = interrupt({graph.path, "cycle(9)"}, signal);
    CHECK_THAT(run.outcome.out, contains("cycle(9)") && contains("(PARTIAL: "));
    CHECK_THAT(run.outcome.err, contains("interrupted: the last result is partial"));
  }
}

TEST_CASE("interrupt: JSON says partial, for every engine") {
  const LongerGraph graph;
  for (const char* engine : {"auto", "interpreter", "jit"}) {
    const Interrupted run = interrupt({graph.path, "triangle", "cycle(9)", "wedge", "--json", "--engine", engine});
    const auto queries = nlohmann::json::parse(run.outcome.out).at("queries");
    REQUIRE(queries.size() == 2);  // the third is not begun
    CHECK_FALSE(queries[0].contains("partial"));
    CHECK(queries[1].at("partial") == true);
    CHECK(queries[1].at("done").get<double>() < 1);
  }
}

TEST_CASE("interrupt: a LIST leaves no part of a file") {
  const LongerGraph graph;
  const std::string output = graph.folder.path() / "rows.bin";
  const Interrupted run = interrupt({graph.path, "LIST path(5)", "--output", output});
  CHECK_THAT(run.outcome.err, contains("rows.bin is not written"));
  CHECK(test::files_in(graph.folder.path()) == 1);
}

TEST_CASE("interrupt: LOCAL and EMBEDDINGS") {
  const LongerGraph graph;
  CHECK_THAT(interrupt({graph.path, "LOCAL cycle(9) BY a"}).outcome.out, contains("PARTIAL"));
  CHECK_THAT(interrupt({graph.path, "COUNT EMBEDDINGS cycle(9)"}).outcome.out, contains("PARTIAL"));
}

TEST_CASE("interrupt: while plans are made") {
  const LongerGraph graph;
  interrupt({graph.path, "MOTIFS 7", "--json"});
  const Interrupted run = interrupt({graph.path, "MOTIFS 7", "--explain"}, SIGTERM);
  CHECK(run.outcome.out.empty());
  CHECK_THAT(run.outcome.err, contains("interrupted"));
}

TEST_CASE("interrupt: a stop flag set from the start") {
  const int stop = 1;
  MineOptions options;
  options.stop = &stop;
  Miner miner(generate_er(3000, 60000, 1), options);
  for (const char* query : {"cycle(9)", "LIST path(7)", "LIST path(7) ORDERED LIMIT 5", "LOCAL cycle(9) BY a",
                            "MOTIFS 5 INDUCED", "COUNT INDUCED path(7)"}) {
    const auto begun = Clock::now();
    const QueryResult result = miner.run(parse_queries(query).front());
    CAPTURE(query, result.done);
    CHECK(result.partial);
    CHECK(result.done < 1);
    CHECK(std::chrono::duration<double>(Clock::now() - begun).count() < kBound);
  }
}
