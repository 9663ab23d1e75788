// What ranks wait for where their rows lie on devices: other ranks, and nothing that another rank could keep them from.

#include <chrono>
#include <functional>
#include <thread>

#include "galena/error.hpp"
#include "src/comm/watched_links.hpp"
#include "src/ops/device_ops.hpp"
#include "src/train/device_exchange.hpp"
#include "src/train/staged_links.hpp"
#include "test/support/catch.hpp"
#include "test/support/simulated_device.hpp"
#include "test/train/support.hpp"

namespace galena::test {
namespace {

using comm::Communicator;
using comm::DeviceMessage;

/// A library whose messages never arrive, as one of a rank that is no more there.
class DeafDriver : public comm::LinkDriver {
 public:
  [[nodiscard]] const char* name() const override { return "the library"; }
  std::vector<std::byte> invitation() override { return {std::byte{1}}; }
  void connect(std::span<const std::byte> /*invitation*/, int /*rank*/, int /*ranks*/) override {}
  void post(std::span<const DeviceMessage> /*sends*/, std::span<const DeviceMessage> /*receives*/) override {}
  bool settled() override { return true; }
  void mark(comm::DeviceLinks::Step /*step*/) override {}
  bool idle() override { return false; }
  void join(comm::DeviceLinks::Step /*step*/) override {}
  void close() override {}
  void end() noexcept override {}
};

/// What a run of three ranks ends with, of which rank 1 does this once it has started its messages.
std::string end_of(double deadline, const std::function<void(Communicator&)>& then) {
  comm::ThreadOptions options;
  options.wait.deadline = deadline;
  try {
    comm::run_ranks(3, options, [&](Communicator& comm) {
      const auto links = comm::watched_links(comm, std::make_unique<DeafDriver>());
      const ops::BeforeWaits finish([&] { links->finish(); });
      const OnDevice there(Device::cuda);
      const Tensor loss = Tensor::full(1, 1, 3);
      const auto step = links->start({}, {});
      links->join(step);
      loss.fill(4);  // behind the messages
      if (comm.rank() == 1) then(comm);
      static_cast<void>(loss.item());
    });
  } catch (const Error& e) {
    return e.what();
  }
  return "it ended well";
}

/// Starts slowly, as where other ranks come late.
class SlowLinks : public comm::DeviceLinks {
 public:
  Step start(std::span<const DeviceMessage> /*sends*/, std::span<const DeviceMessage> /*receives*/) override {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    return 1;
  }
  void join(Step /*step*/) override {}
  void finish() override {}
};

}  // namespace

TEST_CASE("a rank that is gone while a device waits for its rows ends the others, before they wait for the device") {
  const SimulatedDevice device;
  const std::uint64_t before = SimulatedDevice::copied_bytes();
  CHECK_THAT(end_of(60, [](Communicator&) { throw InputError("its machine is gone"); }),
             contains("rank 1 of 3: its machine is gone"));
  const auto hang = [](Communicator& comm) {
    for (const double begin = Communicator::now(); Communicator::now() - begin < 60;) {
      comm.check_peers();
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  };
  CHECK_THAT(end_of(1.5, hang), contains("rank 1 hangs"));
  CHECK(SimulatedDevice::copied_bytes() == before);  // a copy would wait for the messages
}

TEST_CASE("an exchange's wait for other ranks where it starts is told") {
  const SimulatedDevice device;
  const NodeDataset data = random_data({});
  const Partition partition = striped(data.graph, 2);
  comm::run_ranks(2, {}, [&](Communicator& comm) {
    const train::Share share = train::build_share(data.graph, partition.part_of, 2, comm.rank(), {2, data.data.train});
    train::BoundaryExchange boundary(share, comm, {}, 11);
    SlowLinks links;
    train::DeviceExchange exchange(share, boundary, links);
    boundary.begin_pass({true, true, 0});
    const OnDevice there(Device::cuda);
    exchange.begin_forward(0, 0, Tensor::zeros(share.hop_rows[0], 13));
    CHECK(boundary.take_wait_seconds() >= 0.05);
  });
}

TEST_CASE("pinned memory is used again for messages of about its size") {
  const SimulatedDevice device;
  train::PinnedMemory pinned;
  for (std::uint64_t bytes = 100'000; bytes < 100'500; bytes += 5) pinned.give(pinned.take(bytes));
  CHECK(SimulatedDevice::pinned_bytes() < 120'000);
  pinned.give(pinned.take(0));
  CHECK(SimulatedDevice::pinned_bytes() < 121'000);
}

}  // namespace galena::test
