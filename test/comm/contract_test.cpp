// The contract of transports, on threads.
#include "test/comm/contract.hpp"

#include "src/comm/thread_transport.hpp"
#include "test/support/catch.hpp"

using namespace galena;
using namespace galena::comm;

namespace {

ThreadOptions quick() {
  ThreadOptions options;
  options.threads_per_rank = 1;
  options.wait.deadline = 120;
  return options;
}

void run_contract(int ranks, const ThreadOptions& options) {
  for (const test::Clause& clause : test::contract()) {
    INFO(clause.name << ", " << ranks << " ranks");
    CHECK_NOTHROW(run_ranks(ranks, options, clause.body));
  }
}

}  // namespace

TEST_CASE("threads keep the contract of transports") {
  for (const int ranks : {1, 2, 3, 4, 8}) run_contract(ranks, quick());
}

TEST_CASE("threads with simulated links keep the contract of transports") {
  auto options = quick();
  for (const auto shared : {Link::Shared::pair, Link::Shared::rank}) {
    options.link = Link{1e-4, 2e9, shared};
    for (const int ranks : {1, 2, 3, 4}) run_contract(ranks, options);
  }
}

TEST_CASE("the fingerprint of results is the same whatever the link, run after run") {
  for (const int ranks : {1, 2, 3, 4, 8}) {
    std::vector<std::uint64_t> prints;
    for (int run = 0; run < 3; ++run) {
      auto options = quick();
      if (run == 2) options.link = Link{1e-4, 1e9, Link::Shared::rank};
      run_ranks(ranks, options, [&](Communicator& comm) {
        const std::uint64_t print = test::fingerprint(comm);
        if (comm.rank() == 0) prints.push_back(print);
      });
    }
    CHECK(prints == std::vector<std::uint64_t>(3, prints.front()));
  }
}
