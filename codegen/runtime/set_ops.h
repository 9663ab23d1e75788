#pragma once
// The table of set operations, and the tables there are. Plain: included by files that are
// compiled for one instruction set, which must not emit code that others share.

#include "codegen/runtime/abi.h"

namespace galena::rt {

/// The operations of sets.h, whose rules hold. Labels are spelled out: a sorted list, and
/// whether it names the labels that are not wanted.
struct SetOps {
  const char* name;  ///< "scalar", "avx2", "avx512" or "avx512vp2"
  vid (*isect)(vid* out, Span a, Span b);
  vid (*isect_n)(Span a, Span b);
  vid (*diff)(vid* out, Span a, Span b);
  vid (*diff_n)(Span a, Span b);
  vid (*lower)(Span a, vid x);
  bool (*has)(Span a, vid x);
  Span (*below)(Span a, vid x);
  Span (*above)(Span a, vid x);
  vid (*filter_vlabel)(vid* out, Span a, const uint32_t* vlabels, const uint32_t* set, uint32_t n, int negated);
  vid (*filter_elabel)(vid* out, Span a, const uint32_t* labels, const uint32_t* set, uint32_t n, int negated);
  void (*count_in)(uint32_t* counters, Span s);
  void (*count_out)(uint32_t* counters, Span s);
  uint64_t (*marked_n)(const uint8_t* marks, Span s);
  MergeWorth merge_worth;
  void (*mark_in)(uint8_t* marks, Span s);
  void (*mark_out)(uint8_t* marks, Span s);
  // Of rows of bits (bits.h), over positions [begin, end).
  vid (*both_n)(const uint32_t* a, const uint32_t* b, uint64_t begin, uint64_t end);
  vid (*without_n)(const uint32_t* a, const uint32_t* b, uint64_t begin, uint64_t end);
  void (*both)(uint32_t* out, const uint32_t* a, const uint32_t* b, uint64_t begin, uint64_t end);
  void (*without)(uint32_t* out, const uint32_t* a, const uint32_t* b, uint64_t begin, uint64_t end);
  void (*fill_row)(uint32_t* out, Span columns, Span list);
};

/// The table of a level, or null where the compiler could not build it.
const SetOps* level_scalar();
const SetOps* level_avx2();
const SetOps* level_avx512();
const SetOps* level_avx512vp2();

}  // namespace galena::rt
