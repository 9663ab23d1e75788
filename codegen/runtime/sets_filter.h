#pragma once
// Filters by label, counters and marks by vertex. Included by sets.h only.

namespace galena::rt::GALENA_ISA {

/// A sorted list of labels, or all labels but those.
struct Labels {
  const uint32_t* p;
  uint32_t n;
  int negated;
};

static inline bool has_label(const Labels& set, uint32_t label) {
  const bool listed = set.n == 1 ? set.p[0] == label : has(Span{set.p, set.n}, label);
  return listed != (set.negated != 0);
}

/// The elements v of a with vlabels[v] in the set. out == a.p is allowed.
[[maybe_unused, gnu::noinline]] static vid filter_vlabel(vid* out, Span a, const uint32_t* vlabels, Labels set) {
  vid k = 0;
  for (uint64_t i = 0; i < a.n; ++i) {
    const vid v = a.p[i];
    out[k] = v;
    k += static_cast<vid>(has_label(set, vlabels[v]));
  }
  return k;
}

/// The elements a[i] with labels[i] in the set. out == a.p is allowed.
[[maybe_unused, gnu::noinline]] static vid filter_elabel(vid* out, Span a, const uint32_t* labels, Labels set) {
  const Mask flip = set.negated != 0 ? ~Mask{0} : 0;
  vid k = 0;
  for (uint64_t i = 0; i < a.n; i += kLanes) {
    const Vec v = load_some(a.p + i, a.n - i, fill(0));
    const Vec label = load_some(labels + i, a.n - i, fill(0));
    Mask m = 0;
    for (uint32_t s = 0; s < set.n; ++s) m |= equal(label, fill(set.p[s]));
    m = (m ^ flip) & lanes(a.n - i);
    put(out + k, v, m);
    k += count(m);
  }
  return k;
}

/// Adds 1 to the counter of each element of s.
static inline void count_in(uint32_t* counters, Span s) {
  for (uint64_t i = 0; i < s.n; ++i) ++counters[s.p[i]];
}

/// Sets the counter of each element of s to 0.
static inline void count_out(uint32_t* counters, Span s) {
  for (uint64_t i = 0; i < s.n; ++i) counters[s.p[i]] = 0;
}

/// Sets the mark of each element of s to 1.
static inline void mark_in(uint8_t* marks, Span s) {
  for (uint64_t i = 0; i < s.n; ++i) marks[s.p[i]] = 1;
}

/// Sets the mark of each element of s to 0.
static inline void mark_out(uint8_t* marks, Span s) {
  for (uint64_t i = 0; i < s.n; ++i) marks[s.p[i]] = 0;
}

}  // namespace galena::rt::GALENA_ISA
