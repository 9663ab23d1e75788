#pragma once
// Sixteen lanes by AVX-512 (F, BW, VL, DQ). Included by sets.h only.
//
// Without VP2INTERSECT its effect is composed of rotations and compares. Díez-Cañas,
// "Faster-Than-Native Alternatives for x86 VP2INTERSECT Instructions" (2021), observes that
// not-equal compares under a mask chain for free: each chain below keeps the lanes that
// differ from everything seen so far. Four chains run side by side to hide the latency.

#include <immintrin.h>

namespace galena::rt::GALENA_ISA {

using Vec = __m512i;
using Mask = uint32_t;

constexpr vid kLanes = 16;
#ifdef __AVX512VP2INTERSECT__
constexpr int kHeld = 4;    ///< blocks that the shorter list may have to be held in registers
constexpr int kStride = 3;  ///< blocks that a merge compares at once
constexpr MergeWorth kMergeWorth = {12, 4};
constexpr uint64_t kSkipRatio = 512;  ///< a difference copies between the elements of a list so many times shorter
#else
constexpr int kHeld = 2;
constexpr int kStride = 1;
constexpr uint64_t kSkipRatio = 32;
constexpr MergeWorth kMergeWorth = {32, 16};
#endif

static inline Vec load(const vid* p) { return _mm512_loadu_si512(p); }
static inline Vec fill(vid x) { return _mm512_set1_epi32(static_cast<int>(x)); }

/// The lowest min(n, kLanes) lanes.
static inline Mask lanes(uint64_t n) { return _bzhi_u32(0xffff, static_cast<uint32_t>(n < kLanes ? n : kLanes)); }

/// The first min(n, kLanes) elements; the other lanes hold those of `rest`. n == 0 reads nothing.
static inline Vec load_some(const vid* p, uint64_t n, Vec rest) {
  return _mm512_mask_loadu_epi32(rest, static_cast<__mmask16>(lanes(n)), p);
}

/// The lanes of a whose value occurs anywhere in b.
static inline Mask match(Vec a, Vec b) {
#ifdef __AVX512VP2INTERSECT__
  // Not the intrinsic: GCC 12 writes both of its masks to memory.
  Mask in_a;
  __asm__("vp2intersectd %2, %1, %%k2\n\tkmovw %%k2, %0" : "=r"(in_a) : "v"(a), "v"(b) : "k2", "k3");
  return in_a;
#else
  constexpr __mmask16 kAll = 0xffff;  // the unmasked shuffles set off a false warning in GCC 12
  const auto differs = [a](Vec r) {
    __mmask16 k = _mm512_cmpneq_epi32_mask(a, r);
    k = _mm512_mask_cmpneq_epi32_mask(k, a, _mm512_maskz_shuffle_epi32(kAll, r, _MM_PERM_ADCB));
    k = _mm512_mask_cmpneq_epi32_mask(k, a, _mm512_maskz_shuffle_epi32(kAll, r, _MM_PERM_BADC));
    return _mm512_mask_cmpneq_epi32_mask(k, a, _mm512_maskz_shuffle_epi32(kAll, r, _MM_PERM_CBAD));
  };
  const uint32_t k0 = differs(b);
  const uint32_t k1 = differs(_mm512_maskz_shuffle_i32x4(kAll, b, b, 0x39));
  const uint32_t k2 = differs(_mm512_maskz_shuffle_i32x4(kAll, b, b, 0x4e));
  const uint32_t k3 = differs(_mm512_maskz_shuffle_i32x4(kAll, b, b, 0x93));
  return ~(k0 & k1 & k2 & k3) & 0xffff;
#endif
}

static inline Mask equal(Vec a, Vec b) { return _mm512_cmpeq_epi32_mask(a, b); }

static inline vid count(Mask m) { return static_cast<vid>(__builtin_popcount(m)); }

static inline void store(vid* out, Vec a) { _mm512_storeu_si512(out, a); }

/// Writes the lanes of a in m, in order; kLanes elements are overwritten.
static inline void put(vid* out, Vec a, Mask m) {
  _mm512_storeu_si512(out, _mm512_maskz_compress_epi32(static_cast<__mmask16>(m), a));
}

}  // namespace galena::rt::GALENA_ISA
