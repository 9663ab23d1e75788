#pragma once
// Ranks as threads of this process: the default transport, and the one with simulated links.

#include <functional>
#include <limits>

#include "src/comm/communicator.hpp"

namespace galena::comm {

/// A link as in the alpha-beta model: n bytes take latency + n / bytes_per_second. Messages queue where they
/// share it. Real time passes, so what a rank computes meanwhile overlaps.
struct Link {
  enum class Shared {
    pair,  ///< each ordered pair of ranks has a wire of its own
    rank,  ///< each rank has a full-duplex port: all it sends queues at its side, all it receives at its other side
  };
  double latency = 0;                                                 ///< seconds
  double bytes_per_second = std::numeric_limits<double>::infinity();  ///< a wire's, or each side's of a port
  Shared shared = Shared::rank;
};

struct ThreadOptions {
  WaitOptions wait;
  std::optional<Link> link;  ///< none: as fast as memory
  /// OpenMP threads of each rank; 0: the caller's omp_get_max_threads() shared out evenly, at least 1.
  int threads_per_rank = 0;
};

/// Runs `body` once a rank, each on a thread of its own, and returns when all have returned.
///
/// Where ranks throw, the others are woken with PeerFailed, and then the error of the lowest rank that failed of
/// itself is thrown: the same kind of galena::Error with "rank 2 of 4: " before its message (where there
/// is more than one rank); std::bad_alloc becomes an EnvironmentError, another std::exception an InternalError,
/// and anything else is thrown as it was. Ranks that wait for each other or for a rank that has
/// returned are an InternalError at once.
void run_ranks(int ranks, const ThreadOptions& options, const std::function<void(Communicator&)>& body);

}  // namespace galena::comm
