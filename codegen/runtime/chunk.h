#pragma once
// Which part of each of the two outermost loops a chunk covers. The chunks of a partition of
// the unit space cover every element of every outermost loop exactly once, however many
// elements the loop over v1 has: they are dealt out to the vertex's units in proportion.

#include "codegen/runtime/abi.h"

namespace galena::rt {

struct Slice {
  uint64_t begin, end;
};

GALENA_DEVICE static inline uint64_t unit_of(const GraphView& g, vid v) { return v + g.indptr[v]; }

/// The vertex that unit `u` belongs to.
GALENA_DEVICE static inline vid vertex_of_unit(const GraphView& g, uint64_t u) {
  vid low = 0;
  vid high = g.n;
  while (high - low > 1) {
    const vid middle = low + (high - low) / 2;
    if (unit_of(g, middle) <= u)
      low = middle;
    else
      high = middle;
  }
  return low;
}

/// The vertices a chunk touches: [begin, end).
GALENA_DEVICE static inline Slice roots(const GraphView& g, const Chunk& c) {
  if (c.begin >= c.end) return Slice{0, 0};
  return Slice{vertex_of_unit(g, c.begin), static_cast<uint64_t>(vertex_of_unit(g, c.end - 1)) + 1};
}

/// Whether this chunk does what the outermost level does once for v.
GALENA_DEVICE static inline bool owns(const GraphView& g, const Chunk& c, vid v) {
  return c.part == 0 && c.begin <= unit_of(g, v);
}

/// Whether it also does what the level below does once for a v1.
GALENA_DEVICE static inline bool owns_second(const Chunk& c) { return c.part == 0; }

/// floor(length * at / of) without overflow for of > 0, at <= of.
GALENA_DEVICE static inline uint64_t share(uint64_t length, uint64_t at, uint64_t of) {
  if ((length | at) >> 32 == 0) return length * at / of;  // a division of 128 bits takes 500 steps
  return static_cast<uint64_t>(static_cast<u128>(length) * at / of);
}

/// The chunk's part of a loop of `length` directly below v: of each loop, whichever it is, alike.
GALENA_DEVICE static inline Slice slice_second(const GraphView& g, const Chunk& c, vid v, uint64_t length,
                                               uint32_t /*loop*/ = 0) {
  const uint64_t start = unit_of(g, v);
  const uint64_t units = 1 + (g.indptr[v + 1] - g.indptr[v]);
  const uint64_t low = c.begin > start ? c.begin - start : 0;
  const uint64_t high = c.end - start < units ? c.end - start : units;
  return low == 0 && high == units ? Slice{0, length} : Slice{share(length, low, units), share(length, high, units)};
}

/// The chunk's part of a loop of `length` two levels below the root.
GALENA_DEVICE static inline Slice slice_third(const Chunk& c, uint64_t length, uint32_t /*loop*/ = 0) {
  return c.parts <= 1 ? Slice{0, length} : Slice{share(length, c.part, c.parts), share(length, c.part + 1u, c.parts)};
}

}  // namespace galena::rt
