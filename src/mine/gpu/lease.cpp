#include "src/mine/gpu/lease.hpp"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "galena/error.hpp"
#include "src/mine/clock.hpp"

namespace galena::mine::gpu {

namespace {

/// What a launch counts by, in device memory.
struct Words {
  std::uint64_t next = 0, row_used = 0, tickets = 0, given = 0, unfinished = 0;
  int stop = 0, found = 0;
};

}  // namespace

LeaseRunner::LeaseRunner(Station& station, const codegen::Plan& plan, const Limits& limits)
    : station_(station), machine_(station.machine()), buffers_(station.launch()), plan_(plan), limits_(limits) {
  for (const codegen::Output& output : plan.outputs) {
    lists_ = lists_ || output.kind == codegen::Output::Kind::list;
    counts_local_ = counts_local_ || output.kind == codegen::Output::Kind::local;
  }
  loaded_ = machine_.load(plan);
  name_idle();
  station_.reserve(buffers_.words, sizeof(Words));
  reserve_rows();
  if (!counts_local_) return;
  station_.reserve(buffers_.local, station_.graph().n * sizeof(rt::i128));
  machine_.zero(buffers_.local.data(), buffers_.local.bytes());
}

void LeaseRunner::name_idle() {
  std::vector<Memory*> idle;
  const auto unless = [&idle](bool used, std::initializer_list<Memory*> buffers) {
    if (!used) idle.insert(idle.end(), buffers);
  };
  const bool images = plan_.outputs.front().kind == codegen::Output::Kind::image;
  LaunchBuffers& all = buffers_;
  unless(counts_local_, {&all.local});
  unless(lists_ || counts_local_, {&all.rows, &all.row_begin, &all.row_size});
  unless(images, {&all.given, &all.asked, &all.found, &all.image_count});
  station_.set_idle(std::move(idle));
}

/// Where there is no room for what chunks in pieces count by vertex, they stay whole.
void LeaseRunner::reserve_rows() {
  constexpr std::uint64_t kShare = 16, kLeast = 1 << 16;  // of memory; words
  if (!lists_ && !counts_local_) return;
  const std::uint64_t share = station_.available() / kShare / sizeof(rt::vid);
  const std::uint64_t rows = std::min(limits_.rows, std::max(share, kLeast));
  if (lists_) station_.reserve(buffers_.rows, rows * sizeof(rt::vid));
  row_capacity_ = station_.fit(buffers_.rows, rows * sizeof(rt::vid)) ? rows : 0;
  if (row_capacity_ == 0) limits_.pieces = 0;
}

LeaseResult LeaseRunner::run(std::span<const rt::Chunk> chunks, std::span<const double> weights,
                             const volatile int* halt) {
  LeaseResult result;
  result.states.assign(chunks.size(), rt::ChunkState::untouched);
  result.sums.assign(chunks.size() * plan_.outputs.size(), 0);
  const std::vector<Reach> reaches = station_.bounds().reach(chunks);
  const bool tables =
      warps_hold_tables(plan_, station_.n_padded(), machine_.most_workers(Team::warp), station_.available());
  std::vector<std::size_t> warps, blocks;
  for (std::size_t i = 0; i < chunks.size(); ++i)
    (team_for(plan_, weights[i], reaches[i], tables) == Team::warp ? warps : blocks).push_back(i);
  run_bin(Team::warp, warps, chunks, reaches, halt, result);
  for (const std::size_t i : warps)
    if (result.states[i] == rt::ChunkState::overflow) blocks.push_back(i);
  run_bin(Team::block, std::move(blocks), chunks, reaches, halt, result);
  return result;
}

LeaseResult LeaseRunner::run_images(std::span<const rt::Chunk> chunks, std::span<const double> weights,
                                    const rt::ImageTask& task, const volatile int* halt) {
  const std::uint64_t bytes = rt::bit_words(station_.graph().n) * sizeof(std::uint32_t);
  std::uint64_t labels = 0;
  for (const LabelSet& set : plan_.labels) labels = std::max<std::uint64_t>(labels, set.labels.front() + 1ULL);
  const auto give = [this](Memory& memory, const void* from, std::uint64_t size) {
    station_.reserve(memory, size);
    machine_.upload(memory.data(), from, size);
  };
  give(buffers_.given, task.labels, labels * sizeof(std::uint32_t));
  give(buffers_.asked, task.asked, bytes);
  give(buffers_.found, task.found, bytes);
  give(buffers_.image_count, task.count, sizeof *task.count);
  images_ = {buffers_.given.as<std::uint32_t>(), buffers_.asked.as<std::uint32_t>(), buffers_.found.as<std::uint32_t>(),
             buffers_.image_count.as<std::uint64_t>(), task.enough};
  LeaseResult result = run(chunks, weights, halt);
  machine_.download(task.found, buffers_.found.data(), bytes);
  machine_.download(task.count, buffers_.image_count.data(), sizeof *task.count);
  return result;
}

void LeaseRunner::hand_rows_to(RowsFn take, std::uint64_t enough) {
  take_rows_ = std::move(take);
  enough_rows_ = enough * (static_cast<std::uint64_t>(plan_.max_depth) + 1);
}

void LeaseRunner::run_bin(Team team, std::vector<std::size_t> bin, std::span<const rt::Chunk> chunks,
                          std::span<const Reach> reaches, const volatile int* halt, LeaseResult& result) {
  std::uint64_t most_given = most_pieces();
  std::vector<Reach> reach;
  for (const std::size_t i : bin) reach.push_back(reaches[i]);
  const Room room = room_for(plan_, station_.bounds(), team, station_.n_padded(), reach, limits_);
  while (!bin.empty() && !result.found && !result.ended && !rt::raised(halt)) {
    std::vector<rt::Chunk> own;
    reach.clear();
    for (const std::size_t i : bin) {
      own.push_back(chunks[i]);
      reach.push_back(reaches[i]);
    }
    const Launched launched = launch(team, most_given, room, bin, own, reach, halt, result);
    if (launched.unfit > 0) {
      for (const std::size_t i : bin) result.states[i] = rt::ChunkState::overflow;
      if (team == Team::block) result.unfit = launched.unfit;
      return;
    }
    // A chunk in pieces may have more rows than there is ever room for: what is left of those stays whole.
    if (launched.given > 0) most_given = 0;
    std::erase_if(bin, [&](std::size_t i) { return result.states[i] != rt::ChunkState::untouched; });
  }
}

rt::GpuJob LeaseRunner::job(const Room& room, std::uint64_t n, std::uint64_t most_given) const {
  const WorkerBuffers& workers = station_.workers();
  rt::GpuJob job{};
  job.graph = station_.graph();
  job.pieces = buffers_.pieces.as<rt::Piece>();
  job.n_chunks = n;
  job.most_given = most_given;
  job.give_every = limits_.give_every;
  auto* const on_device = buffers_.words.as<Words>();
  job.next = &on_device->next;
  job.tickets = &on_device->tickets;
  job.given = &on_device->given;
  job.unfinished = &on_device->unfinished;
  job.ready = buffers_.ready.as<std::uint32_t>();
  job.row_used = &on_device->row_used;
  job.stop = &on_device->stop;
  job.found = &on_device->found;
  job.states = buffers_.states.as<rt::ChunkState>();
  job.sums = buffers_.sums.as<rt::i128>();
  job.row_begin = buffers_.row_begin.as<std::uint64_t>();
  job.row_size = buffers_.row_size.as<std::uint64_t>();
  job.n_outputs = static_cast<std::uint32_t>(plan_.outputs.size());
  job.n_slots = static_cast<std::uint32_t>(plan_.slots);
  job.n_counters = static_cast<std::uint32_t>(plan_.counters.size());
  job.n_marks = static_cast<std::uint32_t>(plan_.marks.size());
  job.slots = workers.slots.as<rt::vid>();
  job.slot_capacity = room.slot;
  job.counters = workers.counters.as<std::uint32_t>();
  job.marks = workers.marks.as<std::uint8_t>();
  job.n_padded = station_.n_padded();
  job.n_locals = static_cast<std::uint32_t>(plan_.locals.size());
  job.locals = workers.locals.as<std::uint32_t>();
  job.local_capacity = room.local;
  job.logs = workers.logs.as<rt::vid>();
  job.log_capacity = room.log;
  job.local = counts_local_ ? buffers_.local.as<rt::i128>() : nullptr;
  job.rows = buffers_.rows.as<rt::vid>();
  job.row_capacity = row_capacity_;
  job.enough_rows = enough_rows_;
  job.images = images_;
  return job;
}

/// As many as a small share of the memory holds.
std::uint64_t LeaseRunner::most_pieces() const {
  constexpr std::uint64_t kShare = 16;
  return std::min(limits_.pieces, station_.available() / kShare / piece_bytes());
}

std::uint64_t LeaseRunner::piece_bytes() const {
  return sizeof(rt::Piece) + sizeof(std::uint32_t) + sizeof(rt::ChunkState) + plan_.outputs.size() * sizeof(rt::i128) +
         2 * sizeof(std::uint64_t);
}

/// False where there is no room.
bool LeaseRunner::reserve_for(std::uint64_t chunks, std::uint64_t most_given) {
  const std::uint64_t n = chunks + most_given;
  const auto fit = [this](Memory& memory, std::uint64_t bytes) { return station_.fit(memory, bytes); };
  return fit(buffers_.pieces, n * sizeof(rt::Piece)) && fit(buffers_.ready, most_given * sizeof(std::uint32_t)) &&
         fit(buffers_.states, n * sizeof(rt::ChunkState)) &&
         fit(buffers_.sums, n * plan_.outputs.size() * sizeof(rt::i128)) &&
         (row_capacity_ == 0 ||
          (fit(buffers_.row_begin, n * sizeof(std::uint64_t)) && fit(buffers_.row_size, n * sizeof(std::uint64_t))));
}

/// Nothing taken, given or found.
void LeaseRunner::start_queue(std::span<const rt::Chunk> chunks, std::span<const Reach> reaches,
                              std::uint64_t most_given) {
  std::vector<rt::Piece> pieces;
  for (std::size_t i = 0; i < chunks.size(); ++i)
    pieces.push_back(rt::whole_piece(chunks[i], i, reaches[i].first, reaches[i].roots));
  const std::uint64_t n = chunks.size() + most_given;
  machine_.upload(buffers_.pieces.data(), pieces.data(), pieces.size() * sizeof(rt::Piece));
  machine_.zero(buffers_.states.data(), n * sizeof(rt::ChunkState));
  if (most_given > 0) machine_.zero(buffers_.ready.data(), most_given * sizeof(std::uint32_t));
  if (row_capacity_ > 0) machine_.zero(buffers_.row_size.data(), n * sizeof(std::uint64_t));
  Words words;
  words.unfinished = chunks.size();
  machine_.upload(buffers_.words.data(), &words, sizeof words);
}

/// Runs the bin once.
LeaseRunner::Launched LeaseRunner::launch(Team team, std::uint64_t most_given, const Room& room,
                                          const std::vector<std::size_t>& bin, std::span<const rt::Chunk> own,
                                          std::span<const Reach> reaches, const volatile int* halt,
                                          LeaseResult& result) {
  const std::uint64_t step = team == Team::warp ? rt::kWorkersPerBlock : 1;  // blocks are whole
  const Launched none{.unfit = step * room.bytes + own.size() * piece_bytes()};
  if (!reserve_for(own.size(), most_given)) {
    most_given = 0;
    if (!reserve_for(own.size(), 0)) return none;
  }
  const std::uint64_t wanted = std::min(machine_.most_workers(team), own.size() + most_given + step - 1);
  const std::uint64_t workers = station_.make_room(plan_, room, wanted, step);
  if (workers == 0) return none;
  start_queue(own, reaches, most_given);
  const rt::GpuJob job = this->job(room, own.size(), most_given);
  station_.workers().tables_zero = false;
  const Stopwatch clock;
  machine_.run(team, job, workers, halt);
  kernel_seconds_ += clock.seconds();
  return {.given = collect(bin, job, result)};
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
  const Words words = downloaded<Words>(buffers_.words, 1).front();
  const std::uint64_t given = std::min(words.given, job.most_given);
  const std::vector<rt::Piece> pieces = downloaded<rt::Piece>(buffers_.pieces, given, n);
  std::vector<rt::ChunkState> states = downloaded<rt::ChunkState>(buffers_.states, n + given);
  const std::vector<rt::i128> sums = downloaded<rt::i128>(buffers_.sums, (n + given) * outputs);
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
  const bool overflow = std::ranges::find(states, rt::ChunkState::overflow) != states.end();
  station_.workers().tables_zero = words.stop == 0 && !overflow;
  if (row_capacity_ > 0) collect_rows(wanted, job, words.row_used, result);
  result.ended = result.ended || enough;
  return given;
}

/// Matches, or local counts of chunks in pieces.
void LeaseRunner::collect_rows(const std::vector<bool>& wanted, const rt::GpuJob& job, std::uint64_t used,
                               LeaseResult& result) {
  const auto near = downloaded<rt::vid>(buffers_.rows, std::min(used, row_capacity_));
  const auto begin = downloaded<std::uint64_t>(buffers_.row_begin, wanted.size());
  const auto size = downloaded<std::uint64_t>(buffers_.row_size, wanted.size());
  for (std::size_t i = 0; i < wanted.size() && !result.ended; ++i) {
    if (!wanted[i] || size[i] == 0) continue;
    const rt::RowPlace place = rt::rows_at(job, begin[i]);
    if (place.buffer == job.rows)
      take_rows(std::span(near).subspan(place.at, size[i]), result);
    else
      take_rows(downloaded<rt::vid>(station_.workers().logs, size[i], place.at), result);
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

void LeaseRunner::add_local(std::span<rt::i128> counts) {
  const auto found = downloaded<rt::i128>(buffers_.local, counts.size());
  for (std::size_t v = 0; v < counts.size(); ++v) counts[v] += found[v];
  machine_.zero(buffers_.local.data(), buffers_.local.bytes());
}

}  // namespace galena::mine::gpu
