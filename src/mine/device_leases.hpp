#pragma once
// The devices' part of a run: a thread a device, which takes leases of chunks until there are none. What fits no buffer
// of theirs is left to threads of the CPU, which are called when there is such a thing.

#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "src/mine/crew.hpp"
#include "src/mine/executor.hpp"
#include "src/mine/gpu/lease.hpp"
#include "src/mine/left_work.hpp"
#include "src/mine/tally.hpp"

namespace galena::mine {

/// The run that they are part of. From any thread.
class LeaseHost {
 public:
  /// A match that thread `t` has found, by depth, or of EXISTS none: that there is one; false where they are enough.
  virtual bool pass_on(std::size_t t, const rt::vid* matched, int size) = 0;
  /// There are enough matches.
  virtual void end() = 0;
  /// Thread `t`, of the CPU: runs chunks by this code until `left` gives none.
  virtual void run_left(std::size_t t, const Executable& code, LeftWork& left) = 0;

 protected:
  ~LeaseHost() = default;
};

class DeviceLeases {
 public:
  /// Threads 0 to `devices` - 1 are to serve one each.
  DeviceLeases(LeaseHost& host, const ExecuteRequest& request, const MineOptions& options, const ChunkPlan& chunks,
               Tally& tally, Crew& crew, std::size_t devices);

  /// Thread t: until there are no chunks left, or matches are enough.
  void serve(std::size_t t);

  struct Totals {
    std::uint64_t bytes = 0;
    double compile_seconds = 0, kernel_seconds = 0;  ///< of the device with the most
    std::size_t left_to_cpu = 0;                     ///< chunks
  };
  [[nodiscard]] Totals totals() const;

 private:
  [[nodiscard]] bool at_once() const;
  std::vector<std::size_t> take(std::size_t most);
  bool run(gpu::LeaseRunner& runner, const std::vector<std::size_t>& lease, std::size_t t);
  bool run_in_parts(gpu::LeaseRunner& runner, std::vector<LeftChunk>& left);
  void add(gpu::LeaseRunner& runner, const std::vector<std::size_t>& of, const gpu::LeaseResult& result);
  bool pass_all_on(std::span<const rt::vid> rows, std::size_t t);
  bool end();
  [[nodiscard]] std::size_t helpers() const;
  void leave_to_cpu(const std::vector<LeftChunk>& left, std::uint64_t unfit);
  void call_cpu(const std::vector<LeftChunk>& left, std::uint64_t unfit);

  LeaseHost& host_;
  const ExecuteRequest& request_;
  const MineOptions& options_;
  const ChunkPlan& chunks_;
  Tally& tally_;
  Crew& crew_;
  const std::size_t devices_;
  const bool counts_local_, lists_;
  LeftWork left_;
  std::once_flag cpu_called_;
  std::unique_ptr<Executable> own_code_;  ///< of the CPU, since it was called; null: the run's

  mutable std::mutex mutex_;  ///< guards what follows
  std::size_t next_ = 0;      ///< chunk
  std::size_t most_listed_;   ///< chunks of the next lease of a LIST
  Totals totals_;
};

}  // namespace galena::mine
