// What is particular to ranks as threads: failure, deadlines, OpenMP, simulated links.
#include "src/comm/thread_transport.hpp"

#include <omp.h>
#include <sched.h>

#include <array>
#include <atomic>
#include <new>
#include <thread>

#include "src/comm/link.hpp"
#include "src/comm/placement.hpp"
#include "test/comm/contract.hpp"
#include "test/support/catch.hpp"

using namespace galena;
using namespace galena::comm;
using galena::test::contains;

namespace {

constexpr Label kPayload{Traffic::payload, 0, Direction::forward};

ThreadOptions waiting(double deadline) {
  ThreadOptions options;
  options.wait.deadline = deadline;
  options.threads_per_rank = 1;
  return options;
}

void pause(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }

/// The message of the error that run_ranks() throws; its type is Expected exactly.
template <class Expected>
std::string failure(int ranks, const ThreadOptions& options, const std::function<void(Communicator&)>& body) {
  try {
    run_ranks(ranks, options, body);
  } catch (const Expected& error) {
    return typeid(error) == typeid(Expected) ? error.what() : "a class derived from the one expected";
  } catch (const std::exception& error) {
    return std::string("another class: ") + error.what();
  }
  return "nothing was thrown";
}

/// What `body` returns on each rank; threads have no say in what is checked.
std::vector<int> on_ranks(int ranks, const std::function<int(Communicator&)>& body) {
  std::vector<int> results(static_cast<std::size_t>(ranks));
  run_ranks(ranks, waiting(60), [&](Communicator& communicator) {
    results[static_cast<std::size_t>(communicator.rank())] = body(communicator);
  });
  return results;
}

using Wait = std::function<void(Communicator&)>;

/// All the ways to wait for rank 2, which never comes.
std::vector<Wait> waits() {
  return {
      [](Communicator& comm) { comm.barrier(); },
      [](Communicator& comm) {
        std::vector<double> values(1000);
        comm.sum(values, kPayload);
      },
      [](Communicator& comm) {
        std::array<std::byte, 4> bytes{};
        Request request = comm.irecv(2, 0, bytes);
        comm.wait(request);
      },
      [](Communicator& comm) {
        std::array<std::byte, 4> bytes{};
        Request request = comm.isend(2, 0, bytes, kPayload);
        comm.wait(request);
      },
      [](Communicator& comm) {
        std::array<std::byte, 4> bytes{};
        Request request = comm.irecv(2, 0, bytes);
        while (!comm.test(request)) std::this_thread::yield();
      },
  };
}

}  // namespace

TEST_CASE("a rank that fails wakes the others, and its error is the one that is thrown") {
  const auto options = waiting(60);
  for (const Wait& wait : waits())
    CHECK(failure<InputError>(4, options, [&](Communicator& comm) {
            if (comm.rank() == 2) {
              pause(0.01);
              throw InputError("no such file");
            }
            wait(comm);
          }) == "rank 2 of 4: no such file");
}

TEST_CASE("the kind of an error survives its way out of a rank") {
  const auto options = waiting(60);
  const auto thrown_by_1 = [](const auto& error) {
    return [=](Communicator& comm) {
      if (comm.rank() == 1) throw error;
      comm.barrier();
    };
  };
  CHECK(failure<EnvironmentError>(2, options, thrown_by_1(EnvironmentError("disk full"))) == "rank 1 of 2: disk full");
  CHECK(failure<InternalError>(2, options, thrown_by_1(InternalError("broken"))) == "rank 1 of 2: broken");
  CHECK(failure<std::runtime_error>(2, options, thrown_by_1(std::runtime_error("the caller's"))) == "the caller's");
  CHECK_THAT(failure<EnvironmentError>(2, options, thrown_by_1(std::bad_alloc())), contains("out of memory"));
  CHECK_THROWS_AS(run_ranks(2, options, thrown_by_1(7)), int);
}

TEST_CASE("with one rank an error is thrown as it was") {
  CHECK(failure<InputError>(1, waiting(60), [](Communicator&) { throw InputError("bad"); }) == "bad");
}

TEST_CASE("of ranks that fail alike the lowest is named") {
  for (int run = 0; run < 20; ++run)
    CHECK(failure<InputError>(4, waiting(60), [](Communicator& comm) {
            if (comm.rank() > 0) throw InputError("bad option");
          }) == "rank 1 of 4: bad option");
}

TEST_CASE("what a rank throws because another failed is not the error") {
  CHECK(failure<InputError>(3, waiting(60), [](Communicator& comm) {
          if (comm.rank() == 2) throw InputError("the cause");
          try {
            comm.barrier();
          } catch (const PeerFailed&) {
            throw InternalError("a consequence");
          }
        }) == "rank 2 of 3: the cause");
}

TEST_CASE("new transfers fail after a rank has failed") {
  std::atomic<int> refused{0};
  CHECK(failure<InputError>(2, waiting(60), [&](Communicator& comm) {
          if (comm.rank() == 0) throw InputError("first");
          try {
            comm.barrier();
          } catch (const PeerFailed&) {
          }
          std::array<std::byte, 1> bytes{};
          try {
            (void)comm.isend(0, 0, bytes, kPayload);
          } catch (const PeerFailed&) {
            ++refused;
            throw;
          }
        }) == "rank 0 of 2: first");
  CHECK(refused == 1);
}

TEST_CASE("a rank may fail amid transfers: buffers are let go in time") {
  for (int run = 0; run < 50; ++run)
    CHECK(failure<InputError>(4, waiting(60), [&](Communicator& comm) {
            std::vector<std::vector<std::byte>> incoming(4, std::vector<std::byte>(200000));
            const std::vector<std::byte> outgoing(200000);
            std::vector<Request> requests;
            for (int peer = 0; peer < 4; ++peer) requests.push_back(comm.irecv(peer, 0, incoming[peer]));
            for (int peer = 0; peer < 4; ++peer) {
              if (comm.rank() == run % 4 && peer == 2) throw InputError("amid");
              requests.push_back(comm.isend(peer, 0, outgoing, kPayload));
            }
            comm.wait_all(requests);
          }) == "rank " + std::to_string(run % 4) + " of 4: amid");
}

TEST_CASE("messages of another size than expected are an error of the receiver") {
  const auto run = [](std::size_t expected, std::size_t sent) {
    return failure<InternalError>(2, waiting(60), [=](Communicator& comm) {
      std::vector<std::byte> bytes(comm.rank() == 0 ? sent : expected);
      Request request = comm.rank() == 0 ? comm.isend(1, 5, bytes, kPayload) : comm.irecv(0, 5, bytes);
      comm.wait(request);
      comm.barrier();
    });
  };
  CHECK_THAT(run(8, 12), contains("rank 1 of 2 expected a message from rank 0, tag 5, 8 bytes, but found 12 bytes"));
  CHECK_THAT(run(8, 4), contains("tag 5, 8 bytes, but found 4 bytes"));
  CHECK_THAT(run(0, 4), contains("tag 5, 0 bytes, but found 4 bytes"));
  CHECK_THAT(run(8, 0), contains("tag 5, 8 bytes, but found 0 bytes"));
}

TEST_CASE("a wait beyond the deadline names who waits for whom") {
  std::array<std::byte, 16> bytes{};
  const auto late = failure<EnvironmentError>(2, waiting(0.1), [&](Communicator& comm) {
    if (comm.rank() == 1) return pause(0.5);
    Request request = comm.irecv(1, 9, bytes);
    comm.wait(request);
  });
  CHECK_THAT(late, contains("rank 0 of 2 has waited 0.1 s for a message from rank 1, tag 9, 16 bytes: rank 1 hangs"));
  CHECK_THAT(late, contains("raise the deadline"));
  const auto collective = failure<EnvironmentError>(3, waiting(0.1), [&](Communicator& comm) {
    if (comm.rank() == 1) return pause(0.5);
    comm.barrier();
  });
  CHECK_THAT(collective, contains("collective barrier"));
}

TEST_CASE("a message under way does not count as late") {
  auto options = waiting(0.05);
  options.link = Link{0.3, 1e9, Link::Shared::pair};
  CHECK_NOTHROW(run_ranks(2, options, [](Communicator& comm) {
    std::array<std::byte, 16> bytes{};
    Request request = comm.rank() == 0 ? comm.isend(1, 0, bytes, kPayload) : comm.irecv(0, 0, bytes);
    comm.wait(request);
  }));
}

TEST_CASE("ranks that wait for each other are found at once") {
  const auto both_receive = failure<InternalError>(2, waiting(1e9), [](Communicator& comm) {
    std::array<std::byte, 4> bytes{};
    Request request = comm.irecv(1 - comm.rank(), comm.rank(), bytes);
    comm.wait(request);
  });
  CHECK(both_receive ==
        "rank 0 of 2: every rank waits in vain; rank 0 for a message from rank 1, tag 0, 4 bytes; rank 1 for a message "
        "from rank 0, tag 1, 4 bytes");
  const auto one_returned = failure<InternalError>(3, waiting(1e9), [](Communicator& comm) {
    if (comm.rank() != 1) comm.barrier();
  });
  CHECK_THAT(one_returned, contains("rank 1 has returned"));
  const auto other_collective = failure<InternalError>(2, waiting(1e9), [](Communicator& comm) {
    std::array<double, 1> value{};
    if (comm.rank() == 0) comm.barrier();
    if (comm.rank() == 1) comm.sum(value, kPayload);
  });
  CHECK_THAT(other_collective, contains("collective sum") && contains("collective barrier"));
}

TEST_CASE("the stop flag ends waits") {
  volatile int stop = 0;
  auto options = waiting(60);
  options.wait.stop = &stop;
  const auto message = failure<Interrupted>(2, options, [&](Communicator& comm) {
    if (comm.rank() == 0) comm.barrier();
    pause(0.02);
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    comm.barrier();
    comm.barrier();
  });
  CHECK_THAT(message, contains(" of 2 was interrupted while it waited"));
}

TEST_CASE("each rank has its OpenMP threads, and the caller keeps its own") {
  const int before = omp_get_max_threads();
  for (const int threads : {0, 1, 3}) {
    ThreadOptions options;
    options.threads_per_rank = threads;
    const int expected = threads > 0 ? threads : std::max(1, before / 2);
    std::array<int, 2> found{}, sums{};
    run_ranks(2, options, [&](Communicator& comm) {
      found[comm.rank()] = omp_get_max_threads();
      int sum = 0;
#pragma omp parallel for reduction(+ : sum)
      for (int i = 0; i < 1000; ++i) sum += i;
      sums[comm.rank()] = sum;
    });
    CHECK(found == std::array{expected, expected});
    CHECK(sums == std::array{499500, 499500});
  }
  CHECK(omp_get_max_threads() == before);
}

TEST_CASE("impossible options are refused") {
  const auto nothing = [](Communicator&) {};
  CHECK_THROWS_AS(run_ranks(0, {}, nothing), InputError);
  auto options = waiting(1);
  options.threads_per_rank = -1;
  CHECK_THROWS_AS(run_ranks(2, options, nothing), InputError);
  for (const Link& link : {Link{-1, 1e9}, Link{0, 0}, Link{0, -5}}) {
    options = waiting(1);
    options.link = link;
    CHECK_THROWS_WITH(run_ranks(2, options, nothing), contains("latency of 0 s or more"));
  }
}

// --- links

TEST_CASE("wires of pairs queue a pair's messages only") {
  LinkModel model({0.5, 100, Link::Shared::pair}, 3);
  const auto first = model.send(0, 1, 200, 10);
  CHECK(first.sent == 12);
  CHECK(first.arrives == 12.5);
  CHECK(model.send(0, 1, 100, 11).arrives == 13.5);  // behind the first
  CHECK(model.send(0, 2, 100, 11).arrives == 12.5);
  CHECK(model.send(1, 0, 100, 11).arrives == 12.5);
  CHECK(model.send(0, 1, 0, 20).arrives == 20.5);
  CHECK(model.send(2, 2, 1000, 20).arrives == 20);
}

TEST_CASE("ports of ranks queue all that a rank sends, and all that it receives") {
  LinkModel model({0.5, 100, Link::Shared::rank}, 4);
  CHECK(model.send(0, 1, 200, 10).arrives == 12.5);
  const auto second = model.send(0, 2, 100, 10);  // its sender's port is taken until 12
  CHECK(second.sent == 13);
  CHECK(second.arrives == 13.5);
  CHECK(model.send(3, 1, 100, 10).arrives == 13.5);  // its receiver's port is taken until 12.5
  CHECK(model.send(1, 0, 100, 10).arrives == 11.5);  // full duplex
  CHECK(model.send(3, 3, 1000, 20).arrives == 20);
}

TEST_CASE("a message takes the time of its link") {
  auto options = waiting(60);
  options.link = Link{0.05, 1e6, Link::Shared::pair};
  std::array<double, 2> seconds{};
  double at_once = 0;
  run_ranks(2, options, [&](Communicator& comm) {
    std::vector<std::byte> bytes(100000);
    comm.barrier();
    const double begin = Communicator::now();
    Request request = comm.rank() == 0 ? comm.isend(1, 0, bytes, kPayload) : comm.irecv(0, 0, bytes);
    if (comm.rank() == 0) at_once = comm.test(request) ? 1 : 0;
    comm.wait(request);
    seconds[comm.rank()] = Communicator::now() - begin;
  });
  CHECK(at_once == 0);
  CHECK(seconds[0] >= 0.1);  // the sender's buffer is free when all has left
  // The receiver may come out of the barrier up to a latency later than the sender.
  CHECK(seconds[1] >= 0.1);
}

TEST_CASE("messages of several ranks to one share its port") {
  auto options = waiting(60);
  options.link = Link{0, 1e6, Link::Shared::rank};
  double begin = 0, end = 0;
  run_ranks(4, options, [&](Communicator& comm) {
    std::vector<std::byte> bytes(30000);
    if (comm.rank() == 0) begin = Communicator::now();  // before all sends, which follow the barrier
    comm.barrier();
    std::vector<Request> requests;
    std::vector<std::vector<std::byte>> incoming(4, bytes);
    for (int peer = 1; peer < 4; ++peer)
      if (comm.rank() == 0) requests.push_back(comm.irecv(peer, 0, incoming[peer]));
    if (comm.rank() != 0) requests.push_back(comm.isend(0, 0, bytes, kPayload));
    comm.wait_all(requests);
    if (comm.rank() == 0) end = Communicator::now();
  });
  CHECK(end - begin >= 0.09);
}

TEST_CASE("a rank that fails wakes one that waits for a slow link") {
  auto options = waiting(60);
  options.link = Link{1000, 1e9, Link::Shared::pair};
  CHECK(failure<InputError>(2, options, [](Communicator& comm) {
          std::array<std::byte, 4> bytes{};
          Request request = comm.rank() == 0 ? comm.isend(1, 0, bytes, kPayload) : comm.irecv(0, 0, bytes);
          if (comm.rank() == 0) throw InputError("tired of it");
          comm.wait(request);
        }) == "rank 0 of 2: tired of it");
}

TEST_CASE("ranks that may run on the same cores share them") {
  cpu_set_t cores;
  REQUIRE(sched_getaffinity(0, sizeof cores, &cores) == 0);
  for (const int ranks : {1, 2, 3, 64})
    for (const int share : on_ranks(ranks, [](Communicator& communicator) { return cores_for_rank(communicator); }))
      REQUIRE(share == std::max(1, CPU_COUNT(&cores) / ranks));
}

TEST_CASE("a rank that is bound to a core of its own has it alone") {
  cpu_set_t cores;
  REQUIRE(sched_getaffinity(0, sizeof cores, &cores) == 0);
  const std::vector<int> shares = on_ranks(3, [&](Communicator& communicator) {
    if (communicator.rank() == 1) {
      int core = 0;
      while (!CPU_ISSET(core, &cores)) ++core;
      cpu_set_t one;
      CPU_ZERO(&one);
      CPU_SET(core, &one);
      if (sched_setaffinity(0, sizeof one, &one) != 0) return -1;
    }
    communicator.barrier();
    const int share = cores_for_rank(communicator);
    sched_setaffinity(0, sizeof cores, &cores);
    return share;
  });
  const int shared = std::max(1, CPU_COUNT(&cores) / 2);
  if (CPU_COUNT(&cores) > 1) CHECK(shares == std::vector<int>{shared, 1, shared});
}

TEST_CASE("who waits for other things than messages hears of a rank that fails, or of a stop") {
  const auto failing = [](Communicator& communicator) {
    communicator.check_peers();
    communicator.barrier();
    if (communicator.rank() == 1) throw InputError("no rows");
    const double begin = Communicator::now();
    while (Communicator::now() < begin + 20) communicator.check_peers();
    throw InternalError("nobody said so");
  };
  CHECK_THROWS_WITH(run_ranks(3, {}, failing), "rank 1 of 3: no rows");
  volatile int stop = 0;
  ThreadOptions options;
  options.wait.stop = &stop;
  CHECK_THROWS_AS(run_ranks(1, options,
                            [&](Communicator& communicator) {
                              CHECK_NOTHROW(communicator.check_peers());
                              stop = 1;
                              communicator.check_peers();
                            }),
                  Interrupted);
}

TEST_CASE("collectives of many ranks: peers take turns, and all get the same") {
  constexpr int kRanks = 70;
  comm::run_ranks(kRanks, {}, [](comm::Communicator& comm) {
    std::vector<double> sum(1000, comm.rank());
    comm.sum(std::span(sum), comm::Label{});
    if (sum.at(999) != kRanks * (kRanks - 1) / 2.0) throw std::runtime_error("wrong sum");
    const auto mine = static_cast<std::byte>(comm.rank());
    const std::vector<std::byte> bytes(static_cast<std::size_t>(comm.rank()), mine);
    const auto all = comm.allgather(bytes, comm::Label{});
    for (std::size_t r = 0; r < all.size(); ++r)
      if (all[r] != std::vector<std::byte>(r, static_cast<std::byte>(r))) throw std::runtime_error("wrong bytes");
  });
}
