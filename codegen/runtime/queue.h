#pragma once
// Where the teams of a launch get their work: chunks, and when those are all taken, pieces that other teams give away
// (pieces.h). A team without work draws a ticket and waits for the piece of that number; teams at work see from the
// two counters that more tickets were drawn than pieces given. A team leaves when nothing is unfinished, since then
// nothing will be given, or when pieces have run out: then teams at work go on alone. Whoever gives counts the piece as
// unfinished before it is ready, so `unfinished` is 0 only at the end. No team waits for one that has not begun:
// nothing is unfinished but what was taken, given to a ticket, or not yet taken by teams that will look. A team that
// leaves because its log is full (gpu_job.h) holds no ticket; what nobody is left to take stays untouched.
// Included by prim_cuda.h only.

namespace galena::rt::gpu {

constexpr uint64_t kNoWork = ~uint64_t{0};

/// The next piece to run: a number in GpuJob::pieces, or kNoWork. A collective.
template <class T>
GALENA_DEVICE static inline uint64_t take(const GpuJob& job, const T& team) {
  const uint64_t at = team.first([&] { return read_now(job.stop) != 0 ? kNoWork : fetch_add(job.next, 1); });
  if (at < job.n_chunks) return at;
  if (at == kNoWork || job.most_given == 0) return kNoWork;
  const uint64_t ticket = team.first([&] { return fetch_add(job.tickets, 1); });
  if (ticket >= job.most_given) return kNoWork;
  for (;;) {
    enum : uint64_t { wait, go, leave };
    const uint64_t what = team.first([&]() -> uint64_t {
      if (seen(job.ready + ticket)) return go;
      return read_now(job.stop) != 0 || read_now(job.unfinished) == 0 ? leave : wait;
    });
    if (what != wait) return what == go ? job.n_chunks + ticket : kNoWork;
    team.pause();
  }
}

/// To be called after each piece that was taken. A collective.
template <class T>
GALENA_DEVICE static inline void finished(const GpuJob& job, const T& team) {
  team.first([&] { return fetch_add(job.unfinished, ~uint64_t{0}); });
}

/// Whether a team waits for a piece that nobody gave. A collective.
template <class T>
GALENA_DEVICE static inline bool some_wait(const GpuJob& job, const T& team) {
  return team.first([&]() -> uint64_t {
    const uint64_t given = read_now(job.given);
    return given < job.most_given && (job.give_every == 0 || given < read_now(job.tickets)) ? 1 : 0;
  }) != 0;
}

/// Gives the piece away; false where there is no place for it. A collective.
template <class T>
GALENA_DEVICE static inline bool give(const GpuJob& job, const T& team, const Piece& piece) {
  return team.first([&]() -> uint64_t {
    const uint64_t number = fetch_add(job.given, 1);
    if (number >= job.most_given) return 0;
    fetch_add(job.unfinished, 1);
    job.pieces[job.n_chunks + number] = piece;
    show(job.ready + number);
    return 1;
  }) != 0;
}

}  // namespace galena::rt::gpu
