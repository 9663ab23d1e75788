#pragma once
// Elements of a packed row, a vector at a time. For *_kernels.cpp only.

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#include <type_traits>
#include <utility>

#include "src/ops/simd.hpp"

namespace galena::ops::GALENA_LEVEL {
namespace {

template <int W>
using Codes = Vec<std::uint32_t, W>;

/// W elements of T anywhere: rows begin at any byte.
template <class T, int W>
inline Vec<T, W> load_bytes(const std::uint8_t* p) {
  Vec<T, W> v;
  __builtin_memcpy(&v, p, sizeof(v));
  return v;
}

/// W numbers of 8 or 16 bits. The compiler's own conversion takes several steps.
template <int W>
inline Codes<W> widen(const std::uint8_t* p) {
#if defined(__AVX512F__)
  if constexpr (W == 16) return (Codes<W>)_mm512_cvtepu8_epi32((__m128i)load<std::uint8_t, W>(p));
#endif
#if defined(__AVX2__)
  if constexpr (W == 8) return (Codes<W>)_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
#endif
#if defined(__SSE2__)
  if constexpr (W == 4) {
    const __m128i zero = _mm_setzero_si128(), bytes = _mm_loadu_si32(p);
    return (Codes<W>)_mm_unpacklo_epi16(_mm_unpacklo_epi8(bytes, zero), zero);
  }
#endif
  return __builtin_convertvector((load<std::uint8_t, W>(p)), Codes<W>);
}
template <int W>
inline Codes<W> widen16(const std::uint8_t* p) {
#if defined(__AVX512F__)
  if constexpr (W == 16) return (Codes<W>)_mm512_cvtepu16_epi32((__m256i)load_bytes<std::uint16_t, W>(p));
#endif
#if defined(__AVX2__)
  if constexpr (W == 8) return (Codes<W>)_mm256_cvtepu16_epi32((__m128i)load_bytes<std::uint16_t, W>(p));
#endif
#if defined(__SSE2__)
  if constexpr (W == 4) {
    const __m128i halves = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
    return (Codes<W>)_mm_unpacklo_epi16(halves, _mm_setzero_si128());
  }
#endif
  return __builtin_convertvector((load_bytes<std::uint16_t, W>(p)), Codes<W>);
}
template <int W>
inline Codes<W> widen(const std::uint16_t* p) {
  return widen16<W>(reinterpret_cast<const std::uint8_t*>(p));
}

/// Lane k: bits k * B .. of a word.
template <int W, int B>
inline Codes<W> shifted(Codes<W> words) {
  Codes<W> shifts;
  for (int k = 0; k < W; ++k) shifts[k] = static_cast<std::uint32_t>(k * B % 32);
  return (words >> shifts) & ((1U << B) - 1);
}

/// The integer of so many bits.
template <int Bits>
using UInt = std::conditional_t<
    Bits <= 8, std::uint8_t,
    std::conditional_t<Bits == 16, std::uint16_t, std::conditional_t<Bits == 32, std::uint32_t, std::uint64_t>>>;

/// Lane k: word k * B / 32.
template <int B, int W, std::size_t... K>
inline Codes<W> pick_words(Codes<W> words, std::index_sequence<K...>) {
  return __builtin_shufflevector(words, words, static_cast<int>(K * B / 32)...);
}

/// Codes c .. c + W - 1 of B bits; c is a multiple of W. No more bytes are read than are used: the line after them may
/// have to come from memory.
template <int W, int B>
inline Codes<W> codes(const std::uint8_t* in, std::int64_t c) {
  const std::uint8_t* const p = in + static_cast<std::uint64_t>(c) * B / 8;
  if constexpr (B == 8) {
    return widen<W>(p);
  } else {
    using Word = UInt<W * B>;
    Word word;
    __builtin_memcpy(&word, p, sizeof(word));
    if constexpr (W * B < 8) word = static_cast<Word>(word >> c * B % 8);
    // Lanes hold the word once, several times or half of it.
    const auto words = (Codes<W>)broadcast<Word, W * 4 / sizeof(Word)>(word);
    if constexpr (W * B <= 32) return shifted<W, B>(words);
    return shifted<W, B>(pick_words<B, W>(words, std::make_index_sequence<W>{}));
  }
}

/// Elements c .. c + W - 1 as T: codes for B up to 8, values for 16 (bf16), 32 (f32) and 64 (f64).
template <class T, int W, int B>
inline Vec<T, W> elements(const std::uint8_t* in, std::int64_t c) {
  using Floats = Vec<float, W>;
  using Out = Vec<T, W>;
  if constexpr (B == 64) {
    return __builtin_convertvector((load_bytes<double, W>(in + 8 * c)), Out);
  } else if constexpr (B == 32) {
    return __builtin_convertvector((load_bytes<float, W>(in + 4 * c)), Out);
  } else if constexpr (B == 16) {
    const Codes<W> halves = widen16<W>(in + 2 * c);
    return __builtin_convertvector((Floats)(halves << 16), Out);
  } else {
    return __builtin_convertvector((Vec<std::int32_t, W>)codes<W, B>(in, c), Out);
  }
}

template <int B>
struct Width {
  static constexpr int value = B;
};

/// f(Width<bits>): the choice stands outside the loop.
template <class F>
inline void with_width(int bits, const F& f) {
  switch (bits) {
    case 1: return f(Width<1>{});
    case 2: return f(Width<2>{});
    case 4: return f(Width<4>{});
    case 8: return f(Width<8>{});
    case 16: return f(Width<16>{});
    case 32: return f(Width<32>{});
    default: return f(Width<64>{});
  }
}

}  // namespace
}  // namespace galena::ops::GALENA_LEVEL
