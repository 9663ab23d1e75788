#pragma once
// The set operations by way of the table of the program that loads the code: what a just-in-time
// compiled kernel includes in place of their definitions, which take longer to compile than
// the kernel itself. Included by sets.h only.

#include "codegen/runtime/set_ops.h"

namespace galena::rt::GALENA_ISA {

static SetOps table;

static inline vid isect(vid* out, Span a, Span b) { return table.isect(out, a, b); }
static inline vid isect_n(Span a, Span b) { return table.isect_n(a, b); }
static inline vid diff(vid* out, Span a, Span b) { return table.diff(out, a, b); }
static inline vid diff_n(Span a, Span b) { return a.n - table.isect_n(a, b); }
static inline vid filter_vlabel(vid* out, Span a, const uint32_t* vlabels, Labels set) {
  return table.filter_vlabel(out, a, vlabels, set.p, set.n, set.negated);
}
static inline vid filter_elabel(vid* out, Span a, const uint32_t* labels, Labels set) {
  return table.filter_elabel(out, a, labels, set.p, set.n, set.negated);
}

}  // namespace galena::rt::GALENA_ISA

/// Called once, before the kernel runs.
extern "C" void galena_bind(const galena::rt::SetOps* ops) { galena::rt::GALENA_ISA::table = *ops; }
