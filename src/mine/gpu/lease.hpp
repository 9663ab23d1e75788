#pragma once
// Running a lease, a list of chunks of one plan, on one machine.

#include <functional>
#include <span>
#include <vector>

#include "codegen/plan/plan.hpp"
#include "codegen/runtime/gpu_job.h"
#include "src/mine/gpu/bins.hpp"
#include "src/mine/gpu/station.hpp"

namespace galena::mine::gpu {

/// Takes matches by depth, one after the other; false: no more.
using RowsFn = std::function<bool(std::span<const rt::vid>)>;

struct LeaseResult {
  std::vector<rt::ChunkState> states;               ///< by chunk of the lease
  std::vector<rt::i128> sums;                       ///< by chunk, then output; of chunks done
  std::vector<std::pair<rt::vid, rt::i128>> local;  ///< of LOCAL: by vertex, what is not on the device (add_local())
  bool found = false;                               ///< of EXISTS
  bool ended = false;                               ///< of LIST: there were enough matches
  /// Bytes that a launch of one worker needs, where the device had no room for it: its chunks were left as overflow.
  std::uint64_t unfit = 0;
};

/// Runs one plan at a station.
class LeaseRunner {
 public:
  LeaseRunner(Station& station, const codegen::Plan& plan, const Limits& limits = {});

  /// Runs the chunks; `weights`: each one's share of the work, relative to the average. What did not fit a warp's
  /// buffers is run again by blocks; what does not fit those either is left as overflow, for a CPU.
  /// Chunks that `halt` kept from running are left untouched.
  LeaseResult run(std::span<const rt::Chunk> chunks, std::span<const double> weights, const volatile int* halt);
  /// The same for a plan of images: `task`, of the host's memory, says what is asked for and takes the answer.
  LeaseResult run_images(std::span<const rt::Chunk> chunks, std::span<const double> weights, const rt::ImageTask& task,
                         const volatile int* halt);
  /// Of LIST: where each launch's matches go, those of chunks done. When `enough` of them went there (0: all are wanted),
  /// or it wants no more, a run ends.
  void hand_rows_to(RowsFn take, std::uint64_t enough);
  /// Of LOCAL: adds by vertex what the leases' chunks that are done have left on the device, and takes it from there.
  void add_local(std::span<rt::i128> counts);
  /// Seconds that loading the kernels took.
  [[nodiscard]] double compile_seconds() const { return loaded_.seconds; }
  /// What is to be told of loading them, or empty.
  [[nodiscard]] const std::string& warning() const { return loaded_.warning; }
  /// Seconds that launches took so far.
  [[nodiscard]] double kernel_seconds() const { return kernel_seconds_; }
  [[nodiscard]] std::uint64_t bytes() const { return station_.buffer_bytes(); }

 private:
  /// Runs the chunks of a bin (indices in `chunks`) until none is left untouched.
  void run_bin(Team team, std::vector<std::size_t> bin, std::span<const rt::Chunk> chunks,
               std::span<const Reach> reaches, const volatile int* halt, LeaseResult& result);
  struct Launched {
    std::uint64_t given = 0;  ///< pieces
    std::uint64_t unfit = 0;  ///< bytes, where not one worker fits
  };
  Launched launch(Team team, std::uint64_t most_given, const Room& room, const std::vector<std::size_t>& bin,
                  std::span<const rt::Chunk> own, std::span<const Reach> reaches, const volatile int* halt,
                  LeaseResult& result);
  [[nodiscard]] std::uint64_t most_pieces() const;
  [[nodiscard]] std::uint64_t piece_bytes() const;
  bool reserve_for(std::uint64_t chunks, std::uint64_t most_given);
  void start_queue(std::span<const rt::Chunk> chunks, std::span<const Reach> reaches, std::uint64_t most_given);
  [[nodiscard]] rt::GpuJob job(const Room& room, std::uint64_t n, std::uint64_t most_given) const;
  std::uint64_t collect(const std::vector<std::size_t>& bin, const rt::GpuJob& job, LeaseResult& result);
  void collect_rows(const std::vector<bool>& wanted, const rt::GpuJob& job, std::uint64_t used, LeaseResult& result);
  void take_rows(std::span<const rt::vid> rows, LeaseResult& result);
  template <class E>
  std::vector<E> downloaded(const Memory& memory, std::uint64_t n, std::uint64_t from = 0);
  void reserve_rows();
  void name_idle();

  Station& station_;
  Machine& machine_;
  LaunchBuffers& buffers_;
  const codegen::Plan& plan_;
  Limits limits_;
  std::uint64_t row_capacity_ = 0;
  RowsFn take_rows_;
  std::uint64_t enough_rows_ = 0;  ///< vertices in rows that are still wanted; 0: all there are
  bool lists_ = false, counts_local_ = false;
  Machine::Loaded loaded_;
  double kernel_seconds_ = 0;
  rt::ImageTask images_{};
};

}  // namespace galena::mine::gpu
