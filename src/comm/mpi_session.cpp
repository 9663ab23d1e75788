#include "src/comm/mpi_session.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

#include "src/comm/failure.hpp"

namespace galena::comm {

namespace {

/// Time for a lower rank that fails as well to report first and to end this one.
void give_precedence(int rank) { std::this_thread::sleep_for(std::chrono::milliseconds(400) * std::min(rank, 5)); }

std::exception_ptr named(const std::exception_ptr& error, const Communicator& communicator) {
  try {
    rethrow_named(error, communicator.rank(), communicator.size());
  } catch (...) {
    return std::current_exception();
  }
}

}  // namespace

void run_mpi(const MpiOptions& options, const std::function<void(Communicator&)>& body,
             const std::function<int(const std::exception_ptr&)>& report) {
  MpiSession session(options);
  try {
    body(session.communicator());
    session.close();
  } catch (...) {
    const auto error = named(std::current_exception(), session.communicator());
    give_precedence(session.communicator().rank());
    session.abort_all(report(error));
    std::rethrow_exception(error);  // only where the MPI library's abort returns
  }
}

}  // namespace galena::comm
