#pragma once
// What the primitives of CPUs and of GPUs have in common. Included where GALENA_ISA is named and
// the searches are there.

namespace galena::rt::GALENA_ISA {

GALENA_DEVICE static inline vid lesser(vid a, vid b) { return a < b ? a : b; }
GALENA_DEVICE static inline vid greater(vid a, vid b) { return a > b ? a : b; }
/// The first n elements of s.
GALENA_DEVICE static inline Span head(Span s, uint64_t n) { return Span{s.p, static_cast<vid>(n)}; }

/// The vertices base, base + 1, ..., indexed like a list but stored nowhere.
struct Everyone {
  struct Counting {
    uint64_t base;
    GALENA_DEVICE vid operator[](uint64_t i) const { return static_cast<vid>(base + i); }
  } p;
  uint64_t n;
};

/// What emitted text says of a nest of loops over rows of a local graph: how many there are; whether the outermost does
/// nothing but run one loop; whether a round makes no set and asks for no row but its own.
template <int Levels, bool Flat, bool Bare>
struct Nest {
  static constexpr int kLevels = Levels;
  static constexpr bool kFlat = Flat, kBare = Bare;
};

/// Reading the graph.
struct Access {
  const GraphView& g;

  [[nodiscard]] GALENA_DEVICE vid degree(vid v) const { return static_cast<vid>(g.indptr[v + 1] - g.indptr[v]); }
  [[nodiscard]] GALENA_DEVICE Span adj(vid v) const { return Span{g.indices + g.indptr[v], degree(v)}; }
  /// Neighbours < v.
  [[nodiscard]] GALENA_DEVICE Span adj_below(vid v) const { return Span{g.indices + g.indptr[v], g.split[v]}; }
  /// Neighbours > v.
  [[nodiscard]] GALENA_DEVICE Span adj_above(vid v) const {
    return Span{g.indices + g.indptr[v] + g.split[v], degree(v) - g.split[v]};
  }
  /// The labels of adj(v), in its order.
  [[nodiscard]] GALENA_DEVICE const uint32_t* arc_labels(vid v) const { return g.elabels + g.indptr[v]; }
  [[nodiscard]] GALENA_DEVICE uint32_t vlabel(vid v) const { return g.vlabels[v]; }

  /// Whether a and b are joined by an edge whose label is in the set.
  [[nodiscard]] GALENA_DEVICE bool joined(vid a, vid b, const Labels& labels) const {
    const Span s = adj(b);
    const vid at = lower(s, a);
    return at < s.n && s.p[at] == a && has_label(labels, arc_labels(b)[at]);
  }
  [[nodiscard]] GALENA_DEVICE static Everyone everyone(uint64_t low, uint64_t high) {
    return Everyone{{low}, high > low ? high - low : 0};
  }
  /// The elements x of s with low <= x < high.
  [[nodiscard]] GALENA_DEVICE Span within(Span s, uint64_t low, uint64_t high) const {
    if (high < g.n) s = below(s, static_cast<vid>(high));
    return low > 0 ? from(s, lower(s, static_cast<vid>(low))) : s;
  }
};

}  // namespace galena::rt::GALENA_ISA
