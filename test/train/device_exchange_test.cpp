// Rows that go from device to device, by links or through the CPU's memory, are those of ranks on CPUs.

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include "galena/error.hpp"
#include "src/comm/placement.hpp"
#include "src/ops/device_packed.hpp"
#include "src/train/device_exchange.hpp"
#include "src/train/staged_links.hpp"
#include "test/support/catch.hpp"
#include "test/support/simulated_device.hpp"
#include "test/train/host_links.hpp"
#include "test/train/support.hpp"

namespace galena::test {
namespace {

using train::BoundaryExchange;
using train::DeviceExchange;

enum class By { cpu, staged, links };

/// One rank's exchange, of rows of the CPU or of a device.
struct Rank {
  Rank(const train::Share& share, comm::Communicator& comm, const train::Policy& policy, By by)
      : boundary(share, comm, policy, 11), place(by == By::cpu ? Device::cpu : Device::cuda) {
    if (by == By::cpu) return;
    if (by == By::links)
      links = std::make_unique<HostLinks>(comm);
    else
      links = std::make_unique<train::StagedLinks>(comm);
    device = std::make_unique<DeviceExchange>(share, boundary, *links);
  }
  nn::HaloExchange& exchange() { return device ? static_cast<nn::HaloExchange&>(*device) : boundary; }
  void begin_pass(const train::Pass& pass) {
    boundary.begin_pass(pass);
    if (device) device->begin_pass();
  }
  void drain() {
    if (device) device->drain();
    boundary.drain();
  }

  BoundaryExchange boundary;
  Device place;
  std::unique_ptr<DeviceExchange> device;
  std::unique_ptr<comm::DeviceLinks> links;
};

struct Outcome {
  std::vector<double> halo, gradient;
  std::uint64_t payload = 0, parameters = 0, control = 0;
  train::Measures measures;
};

void append(std::vector<double>& to, const Tensor& x) {
  const Tensor host = x.to(Device::cpu).to(DType::f64);
  to.insert(to.end(), host.data<double>(), host.data<double>() + host.size());
}

Tensor numbers(std::int64_t rows, std::int64_t cols, int salt, Device place) {
  const OnDevice host(Device::cpu);
  const Tensor x = Tensor::empty(rows, cols);
  for (std::int64_t k = 0; k < x.size(); ++k)
    x.data<float>()[k] = static_cast<float>((k * 37 + salt * 11) % 101 - 50) * 0.37F;
  return x.to(place);
}

/// Two exchanges there and back, the numbers of this epoch.
void pass(Rank& rank, const train::Share& share, std::uint32_t epoch, bool training, Outcome& out) {
  rank.begin_pass({training, true, epoch});
  const int salt = share.rank + 5 * static_cast<int>(epoch);
  for (const std::uint32_t call : {0U, 1U}) {
    const OnDevice here(rank.place);
    const std::int64_t rows = share.hop_rows[call];
    nn::HaloExchange& exchange = rank.exchange();
    const Tensor x = numbers(rows, 13, salt, rank.place);
    exchange.begin_forward(call, static_cast<int>(call), x);
    x.fill(77);  // as far as the exchange goes, it has been taken
    const Tensor halo = exchange.finish_forward(call, false).dense;
    CHECK(halo.rows() == exchange.selection(call, static_cast<int>(call)).count);
    append(out.halo, halo);
    const std::int64_t back = rank.device ? exchange.selection(call, static_cast<int>(call)).count : halo.rows();
    exchange.begin_backward(call, numbers(back, 13, salt + 1, rank.place));
    const Tensor dx = numbers(rows, 13, 4, rank.place);
    exchange.finish_backward(call, dx);
    append(out.gradient, dx);
  }
  if (rank.device) rank.device->collect();
}

struct Case {
  train::Policy policy;
  int parts = 2;
  bool measured = false;
};

/// Widths of their own for each row, alike at both ends.
train::Assignment mixed_widths(const train::Share& share) {
  const auto of_routes = [](const std::vector<train::Route>& routes) {
    constexpr std::array<std::uint8_t, 6> kWidths{1, 2, 4, 8, 16, 32};
    std::vector<train::RouteAssignment> assignment;
    for (const train::Route& route : routes) {
      train::RouteAssignment& a = assignment.emplace_back();
      for (const VertexId id : route.ids) {
        a.forward_bits.push_back(kWidths[id % 6]);
        a.backward_bits.push_back(kWidths[id / 2 % 6]);
      }
    }
    return assignment;
  };
  train::Assignment assignment;
  for (const int hop : {0, 1}) {
    assignment.receives.push_back(of_routes(share.step(hop).receives));
    assignment.sends.push_back(of_routes(share.step(hop).sends));
  }
  return assignment;
}

/// Four epochs; `resumed`: saved and loaded after the second.
std::vector<Outcome> run(const NodeDataset& data, const Case& c, By by, bool resumed = false) {
  std::vector<Outcome> outcomes(static_cast<std::size_t>(c.parts));
  const Partition partition = striped(data.graph, c.parts);
  comm::run_ranks(c.parts, {}, [&](comm::Communicator& comm) {
    const train::Share share =
        train::build_share(data.graph, partition.part_of, c.parts, comm.rank(), {2, data.data.train});
    Outcome& out = outcomes[static_cast<std::size_t>(comm.rank())];
    auto rank = std::make_unique<Rank>(share, comm, c.policy, by);
    rank->boundary.measure(c.measured);
    for (std::uint32_t epoch = 0; epoch < 4; ++epoch) {
      if (c.policy.bits == 0 && epoch == 1) rank->boundary.assign(mixed_widths(share));
      pass(*rank, share, epoch, true, out);
      pass(*rank, share, epoch, false, out);
      if (!resumed || epoch != 1) continue;
      train::ByteWriter writer;
      if (rank->device) rank->device->park();
      rank->boundary.save(writer);
      rank->drain();
      rank = std::make_unique<Rank>(share, comm, c.policy, by);
      train::ByteReader reader(writer.bytes, "memory");
      rank->boundary.begin_pass({true, true, epoch});
      rank->boundary.load(reader);
      if (c.policy.bits == 0) rank->boundary.assign(mixed_widths(share));
    }
    rank->drain();
    out.measures = rank->boundary.measures();
    out.payload = comm.traffic().total(comm::Traffic::payload).bytes;
    out.parameters = comm.traffic().total(comm::Traffic::parameters).bytes;
    out.control = comm.traffic().total(comm::Traffic::control).bytes;
  });
  return outcomes;
}

void check_measures(const std::vector<std::vector<train::RouteMeasure>>& want,
                    const std::vector<std::vector<train::RouteMeasure>>& got) {
  REQUIRE(got.size() == want.size());
  for (std::size_t call = 0; call < want.size(); ++call)
    for (std::size_t r = 0; r < want[call].size(); ++r) {
      CHECK(got[call][r].width == want[call][r].width);
      REQUIRE(got[call][r].rows.size() == want[call][r].rows.size());
      for (std::size_t k = 0; k < want[call][r].rows.size(); ++k) {
        const train::RowMeasure &w = want[call][r].rows[k], &g = got[call][r].rows[k];
        CHECK(g.times == w.times);
        CHECK(g.bits == w.bits);
        CHECK(std::fabs(g.variance - w.variance) <= 1e-5 * w.variance);
        CHECK(std::fabs(g.energy - w.energy) <= 1e-9 * w.energy);
      }
    }
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const int parts : {2, 4})
    for (const double rate : {1.0, 0.4})
      for (const int bits : {32, 16, 8, 1, 0})
        for (const bool stale : {false, true}) {
          Case& c = all.emplace_back();
          c.parts = parts;
          c.policy.rows = rate < 1 ? train::RowChoice::uniform : train::RowChoice::all;
          c.policy.rate = rate;
          c.policy.bits = bits;
          c.policy.stale = stale;
          c.measured = bits != 32 && parts == 2;
        }
  return all;
}

}  // namespace

TEST_CASE("rows between devices are the rows, bits and bytes of ranks on CPUs: whole, sampled, coded, stale") {
  const SimulatedDevice device;
  const NodeDataset data = random_data({});
  for (const Case& c : cases()) {
    const auto want = run(data, c, By::cpu);
    for (const By by : {By::staged, By::links})
      for (const bool resumed : {false, true}) {
        CAPTURE(c.parts, c.policy.rate, c.policy.bits, c.policy.stale, by == By::links, resumed);
        const auto got = run(data, c, by, resumed);
        for (std::size_t r = 0; r < want.size(); ++r) {
          CHECK(!want[r].halo.empty());
          CHECK(got[r].halo == want[r].halo);
          CHECK(got[r].gradient == want[r].gradient);
          CHECK(got[r].payload == want[r].payload);
          CHECK(got[r].parameters == want[r].parameters);
          CHECK(got[r].control == want[r].control);
          if (resumed) continue;
          check_measures(want[r].measures.forward, got[r].measures.forward);
          check_measures(want[r].measures.backward, got[r].measures.backward);
        }
        CHECK(SimulatedDevice::live_bytes() == 0);
        CHECK(SimulatedDevice::pinned_bytes() == 0);
      }
  }
}

TEST_CASE("beginning to exchange does not wait for the device, and arrivals are copied beside its work") {
  const SimulatedDevice device;
  const NodeDataset data = random_data({});
  Case c;
  c.policy.bits = 4;
  const Partition partition = striped(data.graph, c.parts);
  comm::run_ranks(c.parts, {}, [&](comm::Communicator& comm) {
    const train::Share share =
        train::build_share(data.graph, partition.part_of, c.parts, comm.rank(), {2, data.data.train});
    Rank rank(share, comm, c.policy, By::staged);
    rank.boundary.begin_pass({true, true, 0});
    const Tensor x = numbers(share.hop_rows[0], 13, 1, Device::cuda);
    comm.barrier();
    const std::uint64_t before = SimulatedDevice::waits();
    rank.exchange().begin_forward(0, 0, x);
    CHECK(SimulatedDevice::waits() == before);
    comm.barrier();
    static_cast<void>(rank.exchange().finish_forward(0, true));
    comm.barrier();
    CHECK(SimulatedDevice::waits() == before + 2);  // a rank: for the copy of what leaves
    comm.barrier();
  });
}

TEST_CASE("sums take coded rows as they came to the device") {
  const SimulatedDevice device;
  const NodeDataset data = random_data({});
  for (const bool stale : {false, true}) {
    Case c;
    c.policy.bits = 2;
    c.policy.stale = stale;
    const Partition partition = striped(data.graph, c.parts);
    comm::run_ranks(c.parts, {}, [&](comm::Communicator& comm) {
      const train::Share share =
          train::build_share(data.graph, partition.part_of, c.parts, comm.rank(), {2, data.data.train});
      Rank rank(share, comm, c.policy, By::links);
      for (std::uint32_t epoch = 0; epoch < 3; ++epoch) {
        rank.boundary.begin_pass({true, true, epoch});
        rank.exchange().begin_forward(0, 0, numbers(share.hop_rows[0], 13, 1, Device::cuda));
        const nn::HaloSelection& selection = rank.exchange().selection(0, 0);
        const nn::HaloRows coded = rank.exchange().finish_forward(0, true);
        REQUIRE(coded.device_packed != nullptr);
        const std::int64_t rows = share.hop_rows[1];
        const Tensor fused = Tensor::zeros(rows, 13).to(Device::cuda), two = Tensor::zeros(rows, 13).to(Device::cuda);
        ops::spmm_packed(selection.csr, nullptr, nullptr, *coded.device_packed, fused);
        ops::spmm(selection.csr, {}, rank.exchange().finish_forward(0, false).dense, two, true);
        std::vector<double> a, b;
        append(a, fused);
        append(b, two);
        for (std::size_t k = 0; k < a.size(); ++k) CHECK(std::fabs(a[k] - b[k]) <= 1e-4);
        CHECK(std::ranges::any_of(b, [](double v) { return v != 0; }));
      }
      rank.drain();
    });
  }
}

TEST_CASE("a row that cannot be coded arrives as NaN at any width, and its vertex is named") {
  const SimulatedDevice device;
  const NodeDataset data = random_data({});
  for (const float bad : {std::nanf(""), HUGE_VALF})
    for (const int bits : {1, 8, 16}) {
      CAPTURE(bad, bits);
      Case c;
      c.policy.bits = bits;
      const Partition partition = striped(data.graph, c.parts);
      std::vector<std::int64_t> arrived(2);
      comm::run_ranks(c.parts, {}, [&](comm::Communicator& comm) {
        const train::Share share =
            train::build_share(data.graph, partition.part_of, c.parts, comm.rank(), {2, data.data.train});
        Rank rank(share, comm, c.policy, By::staged);
        rank.boundary.begin_pass({true, true, 0});
        CHECK_NOTHROW(rank.device->check_rows());
        const Tensor x = numbers(share.hop_rows[0], 13, 1, Device::cpu);
        const train::Route& route = share.step(0).sends.front();
        if (comm.rank() == 1) x.at<float>(route.rows.front(), 7) = bad;
        rank.exchange().begin_forward(0, 0, x.to(Device::cuda));
        std::vector<double> halo;
        append(halo, rank.exchange().finish_forward(0, false).dense);
        arrived[static_cast<std::size_t>(comm.rank())] =
            std::ranges::count_if(halo, [](double v) { return std::isnan(v); });
        if (comm.rank() == 0)
          CHECK_NOTHROW(rank.device->check_rows());
        else
          CHECK_THROWS_WITH(rank.device->check_rows(),
                            contains("a feature of vertex " + std::to_string(route.ids.front()) + " is not"));
      });
      CHECK(arrived == std::vector<std::int64_t>{13, 0});
    }
}

namespace {

/// body(share, rank, note) of two ranks; what they note are bytes, as all ranks have come there.
template <class F>
std::vector<std::uint64_t> noted(const train::Policy& policy, int hops, std::uint64_t (*bytes)(), const F& body) {
  const NodeDataset data = random_data({});
  const Partition partition = striped(data.graph, 2);
  std::vector<std::uint64_t> all;
  comm::run_ranks(2, {}, [&](comm::Communicator& comm) {
    const train::Share share =
        train::build_share(data.graph, partition.part_of, 2, comm.rank(), {hops, data.data.train});
    Rank rank(share, comm, policy, By::links);
    body(share, rank, [&] {
      comm.barrier();
      if (comm.rank() == 0) all.push_back(bytes());
      comm.barrier();
    });
    rank.drain();
  });
  return all;
}

}  // namespace

TEST_CASE("assignments take each other's place in a device's memory") {
  const SimulatedDevice device;
  for (const bool stale : {false, true}) {
    train::Policy policy;
    policy.bits = 0;
    policy.stale = stale;
    const auto live =
        noted(policy, 2, SimulatedDevice::live_bytes, [](const auto& share, Rank& rank, const auto& note) {
          Outcome out;
          for (std::uint32_t epoch = 0; epoch < 12; ++epoch) {
            rank.boundary.assign(mixed_widths(share));
            pass(rank, share, epoch, true, out);
            note();
          }
        });
    for (std::size_t k = 3; k < live.size(); ++k) CHECK(live[k] == live[2]);
  }
}

TEST_CASE("what a pass has copied to a device of its exchanges' rows, the next one does not copy again") {
  const SimulatedDevice device;
  constexpr std::uint32_t kCalls = 40;
  train::Policy policy;
  policy.bits = 4;
  const auto copied =
      noted(policy, kCalls, SimulatedDevice::copied_bytes, [](const auto& share, Rank& rank, const auto& note) {
        const OnDevice here(Device::cuda);
        const Tensor x = numbers(share.hop_rows[0], 13, 1, Device::cuda);
        for (std::uint32_t epoch = 0; epoch < 3; ++epoch) {
          note();
          rank.begin_pass({true, true, epoch});
          for (std::uint32_t call = 0; call < kCalls; ++call) {
            const int hop = static_cast<int>(call);
            rank.exchange().begin_forward(call, hop, x.slice(0, share.hop_rows[call]));
            static_cast<void>(rank.exchange().selection(call, hop));
            static_cast<void>(rank.exchange().finish_forward(call, true));
          }
        }
        note();
      });
  CHECK(copied[1] > copied[0]);
  CHECK(copied[2] == copied[1]);
  CHECK(copied[3] == copied[1]);
}

TEST_CASE("samples that no pass can ask for are given back") {
  const SimulatedDevice device;
  train::Policy policy;
  policy.rows = train::RowChoice::uniform;
  policy.rate = 0.5;
  const auto live = noted(policy, 2, SimulatedDevice::live_bytes, [](const auto& share, Rank& rank, const auto& note) {
    Outcome out;
    for (std::uint32_t epoch = 0; epoch < 12; ++epoch) {
      pass(rank, share, epoch, true, out);
      note();
    }
  });
  CHECK(live.back() < 2 * live.front());
}

TEST_CASE("late rows of a checkpoint that have been looked at and not used are saved again as they were") {
  const SimulatedDevice device;
  const NodeDataset data = random_data({});
  const Partition partition = striped(data.graph, 2);
  for (const int bits : {4, 32})
    comm::run_ranks(2, {}, [&](comm::Communicator& comm) {
      const train::Share share =
          train::build_share(data.graph, partition.part_of, 2, comm.rank(), {2, data.data.train});
      train::Policy policy;
      policy.bits = bits;
      policy.stale = true;
      Outcome out;
      const auto save = [](Rank& rank) {
        train::ByteWriter writer;
        rank.device->park();
        rank.boundary.save(writer);
        return writer.bytes;
      };
      Rank first(share, comm, policy, By::links), second(share, comm, policy, By::links);
      pass(first, share, 0, true, out);
      const auto want = save(first);
      first.drain();
      second.begin_pass({true, true, 0});
      train::ByteReader reader(want, "memory");
      second.boundary.load(reader);
      second.begin_pass({true, true, 1});
      static_cast<void>(second.exchange().selection(0, 0));
      CHECK(save(second) == want);
      second.drain();
    });
}

TEST_CASE("ranks of a machine are numbered, and those of one device cannot be linked") {
  comm::run_ranks(3, {}, [](comm::Communicator& comm) {
    CHECK(comm::rank_on_machine(comm) == comm.rank());
    CHECK_NOTHROW(comm::check_own_devices(comm, std::to_string(comm.rank())));
    CHECK_FALSE(comm::share_devices(comm, std::to_string(comm.rank())));
    CHECK(comm::share_devices(comm, std::to_string(comm.rank() / 2)));
    CHECK_THROWS_WITH(comm::check_own_devices(comm, std::to_string(comm.rank() / 2)), contains("more ranks than GPUs"));
  });
}

}  // namespace galena::test
