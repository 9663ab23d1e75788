#pragma once
// The highest of the user's tags, one a purpose: what may be under way at the same time is told apart. Exchanges of rows
// count theirs from 0.

#include "src/comm/communicator.hpp"

namespace galena::comm {

enum ReservedTag : int {
  kRollTag = Communicator::kTags - 4,  ///< who is still there (watched_links)
  kStagedTag,                          ///< rows between devices by way of the CPUs (train/staged_links)
  kSpeedTag,                           ///< measures of links (train/link_speeds)
  kGatherRowsTag,                      ///< all rows that ranks share (train/exchange)
  kReservedEnd
};
static_assert(kReservedEnd == Communicator::kTags);

}  // namespace galena::comm
