#pragma once
// What generated code, the interpreter and the scheduler share: plain structs, no C++
// library. This header is embedded in the library and compiled again by the JIT.

#include <stddef.h>
#include <stdint.h>

/// Marks functions that also run on a GPU.
#ifdef __CUDACC__
#define GALENA_DEVICE __device__
#define GALENA_NOINLINE __noinline__
#else
#define GALENA_DEVICE
#define GALENA_NOINLINE __attribute__((noinline))
#endif

namespace galena::rt {

using vid = uint32_t;
__extension__ typedef __int128 i128;
__extension__ typedef unsigned __int128 u128;

/// A graph by its arrays. Adjacency sorted; `split[v]` is the number of neighbours < v.
struct GraphView {
  vid n;
  vid max_degree;
  const uint64_t* indptr;
  const vid* indices;
  const vid* split;
  const uint32_t* vlabels;  ///< by vertex, or null
  const uint32_t* elabels;  ///< by arc, or null
};

/// Merging a list with one of n elements takes as long as looking up start + n * sixteenths / 16 elements in a table of
/// bytes.
struct MergeWorth {
  uint64_t start, sixteenths;
};
/// A sorted list of vertices, borrowed.
struct Span {
  const vid* p;
  vid n;
};

/// Whether looking b up in marks of a, in a graph of n vertices, is quicker than merging the two.
GALENA_DEVICE static inline bool marks_pay(MergeWorth worth, vid n, Span a, Span b) {
  const vid cached = 1U << 22;  // marks of more vertices are in no cache
  return n <= cached && b.n <= worth.start + a.n * worth.sixteenths / 16;
}

/// A range of work. The unit space gives vertex v 1 + degree(v) consecutive units that start
/// at v + indptr[v]. Whoever runs a vertex's first unit also does what its outermost
/// level does once. `parts` > 1 splits one single unit (end == begin + 1) below its second loop.
struct Chunk {
  uint64_t begin, end;
  uint32_t part, parts;
};

/// Which vertices are images of a pattern vertex: what a plan of images is given and where it answers. A bit a
/// vertex, 32 a word, the first the lowest.
struct ImageTask {
  const uint32_t* labels;  ///< those that the plan leaves to be given
  const uint32_t* asked;   ///< the vertices to decide on
  uint32_t* found;         ///< those that are images; threads share it
  uint64_t* count;         ///< of the bits set in `found`
  uint64_t enough;         ///< a run ends early when there are so many
};

/// Words for a bit of each of n vertices.
GALENA_DEVICE static inline uint64_t bit_words(vid n) { return static_cast<uint64_t>(n) / 32 + 1; }
/// Whether bit v is set.
GALENA_DEVICE static inline bool bit_of(const uint32_t* words, vid v) {
  return ((words[v / 32] >> (v % 32)) & 1U) != 0;
}

#ifndef __CUDACC__
/// Whether a flag (or none) is up that another thread or a signal handler may raise at any time.
inline bool raised(const volatile int* flag) { return flag != nullptr && __atomic_load_n(flag, __ATOMIC_RELAXED) != 0; }

/// Whether it is yet to be decided if v is an image.
inline bool undecided(const ImageTask& task, vid v) {
  const uint32_t found = __atomic_load_n(task.found + v / 32, __ATOMIC_RELAXED);
  return bit_of(task.asked, v) && !bit_of(&found, v % 32);
}

/// Notes that v is an image; true where there are enough.
inline bool note_image(const ImageTask& task, vid v) {
  const uint32_t mine = 1U << (v % 32);
  const uint32_t before = __atomic_fetch_or(task.found + v / 32, mine, __ATOMIC_RELAXED);
  return (before & mine) == 0 && __atomic_add_fetch(task.count, 1, __ATOMIC_RELAXED) >= task.enough;
}
#endif

struct Worker;
/// Receives a match; matched[i] is the vertex bound at depth i. Returns nonzero to stop.
typedef int (*EmitFn)(Worker*, int query, const vid* matched, int size);

/// One thread's memory. The scheduler allocates it once; a run allocates nothing.
struct Worker {
  const GraphView* graph;
  vid* slots;              ///< slot s begins at slots + s * slot_capacity
  uint64_t slot_capacity;  ///< at least max_degree + 16, a multiple of 16
  uint32_t* counters;      ///< counter c begins at counters + c * n_padded; all zero between runs
  uint8_t* marks;          ///< mark m begins at marks + m * n_padded; all zero between runs
  uint64_t n_padded;
  uint32_t* locals;         ///< local graph l begins at locals + l * local_capacity
  uint64_t local_capacity;  ///< words, at least 1 + row_words(max_degree)
  i128* acc;                ///< a sum for each accumulator
  i128* local;              ///< by vertex, for LOCAL queries (one array, shared), or null
  void (*add_local)(Worker*, vid, i128);
  EmitFn emit;
  const volatile int* stop;  ///< set by another thread to end early
  int aborted;               ///< set by the run when it ended early: its sums are void
  int overflow;              ///< set when a sum left 128 bits
  uint64_t work;             ///< elements touched, kept by the interpreter only
  void* owner;               ///< the scheduler's own
  const ImageTask* images;   ///< of a plan of images, else null
};

/// Runs one chunk and adds to worker->acc unless it was aborted.
typedef void (*RunFn)(Worker*, const Chunk*);

}  // namespace galena::rt
