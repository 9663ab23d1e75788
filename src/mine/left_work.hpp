#pragma once
// Chunks that fit no buffer of a GPU, on their way to the CPU's threads.

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <vector>

#include "codegen/runtime/abi.h"
#include "src/mine/crew.hpp"

namespace galena::mine {

/// A chunk of a run, or a part of it.
struct LeftChunk {
  std::size_t of = 0;  ///< which chunk
  rt::Chunk chunk;
};

/// A queue between threads that serve devices and threads that run chunks.
class LeftWork {
 public:
  explicit LeftWork(std::size_t givers) : givers_(givers) {}

  void give(const std::vector<LeftChunk>& chunks);
  /// One of those who give ends.
  void leave();
  /// Waits for a chunk. None where all givers have ended, or the crew is halted.
  std::optional<LeftChunk> take(const Crew& crew);

 private:
  std::mutex mutex_;  ///< guards what follows
  std::condition_variable changed_;
  std::deque<LeftChunk> chunks_;
  std::size_t givers_;
};

/// The chunk in parts: by ranges of its units, or where it has but one, by parts of what is below its second loop.
std::vector<rt::Chunk> parts_of(const rt::Chunk& chunk);

}  // namespace galena::mine
