#pragma once
// Notices processes that have died. A launcher does as well, but not every one ends the others, and none
// tells them who it was.

#include <optional>
#include <string>
#include <vector>

namespace galena::comm {

/// This process as others on its machine can find it: machine, process namespace, process, time of its start.
/// Empty where /proc is not what it is on Linux.
std::string process_identity();

/// Watches the ranks that run on this machine.
class PeerWatch {
 public:
  PeerWatch() = default;
  /// The process_identity() of every rank. Those of other machines, and those that cannot be seen, are not watched.
  explicit PeerWatch(const std::vector<std::string>& identities);

  struct Peer {
    int rank = 0, process = 0;
  };
  /// The lowest rank that is gone; a process killed that nobody has waited for is gone too. Reads a file a peer.
  [[nodiscard]] std::optional<Peer> find_dead() const;
  [[nodiscard]] std::size_t watched() const { return peers_.size(); }

 private:
  struct Watched {
    Peer peer;
    std::string start;
  };
  std::vector<Watched> peers_;
};

}  // namespace galena::comm
