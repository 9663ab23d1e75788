// The contract of transports under mpirun, and what becomes of ranks that fail.
#include "test/support/mpi.hpp"
#include "src/comm/mpi_session.hpp"
#include "src/comm/thread_transport.hpp"
#include "src/comm/transports.hpp"
#include "test/comm/contract.hpp"
#include "test/support/catch.hpp"
#include "test/support/process.hpp"

using namespace galena;
using galena::test::contains;
using galena::test::without_mpi;

namespace {

/// The command that runs `ranks` of mpi_ranks.cpp with these arguments.
std::vector<std::string> launch(int ranks, const std::vector<std::string>& arguments) {
  std::vector<std::string> command{GALENA_MPI_RANKS};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return test::mpirun(ranks, command);
}

test::Outcome run(int ranks, const std::vector<std::string>& arguments) {
  return test::run_program(launch(ranks, arguments));
}

/// Waits for its end, but not longer than what is promised of ranks when one fails.
test::Outcome end_within(double seconds, const std::vector<std::string>& command) {
  return test::RunningProgram(command).wait_for(seconds);
}

}  // namespace

TEST_CASE("MPI keeps the contract of transports") {
  if (without_mpi()) GALENA_SKIP("built without MPI");
  for (const int ranks : {1, 2, 3, 4}) {
    const auto outcome = run(ranks, {"contract", "1073741824"});
    INFO(ranks << " ranks: " << outcome.err);
    CHECK(outcome.code == 0);
    CHECK(outcome.out == "done\n");
  }
}

TEST_CASE("MPI keeps the contract with messages in pieces") {
  if (without_mpi()) GALENA_SKIP("built without MPI");
  const auto outcome = run(3, {"contract", "1000"});
  INFO(outcome.err);
  CHECK(outcome.code == 0);
  CHECK(outcome.out == "done\n");
}

TEST_CASE("threads and MPI give the same bits") {
  if (without_mpi()) GALENA_SKIP("built without MPI");
  for (const int ranks : {2, 3, 4}) {
    std::uint64_t print = 0;
    comm::run_ranks(ranks, {}, [&](comm::Communicator& communicator) {
      const std::uint64_t mine = test::fingerprint(communicator);
      if (communicator.rank() == 0) print = mine;
    });
    const auto outcome = run(ranks, {"fingerprint"});
    INFO(outcome.err);
    CHECK(outcome.out == "fingerprint " + std::to_string(print) + "\ndone\n");
  }
}

TEST_CASE("MPI: messages of another size than expected are an error") {
  if (without_mpi()) GALENA_SKIP("built without MPI");
  struct Case {
    const char *expected, *sent, *piece, *found;
  };
  for (const Case& c : {Case{"8", "4", "1000", "found 4 bytes"}, Case{"8", "12", "1000", "found 12 bytes"},
                        Case{"8", "0", "1000", "found 0 bytes"}, Case{"0", "8", "1000", "found 8 bytes"},
                        Case{"8", "12", "4", "found at least 12 bytes"}, Case{"8", "4", "4", "found 4 bytes"},
                        Case{"12", "9", "4", "found 9 bytes"}, Case{"8", "9", "4", "found 9 bytes"},
                        Case{"100000", "2000000", "10000000", "found 2000000 bytes"}}) {
    const auto outcome = end_within(60, launch(2, {"mismatch", c.expected, c.sent, c.piece}));
    INFO(c.expected << " expected, " << c.sent << " sent, pieces of " << c.piece);
    CHECK(outcome.code == 3);
    CHECK_THAT(outcome.err, contains(std::string("rank 1 of 2 expected a message from rank 0, tag 5, ") + c.expected +
                                     " bytes, but found"));
    CHECK_THAT(outcome.err, contains(c.found));
  }
}

TEST_CASE("MPI: a rank that throws ends all, and its message is shown") {
  if (without_mpi()) GALENA_SKIP("built without MPI");
  const auto outcome = end_within(10, launch(4, {"throw", "2"}));
  CHECK(outcome.code == 3);
  CHECK_THAT(outcome.err, contains("mpi_ranks: rank 2 of 4: no such file"));
}

TEST_CASE("MPI: of ranks that fail alike the lowest is reported first") {
  if (without_mpi()) GALENA_SKIP("built without MPI");
  const auto outcome = end_within(10, launch(4, {"all-throw"}));
  CHECK(outcome.code == 3);
  const auto first = outcome.err.find("mpi_ranks: ");
  REQUIRE(first != std::string::npos);
  CHECK(outcome.err.substr(first).starts_with("mpi_ranks: rank 0 of 4: no such option"));
}

TEST_CASE("MPI: a rank that is killed ends all within 10 seconds, and is named") {
  if (without_mpi()) GALENA_SKIP("built without MPI");
  for (const char* rank : {"0", "2"}) {
    const auto outcome = end_within(10, launch(4, {"kill", rank}));
    CHECK(outcome.code != 0);
    CHECK_THAT(outcome.err, contains(std::string("rank ") + rank));
  }
}

TEST_CASE("MPI: a rank that is killed while others wait for their devices is named") {
  if (without_mpi()) GALENA_SKIP("built without MPI");
  const auto outcome = end_within(10, launch(3, {"watch", "1"}));
  CHECK(outcome.code != 0);
  CHECK_THAT(outcome.err, contains("rank 1"));
}

TEST_CASE("MPI: a rank that leaves without a word ends all within 10 seconds, and is named") {
  if (without_mpi()) GALENA_SKIP("built without MPI");
  const auto outcome = end_within(10, launch(3, {"exit", "1"}));
  CHECK(outcome.code != 0);
  CHECK_THAT(outcome.err, contains("rank 1"));
}

TEST_CASE("MPI: a rank that hangs ends all at the deadline, and is named") {
  if (without_mpi()) GALENA_SKIP("built without MPI");
  const auto outcome = end_within(20, launch(3, {"hang", "1", "1.5"}));
  CHECK(outcome.code == 3);
  CHECK_THAT(outcome.err, contains("has waited 1.5 s for a message from rank 1, collective sum"));
}

TEST_CASE("MPI: the stop flag ends waits") {
  if (without_mpi()) GALENA_SKIP("built without MPI");
  const auto outcome = end_within(20, launch(2, {"interrupt"}));
  CHECK(outcome.code == 3);
  CHECK_THAT(outcome.err, contains("rank 0 of 2 was interrupted while it waited"));
}

TEST_CASE("a build without MPI says so") {
  if (!comm::mpi_version().empty()) GALENA_SKIP("built with MPI");
  CHECK_THROWS_WITH(comm::MpiSession(), contains("libopenmpi-dev"));
}
