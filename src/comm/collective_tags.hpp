#pragma once
// The tags above the user's: one a kind of collective, so that ranks that call different ones do not match.

#include <array>
#include <string>

#include "src/comm/communicator.hpp"

namespace galena::comm {

enum CollectiveTag : int { kSum = Communicator::kTags, kMax, kMin, kGatherSizes, kGather, kBroadcast, kBarrier };

/// "collective sum".
inline std::string collective_name(int tag) {
  constexpr std::array names{"sum", "max", "min", "allgather (sizes)", "allgather", "broadcast", "barrier"};
  return std::string("collective ") + names.at(static_cast<std::size_t>(tag - Communicator::kTags));
}

}  // namespace galena::comm
