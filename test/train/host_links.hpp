#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "src/comm/communicator.hpp"
#include "src/comm/device_links.hpp"

namespace galena::test {

/// Links between simulated devices: their memory is the host's. Messages arrive when they are joined, and not before.
class HostLinks : public comm::DeviceLinks {
 public:
  explicit HostLinks(comm::Communicator& communicator) : communicator_(communicator) {}
  Step start(std::span<const comm::DeviceMessage> sends, std::span<const comm::DeviceMessage> receives) override {
    auto& [requests, arrivals] = steps_[++last_];
    for (const comm::DeviceMessage& m : receives) {
      auto& arrival = arrivals.emplace_back(m, std::vector<std::byte>(m.bytes));
      requests.push_back(communicator_.irecv(m.peer, kTag, arrival.second));
    }
    for (const comm::DeviceMessage& m : sends)
      requests.push_back(communicator_.isend(m.peer, kTag, {m.memory, m.bytes}, m.charges));
    return last_;
  }
  void join(Step step) override {
    auto& [requests, arrivals] = steps_.at(step);
    communicator_.wait_all(requests);
    for (const auto& [message, bytes] : arrivals) std::copy(bytes.begin(), bytes.end(), message.memory);
    steps_.erase(step);
  }
  void finish() override {}

 private:
  static constexpr int kTag = 31000;
  struct Under {
    std::vector<comm::Request> requests;
    std::deque<std::pair<comm::DeviceMessage, std::vector<std::byte>>> arrivals;
  };
  comm::Communicator& communicator_;
  std::map<Step, Under> steps_;
  Step last_ = 0;
};

}  // namespace galena::test
