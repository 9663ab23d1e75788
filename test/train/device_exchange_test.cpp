// Rows that go from device to device are those that go through the CPU's memory.

#include <algorithm>
#include <mutex>

#include "galena/error.hpp"
#include "src/comm/placement.hpp"
#include "src/train/device_exchange.hpp"
#include "test/support/catch.hpp"
#include "test/support/device_under_test.hpp"
#include "test/train/support.hpp"

namespace galena::test {
namespace {

using train::BoundaryExchange;
using train::DeviceExchange;

/// Links between simulated devices: their memory is the host's.
class HostLinks : public comm::DeviceLinks {
 public:
  explicit HostLinks(comm::Communicator& communicator) : communicator_(communicator) {}
  void start(std::span<const comm::DeviceMessage> sends, std::span<const comm::DeviceMessage> receives) override {
    constexpr comm::Label kNobody{comm::Traffic::control, -1, comm::Direction::none};
    for (const comm::DeviceMessage& m : receives)
      requests_.push_back(communicator_.irecv(m.peer, kTag, {m.memory, m.bytes}));
    for (const comm::DeviceMessage& m : sends)
      requests_.push_back(communicator_.isend(m.peer, kTag, {m.memory, m.bytes}, kNobody));
    ++started;
  }
  void join() override {
    communicator_.wait_all(requests_);
    requests_.clear();
  }
  int started = 0;

 private:
  static constexpr int kTag = 31000;
  comm::Communicator& communicator_;
  std::vector<comm::Request> requests_;
};

struct Outcome {
  std::vector<double> halo, gradient;
  std::uint64_t payload = 0;
  int started = 0;
};

std::vector<double> elements(const Tensor& x) {
  const Tensor host = x.to(Device::cpu).to(DType::f64);
  return {host.data<double>(), host.data<double>() + host.size()};
}

Tensor numbers(std::int64_t rows, std::int64_t cols, int rank) {
  const Tensor x = Tensor::empty(rows, cols);
  for (std::int64_t k = 0; k < x.size(); ++k) x.data<float>()[k] = static_cast<float>((k * 37 + rank * 11) % 101 - 50);
  return x.to(Device::cuda);
}

/// Two exchanges of each rank, there and back.
std::vector<Outcome> exchange(const NodeDataset& data, const train::Policy& policy, int parts, bool linked) {
  std::vector<Outcome> outcomes(static_cast<std::size_t>(parts));
  const Partition partition = striped(data.graph, parts);
  comm::run_ranks(parts, {}, [&](comm::Communicator& comm) {
    const train::Share share =
        train::build_share(data.graph, partition.part_of, parts, comm.rank(), {2, data.data.train});
    BoundaryExchange boundary(share, comm, policy, 11);
    HostLinks links(comm);
    DeviceExchange exchange(share, boundary, linked ? &links : nullptr);
    Outcome& out = outcomes[static_cast<std::size_t>(comm.rank())];
    for (const bool training : {true, false}) {
      boundary.begin_pass({training, true, 3});
      for (const std::uint32_t call : {0U, 1U}) {
        const std::int64_t rows = share.hop_rows[call];
        exchange.begin_forward(call, static_cast<int>(call), numbers(rows, 5, comm.rank()));
        const Tensor halo = exchange.finish_forward(call, false).dense;
        for (const double x : elements(halo)) out.halo.push_back(x);
        exchange.begin_backward(call, numbers(halo.rows(), 5, comm.rank() + 1));
        const Tensor dx = numbers(rows, 5, 4);
        exchange.finish_backward(call, dx);
        for (const double x : elements(dx)) out.gradient.push_back(x);
      }
    }
    out.payload = comm.traffic().total(comm::Traffic::payload).bytes;
    out.started = links.started;
  });
  return outcomes;
}

}  // namespace

TEST_CASE("rows over links between devices are the rows, bits and bytes of those that go through the CPU's memory") {
  GALENA_NEEDS_DEVICE();
  const NodeDataset data = random_data({});
  for (const int parts : {2, 4})
    for (const double rate : {1.0, 0.4})
      for (const int bits : {32, 8}) {
        CAPTURE(parts, rate, bits);
        train::Policy policy;
        policy.rows = rate < 1 ? train::RowChoice::uniform : train::RowChoice::all;
        policy.rate = rate;
        policy.bits = bits;
        const auto want = exchange(data, policy, parts, false), got = exchange(data, policy, parts, true);
        for (std::size_t r = 0; r < want.size(); ++r) {
          CHECK(!want[r].halo.empty());
          CHECK(got[r].halo == want[r].halo);
          CHECK(got[r].gradient == want[r].gradient);
          CHECK(got[r].payload == want[r].payload);
          CHECK(want[r].started == 0);
          CHECK(got[r].started == (bits == 32 ? 8 : 4));  // coded rows are the CPU's
        }
      }
}

TEST_CASE("ranks of a machine are numbered, and those of one device cannot be linked") {
  comm::run_ranks(3, {}, [](comm::Communicator& comm) {
    CHECK(comm::rank_on_machine(comm) == comm.rank());
    CHECK_NOTHROW(comm::check_own_devices(comm, comm.rank()));
    CHECK_THROWS_WITH(comm::check_own_devices(comm, comm.rank() / 2), contains("more ranks than GPUs"));
  });
}

}  // namespace galena::test
