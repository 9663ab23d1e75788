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
static inline MergeWorth merge_worth() { return table.merge_worth; }
static inline vid filter_vlabel(vid* out, Span a, const uint32_t* vlabels, Labels set) {
  return table.filter_vlabel(out, a, vlabels, set.p, set.n, set.negated);
}
static inline vid filter_elabel(vid* out, Span a, const uint32_t* labels, Labels set) {
  return table.filter_elabel(out, a, labels, set.p, set.n, set.negated);
}

/// Rows of up to this many positions are counted without a call.
constexpr uint64_t kShortRow = 512;

static inline vid both_n(const uint32_t* a, const uint32_t* b, uint64_t begin, uint64_t end) {
  if (end - begin <= kShortRow) return combine_n<true>(a, b, begin, end, whole_words_n<true>);
  return table.both_n(a, b, begin, end);
}
static inline vid without_n(const uint32_t* a, const uint32_t* b, uint64_t begin, uint64_t end) {
  if (end - begin <= kShortRow) return combine_n<false>(a, b, begin, end, whole_words_n<false>);
  return table.without_n(a, b, begin, end);
}
static inline void both(uint32_t* out, const uint32_t* a, const uint32_t* b, uint64_t begin, uint64_t end) {
  table.both(out, a, b, begin, end);
}
static inline void without(uint32_t* out, const uint32_t* a, const uint32_t* b, uint64_t begin, uint64_t end) {
  table.without(out, a, b, begin, end);
}
static inline void fill_row(uint32_t* out, Span columns, Span list) { table.fill_row(out, columns, list); }

}  // namespace galena::rt::GALENA_ISA

/// Called once, before the kernel runs.
extern "C" void galena_bind(const galena::rt::SetOps* ops) { galena::rt::GALENA_ISA::table = *ops; }
