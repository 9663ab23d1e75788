#pragma once
// Runs one plan over one graph: threads, chunks, sums, progress, interruption, checkpoints.

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "codegen/plan/plan.hpp"
#include "galena/mine.hpp"
#include "src/mine/checkpoint.hpp"
#include "src/mine/gpu/fleet.hpp"
#include "src/mine/kernels.hpp"
#include "src/mine/prepared.hpp"

namespace galena::mine {

/// Takes matches (by depth) of worker `thread`; returns false to end the run.
using MatchFn = std::function<bool(int thread, const rt::vid* matched, int size)>;

struct ExecuteRequest {
  const codegen::Plan* plan = nullptr;
  const Executable* code = nullptr;
  double estimate = 0;       ///< nanoseconds on one core
  MatchFn on_match;          ///< LIST and EXISTS
  std::uint64_t enough = 0;  ///< LIST: a run may end when on_match had so many; 0: when it returns false
  std::string key;           ///< names the checkpoint's section
  Checkpoint* checkpoint = nullptr;
  /// Whose machines, if there are any, run the chunks instead of threads; it has the same graph. Chunks that fit none
  /// of them are run by the CPU's threads.
  gpu::Fleet* fleet = nullptr;
  const codegen::Plan* plan_here = nullptr;  ///< what the CPU then runs in place of the plan; null: the plan
  gpu::Limits limits;                        ///< of their buffers

  /// Whether what is done outlasts the run.
  [[nodiscard]] bool lasting() const { return checkpoint != nullptr && checkpoint->enabled(); }
  [[nodiscard]] bool asks(codegen::Output::Kind kind) const {
    return std::ranges::any_of(plan->outputs, [kind](const codegen::Output& o) { return o.kind == kind; });
  }
  /// What the CPU runs.
  [[nodiscard]] const codegen::Plan& on_cpu() const { return plan_here == nullptr ? *plan : *plan_here; }
};

struct ExecuteResult {
  std::vector<rt::i128> sums;                      ///< by output, not yet divided
  std::vector<rt::i128> local;                     ///< by vertex as prepared; empty unless the plan is LOCAL
  bool partial = false;                            ///< ended early by the stop flag
  bool ended = false;                              ///< ended early by on_match, or with enough
  double done = 1;                                 ///< share of the work
  double seconds = 0;                              ///< what follows is left out, but for kernel_seconds
  double compile_seconds = 0, device_seconds = 0;  ///< waiting for the machines' kernels; setting machines up
  double kernel_seconds = 0;                       ///< that kernels ran, on the machine that was busiest
  std::uint64_t worker_bytes = 0;
  double balance = 1;  ///< of processes: the longest computing time over the mean
};

/// Throws Error(input) where a sum leaves 128 bits.
ExecuteResult execute(const Prepared& graph, const ExecuteRequest& request, const MineOptions& options);

/// Threads of the CPU that a run uses.
int thread_count(const MineOptions& options);
/// The same and those that serve devices: MatchFn's threads are fewer than this.
int worker_count(const MineOptions& options);

}  // namespace galena::mine
