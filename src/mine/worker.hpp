#pragma once
// The memory of one worker: all that a run of a plan writes, allocated once.

#include <cstdint>
#include <memory>
#include <vector>

#include "codegen/plan/plan.hpp"
#include "codegen/runtime/abi.h"

namespace galena::mine {

class WorkerMemory {
 public:
  /// Buffers for `plan` on `graph`: slots x max degree, n for each mark and counter, and rows of each local graph:
  /// all there can be, or as many as a limit allows.
  WorkerMemory(const codegen::Plan& plan, const rt::GraphView& graph);
  WorkerMemory(const WorkerMemory&) = delete;
  WorkerMemory& operator=(const WorkerMemory&) = delete;

  [[nodiscard]] rt::Worker& worker() { return worker_; }
  [[nodiscard]] const std::vector<rt::i128>& sums() const { return sums_; }
  /// Makes the memory fit for a new run after one that was aborted.
  void reset();
  void clear_sums();

  /// Bytes a worker needs.
  static std::uint64_t bytes(const codegen::Plan& plan, const rt::GraphView& graph);

 private:
  rt::Worker worker_{};
  std::vector<rt::vid> slots_;
  std::vector<std::uint32_t> counters_;
  std::vector<std::uint8_t> marks_;
  std::unique_ptr<std::uint32_t[]> locals_;  ///< not touched before it is used
  std::vector<rt::i128> sums_;
};

}  // namespace galena::mine
