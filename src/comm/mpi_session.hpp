#pragma once
// Ranks as MPI processes, on one machine or many.
//
// A build without MPI has the same interface, and says so when it is used. With Open MPI, give each rank its cores:
// `mpirun --bind-to none` or `--map-by socket:PE=4`; by default it binds each rank to one core, and
// OpenMP then has one thread.

#include <functional>
#include <memory>

#include "src/comm/communicator.hpp"

namespace galena::comm {

struct MpiOptions {
  WaitOptions wait;
  /// Longer messages are sent in pieces of this many bytes (MPI counts in int). The same on all ranks.
  std::size_t piece = std::size_t{1} << 30;
};

/// This process's membership in MPI. Initialises MPI unless the program has done so.
///
/// All ranks make one at the same point. If MPI was initialised here it can be joined once in a process's life.
class MpiSession {
 public:
  /// Throws EnvironmentError: no MPI in this build, MPI refuses, or the launcher is another MPI's.
  explicit MpiSession(const MpiOptions& options = {});
  /// close(), unless an exception is on its way or close() fails: then MPI is left as it is, and the launcher
  /// ends the other ranks when this process exits.
  ~MpiSession();
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;

  /// Its own context: no message mixes with those of other users of MPI. Valid until close().
  [[nodiscard]] Communicator& communicator();

  /// Waits until all ranks are here (under the deadline) and ends MPI, if it was started here.
  void close();

  /// Ends the processes of all ranks, this one too, whatever they do. The launcher exits with `exit_code`.
  /// Prints nothing of its own (the launcher does): say why before.
  void abort_all(int exit_code) noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Runs `body` as this process's rank. Where it throws, calls `report` with the error, named as run_ranks() does
/// ("rank 2 of 4: ..."), which says it and returns the exit code; then ends all ranks and with them this process.
/// Of ranks that fail alike the lower speak first, and as a rule alone: each waits 0.4 s for every rank below it,
/// 2 s at most, and is ended meanwhile. What the joining itself throws is thrown.
void run_mpi(const MpiOptions& options, const std::function<void(Communicator&)>& body,
             const std::function<int(const std::exception_ptr&)>& report);

}  // namespace galena::comm
