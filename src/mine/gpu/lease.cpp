#include "src/mine/gpu/lease.hpp"

#include <algorithm>

#include "galena/error.hpp"

namespace galena::mine::gpu {

namespace {

constexpr double kShareOfMemory = 0.8;  ///< of what is free, for workers
constexpr std::uint64_t kAlign = 64;

/// What a launch counts by, in device memory.
struct Words {
  std::uint64_t next = 0, row_used = 0;
  int stop = 0, found = 0;
};

std::uint64_t padded(const rt::GraphView& graph) {
  return (static_cast<std::uint64_t>(graph.n) + kAlign - 1) / kAlign * kAlign;
}

[[noreturn]] void no_room(std::uint64_t bytes) {
  throw EnvironmentError("--device cuda: not enough memory on the device: " + std::to_string(bytes) +
                         " bytes do not fit; use --device cpu, or a device with more memory");
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
  if (memory.data() == nullptr) no_room(n * sizeof(T));
  if (n > 0) machine_.upload(memory.data(), from, n * sizeof(T));
  arrays_.push_back(std::move(memory));
  return arrays_.back().as<T>();
}

LeaseRunner::LeaseRunner(Machine& machine, const codegen::Plan& plan, const rt::GraphView& graph, const Bounds& bounds,
                         const Limits& limits)
    : machine_(machine),
      plan_(plan),
      bounds_(bounds),
      limits_(limits),
      graph_(machine, graph),
      n_padded_(padded(graph)) {
  for (const codegen::Output& output : plan.outputs) {
    lists_ = lists_ || output.kind == codegen::Output::Kind::list;
    counts_local_ = counts_local_ || output.kind == codegen::Output::Kind::local;
  }
  compile_seconds_ = machine.load(plan);
  reserve(words_, sizeof(Words));
  if (lists_) reserve(rows_, limits_.rows * sizeof(rt::vid));
  if (counts_local_) reserve(local_, std::max<std::uint64_t>(1, graph.n) * sizeof(rt::i128));
}

std::uint64_t LeaseRunner::bytes() const {
  std::uint64_t all = 0;
  for (const Memory* memory : {&slots_, &counters_, &marks_, &locals_, &logs_, &rows_, &local_, &chunks_, &states_,
                               &sums_, &row_begin_, &row_size_, &words_, &given_, &asked_, &found_, &image_count_})
    all += memory->bytes();
  return all;
}

void LeaseRunner::reserve(Memory& memory, std::uint64_t bytes) {
  if (memory.bytes() >= bytes && memory.data() != nullptr) return;
  memory = Memory();
  memory = Memory(machine_, std::max(bytes, kAlign));
  if (memory.data() == nullptr) no_room(bytes);
}

/// Makes buffers for as many workers as are wanted and fit; 0 where not one does.
std::uint64_t LeaseRunner::make_room(Team team, const Room& room, std::uint64_t wanted) {
  const std::uint64_t step = team == Team::warp ? rt::kWorkersPerBlock : 1;  // blocks are whole
  std::uint64_t workers = std::max(step, std::min(machine_.most_workers(team), (wanted + step - 1) / step * step));
  slots_ = Memory();
  counters_ = Memory();
  marks_ = Memory();
  locals_ = Memory();
  logs_ = Memory();
  if (room.bytes > 0) {
    const auto budget = static_cast<std::uint64_t>(kShareOfMemory * static_cast<double>(machine_.free_bytes()));
    workers = std::min(workers, budget / room.bytes / step * step);
  }
  for (; workers >= step; workers = workers / 2 / step * step) {
    const auto take = [&](Memory& memory, std::uint64_t bytes) {
      memory = Memory();
      memory = Memory(machine_, std::max(bytes, kAlign));
      return memory.data() != nullptr;
    };
    const std::uint64_t ids = sizeof(rt::vid) * workers;
    const std::uint64_t counters = plan_.counters.size() * n_padded_ * ids,
                        marks = plan_.marks.size() * n_padded_ * workers;
    if (!take(slots_, static_cast<std::uint64_t>(plan_.slots) * room.slot * ids)) continue;
    if (!take(locals_, plan_.locals.size() * room.local * ids)) continue;
    if (!take(counters_, counters) || !take(marks_, marks) || !take(logs_, room.log * ids)) continue;
    machine_.zero(counters_.data(), std::max(counters, kAlign));
    machine_.zero(marks_.data(), std::max(marks, kAlign));
    return workers;
  }
  return 0;
}

LeaseResult LeaseRunner::run(std::span<const rt::Chunk> chunks, std::span<const double> weights,
                             const volatile int* halt) {
  LeaseResult result;
  result.states.assign(chunks.size(), rt::ChunkState::untouched);
  result.sums.assign(chunks.size() * plan_.outputs.size(), 0);
  if (counts_local_) machine_.zero(local_.data(), local_.bytes());
  std::vector<std::size_t> warps, blocks;
  for (std::size_t i = 0; i < chunks.size(); ++i)
    (team_for(plan_, weights[i]) == Team::warp ? warps : blocks).push_back(i);
  run_bin(Team::warp, warps, chunks, halt, result);
  for (const std::size_t i : warps)
    if (result.states[i] == rt::ChunkState::overflow) blocks.push_back(i);
  run_bin(Team::block, std::move(blocks), chunks, halt, result);
  if (counts_local_) collect_local(result);
  return result;
}

LeaseResult LeaseRunner::run_images(std::span<const rt::Chunk> chunks, std::span<const double> weights,
                                    const rt::ImageTask& task, const volatile int* halt) {
  const std::uint64_t bytes = rt::bit_words(graph_.view().n) * sizeof(std::uint32_t);
  std::uint64_t labels = 0;
  for (const LabelSet& set : plan_.labels) labels = std::max<std::uint64_t>(labels, set.labels.front() + 1ULL);
  const auto give = [this](Memory& memory, const void* from, std::uint64_t size) {
    reserve(memory, size);
    machine_.upload(memory.data(), from, size);
  };
  give(given_, task.labels, labels * sizeof(std::uint32_t));
  give(asked_, task.asked, bytes);
  give(found_, task.found, bytes);
  give(image_count_, task.count, sizeof *task.count);
  images_ = {given_.as<std::uint32_t>(), asked_.as<std::uint32_t>(), found_.as<std::uint32_t>(),
             image_count_.as<std::uint64_t>(), task.enough};
  LeaseResult result = run(chunks, weights, halt);
  machine_.download(task.found, found_.data(), bytes);
  machine_.download(task.count, image_count_.data(), sizeof *task.count);
  return result;
}

void LeaseRunner::run_bin(Team team, std::vector<std::size_t> bin, std::span<const rt::Chunk> chunks,
                          const volatile int* halt, LeaseResult& result) {
  while (!bin.empty() && !result.found && (halt == nullptr || __atomic_load_n(halt, __ATOMIC_RELAXED) == 0)) {
    std::vector<rt::Chunk> own;
    for (const std::size_t i : bin) own.push_back(chunks[i]);
    if (!launch(team, room_for(plan_, bounds_, team, n_padded_, own, limits_), bin, own, halt, result)) return;
    std::erase_if(bin, [&](std::size_t i) { return result.states[i] != rt::ChunkState::deferred; });
  }
}

rt::GpuJob LeaseRunner::job(const Room& room, std::uint64_t n) const {
  rt::GpuJob job{};
  job.graph = graph_.view();
  job.chunks = chunks_.as<rt::Chunk>();
  job.n_chunks = n;
  auto* const on_device = words_.as<Words>();
  job.next = &on_device->next;
  job.row_used = &on_device->row_used;
  job.stop = &on_device->stop;
  job.found = &on_device->found;
  job.states = states_.as<rt::ChunkState>();
  job.sums = sums_.as<rt::i128>();
  job.row_begin = row_begin_.as<std::uint64_t>();
  job.row_size = row_size_.as<std::uint64_t>();
  job.n_outputs = static_cast<std::uint32_t>(plan_.outputs.size());
  job.n_slots = static_cast<std::uint32_t>(plan_.slots);
  job.n_counters = static_cast<std::uint32_t>(plan_.counters.size());
  job.n_marks = static_cast<std::uint32_t>(plan_.marks.size());
  job.slots = slots_.as<rt::vid>();
  job.slot_capacity = room.slot;
  job.counters = counters_.as<std::uint32_t>();
  job.marks = marks_.as<std::uint8_t>();
  job.n_padded = n_padded_;
  job.n_locals = static_cast<std::uint32_t>(plan_.locals.size());
  job.locals = locals_.as<std::uint32_t>();
  job.local_capacity = room.local;
  job.logs = logs_.as<rt::vid>();
  job.log_capacity = room.log;
  job.local = local_.as<rt::i128>();
  job.rows = rows_.as<rt::vid>();
  job.row_capacity = limits_.rows;
  job.images = images_;
  return job;
}

/// Runs the bin once; false where not one worker fits.
bool LeaseRunner::launch(Team team, const Room& room, const std::vector<std::size_t>& bin,
                         std::span<const rt::Chunk> own, const volatile int* halt, LeaseResult& result) {
  const std::uint64_t n = own.size(), outputs = plan_.outputs.size();
  reserve(chunks_, n * sizeof(rt::Chunk));
  reserve(states_, n * sizeof(rt::ChunkState));
  reserve(sums_, n * outputs * sizeof(rt::i128));
  if (lists_) reserve(row_begin_, n * sizeof(std::uint64_t));
  if (lists_) reserve(row_size_, n * sizeof(std::uint64_t));
  const std::uint64_t workers = make_room(team, room, n);
  if (workers == 0) {
    for (const std::size_t i : bin) result.states[i] = rt::ChunkState::overflow;
    return false;
  }
  machine_.upload(chunks_.data(), own.data(), own.size_bytes());
  machine_.zero(states_.data(), n * sizeof(rt::ChunkState));
  if (lists_) machine_.zero(row_size_.data(), n * sizeof(std::uint64_t));
  Words words;
  machine_.upload(words_.data(), &words, sizeof words);

  machine_.run(team, job(room, n), workers, halt);

  collect(bin, result);
  return true;
}

/// Takes over what the launch found.
void LeaseRunner::collect(const std::vector<std::size_t>& bin, LeaseResult& result) {
  const std::uint64_t n = bin.size(), outputs = plan_.outputs.size();
  std::vector<rt::ChunkState> states(n);
  std::vector<rt::i128> sums(n * outputs);
  machine_.download(states.data(), states_.data(), n * sizeof(rt::ChunkState));
  machine_.download(sums.data(), sums_.data(), sums.size() * sizeof(rt::i128));
  Words words;
  machine_.download(&words, words_.data(), sizeof words);
  result.found = result.found || words.found != 0;
  std::vector<rt::vid> rows;
  std::vector<std::uint64_t> begin(lists_ ? n : 0), size(lists_ ? n : 0);
  if (lists_) {
    rows.resize(std::min(words.row_used, limits_.rows));
    machine_.download(rows.data(), rows_.data(), rows.size() * sizeof(rt::vid));
    machine_.download(begin.data(), row_begin_.data(), n * sizeof(std::uint64_t));
    machine_.download(size.data(), row_size_.data(), n * sizeof(std::uint64_t));
  }
  for (std::size_t i = 0; i < bin.size(); ++i) {
    result.states[bin[i]] = states[i];
    if (states[i] != rt::ChunkState::done) continue;
    std::copy_n(sums.data() + i * outputs, outputs, result.sums.data() + bin[i] * outputs);
    if (lists_ && size[i] > 0) {
      const auto from = rows.begin() + static_cast<std::ptrdiff_t>(begin[i]);
      result.rows.insert(result.rows.end(), from, from + static_cast<std::ptrdiff_t>(size[i]));
    }
  }
}

void LeaseRunner::collect_local(LeaseResult& result) {
  std::vector<rt::i128> counts(graph_.view().n);
  machine_.download(counts.data(), local_.data(), counts.size() * sizeof(rt::i128));
  for (rt::vid v = 0; v < graph_.view().n; ++v)
    if (counts[v] != 0) result.local.emplace_back(v, counts[v]);
}

}  // namespace galena::mine::gpu
