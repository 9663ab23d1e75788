#pragma once
// Runs a chunk by a simulated team behind the interface that compiled kernels have on a CPU: the
// emitted text of a GPU kernel, checked like that of a CPU kernel.

#include "codegen/runtime/prim_cuda.h"
#include "codegen/runtime/team_fibers.h"
#include "codegen/runtime/team_host.h"
#include "codegen/runtime/team_turns.h"

namespace galena::rt::gpu {

/// What LIST and LOCAL of one chunk may log in a simulated run.
constexpr uint64_t kHostLog = 1 << 16;
/// Words that a team of W warps has for rows, so few that small graphs' local graphs fit or do not.
template <int W>
constexpr int kHostRows = W == 1 ? 128 : 256;
/// Pieces that the team of a simulated run gives itself.
constexpr uint64_t kHostPieces = 15;

/// Chunk number 0 of a launch, whole.
inline Piece whole_piece(const GraphView& g, const Chunk& chunk) {
  const Slice all = roots(g, chunk);
  return rt::whole_piece(chunk, 0, all.begin, all.end - all.begin);
}

/// A job of the one chunk in the worker's memory.
struct HostJob {
  GpuJob job{};
  static constexpr uint64_t kOutputs = 64;
  Piece pieces[1 + kHostPieces] = {};
  uint64_t next = 0, tickets = 0, given = 0, unfinished = 1;
  uint32_t ready[kHostPieces] = {};
  ChunkState states[1 + kHostPieces] = {};
  i128 sums[(1 + kHostPieces) * kOutputs] = {};
  uint64_t row_begin[1 + kHostPieces] = {}, row_size[1 + kHostPieces] = {}, row_used = 0;
  int stop = 0, found = 0;
  vid log[kHostLog];
  vid rows[kHostLog];

  /// `lists`: the plan is a LIST; `locals`: its local graphs. Every other chunk is given away piece by piece as far as
  /// that goes.
  HostJob(const Worker& w, const Chunk& c, bool lists, int locals) {
    constexpr uint32_t kPlenty = 1 << 20;  // how many tables there are matters only after an overflow
    job.graph = *w.graph;
    pieces[0] = whole_piece(*w.graph, c);
    job.pieces = pieces;
    job.n_chunks = 1;
    job.most_given = (c.begin + c.part) % 2 == 0 ? kHostPieces : 0;
    job.next = &next;
    job.tickets = &tickets;
    job.given = &given;
    job.unfinished = &unfinished;
    job.ready = ready;
    job.states = states;
    job.sums = sums;
    job.row_begin = row_begin;
    job.row_size = row_size;
    job.n_outputs = kOutputs;
    job.n_slots = kPlenty;
    job.slots = w.slots;
    job.slot_capacity = w.slot_capacity;
    job.counters = w.counters;
    job.marks = w.marks;
    job.n_padded = w.n_padded;
    job.n_locals = static_cast<uint32_t>(locals);
    job.locals = w.locals;
    job.local_capacity = w.local_capacity;
    job.logs = log;
    job.log_capacity = kHostLog;
    job.local = lists ? nullptr : w.local;
    job.rows = rows;
    job.row_capacity = kHostLog;
    job.row_used = &row_used;
    stop = raised(w.stop) ? 1 : 0;
    job.stop = &stop;
    job.found = &found;
    if (w.images != nullptr) job.images = *w.images;
  }
};

/// Hands what a piece logged to the worker: rows of LIST of `width` vertices, or where that is 0, local counts. False
/// where the worker has enough.
inline bool deliver_log(const vid* log, uint64_t size, Worker& w, int width) {
  for (uint64_t at = 0; width > 0 && at < size; at += static_cast<uint64_t>(width))
    if (w.emit(&w, 0, log + at, width) != 0) return false;
  for (uint64_t at = 0; width == 0 && at < size; at += kLocalWords) w.local[log[at]] += logged_count(log + at);
  return true;
}

/// Hands a finished chunk's results to the worker. `outputs`: how many sums it has; `width`: vertices in
/// a row of LIST, else 0.
inline void deliver(HostJob& host, Worker& w, int outputs, int width) {
  const uint64_t given = host.given < host.job.most_given ? host.given : host.job.most_given;
  settle(host.states, 1, host.pieces + 1, given);
  if (host.found != 0) w.emit(&w, 0, nullptr, 0);
  if (host.states[0] == ChunkState::lost) w.overflow = 1;
  if (host.states[0] != ChunkState::done) {
    w.aborted = 1;
    return;
  }
  bool more = true;
  for (uint64_t p = 0; p <= given; ++p) {
    for (int i = 0; i < outputs; ++i) w.acc[i] += host.sums[p * HostJob::kOutputs + static_cast<uint64_t>(i)];
    const RowPlace rows = rows_at(host.job, host.row_begin[p]);
    more = more && deliver_log(rows.buffer + rows.at, host.row_size[p], w, width);
  }
}

/// Runs one chunk by a team of W warps, whose lanes run one after the other.
template <int W, class Task>
void run_by_loop(Worker& w, const Chunk& c, int outputs, int width, int locals, Task&& task) {
  HostJob host(w, c, width > 0, locals);
  Shared<W, kHostRows<W>> shared;
  work(host.job, HostTeam<W, kHostRows<W>>(&shared), 0, task);
  deliver(host, w, outputs, width);
}

/// Runs one chunk by a team of W warps, whose lanes each run the task. Lanes that part ways count as
/// an overflow.
template <int W, class Task>
void run_by_fibers(Worker& w, const Chunk& c, int outputs, int width, int locals, Task&& task) {
  HostJob host(w, c, width > 0, locals);
  Shared<W, kHostRows<W>> shared;
  Fibers<W> fibers;
  fibers.run([&](int lane) {
    const FiberTeam<W, kHostRows<W>> team(&fibers, &shared, lane);
    work(host.job, team, 0, task);
  });
  if (fibers.diverged()) w.overflow = 1;
  deliver(host, w, outputs, width);
}

/// A simulated launch: handed over behind Worker::owner.
struct SimulatedLaunch {
  const GpuJob* job;
  uint64_t workers;
  bool block;        ///< a worker is a block, else a warp
  uint64_t seed;     ///< of the order in which workers go on
  uint64_t* rounds;  ///< by worker: how often its lanes worked; or null
};

template <int W, class Task>
void run_teams(const SimulatedLaunch& launch, Task&& task) {
  Turns turns(launch.workers, launch.seed, launch.rounds);
  turns.run([&](uint64_t worker) {
    Shared<W, kHostRows<W>> shared;
    work(*launch.job, TurnTeam<W, kHostRows<W>>(&turns, &shared), worker, task);
  });
}

template <class Task>
void run_launch(const SimulatedLaunch& launch, Task&& task) {
  launch.block ? run_teams<kWarpsPerWorker>(launch, task) : run_teams<1>(launch, task);
}

}  // namespace galena::rt::gpu
