#pragma once
// Links between devices by way of the CPUs' memory: what leaves is copied to pinned memory beside the device's work and
// sent from there, what arrives goes back the same way. Ranks may share a GPU, and be anywhere that their communicator
// reaches.

#include <deque>
#include <map>
#include <vector>

#include "src/comm/device_links.hpp"
#include "src/ops/device_ops.hpp"

namespace galena::train {

/// Pinned memory that is used again. A block whose mark has not been passed is waited for.
class PinnedMemory {
 public:
  struct Block {
    std::byte* memory = nullptr;
    std::uint64_t bytes = 0;
    void* mark = nullptr;  ///< of the transfers that use it, or null
  };
  PinnedMemory() = default;
  ~PinnedMemory();
  PinnedMemory(const PinnedMemory&) = delete;
  PinnedMemory& operator=(const PinnedMemory&) = delete;

  /// Throws EnvironmentError where there is no room.
  Block take(std::uint64_t bytes);
  void give(Block block) { free_.push_back(block); }

 private:
  static void release(const Block& block) noexcept;
  std::deque<Block> free_;  ///< the longest given back first
};

class StagedLinks : public comm::DeviceLinks {
 public:
  explicit StagedLinks(comm::Communicator& communicator) : communicator_(communicator) {}
  ~StagedLinks() override;

  /// Copies what leaves, behind the work that has been queued.
  Step start(std::span<const comm::DeviceMessage> sends, std::span<const comm::DeviceMessage> receives) override;
  /// Sends what has been copied, and waits for the other ranks' messages; their copy to the device is queued.
  void join(Step step) override;
  void push() override;
  void finish() override {}

 private:
  struct Messages {
    std::vector<comm::DeviceMessage> sends, receives;  ///< their memory is the device's
    PinnedMemory::Block out, in;
    void* copied = nullptr;  ///< of `out`; null once it has been sent
    std::vector<comm::Request> requests;
  };
  void send(Messages& messages);

  comm::Communicator& communicator_;
  PinnedMemory pinned_;
  std::map<Step, Messages> steps_;  ///< that have not been joined
  Step last_ = 0;
};

}  // namespace galena::train
