#pragma once
// What a person can choose of an emulated device, by environment variables.

#include <cstdint>
#include <string>

namespace galena::emulator {

struct Settings {
  // The machine: GALENA_EMULATED_DEVICES, _SMS, _OCCUPANCY (blocks a multiprocessor at most), _MEMORY (MiB a device),
  // _POOLS=0 (none), _GRAPHS=0 (none can be instantiated), _DRIVER (the newest CUDA that it runs), _SILENT (a device that
  // does not say what it is), _TAKEN (one that another process has), _WATCHDOG=1 (long kernels are ended, or so it says).
  int devices = 1, multiprocessors = 2, occupancy = 4;
  int driver = 13000, silent = -1, taken = -1;
  bool pools = true, graphs = true, watchdog = false;
  std::uint64_t memory = std::uint64_t{2} << 30;

  // Order: GALENA_EMULATED_SEED (0: lanes, warps and blocks in the usual one), _ORDER (of streams: late, early or random),
  // _RESIDENT (blocks that take turns), _QUERIES (answers "not ready" in a row), _NOT_READY_STAYS (as the last error),
  // _LAZY_COPIES (to pageable memory: as late as the stream).
  std::uint64_t seed = 0;
  std::string order = "late";
  unsigned resident = 8;
  int queries = 3;
  bool not_ready_stays = false, lazy_copies = true;

  // Memory: GALENA_EMULATED_FILL (ff, random or zero), _FILL_MAX (bytes an allocation), _PROTECT=1 (the host may not touch
  // a device's).
  std::string fill = "ff";
  std::uint64_t fill_max = 16 << 20;
  bool protect = false;

  // Checks: GALENA_EMULATED_STRICT=1 (membermasks name no lane that has exited), _LIMIT (instructions a launch), _RACES (1:
  // collectives order memory, 2: barriers alone), _RACES_BLOCKS=1 (between blocks too), _RACES_SAME=1 (also of writes of
  // what is there), _LEAKS=1.
  bool strict = false, races_of_blocks = false, races_of_equals = false, leaks = false;
  std::uint64_t limit = 0;
  int races = 0;

  // Told: GALENA_EMULATED_STATS=1 at the end, _PROFILE=N (what kernels did, and their N busiest lines), _TRACE=1 as it goes, _DUMP_PTX (file: what NVRTC compiled last). cuBLASLt:
  // _NO_EPILOGUE=1, _WORKSPACE=0.
  bool stats = false, trace = false;
  unsigned profile = 0;
};

/// Read when first asked for.
const Settings& settings();

}  // namespace galena::emulator
