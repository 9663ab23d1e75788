#pragma once
// When messages would arrive over a simulated link.

#include <vector>

#include "src/comm/thread_transport.hpp"

namespace galena::comm {

/// The times at which the wires or ports of `ranks` ranks are free again. Times are seconds of one clock.
class LinkModel {
 public:
  LinkModel(const Link& link, int ranks);

  struct Times {
    double sent;     ///< the last byte has left: the sender's buffer is free
    double arrives;  ///< the last byte is there
  };
  /// Puts a message that is sent at `now` behind those that are under way. Later calls queue behind it.
  Times send(int from, int to, std::uint64_t bytes, double now);

 private:
  Link link_;
  int ranks_;
  std::vector<double> out_free_, in_free_;  // a side of a port each; or a wire each, by from * ranks + to
};

}  // namespace galena::comm
