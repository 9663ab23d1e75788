#pragma once
// A GPU simulated on the host: the kernels of src/ops/device, lane after lane. While one lives, tensors of Device::cuda
// lie in its memory, which is filled with NaN when it is given out, counted, and may be limited. It may be several.

#include <cstdint>

#include "galena/tensor.hpp"

namespace galena::test {

class SimulatedDevice {
 public:
  /// `most_bytes` 0: no limit. `backwards`: lanes, teams and elements run from the last to the first, which changes
  /// nothing unless one of them relies on another.
  /// `devices`: where there are several, it is an error to touch another one's memory than the thread's.
  explicit SimulatedDevice(std::uint64_t most_bytes = 0, bool backwards = false, int devices = 1);
  ~SimulatedDevice();
  SimulatedDevice(const SimulatedDevice&) = delete;
  SimulatedDevice& operator=(const SimulatedDevice&) = delete;

  /// Bytes given out now.
  static std::uint64_t live_bytes();
  /// The most that were given out at a time, since this was asked last.
  static std::uint64_t most_live_bytes();
  /// How often the host has waited for the device since the start: downloads and synchronisations.
  static std::uint64_t waits();
  /// Bytes copied between the memories since the start.
  static std::uint64_t copied_bytes();
  /// Memory of the host's that is given out for transfers now.
  static std::uint64_t pinned_bytes();
  /// Kernels, copies and graphs that the host has launched since the start.
  static std::uint64_t launches();
  /// The same of one of the devices.
  static std::uint64_t launches_on(int device);
};

}  // namespace galena::test
