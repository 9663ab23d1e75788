#include "src/comm/mpi_session.hpp"
#include "src/comm/transports.hpp"

namespace galena::comm {

std::string mpi_version() { return {}; }

struct MpiSession::State {};

MpiSession::MpiSession(const MpiOptions&) {
  throw EnvironmentError(
      "this build has no MPI: install libopenmpi-dev and configure with -DGALENA_MPI=ON, or run the ranks as threads");
}

MpiSession::~MpiSession() = default;

// Nobody has a session to call these with.
Communicator& MpiSession::communicator() { throw InternalError("no MPI in this build"); }
void MpiSession::close() {}
void MpiSession::abort_all(int) noexcept {}

}  // namespace galena::comm
