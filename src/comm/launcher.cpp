#include "src/comm/launcher.hpp"

#include <array>
#include <charconv>
#include <cstdlib>
#include <cstring>

namespace galena::comm {

namespace {

struct Variables {
  const char *name, *rank, *size;
};

// The first that is set wins: under Slurm, Open MPI's and Hydra's own variables say more.
constexpr std::array<Variables, 3> kLaunchers{{
    {"Open MPI's mpirun", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"},
    {"Hydra's mpiexec", "PMI_RANK", "PMI_SIZE"},
    {"Slurm's srun", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS"},
}};

std::optional<int> number(const char* variable) {
  const char* text = std::getenv(variable);
  if (text == nullptr) return std::nullopt;
  int value = 0;
  const char* end = text + std::strlen(text);
  const auto parsed = std::from_chars(text, end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end || value < 0) return std::nullopt;
  return value;
}

}  // namespace

std::optional<Launcher> find_launcher() {
  for (const Variables& variables : kLaunchers) {
    const auto rank = number(variables.rank), size = number(variables.size);
    if (rank && size && *rank < *size) return Launcher{variables.name, *rank, *size};
  }
  return std::nullopt;
}

std::string how_to_launch() { return "start it as 'mpirun -np RANKS galena ...'"; }

}  // namespace galena::comm
