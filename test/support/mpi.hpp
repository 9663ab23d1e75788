#pragma once
// Starting programs under mpirun. Tests that include this are compiled with GALENA_MPIEXEC, the launcher that CMake
// found.

#include <string>
#include <vector>

#include "src/comm/transports.hpp"

namespace galena::test {

inline bool without_mpi() { return comm::mpi_version().empty() || std::string(GALENA_MPIEXEC).empty(); }

/// The command that runs so many ranks of a command.
inline std::vector<std::string> mpirun(int ranks, const std::vector<std::string>& command) {
  std::vector<std::string> all{GALENA_MPIEXEC, "-n", std::to_string(ranks)};
  if (comm::mpi_version().starts_with("Open MPI"))
    all.insert(all.end(), {"--oversubscribe", "--allow-run-as-root", "--bind-to", "none"});
  all.insert(all.end(), command.begin(), command.end());
  return all;
}

}  // namespace galena::test
