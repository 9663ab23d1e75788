#pragma once
// The table of sets.h as it is compiled in this file. Included by level_*.cpp only.

#include "codegen/runtime/set_ops.h"
#include "codegen/runtime/sets.h"

namespace galena::rt::GALENA_ISA {

static vid filter_vlabel_op(vid* out, Span a, const uint32_t* vlabels, const uint32_t* set, uint32_t n, int negated) {
  return filter_vlabel(out, a, vlabels, Labels{set, n, negated});
}

static vid filter_elabel_op(vid* out, Span a, const uint32_t* labels, const uint32_t* set, uint32_t n, int negated) {
  return filter_elabel(out, a, labels, Labels{set, n, negated});
}

static const SetOps kTable = {GALENA_ISA_NAME,
                              isect,
                              isect_n,
                              diff,
                              diff_n,
                              lower,
                              has,
                              below,
                              above,
                              filter_vlabel_op,
                              filter_elabel_op,
                              count_in,
                              count_out,
                              marked_n,
                              kMergeWorth,
                              mark_in,
                              mark_out,
                              both_n,
                              without_n,
                              both,
                              without,
                              fill_row};

#ifdef __AVX512F__
/// kTable, with a faster count where this CPU has it.
static const SetOps* table_for_this_cpu() {
  static const SetOps wide = [] {
    SetOps ops = kTable;
    ops.both_n = wide_both_n;
    ops.without_n = wide_without_n;
    return ops;
  }();
  return __builtin_cpu_supports("avx512vpopcntdq") ? &wide : &kTable;
}
#endif

}  // namespace galena::rt::GALENA_ISA
