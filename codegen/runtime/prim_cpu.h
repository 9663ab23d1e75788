#pragma once
// What generated code calls on a CPU: one thread, one lane; SIMD lives inside the set
// operations. The interface is the one of the GPU's primitives.

#include "codegen/runtime/sets.h"

namespace galena::rt::GALENA_ISA {

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

  /// Whether another thread asked to end early.
  [[nodiscard]] bool stopped() const { return w.stop != nullptr && *w.stop != 0; }
};

}  // namespace galena::rt::GALENA_ISA
