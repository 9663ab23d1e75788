#pragma once
// What teams of a GPU give each other of a chunk. A team that runs a chunk walks the roots from the first to the last,
// below each root the list of v1, and below that the list of v2. When others have nothing to do, it gives them the
// further half of what is left of the outermost of these walks that has something left (queue.h): so a task that is
// estimated too small is spread over as many teams as are free, down to one pair of v0 and v1.

#include "codegen/runtime/chunk.h"

namespace galena::rt {

/// A chunk, or what a team gave away of one.
struct Piece {
  Chunk chunk;            ///< depth 0: its units; else what it is of
  uint64_t of;            ///< the launch's chunk that it is of
  uint32_t depth;         ///< 1, 2: a part of one walk over v1 or v2, nothing else
  vid root, roots;        ///< the first, and how many: depth 1, 2: one
  uint32_t loop1, loop2;  ///< which of a block's loops
  uint64_t second;        ///< depth 2: the position of v1
  uint64_t first, last;   ///< depth 1, 2: positions of the walk
};

/// Chunk number `of` of a launch, whole; the roots are those that it touches.
inline Piece whole_piece(const Chunk& chunk, uint64_t of, uint64_t first, uint64_t roots) {
  Piece p{};
  p.chunk = chunk;
  p.of = of;
  p.root = static_cast<vid>(first);
  p.roots = static_cast<vid>(roots);
  return p;
}

GALENA_DEVICE static inline Slice roots(const GraphView& /*g*/, const Piece& p) {
  return Slice{p.root, static_cast<uint64_t>(p.root) + p.roots};
}
GALENA_DEVICE static inline bool owns(const GraphView& g, const Piece& p, vid v) {
  return p.depth == 0 && owns(g, p.chunk, v);
}
GALENA_DEVICE static inline bool owns_second(const Piece& p) { return p.depth < 2 && owns_second(p.chunk); }

GALENA_DEVICE static inline Slice slice_second(const GraphView& g, const Piece& p, vid v, uint64_t length,
                                               uint32_t loop) {
  if (p.depth == 0) return slice_second(g, p.chunk, v, length, loop);
  if (loop != p.loop1) return Slice{0, 0};
  return p.depth == 1 ? Slice{p.first, p.last} : Slice{p.second, p.second + 1};
}
GALENA_DEVICE static inline Slice slice_third(const Piece& p, uint64_t length, uint32_t loop) {
  if (p.depth < 2) return slice_third(p.chunk, length, loop);
  return loop == p.loop2 ? Slice{p.first, p.last} : Slice{0, 0};
}

/// Where the further half of what comes after `at` begins; `end` where there is nothing to share.
GALENA_DEVICE static inline uint64_t half_after(uint64_t at, uint64_t end) {
  return at + 1 < end ? at + 1 + (end - at - 1) / 2 : end;
}

/// The roots from `middle` to `end` of the piece.
GALENA_DEVICE static inline Piece of_roots(const GraphView& g, Piece p, uint64_t middle, uint64_t end) {
  const uint64_t last = unit_of(g, static_cast<vid>(end));
  p.chunk.begin = unit_of(g, static_cast<vid>(middle));
  if (last < p.chunk.end) p.chunk.end = last;
  p.root = static_cast<vid>(middle);
  p.roots = static_cast<vid>(end - middle);
  return p;
}
/// The positions from `first` to `last` of the walk over v1 below a root of the piece.
GALENA_DEVICE static inline Piece of_second(Piece p, uint64_t root, uint32_t loop, uint64_t first, uint64_t last) {
  p.depth = 1;
  p.root = static_cast<vid>(root);
  p.roots = 1;
  p.loop1 = loop;
  p.first = first;
  p.last = last;
  return p;
}
/// The same of the walk over v2 below the v1 at position `second`.
GALENA_DEVICE static inline Piece of_third(Piece p, uint64_t root, uint32_t loop1, uint64_t second, uint32_t loop2,
                                           uint64_t first, uint64_t last) {
  p.depth = 2;
  p.root = static_cast<vid>(root);
  p.roots = 1;
  p.loop1 = loop1;
  p.second = second;
  p.loop2 = loop2;
  p.first = first;
  p.last = last;
  return p;
}

}  // namespace galena::rt
