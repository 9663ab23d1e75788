#pragma once
// What a launch on a GPU works on: plain pointers into device memory, handed to the kernel by value.
// The host's simulation of a team takes the same struct.

#include "codegen/runtime/pieces.h"

namespace galena::rt {

/// The kernel galena_warps runs a warp a worker, so many a block; galena_blocks a block of so many warps a worker.
constexpr int kWorkersPerBlock = 4;
constexpr int kWarpsPerWorker = 8;

/// Words of a local graph that a warp or a block keeps at the most, if they hold a row.
constexpr uint64_t kWarpLocal = 1 << 15;
constexpr uint64_t kBlockLocal = 1 << 18;

/// Words of shared memory for the rows of local graphs of a warp or a block: a local graph all of whose rows fit lies
/// there, of some 220 or 540 vertices. A processor with 228 KiB holds five blocks of either kernel; kernels with local
/// graphs have registers for fewer.
constexpr int kWarpRows = 1 << 11;
constexpr int kBlockRows = 10 << 10;

/// Columns of a local graph whose rows a lane takes into registers (alone.h); with more the team works together.
constexpr int kAloneColumns = 256;

/// Rounds of a team's lanes between looks at whether others wait: some 50 microseconds.
constexpr uint32_t kGiveEvery = 32;

/// A local count in a log: the vertex, then the count's four words.
constexpr int kLocalWords = 5;

/// The count of an entry.
GALENA_DEVICE static inline i128 logged_count(const vid* entry) {
  u128 bits = 0;
  for (int word = kLocalWords - 1; word > 0; --word) bits = (bits << 32) | entry[word];
  return static_cast<i128>(bits);
}

/// What became of a chunk.
enum class ChunkState : uint8_t {
  untouched = 0,  ///< not begun, or ended early: run it again
  done,           ///< its sums, local counts and rows are whole
  overflow,       ///< a set or a log did not fit its buffer: run it with larger ones
  cut,            ///< ended early because it alone found as many rows as are enough
  lost,           ///< a sum left 128 bits
};

/// Every index into a buffer of workers is of 64 bits. Where a chunk or a piece of it is not done, nothing that the chunk
/// and its pieces found is kept (settle()).
struct GpuJob {
  GraphView graph;
  Piece* pieces;  ///< n_chunks chunks, then room for most_given pieces of them
  uint64_t n_chunks, most_given;
  uint64_t* next;  ///< the first chunk that nobody took

  // Of the queue (queue.h).
  uint64_t* tickets;     ///< drawn by teams without work
  uint64_t* given;       ///< pieces; more than most_given where some had no place
  uint64_t* unfinished;  ///< of chunks and pieces; n_chunks at first
  uint32_t* ready;       ///< by piece: 1 when it may be taken; all zero at first
  uint32_t give_every;   ///< rounds of a team's lanes between looks at who waits; 0: gives whenever it can (for tests)

  // By piece, chunks first.
  ChunkState* states;
  i128* sums;           ///< n_outputs each
  uint64_t* row_begin;  ///< where its rows begin (rows_at())
  uint64_t* row_size;   ///< vertices in its rows
  uint32_t n_outputs;

  // By worker.
  uint32_t n_slots, n_counters, n_marks, n_locals;
  vid* slots;              ///< n_slots x slot_capacity each
  uint64_t slot_capacity;  ///< what the launch's chunks need, not the graph's largest degree
  uint32_t* counters;      ///< n_counters x n_padded each, all zero between chunks
  uint8_t* marks;          ///< n_marks x n_padded each, all zero between chunks
  uint64_t n_padded;
  uint32_t* locals;         ///< n_locals x local_capacity each
  uint64_t local_capacity;  ///< words
  vid* logs;                ///< log_capacity each: rows, or local counts, of the piece under way
  uint64_t log_capacity;

  // Of the launch.
  i128* local;  ///< by vertex, for LOCAL queries, or null
  vid* rows;    ///< matches by depth, for LIST queries; local counts of chunks in pieces; or null
  uint64_t row_capacity;
  uint64_t* row_used;    ///< more than row_capacity where rows stay in logs
  uint64_t enough_rows;  ///< vertices in rows; a launch ends when there are so many; 0: when all is done
  int* stop;             ///< raised by the host or by a worker
  int* found;            ///< of EXISTS, and where images are enough
  ImageTask images;
};

#ifndef __CUDACC_RTC__
/// Where in which buffer rows lie that begin at `begin`: in `rows`, or beyond its end, in `logs`. A worker whose rows
/// find no room in `rows` leaves them in its log, and takes nothing more.
struct RowPlace {
  const vid* buffer;
  uint64_t at;
};
inline RowPlace rows_at(const GpuJob& job, uint64_t begin) {
  return begin < job.row_capacity ? RowPlace{job.rows, begin} : RowPlace{job.logs, begin - job.row_capacity};
}

/// Folds what became of the given pieces into their chunks: a chunk is done where all of it is. `states` are of the
/// chunks, then of the pieces.
inline void settle(ChunkState* states, uint64_t n_chunks, const Piece* given, uint64_t n_given) {
  const auto gravity = [](ChunkState state) {  // what must be run again comes before what is known
    switch (state) {
      case ChunkState::done: return 0;
      case ChunkState::lost: return 1;
      case ChunkState::overflow: return 2;
      case ChunkState::cut:
      case ChunkState::untouched: break;
    }
    return 3;
  };
  for (uint64_t i = 0; i < n_given; ++i) {
    ChunkState& chunk = states[given[i].of];
    if (gravity(states[n_chunks + i]) > gravity(chunk)) chunk = states[n_chunks + i];
  }
}
#endif

}  // namespace galena::rt
