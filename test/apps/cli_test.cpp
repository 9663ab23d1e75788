#include <algorithm>
#include <chrono>
#include <csignal>
#include <thread>

#include "galena/version.hpp"
#include "test/support/catch.hpp"
#include "test/support/data.hpp"
#include "test/support/process.hpp"

using galena::test::contains;
using galena::test::run_galena;
using galena::test::run_program;

namespace {

/// Wrong usage: exit code 2, nothing on stdout, one line on stderr.
void check_usage_error(const std::vector<std::string>& arguments, const std::string& part) {
  const auto run = run_galena(arguments);
  CHECK(run.code == 2);
  CHECK(run.out.empty());
  CHECK_THAT(run.err, contains("galena: error: "));
  CHECK_THAT(run.err, contains(part));
  CHECK(std::count(run.err.begin(), run.err.end(), '\n') == 1);
}

}  // namespace

TEST_CASE("the version option names the version and the transports") {
  const auto run = run_galena({"--version"});
  CHECK(run.code == 0);
  CHECK_THAT(run.out, contains(std::string("galena ") + galena::kVersion));
  CHECK_THAT(run.out, contains("MPI"));
  CHECK(run.err.empty());
}

TEST_CASE("the help option writes to stdout") {
  const auto run = run_galena({"--help"});
  CHECK(run.code == 0);
  CHECK_THAT(run.out, contains("info"));
  CHECK(run.err.empty());
}

TEST_CASE("no arguments: the help, on stderr, as wrong usage") {
  const auto run = run_galena({});
  CHECK(run.code == 2);
  CHECK(run.out.empty());
  CHECK_THAT(run.err, contains("Usage: galena"));
}

TEST_CASE("a mistyped command gets a suggestion") { check_usage_error({"inof", "x"}, "did you mean 'info'?"); }

TEST_CASE("a mistyped option gets a suggestion") {
  check_usage_error({"info", "karate", "--jsn"}, "unknown option '--jsn'; did you mean '--json'?");
}

TEST_CASE("an option's bad value is wrong usage") {
  check_usage_error({"info", "karate", "--threads", "-3"}, "threads");
}

TEST_CASE("an option before the command is wrong usage") { check_usage_error({"--json"}, "expected a command"); }

TEST_CASE("a graph that does not exist is bad input") {
  check_usage_error({"info", "no/such/file.txt"}, "no/such/file.txt");
}

TEST_CASE("output that cannot be written is a failure") {
  const auto run = run_program({"sh", "-c", "\"$0\" --version >/dev/full", galena::test::galena_path()});
  CHECK(run.code == 1);
  CHECK_THAT(run.err, contains("cannot write to standard output"));
}

TEST_CASE("an unknown option is named before a missing one") {
  check_usage_error({"generate", "rmat", "3", "--edge-facter", "8"},
                    "galena generate rmat: unknown option '--edge-facter'; did you mean '--edge-factor'?");
}

TEST_CASE("two signals at once are one") {
  galena::test::TemporaryFolder folder;
  const std::string graph = folder.path() / "g.gal";
  REQUIRE(run_galena({"generate", "er", "3000", "60000", "-o", graph}).code == 0);
  galena::test::RunningProgram program({galena::test::galena_path(), "mine", graph, "cycle(9)"});
  std::this_thread::sleep_for(std::chrono::milliseconds(1200));
  program.send(SIGINT);
  program.send(SIGINT);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  program.send(SIGINT);
  const auto outcome = program.wait();
  CHECK(outcome.code == 130);
  CHECK_THAT(outcome.err, contains("interrupted"));
}
