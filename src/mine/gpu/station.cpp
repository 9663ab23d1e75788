#include "src/mine/gpu/station.hpp"

#include <algorithm>

#include "galena/error.hpp"

namespace galena::mine::gpu {

namespace {

constexpr double kShareOfMemory = 0.8;  ///< of what is available, for workers
constexpr std::uint64_t kLeast = 64;    ///< bytes of a buffer

[[noreturn]] void no_room(const Machine& machine, std::uint64_t bytes) {
  throw EnvironmentError("--device cuda: not enough memory on " + machine.name() + ": " + std::to_string(bytes) +
                         " bytes do not fit; use --device cpu, or a device with more memory");
}

template <class... M>
std::uint64_t all_bytes(const M&... memory) {
  return (memory.bytes() + ...);
}

}  // namespace

DeviceGraph::DeviceGraph(Machine& machine, const rt::GraphView& graph) : machine_(machine), view_(graph) {
  const std::uint64_t n = graph.n;
  const std::uint64_t arcs = n == 0 ? 0 : graph.indptr[n];
  view_.indptr = copy(graph.indptr, n + 1);
  view_.indices = copy(graph.indices, arcs);
  view_.split = copy(graph.split, n);
  view_.vlabels = copy(graph.vlabels, n);
  view_.elabels = copy(graph.elabels, arcs);
}

template <class T>
const T* DeviceGraph::copy(const T* from, std::uint64_t n) {
  if (from == nullptr) return nullptr;
  Memory memory(machine_, std::max<std::uint64_t>(1, n) * sizeof(T));
  if (memory.data() == nullptr) no_room(machine_, n * sizeof(T));
  if (n > 0) machine_.upload(memory.data(), from, n * sizeof(T));
  arrays_.push_back(std::move(memory));
  return arrays_.back().as<T>();
}

std::uint64_t WorkerBuffers::bytes() const { return all_bytes(slots, counters, marks, locals, logs); }
std::uint64_t LaunchBuffers::bytes() const {
  return all_bytes(pieces, ready, states, sums, row_begin, row_size, words, rows, local) +
         all_bytes(given, asked, found, image_count);
}

Station::Station(Machine& machine, const rt::GraphView& graph, const Bounds& bounds)
    : machine_(machine), graph_(machine, graph), bounds_(bounds) {}

bool Station::grow(Memory& memory, std::uint64_t bytes) {
  if (memory.data() != nullptr && memory.bytes() >= bytes) return true;
  memory = Memory();
  memory = Memory(machine_, std::max(bytes, kLeast));
  return memory.data() != nullptr;
}

std::uint64_t Station::available() const {
  std::uint64_t bytes = machine_.free_bytes() + workers_.bytes();
  for (const Memory* const memory : idle_) bytes += memory->bytes();
  return bytes;
}

void Station::release_idle() {
  for (Memory* const memory : idle_) *memory = Memory();
}

bool Station::fit(Memory& memory, std::uint64_t bytes) {
  if (grow(memory, bytes)) return true;
  release_idle();
  if (grow(memory, bytes)) return true;
  workers_ = WorkerBuffers();
  return grow(memory, bytes);
}

void Station::reserve(Memory& memory, std::uint64_t bytes) {
  if (!fit(memory, bytes)) no_room(machine_, bytes);
}

std::uint64_t Station::make_room(const codegen::Plan& plan, const Room& room, std::uint64_t wanted,
                                 std::uint64_t step) {
  std::uint64_t workers = std::max(step, wanted / step * step);
  if (room.bytes > 0) {
    const auto budget = static_cast<std::uint64_t>(kShareOfMemory * static_cast<double>(available()));
    workers = std::min(workers, budget / room.bytes / step * step);
  }
  for (; workers >= step; workers = workers / 2 / step * step) {
    if (fit_workers(plan, room, workers)) return workers;
    release_idle();
    if (fit_workers(plan, room, workers)) return workers;
    workers_ = WorkerBuffers();  // what was kept of one kind may be what another lacks
    if (fit_workers(plan, room, workers)) return workers;
  }
  return 0;
}

bool Station::fit_workers(const codegen::Plan& plan, const Room& room, std::uint64_t workers) {
  const std::uint64_t ids = sizeof(rt::vid) * workers;
  const std::uint64_t counters = workers_.counters.bytes(), marks = workers_.marks.bytes();
  if (!grow(workers_.slots, static_cast<std::uint64_t>(plan.slots) * room.slot * ids) ||
      !grow(workers_.locals, plan.locals.size() * room.local * ids) || !grow(workers_.logs, room.log * ids) ||
      !grow(workers_.counters, plan.counters.size() * n_padded() * ids) ||
      !grow(workers_.marks, plan.marks.size() * n_padded() * workers))
    return false;
  // Larger ones are new, even where they begin at the same address.
  const bool kept = workers_.tables_zero && counters == workers_.counters.bytes() && marks == workers_.marks.bytes();
  if (!kept) {
    machine_.zero(workers_.counters.data(), workers_.counters.bytes());
    machine_.zero(workers_.marks.data(), workers_.marks.bytes());
  }
  workers_.tables_zero = true;
  return true;
}

}  // namespace galena::mine::gpu
