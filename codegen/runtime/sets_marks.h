#pragma once
// Label sets, counters and marks by vertex; no vectors. Included where GALENA_ISA is named.

namespace galena::rt::GALENA_ISA {

/// A sorted list of labels, or all labels but those.
struct Labels {
  const uint32_t* p;
  uint32_t n;
  int negated;
};

GALENA_DEVICE static inline bool has_label(const Labels& set, uint32_t label) {
  const bool listed = set.n == 1 ? set.p[0] == label : has(Span{set.p, set.n}, label);
  return listed != (set.negated != 0);
}

/// Adds 1 to the counter of each element of s.
GALENA_DEVICE static inline void count_in(uint32_t* counters, Span s) {
  for (uint64_t i = 0; i < s.n; ++i) ++counters[s.p[i]];
}

/// Sets the counter of each element of s to 0.
GALENA_DEVICE static inline void count_out(uint32_t* counters, Span s) {
  for (uint64_t i = 0; i < s.n; ++i) counters[s.p[i]] = 0;
}

/// Sets the mark of each element of s to 1.
GALENA_DEVICE static inline void mark_in(uint8_t* marks, Span s) {
  for (uint64_t i = 0; i < s.n; ++i) marks[s.p[i]] = 1;
}

/// Sets the mark of each element of s to 0.
GALENA_DEVICE static inline void mark_out(uint8_t* marks, Span s) {
  for (uint64_t i = 0; i < s.n; ++i) marks[s.p[i]] = 0;
}

/// How many elements of s are marked.
GALENA_DEVICE static inline uint64_t marked_n(const uint8_t* marks, Span s) {
  uint64_t n = 0;
  for (uint64_t i = 0; i < s.n; ++i) n += marks[s.p[i]];
  return n;
}

}  // namespace galena::rt::GALENA_ISA
