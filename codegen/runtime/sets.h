#pragma once
// Exact operations on sorted lists of distinct vertices: the inner loops of every plan.
//
// Three strategies, chosen by the two lengths alone:
//
//  hold   The shorter list sits in a few vector registers and the longer one streams past;
//         each pair of blocks is compared all against all. Nothing but the trip count depends
//         on the data, so there is no branch to mispredict and no chain of dependent loads.
//         Lists of real graphs are short, so this is the path that decides.
//  merge  Both lists advance by blocks, the block with the smaller maximum first (Schlegel,
//         Willhalm, Lehner, "Fast Sorted-Set Intersection using SIMD Instructions", ADMS
//         2011; Inoue, Ohara, Taura, VLDB 2014). The advance is arithmetic, not a branch.
//  probe  Where the lengths differ by far, each element of the short list is searched for in
//         the long one (Lemire, Boytsov, Kurz, "SIMD Compression and the Intersection of
//         Sorted Integers", SPE 2016: galloping with a vector compare as its last step).
//         Here eight searches run in lockstep, which hides the latency of their loads.
//
// All against all is one instruction with AVX-512 VP2INTERSECT (fast since Zen 5), else
// rotations and compares; results leave by compress in register and a full store, because
// compress to memory is microcoded on Zen 4 and 5. Hence the slack: an operation may write up
// to kSlack elements past the largest result it could have had.
//
// Rules. Every operand is sorted, distinct, and may be empty (p is then never read). `out`
// has room for the largest result plus kSlack. `out` aliases no operand, except in the
// filters, which allow out == a.p.
//
// This header is compiled for several instruction sets into one program. So everything lives
// in a namespace named after the level, has internal linkage, and uses no C++ library. With
// GALENA_SET_TABLE it is compiled without the operations, which are called by a table.

#include "codegen/runtime/abi.h"

#if defined(GALENA_SET_TABLE)
#define GALENA_ISA host
#elif defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__) && \
    defined(__BMI2__)
#ifdef __AVX512VP2INTERSECT__
#define GALENA_ISA avx512vp2
#define GALENA_ISA_NAME "avx512vp2"
#else
#define GALENA_ISA avx512
#define GALENA_ISA_NAME "avx512"
#endif
#include "codegen/runtime/sets_avx512.h"
#elif defined(__AVX2__) && defined(__BMI2__)
#define GALENA_ISA avx2
#define GALENA_ISA_NAME "avx2"
#include "codegen/runtime/sets_avx2.h"
#else
#define GALENA_ISA scalar
#define GALENA_ISA_NAME "scalar"
#include "codegen/runtime/sets_scalar.h"
#endif

namespace galena::rt::GALENA_ISA {
/// Elements an operation may write past the largest result it could have.
constexpr vid kSlack = 16;
}  // namespace galena::rt::GALENA_ISA

// Each needs what stands above it.
// clang-format off
#include "codegen/runtime/sets_search.h"
#include "codegen/runtime/sets_marks.h"
#include "codegen/runtime/sets_bits.h"
// clang-format on

#if defined(GALENA_SET_TABLE)
#include "codegen/runtime/sets_table.h"
#else
#include "codegen/runtime/sets_filter.h"
#include "codegen/runtime/sets_hold.h"
#include "codegen/runtime/sets_merge.h"
#include "codegen/runtime/sets_probe.h"

namespace galena::rt::GALENA_ISA {

/// Searching pays when the other list is this many times longer...
constexpr uint64_t kProbeRatio = 32;
/// ... and holding the shorter one in registers stops paying at this length of the longer.
constexpr uint64_t kProbeLength = 64ull * kLanes;

static inline bool prefer_probe(Span small, Span large) {
  return large.n >= kProbeLength && large.n >= kProbeRatio * small.n;
}

template <bool kStore>
static inline vid isect_any(vid* out, Span a, Span b) {
  const Span s = a.n <= b.n ? a : b;
  const Span l = a.n <= b.n ? b : a;
  if (s.n == 0) return 0;
  if (prefer_probe(s, l)) return probe<kStore, true>(out, s, l);
  if (s.n <= kHeld * kLanes) return hold_isect<kStore>(out, s, l);
  return merge_isect<kStore>(out, s, l);
}

/// out = a and b; returns its length, at most min(a.n, b.n).
[[maybe_unused, gnu::noinline]] static vid isect(vid* out, Span a, Span b) { return isect_any<true>(out, a, b); }

/// The length of a and b.
[[maybe_unused, gnu::noinline]] static vid isect_n(Span a, Span b) { return isect_any<false>(nullptr, a, b); }

/// out = a without b; returns its length, at most a.n.
[[maybe_unused, gnu::noinline]] static vid diff(vid* out, Span a, Span b) {
  if (a.n == 0) return 0;
  if (b.n == 0) return copy(out, a);
  if (prefer_probe(a, b)) return probe<true, false>(out, a, b);
  if (a.n >= kProbeLength && a.n >= kSkipRatio * b.n) return skip_diff(out, a, b);
  if (b.n <= kHeld * kLanes) return hold_right_diff(out, a, b, Masks{});
  if (a.n <= kHeld * kLanes) return hold_left_diff(out, a, b);
  return merge_diff(out, a, b);
}

static inline MergeWorth merge_worth() { return kMergeWorth; }

/// The length of a without b.
static inline vid diff_n(Span a, Span b) { return a.n - isect_n(a, b); }

}  // namespace galena::rt::GALENA_ISA

#include "codegen/runtime/sets_rows.h"

#endif  // GALENA_SET_TABLE
