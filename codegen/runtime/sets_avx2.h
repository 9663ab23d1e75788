#pragma once
// Eight lanes by AVX2 and BMI2. Included by sets.h only. Compress is a permutation looked up
// by mask, as in Schlegel et al. (see sets.h).

#include <immintrin.h>

namespace galena::rt::GALENA_ISA {

using Vec = __m256i;
using Mask = uint32_t;

constexpr vid kLanes = 8;
constexpr int kHeld = 2;    ///< blocks that the shorter list may have to be held in registers
constexpr int kStride = 1;  ///< blocks that a merge compares at once
constexpr MergeWorth kMergeWorth = {24, 8};
constexpr uint64_t kSkipRatio = 32;  ///< a difference copies between the elements of a list so many times shorter

/// For each mask of eight lanes, the lanes that are set in order.
struct CompressTable {
  uint8_t lane[256][8];
  constexpr CompressTable() : lane() {
    for (int m = 0; m < 256; ++m) {
      int k = 0;
      for (int i = 0; i < 8; ++i) {
        if ((m >> i) & 1) lane[m][k++] = static_cast<uint8_t>(i);
      }
    }
  }
};
alignas(64) static constexpr CompressTable kCompress;

static inline Vec load(const vid* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i_u*>(p)); }
static inline Vec fill(vid x) { return _mm256_set1_epi32(static_cast<int>(x)); }

/// The lowest min(n, kLanes) lanes.
static inline Mask lanes(uint64_t n) { return _bzhi_u32(0xff, static_cast<uint32_t>(n < kLanes ? n : kLanes)); }

/// The first min(n, kLanes) elements; the other lanes hold those of `rest`. n == 0 reads nothing.
static inline Vec load_some(const vid* p, uint64_t n, Vec rest) {
  const int valid = static_cast<int>(n < kLanes ? n : kLanes);
  const Vec m = _mm256_cmpgt_epi32(_mm256_set1_epi32(valid), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  return _mm256_blendv_epi8(rest, _mm256_maskload_epi32(reinterpret_cast<const int*>(p), m), m);
}

static inline Mask bits(Vec a) { return static_cast<Mask>(_mm256_movemask_ps(_mm256_castsi256_ps(a))); }

/// The lanes of a whose value occurs anywhere in b.
static inline Mask match(Vec a, Vec b) {
  const auto equals = [a](Vec r) {
    const Vec e0 = _mm256_cmpeq_epi32(a, r);
    const Vec e1 = _mm256_cmpeq_epi32(a, _mm256_shuffle_epi32(r, 0x39));
    const Vec e2 = _mm256_cmpeq_epi32(a, _mm256_shuffle_epi32(r, 0x4e));
    const Vec e3 = _mm256_cmpeq_epi32(a, _mm256_shuffle_epi32(r, 0x93));
    return _mm256_or_si256(_mm256_or_si256(e0, e1), _mm256_or_si256(e2, e3));
  };
  return bits(_mm256_or_si256(equals(b), equals(_mm256_permute2x128_si256(b, b, 1))));
}

static inline Mask equal(Vec a, Vec b) { return bits(_mm256_cmpeq_epi32(a, b)); }

static inline vid count(Mask m) { return static_cast<vid>(__builtin_popcount(m)); }

static inline void store(vid* out, Vec a) { _mm256_storeu_si256(reinterpret_cast<__m256i_u*>(out), a); }

/// Writes the lanes of a in m, in order; kLanes elements are overwritten.
static inline void put(vid* out, Vec a, Mask m) {
  const __m128i lane = _mm_loadl_epi64(reinterpret_cast<const __m128i_u*>(kCompress.lane[m]));
  store(out, _mm256_permutevar8x32_epi32(a, _mm256_cvtepu8_epi32(lane)));
}

}  // namespace galena::rt::GALENA_ISA
