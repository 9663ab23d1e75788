#include "src/ops/device_graph.hpp"

#include "src/ops/device_memory.hpp"
#include "src/ops/device_ops.hpp"

namespace galena::ops {
namespace {

[[noreturn]] void refuse(const char* what) { throw NotRecordable(std::string("it asks for ") + what); }

/// The table, but for what a graph cannot hold.
DeviceOps recordable(const DeviceOps& ops) {
  DeviceOps only = ops;
  only.upload = [](void*, const void*, std::uint64_t) { refuse("a copy from the CPU's memory"); };
  only.download = [](void*, const void*, std::uint64_t) { refuse("a copy to the CPU's memory"); };
  only.transfer = [](void*, const void*, std::uint64_t) { refuse("a copy between the memories"); };
  only.wait = [](void*) { refuse("a wait for the device"); };
  only.synchronize = [] { refuse("a wait for the device"); };
  only.allocate = [](std::uint64_t) -> void* { refuse("more memory than the epoch before"); };
  return only;
}

}  // namespace

struct DeviceGraph::State {
  std::shared_ptr<GraphMemory> memory = std::make_shared<GraphMemory>();
  Tensor cell;  ///< the epoch, i32
  std::uint32_t epoch = 0;
  void* graph = nullptr;
};

namespace {

/// What this thread records, if anything.
struct Recording {
  std::uint32_t epoch = 0;
  const std::uint32_t* cell = nullptr;
};
thread_local const Recording* current = nullptr;

}  // namespace

DeviceGraph::DeviceGraph() : state_(std::make_shared<State>()) {
  const OnDevice there(Device::cuda);
  state_->cell = Tensor::zeros(1, 1, DType::i32);
}

DeviceGraph::~DeviceGraph() {
  if (state_->graph != nullptr) device_ops().release_recording(state_->graph);
  state_->memory->end_holding();
}

void DeviceGraph::rehearse(const std::function<void()>& f) {
  const GraphMemory::Use use(state_->memory);
  f();
}

void DeviceGraph::record(std::uint32_t epoch, const std::function<void()>& f) {
  State& s = *state_;
  const DeviceOps& all = device_ops();
  const DeviceOps only = recordable(all);
  const GraphMemory::Use use(s.memory);
  s.memory->begin_holding();
  const Recording recording{epoch, device_data<const std::uint32_t>(s.cell)};
  all.begin_recording();
  try {
    current = &recording;
    const ReplacedDeviceOps replaced(only);
    f();
  } catch (...) {
    current = nullptr;
    all.release_recording(all.end_recording());
    s.memory->end_holding();
    throw;
  }
  current = nullptr;
  s.graph = all.end_recording();
  if (s.graph != nullptr) return;
  s.memory->end_holding();
  throw NotRecordable("the device's library could not record it");
}

void DeviceGraph::replay(std::uint32_t epoch) {
  state_->cell.fill(epoch);
  device_ops().replay(state_->graph);
}

DeviceKey device_key(const RandomKey& key) {
  if (current == nullptr) return {key, nullptr};
  if (key.epoch != current->epoch) refuse("draws of another epoch");
  return {key, current->cell};
}

bool recording() { return current != nullptr; }

}  // namespace galena::ops
