#include "test/support/simulated_device.hpp"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <vector>

#include "src/ops/device/table.hpp"

namespace galena::test {
namespace {

struct State {
  std::mutex mutex;
  std::map<void*, std::uint64_t> blocks;
  std::uint64_t live = 0, most = 0;
  std::atomic<std::uint64_t> waits{0};
  bool backwards = false;
};
State& state() {
  static State state;
  return state;
}

/// f(i) for each i, in one order or the other.
template <class F>
void in_order(std::int64_t n, const F& f) {
  for (std::int64_t k = 0; k < n; ++k) f(state().backwards ? n - 1 - k : k);
}

class HostTeam {
 public:
  HostTeam(int lanes, std::size_t bytes) : lanes_(lanes), memory_(bytes / sizeof(double) + 1, -1e300) {}
  [[nodiscard]] int lanes() const { return lanes_; }
  template <class F>
  void each(const F& f) {
    in_order(lanes_, [&](std::int64_t lane) { f(static_cast<int>(lane)); });
  }
  void sync() {}
  template <class F>
  auto sum(const F& f) {
    auto total = f(0);
    for (int lane = 1; lane < lanes_; ++lane) total += f(lane);
    return total;
  }
  template <class F>
  auto max(const F& f) {
    auto most = f(0);
    for (int lane = 1; lane < lanes_; ++lane) most = std::max(most, f(lane));
    return most;
  }
  void* shared() { return memory_.data(); }

 private:
  int lanes_;
  std::vector<double> memory_;
};

struct HostMachine {
  template <class F>
  static void map(std::int64_t n, const F& f) {
    in_order(n, f);
  }
  template <int kLanes, class F>
  static void blocks(std::int64_t count, std::size_t bytes, const F& f) {
    in_order(count, [&](std::int64_t i) {
      HostTeam team(kLanes, bytes);
      f(team, i);
    });
  }
  template <class F>
  static void teams(std::int64_t count, std::size_t bytes, const F& f) {
    blocks<32>(count, bytes, f);
  }
};

/// By the definition, summed in double.
void gemm(const Tensor& a, const Tensor& b, const Tensor& c, const ops::GemmCall& call) {
  ops::with_float("gemm", a.dtype(), [&]<class T>(T) {
    const T *pa = ops::device_data<T>(a), *pb = ops::device_data<T>(b);
    T* const pc = ops::device_data<T>(c);
    const std::int64_t depth = call.transpose_a ? a.rows() : a.cols();
    for (std::int64_t i = 0; i < c.rows(); ++i)
      for (std::int64_t j = 0; j < c.cols(); ++j) {
        double sum = 0;
        for (std::int64_t k = 0; k < depth; ++k) {
          sum += static_cast<double>(call.transpose_a ? pa[k * a.cols() + i] : pa[i * a.cols() + k]) *
                 static_cast<double>(call.transpose_b ? pb[j * b.cols() + k] : pb[k * b.cols() + j]);
        }
        T& to = pc[i * c.cols() + j];
        sum += call.accumulate ? static_cast<double>(to) : 0.0;
        if (call.bias != nullptr) sum += static_cast<double>(ops::device_data<T>(*call.bias)[j]);
        to = static_cast<T>(call.relu ? std::max(sum, 0.0) : sum);
      }
  });
}

void* allocate(std::uint64_t bytes) {
  State& s = state();
  const std::scoped_lock lock(s.mutex);
  if (s.most > 0 && s.live + bytes > s.most) return nullptr;
  void* const memory = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
  std::memset(memory, 0xff, bytes);
  s.blocks[memory] = bytes;
  s.live += bytes;
  return memory;
}

void release(void* memory) noexcept {
  State& s = state();
  const std::scoped_lock lock(s.mutex);
  s.live -= s.blocks[memory];
  s.blocks.erase(memory);
  std::free(memory);
}

ops::DeviceOps table() {
  ops::DeviceOps ops{};
  ops.allocate = allocate;
  ops.release = release;
  ops.upload = [](void* to, const void* from, std::uint64_t bytes) { std::memcpy(to, from, bytes); };
  ops.download = [](void* to, const void* from, std::uint64_t bytes) {
    ++state().waits;
    std::memcpy(to, from, bytes);
  };
  ops.copy = [](void* to, const void* from, std::uint64_t bytes) { std::memmove(to, from, bytes); };
  ops.synchronize = [] { ++state().waits; };
  ops.memory = [](std::uint64_t* free, std::uint64_t* total) {
    *total = state().most;
    *free = state().most - state().live;
  };
  ops.gemm = gemm;
  ops::gpu::add_kernels<HostMachine>(ops);
  return ops;
}

}  // namespace

SimulatedDevice::SimulatedDevice(std::uint64_t most_bytes, bool backwards) {
  static const ops::DeviceOps ops = table();
  state().most = most_bytes;
  state().backwards = backwards;
  ops::set_device_ops(&ops);
}

SimulatedDevice::~SimulatedDevice() { ops::set_device_ops(nullptr); }

std::uint64_t SimulatedDevice::live_bytes() { return state().live; }
std::uint64_t SimulatedDevice::waits() { return state().waits; }

}  // namespace galena::test
