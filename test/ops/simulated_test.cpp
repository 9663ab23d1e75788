// What only a simulated device shows: its memory, and that no lane relies on another's turn.

#include <array>
#include <atomic>
#include <string>
#include <thread>

#include "galena/error.hpp"
#include "src/ops/device_csr.hpp"
#include "src/ops/device_graph.hpp"
#include "src/ops/device_memory.hpp"
#include "src/ops/device_ops.hpp"
#include "src/ops/spmm.hpp"
#include "test/ops/reference.hpp"
#include "test/support/simulated_device.hpp"

using namespace galena;
using galena::test::random_tensor;
using galena::test::SimulatedDevice;

TEST_CASE("out of device memory says what is asked for, what is there and what to do") {
  const SimulatedDevice device(3 << 20);
  const OnDevice there(Device::cuda);
  const Tensor first = Tensor::zeros(512, 512, DType::f32);
  CHECK_THROWS_WITH(Tensor::zeros(1024, 1024, DType::f32),
                    test::contains("a tensor of 1024 x 1024 f32 needs 4 MiB, 2 MiB of 3 MiB are free") &&
                        test::contains("--device cpu"));
  CHECK(SimulatedDevice::live_bytes() == 1 << 20);
}

TEST_CASE("device memory is given back") {
  const SimulatedDevice device;
  {
    const Tensor x = random_tensor(40, 30, DType::f32, 1).to(Device::cuda);
    const Tensor part = x.slice(3, 5).clone().to(DType::f64);
    CHECK(SimulatedDevice::live_bytes() > 0);
  }
  CHECK(SimulatedDevice::live_bytes() == 0);
}

TEST_CASE("each thread has a device, and what lies on another one is not its own") {
  const SimulatedDevice device(0, false, 2);
  const Tensor x = random_tensor(4, 3, DType::f32, 1), first = x.to(Device::cuda);
  Tensor second;
  {
    const ops::UseDevice use(1);
    CHECK(ops::current_device() == 1);
    second = x.to(Device::cuda);
    second.fill(2);
    CHECK_THROWS_WITH(first.fill(2), test::contains("device 1 is given memory of device 0"));
    CHECK_THROWS_AS(ops::UseDevice(2), InternalError);
    CHECK(ops::current_device() == 1);
  }
  CHECK(ops::current_device() == 0);
  CHECK_THROWS_AS(second.to(Device::cpu), InternalError);
  CHECK_THROWS_AS(first.copy_from(second), InternalError);
  first.fill(1);
  second = {};  // given back to where it is from
  CHECK(first.item(0, 0) == 1);
}

TEST_CASE("memory is given back by other threads while a graph takes its own") {
  const SimulatedDevice device;
  {
    const OnDevice there(Device::cuda);
    std::vector<Tensor> older;
    for (int k = 0; k < 200; ++k) older.push_back(Tensor::empty(4, 4));
    ops::DeviceGraph graph;
    const auto pass = [] {
      for (int k = 0; k < 200; ++k) static_cast<void>(Tensor::empty(8, 8));
    };
    graph.rehearse(pass);
    std::atomic<bool> begun = false;
    std::jthread other;
    graph.record(1, [&] {
      other = std::jthread([&] {
        begun = true;
        older.clear();
      });
      while (!begun) std::this_thread::yield();
      pass();
    });
    other.join();
    CHECK(SimulatedDevice::live_bytes() > 200 * 4 * 4 * sizeof(float));  // the graph may use it
  }
  CHECK(SimulatedDevice::live_bytes() == 0);
}

TEST_CASE("a pass counts what a graph of it would take") {
  const SimulatedDevice device;
  const OnDevice there(Device::cuda);
  const Tensor older = Tensor::empty(64, 64);
  Tensor kept;
  const auto pass = [&] {
    const Tensor a = Tensor::empty(64, 64);
    for (int k = 0; k < 5; ++k) static_cast<void>(Tensor::empty(64, 64));
    const Tensor b = Tensor::empty(32, 64), c = Tensor::empty(32, 64);
    for (int k = 8; k < 12; ++k) static_cast<void>(Tensor::empty(64, k));
    kept = Tensor::empty(16, 16);
  };
  std::uint64_t counted = 0;
  {
    const ops::CountedMemory counts;
    pass();
    counted = counts.bytes();
  }
  kept = {};
  CHECK(counted == sizeof(float) * (64 * 64 * 2 + 32 * 64 * 2 + 64 * (8 + 9 + 10 + 11) + 16 * 16));
  ops::DeviceGraph graph;
  const std::uint64_t before = SimulatedDevice::live_bytes();
  graph.rehearse(pass);
  CHECK(SimulatedDevice::live_bytes() - before == counted);
}

TEST_CASE("memory that one graph took and another reads is not taken by the first again, and outlives it") {
  const SimulatedDevice device;
  const OnDevice there(Device::cuda);
  const Tensor y = Tensor::zeros(50, 8);
  Tensor x;
  auto first = std::make_unique<ops::DeviceGraph>();
  first->rehearse([&] { x = Tensor::full(50, 8, 3); });
  const std::byte* const memory = x.raw();
  const auto copy = [&] { y.copy_from(x); };
  {
    ops::DeviceGraph second;
    second.rehearse(copy);
    second.record(1, copy);
    x = {};
    first->rehearse([&] { CHECK(Tensor::empty(50, 8).raw() != memory); });
    const std::uint64_t before = SimulatedDevice::live_bytes();
    first.reset();
    CHECK(before - SimulatedDevice::live_bytes() == y.bytes());  // what the second cannot know
    second.replay(3);
    CHECK(y.item(49, 7) == 3);
  }
  CHECK(SimulatedDevice::live_bytes() == y.bytes());
}

TEST_CASE("what a graph held goes with it, where another was recorded before that was there") {
  const SimulatedDevice device;
  const OnDevice there(Device::cuda);
  const Tensor y = Tensor::zeros(50, 8), older = Tensor::full(50, 8, 2);
  ops::DeviceGraph lasting;
  const auto add = [&] { y.copy_from(older); };
  lasting.rehearse(add);
  lasting.record(1, add);
  const std::uint64_t before = SimulatedDevice::live_bytes();
  for (int k = 0; k < 5; ++k) {
    Tensor newer = Tensor::full(50, 8, k);
    {
      ops::DeviceGraph anew;
      const auto copy = [&] { y.copy_from(newer); };
      anew.rehearse(copy);
      anew.record(1, copy);
      newer = {};
      anew.replay(2);
      CHECK(y.item(0, 0) == k);
    }
    CHECK(SimulatedDevice::live_bytes() == before);
  }
  lasting.replay(3);
  CHECK(y.item(0, 0) == 2);
}

TEST_CASE("what comes before waits for a device comes before the copies that may wait in their call") {
  const SimulatedDevice device;
  const Tensor small = Tensor::zeros(1, ops::kUploadsUnawaited, DType::u8), large = Tensor::zeros(9, small.cols());
  const Tensor there = large.to(Device::cuda);
  std::vector<std::uint64_t> copied;  // before, each time
  const ops::BeforeWaits note([&] { copied.push_back(SimulatedDevice::copied_bytes()); });
  const std::uint64_t before = SimulatedDevice::copied_bytes();
  static_cast<void>(small.to(Device::cuda));
  CHECK(copied.empty());
  static_cast<void>(large.to(Device::cuda));
  CHECK(copied == std::vector{before + small.bytes()});
  static_cast<void>(there.to(Device::cpu));
  CHECK(copied == std::vector{before + small.bytes(), before + small.bytes() + large.bytes()});
}

TEST_CASE("a download asks before it copies, and waits after") {
  std::string order;
  const ops::BeforeWaits note([&] { order += "before "; });
  ops::download_in_order([&] { order += "copy "; }, [&] { order += "wait"; });
  CHECK(order == "before copy wait");
}

TEST_CASE("lanes in the other order give the same bits") {
  ops::CsrArrays csr = test::random_csr(50, 400, 90, 3, true);
  const Tensor x = random_tensor(400, 48, DType::f32, 1), a = random_tensor(50, 48, DType::f32, 2);
  std::vector<std::array<Tensor, 4>> results;
  for (const bool backwards : {false, true}) {
    const SimulatedDevice device(0, backwards);
    csr.on_device = ops::to_device(csr.view());
    const OnDevice there(Device::cuda);
    const Tensor there_x = x.to(Device::cuda), y = Tensor::empty(50, 48), largest = Tensor::empty(50, 48);
    const Tensor arg = Tensor::empty(50, 48, DType::i32);
    const Tensor e = Tensor::empty(static_cast<std::int64_t>(csr.indices.size()), 3);
    ops::spmm(csr.view(), {}, there_x, y);
    ops::spmm_max(csr.view(), there_x, largest, arg);
    ops::sddmm(csr.view(), a.to(Device::cuda), there_x, 3, e);
    results.push_back({y.to(Device::cpu), largest.to(Device::cpu), arg.to(Device::cpu), e.to(Device::cpu)});
    csr.on_device.reset();
  }
  for (std::size_t k = 0; k < 4; ++k) CHECK(test::largest_difference(results[0][k], results[1][k]) == 0);
}
