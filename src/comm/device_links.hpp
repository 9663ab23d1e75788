#pragma once
// Messages from the memory of one GPU to that of another, many at once: the rows of an exchange.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "src/comm/communicator.hpp"

namespace galena::comm {

/// Bytes of this rank's device.
struct DeviceMessage {
  int peer = 0;
  std::byte* memory = nullptr;
  std::size_t bytes = 0;
  std::vector<Charge> charges;  ///< of a message that is sent: they add up to its bytes
};

/// One rank's end; for one thread. Nothing waits for the device unless it says so. Waits for other ranks end at the
/// communicator's deadline, and name who is missing.
class DeviceLinks {
 public:
  /// Messages that were started together.
  using Step = std::uint64_t;

  DeviceLinks() = default;
  DeviceLinks(const DeviceLinks&) = delete;
  DeviceLinks& operator=(const DeviceLinks&) = delete;
  virtual ~DeviceLinks() = default;
  /// Starts these messages once all that has been queued on the rank's device is done, beside what is queued from now on.
  /// All ranks call it, with messages that match. The memory stays until join().
  virtual Step start(std::span<const DeviceMessage> sends, std::span<const DeviceMessage> receives) = 0;
  /// What is queued on the device from now on comes after the messages of this step. Each step is joined once, in any
  /// order. Waits for other ranks at most.
  virtual void join(Step step) = 0;
  /// Sends what waits for this rank's CPU to send it: what is joined an epoch later is on its way meanwhile.
  virtual void push() {}
  /// Waits until all that was started is over, where that depends on other ranks. For before a wait for the device: there
  /// nobody would tell whom it waits for.
  virtual void finish() = 0;
};

/// NCCL's. All ranks call it, each with a device of its own, the thread's; `device`: its name, which no other device of the
/// machine has; `stream`: what its work is queued on, a cudaStream_t. Throws InputError where two ranks have one device, EnvironmentError where NCCL is not
/// there, is older than 2.14 or fails.
std::unique_ptr<DeviceLinks> nccl_links(Communicator& communicator, std::string_view device, void* stream);

}  // namespace galena::comm
