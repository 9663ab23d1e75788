#pragma once
// Stores that leave the caches alone. For *_kernels.cpp only.

#include "src/ops/simd.hpp"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace galena::ops::GALENA_LEVEL {

/// Stores a whole vector past the caches.
template <class T, int W>
static inline void stream(T* p, Vec<T, W> v) {
#if defined(__AVX512F__)
  if constexpr (sizeof(v) == 64) return _mm512_stream_si512(reinterpret_cast<__m512i*>(p), (__m512i)v);
#endif
#if defined(__AVX2__)
  if constexpr (sizeof(v) == 32) return _mm256_stream_si256(reinterpret_cast<__m256i*>(p), (__m256i)v);
#endif
#if defined(__SSE2__)
  if constexpr (sizeof(v) == 16) return _mm_stream_si128(reinterpret_cast<__m128i*>(p), (__m128i)v);
#endif
  store<T, W>(p, v);
}

/// After it, others see what was streamed.
static inline void end_stream() {
#if defined(__SSE2__)
  _mm_sfence();
#endif
}

}  // namespace galena::ops::GALENA_LEVEL
