#include "test/emulator/settings.hpp"

#include <cstdlib>

namespace galena::emulator {
namespace {

const char* variable(const std::string& name) {
  const char* const value = std::getenv(("GALENA_EMULATED_" + name).c_str());
  return value != nullptr && *value != 0 ? value : nullptr;
}

template <class T>
void read(T& to, const char* name) {
  if (const char* const value = variable(name)) to = static_cast<T>(std::strtoull(value, nullptr, 0));
}
void read(std::string& to, const char* name) {
  if (const char* const value = variable(name)) to = value;
}

Settings read_settings() {
  Settings s;
  read(s.devices, "DEVICES");
  read(s.multiprocessors, "SMS");
  read(s.occupancy, "OCCUPANCY");
  read(s.pools, "POOLS");
  read(s.graphs, "GRAPHS");
  read(s.driver, "DRIVER");
  read(s.silent, "SILENT");
  read(s.taken, "TAKEN");
  read(s.watchdog, "WATCHDOG");
  std::uint64_t mib = s.memory >> 20;
  read(mib, "MEMORY");
  s.memory = mib << 20;
  read(s.seed, "SEED");
  read(s.order, "ORDER");
  read(s.resident, "RESIDENT");
  read(s.queries, "QUERIES");
  read(s.not_ready_stays, "NOT_READY_STAYS");
  read(s.lazy_copies, "LAZY_COPIES");
  read(s.fill, "FILL");
  read(s.fill_max, "FILL_MAX");
  read(s.protect, "PROTECT");
  read(s.strict, "STRICT");
  read(s.limit, "LIMIT");
  read(s.races, "RACES");
  read(s.races_of_blocks, "RACES_BLOCKS");
  read(s.races_of_equals, "RACES_SAME");
  read(s.leaks, "LEAKS");
  read(s.stats, "STATS");
  read(s.trace, "TRACE");
  read(s.profile, "PROFILE");
  return s;
}

}  // namespace

const Settings& settings() {
  static const Settings* const chosen = new Settings(read_settings());  // asked for until the very end
  return *chosen;
}

}  // namespace galena::emulator
