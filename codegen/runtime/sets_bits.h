#pragma once
// Operations on rows of bits (bits.h), by words of 64: the portable ones, which are also inlined where rows are
// short. Included by sets.h only.

#include "codegen/runtime/bits.h"

namespace galena::rt::GALENA_ISA {

/// What both of two words have (kIn), or what only the first has.
template <bool kIn>
static inline uint64_t combined(uint64_t a, uint64_t b) {
  return a & (kIn ? b : ~b);
}

template <bool kIn>
static inline uint64_t combined_at(const uint32_t* a, const uint32_t* b, uint64_t pair) {
  return combined<kIn>(bits_word(a, pair), bits_word(b, pair));
}

static inline uint64_t ones(uint64_t word) { return static_cast<uint64_t>(__builtin_popcountll(word)); }

/// The size of a and b (kIn), or of a without b, over words [pair, last).
template <bool kIn>
static inline uint64_t whole_words_n(const uint32_t* a, const uint32_t* b, uint64_t pair, uint64_t last) {
  uint64_t n = 0;
  for (; pair < last; ++pair) n += ones(combined_at<kIn>(a, b, pair));
  return n;
}

/// The same over positions [begin, end); `words` counts those words that lie within whole.
template <bool kIn, class F>
static inline vid combine_n(const uint32_t* a, const uint32_t* b, uint64_t begin, uint64_t end, F&& words) {
  if (begin >= end) return 0;
  const uint64_t first = begin / 64;
  const uint64_t last = (end - 1) / 64;
  uint64_t n = ones(combined_at<kIn>(a, b, first) & bits_within(first, begin, end));
  if (last > first)
    n += words(a, b, first + 1, last) + ones(combined_at<kIn>(a, b, last) & bits_within(last, begin, end));
  return static_cast<vid>(n);
}

/// out = a and b (kIn), or a without b, in all words that [begin, end) touches.
template <bool kIn>
static inline void combine(uint32_t* out, const uint32_t* a, const uint32_t* b, uint64_t begin, uint64_t end) {
  if (begin >= end) return;
  const uint64_t last = 2 * ((end + 63) / 64);
  for (uint64_t word = 2 * (begin / 64); word < last; ++word) out[word] = a[word] & (kIn ? b[word] : ~b[word]);
}

}  // namespace galena::rt::GALENA_ISA
