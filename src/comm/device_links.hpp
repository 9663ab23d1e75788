#pragma once
// Messages from the memory of one GPU to that of another, many at once: the rows of an exchange.

#include <cstddef>
#include <memory>
#include <span>

#include "src/comm/communicator.hpp"

namespace galena::comm {

/// Bytes of this rank's device.
struct DeviceMessage {
  int peer = 0;
  std::byte* memory = nullptr;
  std::size_t bytes = 0;
};

/// One rank's end; for one thread.
class DeviceLinks {
 public:
  DeviceLinks() = default;
  DeviceLinks(const DeviceLinks&) = delete;
  DeviceLinks& operator=(const DeviceLinks&) = delete;
  virtual ~DeviceLinks() = default;
  /// Starts these messages once all that has been queued on the rank's device is done, beside what is queued from now on.
  /// All ranks call it, after they have met (a rank that does not come would be waited for on the devices, where nobody
  /// tells who it is), with messages that match. The memory stays until join().
  virtual void start(std::span<const DeviceMessage> sends, std::span<const DeviceMessage> receives) = 0;
  /// What is queued on the device from now on comes after all that was started. Does not wait, but on a simulated device.
  virtual void join() = 0;
};

/// NCCL's. All ranks call it, each with a device of its own, whose number on its machine is `device`; `stream`: what its
/// work is queued on, a cudaStream_t. Throws InputError where two ranks have one device, EnvironmentError where NCCL is not
/// there or fails.
std::unique_ptr<DeviceLinks> nccl_links(Communicator& communicator, int device, void* stream);

}  // namespace galena::comm
