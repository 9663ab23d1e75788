#pragma once
// One lane: the portable level, and what the vector levels are checked against. The block
// algorithms become the plain branchless merge. Included by sets.h only.

namespace galena::rt::GALENA_ISA {

using Vec = vid;
using Mask = uint32_t;

constexpr vid kLanes = 1;
constexpr int kHeld = 2;    ///< blocks that the shorter list may have to be held in registers
constexpr int kStride = 1;  ///< blocks that a merge compares at once
constexpr MergeWorth kMergeWorth = {8, 16};
constexpr uint64_t kSkipRatio = 32;  ///< a difference copies between the elements of a list so many times shorter

static inline Vec load(const vid* p) { return *p; }
static inline Vec fill(vid x) { return x; }

/// The lowest min(n, kLanes) lanes.
static inline Mask lanes(uint64_t n) { return n != 0; }

/// The first min(n, kLanes) elements; the other lanes hold those of `rest`. n == 0 reads nothing.
static inline Vec load_some(const vid* p, uint64_t n, Vec rest) { return n != 0 ? *p : rest; }

/// The lanes of a whose value occurs anywhere in b.
static inline Mask match(Vec a, Vec b) { return a == b; }
static inline Mask equal(Vec a, Vec b) { return a == b; }

static inline vid count(Mask m) { return m; }

static inline void store(vid* out, Vec a) { *out = a; }

/// Writes the lanes of a in m, in order; kLanes elements are overwritten.
static inline void put(vid* out, Vec a, Mask) { *out = a; }

}  // namespace galena::rt::GALENA_ISA
