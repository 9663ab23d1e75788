#include <mpi.h>

#include <algorithm>
#include <array>

#include "src/comm/transports.hpp"

namespace galena::comm {

std::string mpi_version() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int length = 0;
  // One of the few calls that are allowed before MPI_Init.
  if (MPI_Get_library_version(text.data(), &length) != MPI_SUCCESS || length <= 0) return "MPI, version unknown";
  std::string version(text.data(), static_cast<std::size_t>(length));
  // "Open MPI v4.1.4, package: Debian OpenMPI, ident: ..." and the like: the first clause says it.
  version.erase(std::min(version.find_first_of(",\n"), version.size()));
  if (const auto v = version.find(" v"); v != std::string::npos) version.erase(v + 1, 1);
  return version;
}

}  // namespace galena::comm
