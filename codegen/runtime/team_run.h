#pragma once
// Runs a chunk by a simulated team behind the interface that compiled kernels have on a CPU: the
// emitted text of a GPU kernel, checked like that of a CPU kernel.

#include "codegen/runtime/prim_cuda.h"
#include "codegen/runtime/team_fibers.h"
#include "codegen/runtime/team_host.h"

namespace galena::rt::gpu {

/// What LIST and LOCAL of one chunk may log in a simulated run.
constexpr uint64_t kHostLog = 1 << 16;

/// A job of the one chunk in the worker's memory.
struct HostJob {
  GpuJob job{};
  uint64_t next = 0;
  ChunkState state = ChunkState::untouched;
  i128 sums[64] = {};
  uint64_t row_begin = 0, row_size = 0, row_used = 0;
  int stop = 0, found = 0;
  vid log[kHostLog];
  vid rows[kHostLog];

  /// `lists`: the plan is a LIST.
  HostJob(const Worker& w, const Chunk& c, bool lists) {
    constexpr uint32_t kPlenty = 1 << 20;  // how many tables there are matters only after an overflow
    job.graph = *w.graph;
    job.chunks = &c;
    job.n_chunks = 1;
    job.next = &next;
    job.states = &state;
    job.sums = sums;
    job.row_begin = &row_begin;
    job.row_size = &row_size;
    job.n_outputs = 64;
    job.n_slots = kPlenty;
    job.slots = w.slots;
    job.slot_capacity = w.slot_capacity;
    job.counters = w.counters;
    job.marks = w.marks;
    job.n_padded = w.n_padded;
    job.n_locals = kPlenty;
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

/// Hands a finished chunk's results to the worker. `outputs`: how many sums it has; `width`: vertices in
/// a row of LIST, else 0.
inline void deliver(const HostJob& host, Worker& w, int outputs, int width) {
  if (host.found != 0) w.emit(&w, 0, nullptr, 0);
  if (host.state == ChunkState::lost) w.overflow = 1;
  if (host.state != ChunkState::done) {
    w.aborted = 1;
    return;
  }
  for (int i = 0; i < outputs; ++i) w.acc[i] += host.sums[i];
  for (uint64_t at = 0; width > 0 && at < host.row_size; at += static_cast<uint64_t>(width))
    if (w.emit(&w, 0, host.rows + host.row_begin + at, width) != 0) break;
}

/// Runs one chunk by a team of W warps, whose lanes run one after the other.
template <int W, class Task>
void run_by_loop(Worker& w, const Chunk& c, int outputs, int width, Task&& task) {
  HostJob host(w, c, width > 0);
  Shared<W> shared;
  work(host.job, HostTeam<W>(&shared), 0, task);
  deliver(host, w, outputs, width);
}

/// Runs one chunk by a team of W warps, whose lanes each run the task. Lanes that part ways count as
/// an overflow.
template <int W, class Task>
void run_by_fibers(Worker& w, const Chunk& c, int outputs, int width, Task&& task) {
  HostJob host(w, c, width > 0);
  Shared<W> shared;
  Fibers<W> fibers;
  fibers.run([&](int lane) {
    const FiberTeam<W> team(&fibers, &shared, lane);
    work(host.job, team, 0, task);
  });
  if (fibers.diverged()) w.overflow = 1;
  deliver(host, w, outputs, width);
}

/// One worker of a simulated launch: handed over behind Worker::owner.
struct SimulatedWorker {
  const GpuJob* job;
  uint64_t number;
  bool block;  ///< a block's team, else a warp's
};

template <class Task>
void run_worker(const SimulatedWorker& worker, Task&& task) {
  Shared<kWarpsPerWorker> block;
  Shared<1> warp;
  if (worker.block)
    work(*worker.job, HostTeam<kWarpsPerWorker>(&block), worker.number, task);
  else
    work(*worker.job, HostTeam<1>(&warp), worker.number, task);
}

}  // namespace galena::rt::gpu
