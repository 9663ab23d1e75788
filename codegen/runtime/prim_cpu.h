#pragma once
// What generated code calls on a CPU: one thread, one lane; SIMD lives inside the set
// operations. The interface is the one of the GPU's primitives.

#include "codegen/runtime/chunk.h"
#include "codegen/runtime/sets.h"

namespace galena::rt::GALENA_ISA {

static inline vid lesser(vid a, vid b) { return a < b ? a : b; }
static inline vid greater(vid a, vid b) { return a > b ? a : b; }
/// The first n elements of s.
static inline Span head(Span s, uint64_t n) { return Span{s.p, static_cast<vid>(n)}; }

/// The vertices base, base + 1, ..., indexed like a list but stored nowhere.
struct Everyone {
  struct Counting {
    uint64_t base;
    vid operator[](uint64_t i) const { return static_cast<vid>(base + i); }
  } p;
  uint64_t n;
};

struct Cpu {
  Worker& w;
  const GraphView& g;

  explicit Cpu(Worker* worker) : w(*worker), g(*worker->graph) {}

  [[nodiscard]] vid degree(vid v) const { return static_cast<vid>(g.indptr[v + 1] - g.indptr[v]); }
  [[nodiscard]] Span adj(vid v) const { return Span{g.indices + g.indptr[v], degree(v)}; }
  /// Neighbours < v.
  [[nodiscard]] Span adj_below(vid v) const { return Span{g.indices + g.indptr[v], g.split[v]}; }
  /// Neighbours > v.
  [[nodiscard]] Span adj_above(vid v) const {
    return Span{g.indices + g.indptr[v] + g.split[v], degree(v) - g.split[v]};
  }
  /// The labels of adj(v), in its order.
  [[nodiscard]] const uint32_t* arc_labels(vid v) const { return g.elabels + g.indptr[v]; }
  [[nodiscard]] uint32_t vlabel(vid v) const { return g.vlabels[v]; }

  /// Room for max_degree elements and the slack.
  [[nodiscard]] vid* slot(int s) const { return w.slots + static_cast<uint64_t>(s) * w.slot_capacity; }
  [[nodiscard]] uint32_t* counter(int c) const { return w.counters + static_cast<uint64_t>(c) * w.n_padded; }
  [[nodiscard]] uint8_t* mark(int m) const { return w.marks + static_cast<uint64_t>(m) * w.n_padded; }

  Span isect(vid* out, Span a, Span b) const { return Span{out, GALENA_ISA::isect(out, a, b)}; }
  Span diff(vid* out, Span a, Span b) const { return Span{out, GALENA_ISA::diff(out, a, b)}; }
  /// The stretch s of adj(v), without what the label sets (null: any) do not allow.
  Span filtered(vid* out, vid v, Span s, const Labels* edges, const Labels* vertices) const {
    if (edges != nullptr) s = Span{out, filter_elabel(out, s, arc_labels(v) + (s.p - adj(v).p), *edges)};
    if (vertices != nullptr) s = Span{out, filter_vlabel(out, s, g.vlabels, *vertices)};
    return s;
  }
  /// Whether a and b are joined by an edge whose label is in the set.
  [[nodiscard]] bool joined(vid a, vid b, const Labels& labels) const {
    const Span s = adj(b);
    const vid at = lower(s, a);
    return at < s.n && s.p[at] == a && has_label(labels, arc_labels(b)[at]);
  }
  [[nodiscard]] static Everyone everyone(uint64_t low, uint64_t high) {
    return Everyone{{low}, high > low ? high - low : 0};
  }

  /// Adds 1 to counter[y] for each x in s and each neighbour y of x with low <= y < high.
  /// Returns how many increments that were.
  uint64_t raise(uint32_t* counter, Span s, uint64_t low, uint64_t high) const {
    uint64_t increments = 0;
    for (uint64_t i = 0; i < s.n; ++i) {
      const Span around = within(adj(s.p[i]), low, high);
      count_in(counter, around);
      increments += around.n;
    }
    return increments;
  }
  /// raise(), which also adds to `found` what each increment found: the sum over y of
  /// k * (k - 1) / 2 for counters k that were 0.
  uint64_t raise_summing(uint32_t* counter, Span s, uint64_t low, uint64_t high, i128& found) const {
    uint64_t increments = 0;
    for (uint64_t i = 0; i < s.n; ++i) {
      const Span around = within(adj(s.p[i]), low, high);
      uint64_t sum = 0;
      for (uint64_t j = 0; j < around.n; ++j) sum += counter[around.p[j]]++;
      found += sum;
      increments += around.n;
    }
    return increments;
  }
  /// Undoes raise(): walks the same lists again, or clears the whole range where that is less.
  void clear(uint32_t* counter, Span s, uint64_t low, uint64_t high, uint64_t increments) const {
    constexpr uint64_t kClearedPerIncrement = 8;
    if (high - low <= kClearedPerIncrement * increments) {
      __builtin_memset(counter + low, 0, (high - low) * sizeof(uint32_t));
      return;
    }
    for (uint64_t i = 0; i < s.n; ++i) count_out(counter, within(adj(s.p[i]), low, high));
  }
  /// The elements x of s with low <= x < high.
  [[nodiscard]] Span within(Span s, uint64_t low, uint64_t high) const {
    if (high < g.n) s = below(s, static_cast<vid>(high));
    return low > 0 ? from(s, lower(s, static_cast<vid>(low))) : s;
  }

  /// Sums that may leave 128 bits; the first that does marks the worker.
  [[nodiscard]] i128 add(i128 a, i128 b) const {
    i128 result;
    if (__builtin_add_overflow(a, b, &result)) w.overflow = 1;
    return result;
  }
  [[nodiscard]] i128 mul(i128 a, int64_t b) const {
    i128 result;
    if (__builtin_mul_overflow(a, static_cast<i128>(b), &result)) w.overflow = 1;
    return result;
  }
  void add_local(vid v, i128 count) const { w.add_local(&w, v, count); }
  /// Reports a match; true ends the run.
  [[nodiscard]] bool emit(int output, const vid* matched, int size) const {
    return w.emit(&w, output, matched, size) != 0;
  }
  void abort() const { w.aborted = 1; }

  /// Whether another thread asked to end early.
  [[nodiscard]] bool stopped() const { return raised(w.stop); }
};

}  // namespace galena::rt::GALENA_ISA
