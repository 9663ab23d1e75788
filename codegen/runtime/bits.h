#pragma once
// Local graphs: a set of few vertices as a row of bits over a list, so that intersecting two is an AND. A bit
// stands for a position in the list `columns`; a local graph has such a row for each element of the list `rows`,
// the neighbours of that element among the columns (Liu, Polisetty, Guan, Serafini, "GraphMini", PACT 2023, keep
// such neighbours as lists; GLUMIN, PPoPP 2025, as bits). A row is filled when it is first asked for, which costs what a plan without local graphs would pay
// each time.
//
// Where the memory does not hold all rows, a row has the place `position % entries` and is filled anew when
// another one took it.

#include "codegen/runtime/abi.h"

namespace galena::rt {

/// The positions i, begin <= i < end, whose bit is set in p (bit i % 32 of word i / 32). Words come in pairs;
/// bits outside of [begin, end) mean nothing.
struct Bits {
  const uint32_t* p;
  vid begin, end;
};

struct Local {
  Span rows, columns;
  uint32_t* bits;  ///< `entries` rows of `stride` words
  uint32_t* tags;  ///< by entry: 1 + the position in `rows` that it holds, or 0
  vid entries;     ///< at most rows.n; 0 where there is no memory for one
  vid stride;
};

/// Words of a row over n columns: pairs, so that it can be read by 64 bits.
GALENA_DEVICE static inline uint64_t row_words(uint64_t n) { return (n + 63) / 64 * 2; }

/// The local graph in `memory` of `capacity` words; its tags are to be cleared.
GALENA_DEVICE static inline Local local_graph(uint32_t* memory, uint64_t capacity, Span rows, Span columns) {
  const uint64_t stride = row_words(columns.n);
  const uint64_t most = capacity / (stride + 1);
  const uint64_t entries = rows.n < most ? rows.n : most;
  return Local{rows, columns, memory, memory + entries * stride, static_cast<vid>(entries), static_cast<vid>(stride)};
}

/// Whether every row has a place of its own.
GALENA_DEVICE static inline bool is_whole(const Local& g) { return g.entries == g.rows.n; }
GALENA_DEVICE static inline vid entry_of(const Local& g, vid row) { return is_whole(g) ? row : row % g.entries; }
/// The words of an entry's row.
GALENA_DEVICE static inline uint32_t* row_at(const Local& g, vid entry) {
  return g.bits + static_cast<uint64_t>(entry) * g.stride;
}

GALENA_DEVICE static inline Bits bits_below(Bits b, vid at) {
  const vid end = at < b.end ? at : b.end;
  return Bits{b.p, b.begin, end > b.begin ? end : b.begin};
}
GALENA_DEVICE static inline Bits bits_from(Bits b, vid at) {
  const vid begin = at > b.begin ? at : b.begin;
  return Bits{b.p, begin < b.end ? begin : b.end, b.end};
}
/// The part of the range that [first, last) of its positions are.
GALENA_DEVICE static inline Bits bits_part(Bits b, uint64_t first, uint64_t last) {
  return Bits{b.p, b.begin + static_cast<vid>(first), b.begin + static_cast<vid>(last)};
}

GALENA_DEVICE static inline uint64_t bits_word(const uint32_t* p, uint64_t pair) {
  return p[2 * pair] | static_cast<uint64_t>(p[2 * pair + 1]) << 32;
}
/// The bits of pair `pair` of words that lie within [begin, end).
GALENA_DEVICE static inline uint64_t bits_within(uint64_t pair, uint64_t begin, uint64_t end) {
  uint64_t mask = ~uint64_t{0};
  if (begin > 64 * pair) mask &= begin - 64 * pair < 64 ? mask << (begin - 64 * pair) : 0;
  if (end < 64 * pair + 64) mask &= end > 64 * pair ? ~uint64_t{0} >> (64 * pair + 64 - end) : 0;
  return mask;
}

/// The bits of word `word` that lie within [begin, end), which reaches into it.
GALENA_DEVICE static inline uint32_t word_within(vid word, vid begin, vid end) {
  uint32_t mask = ~uint32_t{0};
  if (word == begin / 32) mask <<= begin % 32;
  if (word == (end - 1) / 32) mask &= ~uint32_t{0} >> (31 - (end - 1) % 32);
  return mask;
}

/// The first position >= i in the set, or b.end; by words of 32 bits.
GALENA_DEVICE static inline vid next_bit_by_words(Bits b, vid i) {
  if (i >= b.end) return b.end;
  vid at = i / 32;
  uint32_t word = b.p[at] >> (i % 32) << (i % 32);
  while (word == 0) {
    if (++at > (b.end - 1) / 32) return b.end;
    word = b.p[at];
  }
#ifdef __CUDACC__
  const vid found = 32 * at + static_cast<vid>(__ffs(static_cast<int>(word)) - 1);
#else
  const vid found = 32 * at + static_cast<vid>(__builtin_ctz(word));
#endif
  return found < b.end ? found : b.end;
}
#ifdef __CUDACC__
GALENA_DEVICE static inline vid next_bit(Bits b, vid i) { return next_bit_by_words(b, i); }
#else
/// The same by pairs of words.
static inline vid next_bit(Bits b, vid i) {
  if (i >= b.end) return b.end;
  vid pair = i / 64;
  uint64_t word = bits_word(b.p, pair) >> (i % 64) << (i % 64);
  while (word == 0) {
    if (++pair > (b.end - 1) / 64) return b.end;
    word = bits_word(b.p, pair);
  }
  const vid found = 64 * pair + static_cast<vid>(__builtin_ctzll(word));
  return found < b.end ? found : b.end;
}
#endif

GALENA_DEVICE static inline bool none_of(Bits b) { return next_bit(b, b.begin) == b.end; }

/// Whether the set has fewer than n elements; looks at as many words as say so.
GALENA_DEVICE static inline bool fewer_than(vid n, Bits b) {
  if (n == 0 || b.begin >= b.end) return n > 0;
  uint64_t found = 0;
#ifdef __CUDACC__
  for (vid word = b.begin / 32; word <= (b.end - 1) / 32 && found < n; ++word)
    found += static_cast<uint64_t>(__popc(b.p[word] & word_within(word, b.begin, b.end)));
#else
  for (vid pair = b.begin / 64; pair <= (b.end - 1) / 64 && found < n; ++pair)
    found += static_cast<uint64_t>(__builtin_popcountll(bits_word(b.p, pair) & bits_within(pair, b.begin, b.end)));
#endif
  return found < n;
}

}  // namespace galena::rt
