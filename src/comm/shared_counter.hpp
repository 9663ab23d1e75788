#pragma once
// A number that all ranks raise, for work that is handed out piece by piece.

#include <cstdint>

namespace galena::comm {

class SharedCounter {
 public:
  SharedCounter() = default;
  SharedCounter(const SharedCounter&) = delete;
  SharedCounter& operator=(const SharedCounter&) = delete;
  /// All ranks destroy theirs, in the same order as their other collectives, unless an exception is on its way.
  virtual ~SharedCounter() = default;
  /// What it was before; from the thread that drives the communicator.
  virtual std::uint64_t fetch_add(std::uint64_t n) = 0;
};

}  // namespace galena::comm
