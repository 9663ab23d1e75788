#include "src/mine/gpu/lease.hpp"

#include <algorithm>

#include "galena/error.hpp"

namespace galena::mine::gpu {

namespace {

constexpr double kShareOfMemory = 0.8;  ///< of what is free, for workers
constexpr std::uint64_t kAlign = 64;

/// What a launch counts by, in device memory.
struct Words {
  std::uint64_t next = 0, row_used = 0, tickets = 0, given = 0, unfinished = 0;
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
  reserve_rows();
  if (counts_local_) reserve(local_, std::max<std::uint64_t>(1, graph.n) * sizeof(rt::i128));
}

/// Where there is no room for what chunks in pieces count by vertex, they stay whole.
void LeaseRunner::reserve_rows() {
  if (!lists_ && !counts_local_) return;
  const std::uint64_t bytes = limits_.rows * sizeof(rt::vid);
  if (lists_)
    reserve(rows_, bytes);
  else
    rows_ = Memory(machine_, bytes);
  row_capacity_ = rows_.data() == nullptr ? 0 : limits_.rows;
  if (row_capacity_ == 0) limits_.pieces = 0;
}

std::uint64_t LeaseRunner::bytes() const {
  std::uint64_t all = 0;
  for (const Memory* memory :
       {&slots_, &counters_, &marks_, &locals_, &logs_, &rows_, &local_, &pieces_, &ready_, &states_, &sums_,
        &row_begin_, &row_size_, &words_, &given_, &asked_, &found_, &image_count_})
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

void LeaseRunner::hand_rows_to(RowsFn take, std::uint64_t enough) {
  take_rows_ = std::move(take);
  enough_rows_ = enough * (static_cast<std::uint64_t>(plan_.max_depth) + 1);
}

void LeaseRunner::run_bin(Team team, std::vector<std::size_t> bin, std::span<const rt::Chunk> chunks,
                          const volatile int* halt, LeaseResult& result) {
  std::uint64_t most_given = most_pieces();
  while (!bin.empty() && !result.found && !result.ended && !rt::raised(halt)) {
    std::vector<rt::Chunk> own;
    for (const std::size_t i : bin) own.push_back(chunks[i]);
    const Room room = room_for(plan_, bounds_, team, n_padded_, own, limits_);
    const Launched launched = launch(team, most_given, room, bin, own, halt, result);
    if (!launched.fits) return;
    // A chunk in pieces may have more rows than there is ever room for: what is left of those stays whole.
    if (launched.given > 0) most_given = 0;
    std::erase_if(bin, [&](std::size_t i) { return result.states[i] != rt::ChunkState::untouched; });
  }
}

rt::GpuJob LeaseRunner::job(const Room& room, std::uint64_t n, std::uint64_t most_given) const {
  rt::GpuJob job{};
  job.graph = graph_.view();
  job.pieces = pieces_.as<rt::Piece>();
  job.n_chunks = n;
  job.most_given = most_given;
  job.give_every = limits_.give_every;
  auto* const on_device = words_.as<Words>();
  job.next = &on_device->next;
  job.tickets = &on_device->tickets;
  job.given = &on_device->given;
  job.unfinished = &on_device->unfinished;
  job.ready = ready_.as<std::uint32_t>();
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
  job.row_capacity = row_capacity_;
  job.enough_rows = enough_rows_;
  job.images = images_;
  return job;
}

/// As many as a small share of the memory holds.
std::uint64_t LeaseRunner::most_pieces() const {
  constexpr std::uint64_t kShare = 16;
  const std::uint64_t bytes = sizeof(rt::Piece) + sizeof(std::uint32_t) + sizeof(rt::ChunkState) +
                              plan_.outputs.size() * sizeof(rt::i128) + 2 * sizeof(std::uint64_t);
  return std::min(limits_.pieces, machine_.free_bytes() / kShare / bytes);
}

void LeaseRunner::reserve_for(std::uint64_t chunks, std::uint64_t most_given) {
  const std::uint64_t n = chunks + most_given;
  reserve(pieces_, n * sizeof(rt::Piece));
  reserve(ready_, most_given * sizeof(std::uint32_t));
  reserve(states_, n * sizeof(rt::ChunkState));
  reserve(sums_, n * plan_.outputs.size() * sizeof(rt::i128));
  if (row_capacity_ == 0) return;
  reserve(row_begin_, n * sizeof(std::uint64_t));
  reserve(row_size_, n * sizeof(std::uint64_t));
}

/// Nothing taken, given or found.
void LeaseRunner::start_queue(std::span<const rt::Chunk> chunks, std::uint64_t most_given) {
  std::vector<rt::Piece> pieces(chunks.size());
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    pieces[i].chunk = chunks[i];
    pieces[i].of = i;
  }
  const std::uint64_t n = chunks.size() + most_given;
  machine_.upload(pieces_.data(), pieces.data(), pieces.size() * sizeof(rt::Piece));
  machine_.zero(states_.data(), n * sizeof(rt::ChunkState));
  if (most_given > 0) machine_.zero(ready_.data(), most_given * sizeof(std::uint32_t));
  if (row_capacity_ > 0) machine_.zero(row_size_.data(), n * sizeof(std::uint64_t));
  Words words;
  words.unfinished = chunks.size();
  machine_.upload(words_.data(), &words, sizeof words);
}

/// Runs the bin once.
LeaseRunner::Launched LeaseRunner::launch(Team team, std::uint64_t most_given, const Room& room,
                                          const std::vector<std::size_t>& bin, std::span<const rt::Chunk> own,
                                          const volatile int* halt, LeaseResult& result) {
  reserve_for(own.size(), most_given);
  const std::uint64_t workers = make_room(team, room, own.size() + most_given);
  if (workers == 0) {
    for (const std::size_t i : bin) result.states[i] = rt::ChunkState::overflow;
    return {};
  }
  start_queue(own, most_given);
  const rt::GpuJob job = this->job(room, own.size(), most_given);
  machine_.run(team, job, workers, halt);
  return {true, collect(bin, job, result)};
}

template <class E>
std::vector<E> LeaseRunner::downloaded(const Memory& memory, std::uint64_t n, std::uint64_t from) {
  std::vector<E> all(n);
  machine_.download(all.data(), memory.as<E>() + from, n * sizeof(E));
  return all;
}

/// Takes over what the launch found in chunks that are done, they and all pieces that were given of them. Returns how
/// many pieces were given.
std::uint64_t LeaseRunner::collect(const std::vector<std::size_t>& bin, const rt::GpuJob& job, LeaseResult& result) {
  const std::uint64_t n = bin.size(), outputs = plan_.outputs.size();
  const Words words = downloaded<Words>(words_, 1).front();
  const std::uint64_t given = std::min(words.given, job.most_given);
  const std::vector<rt::Piece> pieces = downloaded<rt::Piece>(pieces_, given, n);
  std::vector<rt::ChunkState> states = downloaded<rt::ChunkState>(states_, n + given);
  const std::vector<rt::i128> sums = downloaded<rt::i128>(sums_, (n + given) * outputs);
  // Where there are enough rows, those of pieces will do: their chunks are not run again.
  const bool enough = job.enough_rows > 0 && words.row_used >= job.enough_rows;
  std::vector<bool> wanted(n + given);
  for (std::size_t i = 0; i < n + given && enough; ++i)
    wanted[i] = states[i] == rt::ChunkState::done || states[i] == rt::ChunkState::cut;
  rt::settle(states.data(), n, pieces.data(), given);
  result.found = result.found || words.found != 0;
  for (std::size_t i = 0; i < n + given; ++i) {
    const std::size_t chunk = i < n ? i : pieces[i - n].of;
    if (states[chunk] != rt::ChunkState::done) continue;
    wanted[i] = true;
    rt::i128* const to = result.sums.data() + bin[chunk] * outputs;
    for (std::size_t o = 0; o < outputs; ++o)
      if (__builtin_add_overflow(to[o], sums[i * outputs + o], to + o)) states[chunk] = rt::ChunkState::lost;
  }
  for (std::size_t i = 0; i < n; ++i) result.states[bin[i]] = states[i];
  if (row_capacity_ > 0) collect_rows(wanted, job, words.row_used, result);
  result.ended = result.ended || enough;
  return given;
}

/// Matches, or local counts of chunks in pieces.
void LeaseRunner::collect_rows(const std::vector<bool>& wanted, const rt::GpuJob& job, std::uint64_t used,
                               LeaseResult& result) {
  const auto near = downloaded<rt::vid>(rows_, std::min(used, row_capacity_));
  const auto begin = downloaded<std::uint64_t>(row_begin_, wanted.size());
  const auto size = downloaded<std::uint64_t>(row_size_, wanted.size());
  for (std::size_t i = 0; i < wanted.size() && !result.ended; ++i) {
    if (!wanted[i] || size[i] == 0) continue;
    const rt::RowPlace place = rt::rows_at(job, begin[i]);
    if (place.buffer == job.rows)
      take_rows(std::span(near).subspan(place.at, size[i]), result);
    else
      take_rows(downloaded<rt::vid>(logs_, size[i], place.at), result);
  }
}

void LeaseRunner::take_rows(std::span<const rt::vid> rows, LeaseResult& result) {
  if (lists_) {
    if (enough_rows_ > 0)  // 0 would be all
      enough_rows_ -= std::min(rows.size(), enough_rows_ - 1);
    result.ended = take_rows_ && !take_rows_(rows);
    return;
  }
  for (std::size_t at = 0; at < rows.size(); at += rt::kLocalWords)
    result.local.emplace_back(rows[at], rt::logged_count(rows.data() + at));
}

void LeaseRunner::collect_local(LeaseResult& result) {
  std::vector<rt::i128> counts(graph_.view().n);
  machine_.download(counts.data(), local_.data(), counts.size() * sizeof(rt::i128));
  for (rt::vid v = 0; v < graph_.view().n; ++v)
    if (counts[v] != 0) result.local.emplace_back(v, counts[v]);
}

}  // namespace galena::mine::gpu
