#include "test/support/simulated_device.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "galena/error.hpp"
#include "src/ops/device/table.hpp"
#include "src/ops/device_memory.hpp"
#include "test/support/tf32.hpp"

namespace galena::test {
namespace {

struct Block {
  std::uint64_t bytes = 0;
  int device = 0;
};

constexpr int kMostDevices = 4;

struct State {
  std::mutex mutex;
  std::map<const void*, Block> blocks;
  int devices = 1;
  std::array<std::atomic<std::uint64_t>, kMostDevices> launched{};
  std::uint64_t live = 0, most_live = 0, most = 0;
  std::atomic<std::uint64_t> waits{0}, launches{0}, copied{0}, pinned{0};
  bool backwards = false;
};
State& state() {
  static State state;
  return state;
}

/// What was recorded; by each thread, as of a stream of its own.
using Recorded = std::vector<std::function<void()>>;
thread_local Recorded* recording = nullptr;
thread_local bool spoiled = false;  ///< by what it must not come to

/// f(i) for each i, in one order or the other.
template <class F>
void in_order(std::int64_t n, const F& f) {
  for (std::int64_t k = 0; k < n; ++k) f(state().backwards ? n - 1 - k : k);
}

/// Throws where one of these addresses lies in the memory of another device than this thread's.
void check_addresses(std::span<const void* const> addresses) {
  State& s = state();
  if (s.devices == 1) return;
  const std::scoped_lock lock(s.mutex);
  for (const void* const address : addresses) {
    auto block = s.blocks.upper_bound(address);
    if (block == s.blocks.begin()) continue;
    --block;
    const bool inside =
        static_cast<const char*>(address) < static_cast<const char*>(block->first) + block->second.bytes;
    if (inside && block->second.device != ops::current_device())
      throw InternalError("device " + std::to_string(ops::current_device()) + " is given memory of device " +
                          std::to_string(block->second.device));
  }
}

/// What a thread has queued beside its work. It is done as late as it may be: when somebody waits for it.
struct Transfers {
  std::deque<std::function<void()>> queued;
  std::uint64_t begun = 0;     ///< transfers queued so far
  std::uint64_t worked = 0;    ///< kernels and copies of the thread so far
  std::uint64_t followed = 0;  ///< that many of which came before the transfers from now on
  void run_until(std::uint64_t position) {
    while (begun - queued.size() < position) {
      queued.front()();
      queued.pop_front();
    }
  }
};
thread_local Transfers transfers;

/// Does it now, or records it. Work is plain data: the pointers that it holds are looked through.
template <class Work>
void submit(const Work& work) {
  static_assert(std::is_trivially_copyable_v<Work>);
  Work plain = work;
#if __has_builtin(__builtin_clear_padding)
  __builtin_clear_padding(&plain);  // what is left there of other things, flags beside it, can look like an address
#endif
  std::array<const void*, sizeof(Work) / sizeof(void*)> words{};
  std::memcpy(words.data(), &plain, sizeof words);
  check_addresses(words);
  if (recording != nullptr) return recording->push_back(work);
  ++transfers.worked;
  ++state().launches;
  ++state().launched[static_cast<std::size_t>(ops::current_device())];
  work();
}

/// What a recording must not come to.
void not_while_recording(const char* what) {
  if (recording == nullptr) return;
  spoiled = true;
  throw InternalError(std::string("the device records, and is asked for ") + what);
}

class HostTeam {
 public:
  template <class X>
  struct PerLane {
    X of[512];
    X& operator[](int lane) { return of[lane]; }
  };
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
  template <class F>
  void sum_groups(int shift, const F& f) {
    for (int first = 0; first < lanes_; first += 1 << shift)
      for (std::size_t k = 0; k < std::size(f(first)); ++k) {
        auto total = f(first)[k];
        for (int lane = first + 1; lane < first + (1 << shift); ++lane) total += f(lane)[k];
        for (int lane = first; lane < first + (1 << shift); ++lane) f(lane)[k] = total;
      }
  }
  void* shared() { return memory_.data(); }

 private:
  int lanes_;
  std::vector<double> memory_;
};

constexpr std::size_t kMostShared = 227 << 10;  ///< an H200's

struct HostMachine {
  template <class F>
  static void map(std::int64_t n, const F& f) {
    submit([n, f] { in_order(n, f); });
  }
  template <class F>
  static void map_rows(std::int64_t rows, std::int64_t cols, const F& f) {
    submit([rows, cols, f] { in_order(rows * cols, [&](std::int64_t k) { f(k / cols, k % cols); }); });
  }
  template <int kLanes, class F>
  static void blocks(std::int64_t count, std::size_t bytes, const F& f) {
    ops::gpu::check_shared(bytes, kMostShared);
    submit([count, bytes, f] {
      in_order(count, [&](std::int64_t i) {
        HostTeam team(kLanes, bytes);
        f(team, i);
      });
    });
  }
  template <class F>
  static void mixed(std::int64_t blocks, std::size_t bytes, std::int64_t warps, std::size_t warp_bytes, const F& f) {
    constexpr int kLanes = ops::gpu::kMixedLanes;
    ops::gpu::check_shared(std::max(bytes, warp_bytes * ops::gpu::kWarps), kMostShared);
    if (blocks + warps == 0) return;
    submit([blocks, bytes, warps, warp_bytes, f] {
      in_order(blocks + warps, [&](std::int64_t i) {
        HostTeam team(i < blocks ? kLanes : 32, i < blocks ? bytes : warp_bytes);
        f(team, i);
      });
    });
  }
  template <class F>
  static void teams(std::int64_t count, std::size_t bytes, const F& f) {
    ops::gpu::check_shared(bytes * ops::gpu::kWarps, kMostShared);
    blocks<32>(count, bytes, f);
  }
};

float as_tf32(float x) { return to_tf32(x); }
double as_tf32(double x) { return x; }

/// By the definition, summed in double.
template <class T>
struct Gemm {
  const T *a, *b, *bias;
  T* c;
  std::int64_t rows, cols, depth, a_cols, b_cols;
  bool transpose_a, transpose_b, accumulate, relu, tf32;
  void operator()() const {
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t j = 0; j < cols; ++j) {
        double sum = 0;
        for (std::int64_t k = 0; k < depth; ++k) {
          const T x = transpose_a ? a[k * a_cols + i] : a[i * a_cols + k],
                  y = transpose_b ? b[j * b_cols + k] : b[k * b_cols + j];
          sum += static_cast<double>(tf32 ? as_tf32(x) : x) * static_cast<double>(tf32 ? as_tf32(y) : y);
        }
        T& to = c[i * cols + j];
        sum += accumulate ? static_cast<double>(to) : 0.0;
        if (bias != nullptr) sum += static_cast<double>(bias[j]);
        to = static_cast<T>(relu ? std::max(sum, 0.0) : sum);
      }
  }
};

void gemm(const Tensor& a, const Tensor& b, const Tensor& c, const ops::GemmCall& call) {
  ops::with_float("gemm", a.dtype(), [&]<class T>(T) {
    submit(Gemm<T>{ops::device_data<T>(a), ops::device_data<T>(b), ops::device_data_or_null<T>(call.bias),
                   ops::device_data<T>(c), c.rows(), c.cols(), call.transpose_a ? a.rows() : a.cols(), a.cols(),
                   b.cols(), call.transpose_a, call.transpose_b, call.accumulate, call.relu, call.tf32});
  });
}

void* end_recording(std::string& why_not) {
  Recorded* const recorded = std::exchange(recording, nullptr);
  if (!std::exchange(spoiled, false)) return recorded;
  delete recorded;
  why_not = "cudaStreamEndCapture: cudaErrorStreamCaptureInvalidated";  // as CUDA says it
  return nullptr;
}

void release_recording(void* graph) noexcept { delete static_cast<Recorded*>(graph); }

void* allocate(std::uint64_t bytes) {
  not_while_recording("memory");
  State& s = state();
  const std::scoped_lock lock(s.mutex);
  if (s.most > 0 && s.live + bytes > s.most) return nullptr;
  void* const memory = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
  std::memset(memory, 0xff, bytes);
  s.blocks[memory] = {bytes, ops::current_device()};
  s.live += bytes;
  s.most_live = std::max(s.most_live, s.live);
  return memory;
}

void release(const ops::DeviceBlock& block) noexcept {
  const auto& [memory, device, stream] = block;
  State& s = state();
  const std::scoped_lock lock(s.mutex);
  if (s.blocks[memory].device != device) std::abort();  // nobody could catch it
  s.live -= s.blocks[memory].bytes;
  s.blocks.erase(memory);
  std::free(memory);
}

// --- copies beside the work

struct Mark {
  ops::DeviceQueue queue;
  std::uint64_t position;
};

std::uint64_t& bytes_before(void* memory) {
  return *reinterpret_cast<std::uint64_t*>(static_cast<char*>(memory) - 256);
}

void* pinned(std::uint64_t bytes) {
  state().pinned += bytes;
  void* const memory = static_cast<char*>(std::aligned_alloc(256, (bytes + 511) / 256 * 256)) + 256;
  bytes_before(memory) = bytes;
  std::memset(memory, 0xff, bytes);
  return memory;
}

void release_pinned(void* memory) noexcept {
  state().pinned -= bytes_before(memory);
  std::free(static_cast<char*>(memory) - 256);
}

bool on_device(const void* address) {
  State& s = state();
  const std::scoped_lock lock(s.mutex);
  auto block = s.blocks.upper_bound(address);
  if (block == s.blocks.begin()) return false;
  --block;
  return static_cast<const char*>(address) < static_cast<const char*>(block->first) + block->second.bytes;
}

void transfer(void* to, const void* from, std::uint64_t bytes) {
  not_while_recording("a copy");
  state().copied += bytes;
  if (on_device(to) == on_device(from)) throw InternalError("a transfer is between the memories");
  check_addresses(std::array<const void*, 2>{to, from});
  if (on_device(from) && transfers.followed < transfers.worked)
    throw InternalError("a transfer does not follow the work that may write what it copies");
  transfers.queued.emplace_back([=] { std::memcpy(to, from, bytes); });
  ++transfers.begun;
}

void* mark(ops::DeviceQueue queue) {
  return new Mark{queue, queue == ops::DeviceQueue::work ? transfers.worked : transfers.begun};
}

void follow(ops::DeviceQueue queue, void* mark) {
  const Mark& m = *static_cast<Mark*>(mark);
  if (m.queue == queue) return;
  if (queue == ops::DeviceQueue::work)
    transfers.run_until(m.position);
  else
    transfers.followed = std::max(transfers.followed, m.position);
}

void wait(void* mark) {
  ops::before_wait();
  ++state().waits;
  const Mark& m = *static_cast<Mark*>(mark);
  if (m.queue == ops::DeviceQueue::transfers) transfers.run_until(m.position);
}

void add_transfers(ops::DeviceOps& ops) {
  ops.pinned = pinned;
  ops.release_pinned = release_pinned;
  ops.transfer = transfer;
  ops.mark = mark;
  ops.follow = follow;
  ops.wait = wait;
  ops.release_mark = [](void* mark) noexcept { delete static_cast<Mark*>(mark); };
}

ops::DeviceOps table() {
  ops::DeviceOps ops{};
  ops.count = [] { return state().devices; };
  ops.name = [] { return "simulated " + std::to_string(ops::current_device()); };
  ops.use = [](int device) {
    if (device < 0 || device >= state().devices) throw InternalError("there is no device " + std::to_string(device));
  };
  ops.stream = []() -> void* {
    thread_local char own;
    return &own;
  };
  ops.allocate = allocate;
  ops.release = release;
  ops.upload = [](void* to, const void* from, std::uint64_t bytes) {
    not_while_recording("a copy");
    ops::upload_in_order(bytes, [&] {
      state().copied += bytes;
      check_addresses(std::array<const void*, 1>{to});
      std::memcpy(to, from, bytes);
    });
  };
  ops.download = [](void* to, const void* from, std::uint64_t bytes) {
    not_while_recording("a copy");
    const auto copy = [&] {
      state().copied += bytes;
      check_addresses(std::array{from});
      std::memcpy(to, from, bytes);
    };
    ops::download_in_order(copy, [] { ++state().waits; });
  };
  ops.copy = [](void* to, const void* from, std::uint64_t bytes) { submit([=] { std::memmove(to, from, bytes); }); };
  ops.synchronize = [] {
    not_while_recording("a wait");
    ops::before_wait();
    ++state().waits;
  };
  add_transfers(ops);
  ops.begin_recording = [] { recording = new Recorded; };
  ops.end_recording = end_recording;
  ops.replay = [](void* graph) {
    ++transfers.worked;
    ++state().launches;
    for (const auto& work : *static_cast<const Recorded*>(graph)) work();
  };
  ops.release_recording = release_recording;
  ops.memory = [](std::uint64_t* free, std::uint64_t* total) {
    const std::scoped_lock lock(state().mutex);
    *total = state().most > 0 ? state().most : std::uint64_t{1} << 40;
    *free = *total - state().live;
  };
  ops.gemm = gemm;
  ops::gpu::add_kernels<HostMachine>(ops);
  return ops;
}

}  // namespace

SimulatedDevice::SimulatedDevice(std::uint64_t most_bytes, bool backwards, int devices) {
  state().devices = devices;
  static const ops::DeviceOps ops = table();
  state().most = most_bytes;
  state().backwards = backwards;
  ops::set_device_ops(&ops);
}

SimulatedDevice::~SimulatedDevice() { ops::set_device_ops(nullptr); }

std::uint64_t SimulatedDevice::live_bytes() { return state().live; }
std::uint64_t SimulatedDevice::most_live_bytes() {
  const std::scoped_lock lock(state().mutex);
  return std::exchange(state().most_live, state().live);
}
std::uint64_t SimulatedDevice::waits() { return state().waits; }
std::uint64_t SimulatedDevice::copied_bytes() { return state().copied; }
std::uint64_t SimulatedDevice::pinned_bytes() { return state().pinned; }
std::uint64_t SimulatedDevice::launches() { return state().launches; }
std::uint64_t SimulatedDevice::launches_on(int device) { return state().launched.at(static_cast<std::size_t>(device)); }

}  // namespace galena::test
