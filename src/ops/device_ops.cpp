#include "src/ops/device_ops.hpp"

#include <atomic>
#include <utility>

#include "galena/error.hpp"
#include "src/ops/device_memory.hpp"

namespace galena::ops {
namespace {

std::atomic<const DeviceOps*> replaced{nullptr};
thread_local const DeviceOps* of_this_thread = nullptr;
thread_local int used_device = 0;
thread_local std::function<void()> first_do;

std::string megabytes(std::uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

}  // namespace

ReplacedDeviceOps::ReplacedDeviceOps(const DeviceOps& ops) { of_this_thread = &ops; }
ReplacedDeviceOps::~ReplacedDeviceOps() { of_this_thread = nullptr; }

const DeviceOps& device_ops() {
  if (of_this_thread != nullptr) return *of_this_thread;
  const DeviceOps* const ops = replaced.load(std::memory_order_acquire);
  return ops != nullptr ? *ops : cuda_device_ops();
}

void set_device_ops(const DeviceOps* ops) { replaced.store(ops, std::memory_order_release); }

int current_device() noexcept { return used_device; }

UseDevice::UseDevice(int device) : before_(used_device) {
  device_ops().use(device);
  used_device = device;
}

UseDevice::~UseDevice() {
  used_device = before_;
  try {
    device_ops().use(before_);
  } catch (...) {  // NOLINT(bugprone-empty-catch): the next call on that device reports it
  }
}

BeforeWaits::BeforeWaits(std::function<void()> f) : before_(std::exchange(first_do, std::move(f))) {}
BeforeWaits::~BeforeWaits() { first_do = std::move(before_); }

void before_wait() {
  if (first_do) first_do();
}

std::shared_ptr<std::byte[]> device_memory(std::uint64_t bytes, const std::string& what) {
  const DeviceOps& ops = device_ops();
  const std::uint64_t size = bytes > 0 ? bytes : 1;
  GraphMemory* const graph = GraphMemory::in_use();
  if (graph != nullptr) {
    if (void* const memory = graph->take(size))
      return {static_cast<std::byte*>(memory),
              [graph = graph->shared_from_this(), size](std::byte* p) { graph->give(p, size); }};
  } else if (void* const memory = ops.allocate(size)) {
    const auto& counted = CountedMemory::in_use();
    if (counted != nullptr) CountedMemory::take(*counted, size);
    return {static_cast<std::byte*>(memory), [release = ops.release, device = current_device(), stream = ops.stream(),
                                              born = next_birth(), counted, size](std::byte* p) {
              if (counted != nullptr) CountedMemory::give(*counted, size);
              give_back({p, device, stream}, born, release);
            }};
  }
  std::uint64_t free = 0, total = 0;
  ops.memory(&free, &total);
  throw EnvironmentError("out of GPU memory: " + what + " needs " + megabytes(size) + ", " + megabytes(free) + " of " +
                         megabytes(total) + " are free. Use " + (graph != nullptr ? "--no-replay, " : "") +
                         "fewer or narrower layers (--hidden, --layers), or --device cpu");
}

}  // namespace galena::ops
