#pragma once
// What a launch on a GPU works on: plain pointers into device memory, handed to the kernel by value.
// The host's simulation of a team takes the same struct.

#include "codegen/runtime/abi.h"

namespace galena::rt {

/// The kernel galena_warps runs a warp a worker, so many a block; galena_blocks a block of so many warps a worker.
constexpr int kWorkersPerBlock = 4;
constexpr int kWarpsPerWorker = 8;

/// Words of a local graph that a warp or a block keeps at the most, if they hold a row.
constexpr uint64_t kWarpLocal = 1 << 15;
constexpr uint64_t kBlockLocal = 1 << 18;

/// A local count in a log: the vertex, then the count's four words.
constexpr int kLocalWords = 5;

/// What became of a chunk.
enum class ChunkState : uint8_t {
  untouched = 0,  ///< not begun, or ended early: run it again
  done,           ///< its sums, local counts and rows are whole
  overflow,       ///< a set or a log did not fit its buffer: run it with larger ones
  deferred,       ///< the launch's room for rows was full: run it in the next launch
  lost,           ///< a sum left 128 bits
};

/// Every index into a buffer of workers is of 64 bits. Where a chunk is not done, nothing it found is kept.
struct GpuJob {
  GraphView graph;
  const Chunk* chunks;
  uint64_t n_chunks;
  uint64_t* next;  ///< the first chunk that nobody took

  // By chunk.
  ChunkState* states;
  i128* sums;           ///< n_outputs each
  uint64_t* row_begin;  ///< where its rows begin in `rows`
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
  vid* logs;                ///< log_capacity each: rows, or local counts, of the chunk under way
  uint64_t log_capacity;

  // Of the launch.
  i128* local;  ///< by vertex, for LOCAL queries, or null
  vid* rows;    ///< matches by depth, for LIST queries, or null
  uint64_t row_capacity;
  uint64_t* row_used;
  int* stop;   ///< raised by the host or by a worker
  int* found;  ///< of EXISTS, and where images are enough
  ImageTask images;
};

}  // namespace galena::rt
