#pragma once
// Sums over ranks of what lies in their devices' memory: gradients of parameters, sums of batch normalisation.

#include "galena/tensor.hpp"
#include "src/comm/communicator.hpp"
#include "src/comm/device_links.hpp"

namespace galena::train {

/// One rank's; for one thread. What it does may be recorded (ops/device_graph.hpp). Whichever way, each number is the sum
/// that Communicator::sum() gives, to the bit, and as many bytes travel for it (links may call the roll besides).
class DeviceSum {
 public:
  /// `links`: by which segments go from device to device, to be added up there; null: by way of the CPU, which waits for
  /// the device. Both outlive it.
  DeviceSum(comm::Communicator& communicator, comm::DeviceLinks* links) : communicator_(communicator), links_(links) {}

  /// Leaves the sum in `values`, f32 or f64, on all ranks; all of them call it with as many values.
  void operator()(const Tensor& values, comm::Label label);

 private:
  void by_cpu(const Tensor& values, comm::Label label);
  void by_links(const Tensor& values, comm::Label label);
  void exchange(std::vector<comm::DeviceMessage> sends, std::vector<comm::DeviceMessage> receives);

  comm::Communicator& communicator_;
  comm::DeviceLinks* links_;
};

}  // namespace galena::train
