#pragma once
// Who has a device's memory: tensors, and graphs (device_graph.hpp), which keep what they were recorded with.

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

namespace galena::ops {

/// Memory of a device, and what work on it was queued on: DeviceOps::stream() where it was taken.
struct DeviceBlock {
  void* memory = nullptr;
  int device = 0;
  void* stream = nullptr;
};
using ReleaseBlock = void (*)(const DeviceBlock& block) noexcept;

/// A graph's memory: blocks of a pass, which go back here to be taken again by the next pass in the same order, and
/// other blocks of its stream that were given back since the graph was recorded.
class GraphMemory : public std::enable_shared_from_this<GraphMemory> {
 public:
  /// Of the thread's device.
  GraphMemory();
  ~GraphMemory();
  GraphMemory(const GraphMemory&) = delete;
  GraphMemory& operator=(const GraphMemory&) = delete;

  /// While one lives, the blocks that this thread takes are the graph's.
  class Use {
   public:
    explicit Use(std::shared_ptr<GraphMemory> memory);
    ~Use();
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;

   private:
    std::shared_ptr<GraphMemory> before_;
  };
  /// Of this thread, or null.
  static GraphMemory* in_use();

  /// From now on blocks that are older are held when they are given back; until end_holding().
  void begin_holding();
  void end_holding();

  /// A block of the graph that no other graph reads; null where there is no room.
  void* take(std::uint64_t bytes);
  void give(void* block, std::uint64_t bytes) noexcept;

 private:
  friend void give_back(const DeviceBlock& block, std::uint64_t born, ReleaseBlock release,
                        std::uint64_t given) noexcept;
  struct Free {
    void* memory;
    std::uint64_t given;  ///< when, among births
  };
  struct Held {
    DeviceBlock block;
    std::uint64_t born, given;
  };
  /// Whether it may use a block that was there from one birth to another.
  [[nodiscard]] bool holds(const DeviceBlock& block, std::uint64_t born, std::uint64_t given) const {
    return born < holds_before_ && holds_before_ <= given && block.device == device_ && block.stream == stream_;
  }
  std::mutex mutex_;
  std::multimap<std::uint64_t, Free> free_;
  std::map<void*, std::uint64_t> born_;  ///< of all its blocks, when they were taken last
  const ReleaseBlock release_;
  const int device_;  ///< of all its blocks, as is the stream; other threads that give blocks back look at both
  void* const stream_;
  std::vector<Held> held_;
  std::uint64_t holds_before_ = 0;  ///< blocks born earlier
};

/// While one lives, counts what a graph's memory would come to if it were taken by what this thread takes.
class CountedMemory {
 public:
  CountedMemory();
  ~CountedMemory();
  CountedMemory(const CountedMemory&) = delete;
  CountedMemory& operator=(const CountedMemory&) = delete;
  [[nodiscard]] std::uint64_t bytes() const;

  struct Sizes;
  /// Of this thread, or null.
  static const std::shared_ptr<Sizes>& in_use();
  static void take(Sizes& sizes, std::uint64_t bytes);
  static void give(Sizes& sizes, std::uint64_t bytes) noexcept;

 private:
  std::shared_ptr<Sizes> sizes_, before_;
};

/// A number that grows, for a block's birth.
std::uint64_t next_birth();
/// Releases a block, or leaves it to a graph that may use it: one recorded while it was there. `given`: until then.
void give_back(const DeviceBlock& block, std::uint64_t born, ReleaseBlock release,
               std::uint64_t given = ~std::uint64_t{0}) noexcept;

}  // namespace galena::ops
