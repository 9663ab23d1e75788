// Sums of devices' memory over ranks are those of the CPU's.

#include <cmath>
#include <vector>

#include "src/ops/check.hpp"
#include "src/ops/device_graph.hpp"
#include "src/ops/device_ops.hpp"
#include "src/train/device_sum.hpp"
#include "test/support/catch.hpp"
#include "test/support/simulated_device.hpp"
#include "test/train/host_links.hpp"
#include "test/train/support.hpp"

namespace galena::test {
namespace {

constexpr comm::Label kLabel{comm::Traffic::gradients, -1, comm::Direction::none};

/// Of magnitudes so different that the order of additions shows.
template <class T>
std::vector<T> numbers(std::size_t count, int rank, int round) {
  std::vector<T> values;
  for (std::size_t k = 0; k < count; ++k)
    values.push_back(static_cast<T>(std::sin(static_cast<double>(k) + 7 * rank + 31 * round) *
                                    std::pow(10.0, static_cast<double>((k + static_cast<std::size_t>(rank)) % 9))));
  return values;
}

template <class T>
void check_sums(int ranks, std::size_t count, bool linked) {
  CAPTURE(ranks, count, linked, sizeof(T));
  const SimulatedDevice device(0, false, 4);
  comm::run_ranks(ranks, {}, [&](comm::Communicator& comm) {
    const ops::UseDevice here(comm.rank());
    HostLinks links(comm);
    train::DeviceSum sum(comm, linked ? &links : nullptr);
    const OnDevice there(Device::cuda);
    const auto shape = static_cast<std::int64_t>(count);
    const auto want = [&](int round) {
      auto values = numbers<T>(count, comm.rank(), round);
      comm.sum(std::span(values), kLabel);
      return values;
    };
    const auto check = [&](const Tensor& got, int round) {
      const Tensor host = got.to(Device::cpu);
      CHECK(std::vector<T>(host.data<T>(), host.data<T>() + count) == want(round));
    };
    const auto fill = [&](const Tensor& x, int round) {
      x.copy_from(Tensor::from<T>(1, shape, std::span<const T>(numbers<T>(count, comm.rank(), round))));
    };
    const Tensor x = Tensor::empty(1, shape, std::is_same_v<T, float> ? DType::f32 : DType::f64);
    fill(x, 0);
    comm.traffic().reset();
    sum(x, kLabel);
    CHECK(comm.traffic().total(comm::Traffic::gradients).bytes ==
          comm::Communicator::reduction_bytes(count, sizeof(T), comm.rank(), comm.size()));
    check(x, 0);

    ops::DeviceGraph graph;
    graph.rehearse([&] { sum(x, kLabel); });
    graph.record(0, [&] { sum(x, kLabel); });
    for (const int round : {1, 2}) {
      fill(x, round);
      graph.replay(0);
      check(x, round);
    }
  });
  CHECK(SimulatedDevice::live_bytes() == 0);
}

}  // namespace

TEST_CASE("devices' numbers are summed over ranks to the bits of the CPU's sums, with their bytes, replayed too") {
  const bool linked = GENERATE(false, true);
  for (const int ranks : {2, 3, 4})
    for (const std::size_t count : {1, 7, 128, 129, 257, 1000}) {
      check_sums<float>(ranks, count, linked);
      check_sums<double>(ranks, count, linked);
    }
}

TEST_CASE("batch normalisation that is recorded asks nothing of other ranks before it is replayed") {
  const SimulatedDevice device;
  nn::GraphView view;
  view.inner = 6;
  int asked = 0, added = 0;
  nn::Context::Settings settings;
  settings.training = true;
  settings.sum_over_ranks = [&](std::span<double>) { ++asked; };
  settings.sum_on_device = [&](const Tensor&) { ops::between_graphs([&] { ++added; }); };
  const OnDevice there(Device::cuda);
  const nn::Var x(Tensor::full(6, 3, 2)), gamma(Tensor::full(1, 3, 1)), beta(Tensor::full(1, 3, 0));
  const Tensor mean = Tensor::zeros(1, 3), var = Tensor::full(1, 3, 1);
  const auto pass = [&] {
    nn::Context ctx(view, nullptr, settings);
    static_cast<void>(nn::batch_norm(ctx, x, gamma, beta, mean, var));
  };
  ops::DeviceGraph graph;
  graph.rehearse(pass);
  asked = added = 0;
  graph.record(0, pass);
  CHECK(asked + added == 0);
  graph.replay(0);
  CHECK(asked + added == 1);
}

TEST_CASE("sums from device to device wait for no device") {
  const SimulatedDevice device(0, false, 2);
  comm::run_ranks(2, {}, [](comm::Communicator& comm) {
    const ops::UseDevice here(comm.rank());
    HostLinks links(comm);
    const OnDevice there(Device::cuda);
    const Tensor x = Tensor::full(1000, 1, 3);
    comm.barrier();
    const std::uint64_t before = SimulatedDevice::waits();
    train::DeviceSum(comm, &links)(x, kLabel);
    comm.barrier();
    CHECK(SimulatedDevice::waits() == before);
    comm.barrier();
    CHECK(x.item(999, 0) == 6);
  });
}

}  // namespace galena::test
