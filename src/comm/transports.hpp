#pragma once
// What this build can communicate with besides threads.

#include <string>

namespace galena::comm {

/// The MPI library's name and version, e.g. "Open MPI 4.1.4"; empty where built without MPI.
std::string mpi_version();

/// NCCL's version, e.g. "2.27.7"; empty where built without NCCL, or where it is not installed.
std::string nccl_version();

}  // namespace galena::comm
