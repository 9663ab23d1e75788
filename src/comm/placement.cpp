#include "src/comm/placement.hpp"

#include <sched.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "galena/error.hpp"

namespace galena::comm {
namespace {

cpu_set_t own_cores() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  if (sched_getaffinity(0, sizeof cores, &cores) != 0) CPU_SET(0, &cores);  // more than 1024 cores: be modest
  return cores;
}

std::string machine_id() {
  std::string id;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> id;
  return id;
}

// Machine and cores. Equal where ranks share them.
std::string place_of(const cpu_set_t& cores) {
  return machine_id().append(reinterpret_cast<const char*>(&cores), sizeof cores);
}

std::vector<bool> equal_to_mine(Communicator& communicator, const std::string& mine) {
  const auto bytes = std::as_bytes(std::span(mine));
  std::vector<bool> equal;
  for (const auto& other : communicator.allgather(bytes, {Traffic::control, -1, Direction::none}))
    equal.push_back(std::ranges::equal(other, bytes));
  return equal;
}

}  // namespace

int cores_for_rank(Communicator& communicator) {
  const cpu_set_t cores = own_cores();
  const auto sharing = std::ranges::count(equal_to_mine(communicator, place_of(cores)), true);
  return std::max(1, CPU_COUNT(&cores) / static_cast<int>(std::max<std::ptrdiff_t>(1, sharing)));
}

int rank_on_machine(Communicator& communicator) {
  const auto here = equal_to_mine(communicator, machine_id());
  return static_cast<int>(std::count(here.begin(), here.begin() + communicator.rank(), true));
}

bool share_devices(Communicator& communicator, std::string_view device) {
  const std::string mine = machine_id().append(" ").append(device);
  auto all = communicator.allgather(std::as_bytes(std::span(mine)), {Traffic::control, -1, Direction::none});
  std::ranges::sort(all, std::ranges::lexicographical_compare);
  const auto same = [](const auto& a, const auto& b) { return std::ranges::equal(a, b); };
  return std::ranges::adjacent_find(all, same) != all.end();
}

void check_own_devices(Communicator& communicator, std::string_view device) {
  if (!share_devices(communicator, device)) return;
  throw InputError(
      "--transport nccl joins ranks that have a GPU each, and here are more ranks than GPUs: use fewer "
      "--parts, or --transport threads");
}

}  // namespace galena::comm
