#pragma once
// Whether this process was started by mpirun or the like, without asking MPI.

#include <optional>
#include <string>

namespace galena::comm {

struct Launcher {
  std::string name;  ///< "Open MPI's mpirun"
  int rank = 0, size = 1;
};

/// What the environment variables of Open MPI, Hydra (MPICH, Intel MPI) and Slurm say; none where
/// the process was started by hand.
std::optional<Launcher> find_launcher();

/// What to say where a run over MPI has one process only: how to start more.
std::string how_to_launch();

}  // namespace galena::comm
