#pragma once
// What a byte costs between any two ranks, for the assignment of widths.

#include <span>
#include <vector>

#include "galena/train.hpp"
#include "src/comm/communicator.hpp"

namespace galena::train {

struct LinkCosts {
  int ranks = 1;
  double latency = 0;                    ///< seconds
  std::vector<double> seconds_per_byte;  ///< [ranks * ranks], from row to column; or [1], where all cost the same
  [[nodiscard]] double of(int sender, int receiver) const {
    return seconds_per_byte.size() == 1 ? seconds_per_byte[0]
                                        : seconds_per_byte[static_cast<std::size_t>(sender * ranks + receiver)];
  }
};

/// The same everywhere: those of the options, or one second a byte where they name none.
LinkCosts even_links(int ranks, const LinkOptions& link);

/// Sends messages of several sizes between all pairs of ranks, a round at a time as exchanges do, and fits a line. All
/// ranks call it. Costs relative to the cheapest link, rounded down to powers of two, so that runs over even links
/// come to the same numbers; links faster than 1 GB/s count as that.
LinkCosts measure_links(comm::Communicator& comm);

/// That rounding.
std::vector<double> relative_costs(std::span<const double> seconds_per_byte);

}  // namespace galena::train
