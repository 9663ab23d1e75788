// A rank under mpirun, for mpi_test.cpp: mpi_ranks WHAT [NUMBERS]. Prints "done" from rank 0 where all went well.
//
//   contract PIECE                    the contract of transports, with messages in pieces of so many bytes
//   fingerprint                       prints it
//   mismatch EXPECTED SENT PIECE      rank 0 sends rank 1 a message of another size
//   throw RANK | kill RANK | hang RANK DEADLINE | exit RANK
//                                     that rank throws, is killed, stops or leaves, while the others exchange
//   watch RANK                        that rank is killed, while the others ask after their peers
//   all-throw                         all ranks throw the same
//   interrupt                         a signal sets rank 0's stop flag while it waits for rank 1
//   large BYTES                       rank 0 sends rank 1 so much
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "src/comm/mpi_session.hpp"
#include "test/comm/contract.hpp"

using namespace galena;
using namespace galena::comm;

namespace {

std::size_t argument(char** argv, int position) { return std::strtoull(argv[position], nullptr, 10); }

constexpr Label kPayload{Traffic::payload, 0, Direction::forward};

void run_contract(Communicator& comm) {
  for (const test::Clause& clause : test::contract()) {
    try {
      clause.body(comm);
    } catch (const std::exception& error) {
      throw InternalError(std::string(clause.name) + ": " + error.what());
    }
    comm.barrier();
  }
}

void send_one(Communicator& comm, std::size_t expected, std::size_t sent) {
  std::vector<std::byte> bytes(comm.rank() == 0 ? sent : expected);
  for (std::size_t i = 0; i < bytes.size(); i += 4096)
    bytes[i] = static_cast<std::byte>(comm.rank() == 0 ? i >> 12 : 0);
  Request request;
  if (comm.rank() == 0) request = comm.isend(1, 5, bytes, kPayload);
  if (comm.rank() == 1) request = comm.irecv(0, 5, bytes);
  comm.wait(request);
  for (std::size_t i = 0; i < bytes.size() && comm.rank() == 1; i += 4096)
    test::expect(bytes[i] == static_cast<std::byte>(i >> 12), "byte " + std::to_string(i) + " changed");
  comm.barrier();
}

/// Epochs that never end, but for what `victim` does in the tenth.
void exchange_until(Communicator& comm, int victim, void (*end)()) {
  for (int epoch = 0;; ++epoch) {
    std::vector<double> values(1000, 1.0);
    comm.sum(values, kPayload);
    if (epoch == 10 && comm.rank() == victim) end();
  }
}

/// Ranks that wait for something else than messages while `victim` ends.
void watch_peers(Communicator& comm, int victim) {
  comm.barrier();
  if (comm.rank() == victim) std::raise(SIGKILL);
  for (const double begin = Communicator::now(); Communicator::now() < begin + 30;) comm.check_peers();
}

volatile int stop = 0;

void wait_until_interrupted(Communicator& comm) {
  if (comm.rank() == 0) {
    std::signal(SIGALRM, [](int) { stop = 1; });
    alarm(1);
  } else {
    std::this_thread::sleep_for(std::chrono::seconds(60));
  }
  comm.barrier();
}

int report(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "mpi_ranks: %s\n", e.what());
  }
  std::fflush(stderr);
  return 3;
}

void run(Communicator& comm, const std::string& what, char** argv) {
  const auto first = [&] { return static_cast<int>(argument(argv, 2)); };
  if (what == "contract") run_contract(comm);
  if (what == "mismatch") send_one(comm, argument(argv, 2), argument(argv, 3));
  if (what == "large") send_one(comm, argument(argv, 2), argument(argv, 2));
  if (what == "throw") exchange_until(comm, first(), [] { throw InputError("no such file"); });
  if (what == "kill") exchange_until(comm, first(), [] { std::raise(SIGKILL); });
  if (what == "hang") exchange_until(comm, first(), [] { std::raise(SIGSTOP); });
  if (what == "exit") exchange_until(comm, first(), [] { _exit(0); });
  if (what == "watch") watch_peers(comm, first());
  if (what == "all-throw") throw InputError("no such option");
  if (what == "interrupt") wait_until_interrupted(comm);
  if (what == "fingerprint") {
    const std::uint64_t print = test::fingerprint(comm);
    if (comm.rank() == 0) std::printf("fingerprint %llu\n", static_cast<unsigned long long>(print));
  }
  if (comm.rank() == 0) std::printf("done\n");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const std::string what = argv[1];
  MpiOptions options;
  options.wait.deadline = what == "hang" ? std::strtod(argv[3], nullptr) : 120;
  options.wait.stop = &stop;
  if (what == "contract") options.piece = argument(argv, 2);
  if (what == "mismatch") options.piece = argument(argv, 4);
  try {
    run_mpi(
        options, [&](Communicator& comm) { run(comm, what, argv); }, report);
  } catch (...) {
    return report(std::current_exception());
  }
  return 0;
}
