#pragma once
// Times of other programs, measured beside ours on the same machine.

#include <map>
#include <string>
#include <vector>

namespace galena::bench {

/// seconds[graph][task][program]
using PeerTimes = std::map<std::string, std::map<std::string, std::map<std::string, double>>>;

/// Reads a tab-separated file with a header that names at least the columns graph, task, peer
/// and median_s (or seconds). Where a row comes twice the smaller time counts.
PeerTimes read_peers(const std::string& path);

/// One measured task of ours.
struct Ours {
  std::string graph, task;
  double seconds;
};

/// Prints, for each peer, the geometric mean of its time over ours on the tasks both ran, and for
/// each task the ratio to the fastest peer; then whether the targets hold.
void print_comparison(const std::vector<Ours>& ours, const PeerTimes& peers);

}  // namespace galena::bench
