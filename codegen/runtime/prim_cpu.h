#pragma once
// What generated code calls on a CPU: one thread, one lane; SIMD lives inside the set
// operations. The interface is the one of the GPU's primitives (prim_cuda.h).

#include "codegen/runtime/chunk.h"
#include "codegen/runtime/sets.h"

// Needs the searches.
#include "codegen/runtime/prim.h"

namespace galena::rt::GALENA_ISA {

struct Cpu : Access {
  /// Holds the product of two sizes.
  using Product = i128;

  Worker& w;

  explicit Cpu(Worker* worker) : Access{*worker->graph}, w(*worker) {}

  /// Room for max_degree elements and the slack.
  [[nodiscard]] vid* slot(int s) const { return w.slots + static_cast<uint64_t>(s) * w.slot_capacity; }
  [[nodiscard]] uint32_t* counter(int c) const { return w.counters + static_cast<uint64_t>(c) * w.n_padded; }
  [[nodiscard]] uint8_t* mark(int m) const { return w.marks + static_cast<uint64_t>(m) * w.n_padded; }

  Span isect(vid* out, Span a, Span b) const { return Span{out, GALENA_ISA::isect(out, a, b)}; }
  Span diff(vid* out, Span a, Span b) const { return Span{out, GALENA_ISA::diff(out, a, b)}; }
  static vid isect_n(Span a, Span b) { return GALENA_ISA::isect_n(a, b); }
  /// On a GPU, of what isect_n() gives, what one lane found; so with the other parts.
  static int64_t isect_part(Span a, Span b) { return GALENA_ISA::isect_n(a, b); }
  [[nodiscard]] bool marks_pay(Span a, Span b) const { return rt::marks_pay(merge_worth(), g.n, a, b); }
  [[nodiscard]] uint64_t marked_n(int m, Span b) const { return GALENA_ISA::marked_n(mark(m), b); }
  void mark_in(int m, Span s) const { GALENA_ISA::mark_in(mark(m), s); }
  void mark_out(int m, Span s) const { GALENA_ISA::mark_out(mark(m), s); }
  /// The stretch s of adj(v), without what the label sets (null: any) do not allow.
  Span filtered(vid* out, vid v, Span s, const Labels* edges, const Labels* vertices) const {
    if (edges != nullptr) s = Span{out, filter_elabel(out, s, arc_labels(v) + (s.p - adj(v).p), *edges)};
    if (vertices != nullptr) s = Span{out, filter_vlabel(out, s, g.vlabels, *vertices)};
    return s;
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
  /// Local graphs (bits.h).
  [[nodiscard]] Local local(int l, Span rows, Span columns) const {
    const Local g =
        local_graph(w.locals + static_cast<uint64_t>(l) * w.local_capacity, w.local_capacity, rows, columns);
    __builtin_memset(g.tags, 0, g.entries * sizeof(uint32_t));
    return g;
  }
  /// A row, until the next one is asked for.
  [[nodiscard]] Bits row(const Local& g, vid at) const {
    const vid entry = entry_of(g, at);
    uint32_t* const bits = row_at(g, entry);
    if (g.tags[entry] != at + 1) {
      fill_row(bits, g.columns, adj(g.rows.p[at]));
      g.tags[entry] = at + 1;
    }
    return Bits{bits, 0, g.columns.n};
  }
  /// A row that stays.
  [[nodiscard]] Bits kept_row(vid* out, const Local& g, vid at) const {
    if (is_whole(g)) return row(g, at);
    fill_row(out, g.columns, adj(g.rows.p[at]));
    return Bits{out, 0, g.columns.n};
  }
  /// The columns that a row lacks.
  [[nodiscard]] Bits others(vid* out, const Local& g, vid at) const {
    const Bits b = row(g, at);
    for (vid word = 0; word < g.stride; ++word) out[word] = ~b.p[word];
    return Bits{out, 0, g.columns.n};
  }
  /// Sets of bits over the range of a, which that of b holds.
  Bits both(vid* out, Bits a, Bits b) const {
    GALENA_ISA::both(out, a.p, b.p, a.begin, a.end);
    return Bits{out, a.begin, a.end};
  }
  Bits without(vid* out, Bits a, Bits b) const {
    GALENA_ISA::without(out, a.p, b.p, a.begin, a.end);
    return Bits{out, a.begin, a.end};
  }
  static vid both_n(Bits a, Bits b) { return GALENA_ISA::both_n(a.p, b.p, a.begin, a.end); }
  static vid without_n(Bits a, Bits b) { return GALENA_ISA::without_n(a.p, b.p, a.begin, a.end); }
  static vid zeros_n(Bits a) { return a.end - a.begin - ones_n(a); }
  static vid ones_n(Bits a) { return GALENA_ISA::both_n(a.p, a.p, a.begin, a.end); }
  static int64_t both_part(Bits a, Bits b) { return both_n(a, b); }
  static int64_t without_part(Bits a, Bits b) { return without_n(a, b); }
  static int64_t zeros_part(Bits a) { return zeros_n(a); }
  static int64_t ones_part(Bits a) { return ones_n(a); }

  /// A nest of loops over rows, whose rounds a GPU's lanes may run alone: calls f(i, this, sums) for each i in the set.
  /// True where the run is to end.
  template <class Nest, class Sums, class F>
  [[nodiscard, gnu::always_inline]] inline bool apart(Nest /*nest*/, const Local& /*g*/, Bits set, Sums& sums,
                                                      F&& f) const {
    for (vid i = next_bit(set, set.begin); i < set.end; i = next_bit(set, i + 1)) {
      if (stopped()) return true;
      f(i, *this, sums);
    }
    return stopped();  // the last round may have been left early
  }
  /// The same for so many positions as batch() says, or as are left.
  template <class Nest, class Sums, class F>
  [[nodiscard, gnu::always_inline]] inline bool apart_rows(Nest /*nest*/, const Local& /*g*/, vid at, uint64_t /*left*/,
                                                           Sums& sums, F&& f) const {
    f(at, *this, sums);
    return stopped();
  }
  [[nodiscard]] static constexpr uint64_t batch(const Local& /*g*/) { return 1; }
  /// Calls f(i) for each i in [begin, end): a loop whose rounds are independent and so short that a
  /// GPU gives each to a lane.
  template <class F>
  [[gnu::always_inline]] static inline void lanes(uint64_t begin, uint64_t end, F&& f) {
    for (uint64_t i = begin; i < end; ++i) f(i);
  }
  /// What a whole team adds once (on a GPU: in one of its lanes).
  template <class N>
  [[nodiscard]] static N once(N value) {
    return value;
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
  /// Adds a chunk's sum to output `i`.
  void flush(int i, i128 sum) const { w.acc[i] = add(w.acc[i], sum); }
  void flush_local(vid v, i128 count) const {
    if (count != 0) w.add_local(&w, v, count);
  }
  /// Reports a match; true ends the run.
  [[nodiscard]] bool emit(int output, const vid* matched, int size) const {
    return w.emit(&w, output, matched, size) != 0;
  }
  void abort() const { w.aborted = 1; }
  /// The label that takes the place of number i.
  [[nodiscard]] Labels given(int i) const { return Labels{w.images->labels + i, 1, 0}; }
  /// Whether it is yet to be decided if v is an image.
  [[nodiscard]] bool undecided(vid v) const { return rt::undecided(*w.images, v); }
  /// Notes that v is an image; true ends the run.
  [[nodiscard]] bool image(int output, vid v) const { return rt::note_image(*w.images, v) && emit(output, nullptr, 0); }

  /// On a GPU, whether other teams have nothing to do, and giving them of this chunk. Threads share chunks alone.
  [[nodiscard]] static constexpr bool wanted() { return false; }
  template <class... Walks>
  static void give(Walks&&... /*walks*/) {}

  /// Whether another thread asked to end early.
  [[nodiscard]] bool stopped() const { return raised(w.stop); }
};

}  // namespace galena::rt::GALENA_ISA
