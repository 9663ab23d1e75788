#include "src/ops/device_graph.hpp"

#include <string>
#include <utility>
#include <vector>

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

namespace {

/// Graphs, and what is done after each.
class Parts {
 public:
  Parts() = default;
  Parts(Parts&& other) noexcept : parts_(std::exchange(other.parts_, {})) {}
  Parts& operator=(Parts&& other) noexcept {
    std::swap(parts_, other.parts_);
    return *this;
  }
  ~Parts() {
    for (const Part& part : parts_) device_ops().release_recording(part.graph);
  }
  void add(void* graph, std::function<void()> then) { parts_.push_back({graph, std::move(then)}); }
  void replay() const {
    for (const Part& part : parts_) {
      device_ops().replay(part.graph);
      if (part.then) part.then();
    }
  }
  [[nodiscard]] std::size_t size() const { return parts_.size(); }

 private:
  struct Part {
    void* graph;
    std::function<void()> then;
  };
  std::vector<Part> parts_;
};

}  // namespace

struct DeviceGraph::State {
  std::shared_ptr<GraphMemory> memory = std::make_shared<GraphMemory>();
  Tensor cell;  ///< the epoch, i32
  Parts parts;
};

namespace {

/// What this thread records, if anything.
struct Recording {
  std::uint32_t epoch = 0;
  const std::uint32_t* cell = nullptr;
  const DeviceOps* device = nullptr;
  bool open = false;  ///< the device is recording
  Parts parts;

  void begin() {
    device->begin_recording();
    open = true;
  }
  void end(std::function<void()> then) {
    open = false;
    std::string why_not;
    void* const graph = device->end_recording(why_not);
    if (graph == nullptr) throw NotRecordable("the device's library could not record it (" + why_not + ")");
    parts.add(graph, std::move(then));
  }
  /// After a failure.
  void abandon() {
    std::string why_not;
    if (open) device->release_recording(device->end_recording(why_not));
  }
};
thread_local Recording* current = nullptr;

}  // namespace

DeviceGraph::DeviceGraph() : state_(std::make_shared<State>()) {
  const OnDevice there(Device::cuda);
  state_->cell = Tensor::zeros(1, 1, DType::i32);
}

DeviceGraph::~DeviceGraph() {
  state_->parts = {};
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
  Recording recording{epoch, device_data<const std::uint32_t>(s.cell), &all, false, {}};
  try {
    recording.begin();
    current = &recording;
    const ReplacedDeviceOps replaced(only);
    f();
    recording.end({});
  } catch (...) {
    current = nullptr;
    recording.abandon();
    s.memory->end_holding();
    throw;
  }
  current = nullptr;
  s.parts = std::move(recording.parts);
}

void DeviceGraph::replay(std::uint32_t epoch) {
  state_->cell.fill(epoch);
  state_->parts.replay();
}

std::size_t DeviceGraph::graphs() const { return state_->parts.size(); }

void between_graphs(std::function<void()> f) {
  if (current == nullptr) return f();
  current->end(std::move(f));
  current->begin();
}

DeviceKey device_key(const RandomKey& key) {
  if (current == nullptr) return {key, nullptr};
  if (key.epoch != current->epoch) refuse("draws of another epoch");
  return {key, current->cell};
}

bool recording() { return current != nullptr; }

void not_while_recording(const char* what) {
  if (recording()) refuse(what);
}

}  // namespace galena::ops
