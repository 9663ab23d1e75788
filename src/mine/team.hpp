#pragma once
// Processes that share the chunks of a run: one counter hands them out, in batches that shrink towards the end, and
// each chunk's sums belong to whoever ran it.

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "codegen/runtime/abi.h"
#include "src/comm/communicator.hpp"

namespace galena::mine {

class Team {
 public:
  /// All processes make one for the same `count` chunks, from the thread that drives `processes`.
  Team(comm::Communicator& processes, std::size_t count);

  /// The next chunk of this process; `count` where there are none, or `halt` is raised. From any thread.
  std::size_t take(const volatile int* halt);
  /// Sees that threads find chunks. This and what follows: from the thread that drives `processes`.
  void refill(std::size_t threads);
  /// No process gets another chunk.
  void exhaust();

  /// What one process has done, or all together.
  struct Part {
    std::vector<std::uint8_t> done;  ///< by chunk
    std::vector<rt::i128> sums, local;
    double busy = 0;  ///< seconds of its threads; of all: the most over the mean
    bool ended = false, overflow = false;
  };
  /// The sum of all processes' parts, which have no chunk in common; the same on each. A collective.
  [[nodiscard]] Part merge(const Part& mine);
  /// What earlier runs left: for each chunk whether another process has it. Of parts that have chunks in common the
  /// later is dropped: where that is `mine`, it is emptied. A collective.
  [[nodiscard]] std::vector<std::uint8_t> share_restored(Part& mine);

 private:
  [[nodiscard]] std::vector<Part> gather(const Part& mine);

  comm::Communicator& processes_;
  std::size_t count_;
  std::unique_ptr<comm::SharedCounter> counter_;

  std::mutex mutex_;  ///< guards what follows
  std::condition_variable filled_;
  std::deque<std::size_t> ready_;
  bool exhausted_ = false;
  std::size_t seen_ = 0;  ///< of the counter, when last asked
};

/// Sums over processes, exact; false where one leaves 127 bits. A collective.
bool add_over(comm::Communicator& processes, std::vector<rt::i128>& sums);

}  // namespace galena::mine
