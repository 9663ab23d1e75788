#pragma once
// What of rows of bits is made for each instruction set: counting long ones, and filling one from sorted lists.
// Included by sets.h only.

namespace galena::rt::GALENA_ISA {

#ifdef __AVX512F__
/// As whole_words_n, by an instruction that not every CPU of this level has.
template <bool kIn>
__attribute__((target("avx512vpopcntdq"))) static uint64_t wide_words_n(const uint32_t* a, const uint32_t* b,
                                                                        uint64_t pair, uint64_t last) {
  __m512i sum = _mm512_setzero_si512();
  for (; pair < last; pair += 8) {
    const auto mask = static_cast<__mmask8>(last - pair < 8 ? (1U << (last - pair)) - 1 : 0xffU);
    const __m512i x = _mm512_maskz_loadu_epi64(mask, a + 2 * pair);
    const __m512i y = _mm512_maskz_loadu_epi64(mask, b + 2 * pair);
    sum = _mm512_add_epi64(sum, _mm512_popcnt_epi64(kIn ? _mm512_and_si512(x, y) : _mm512_andnot_si512(y, x)));
  }
  uint64_t lane[8];
  _mm512_storeu_si512(lane, sum);
  return lane[0] + lane[1] + lane[2] + lane[3] + lane[4] + lane[5] + lane[6] + lane[7];
}

[[maybe_unused]] static vid wide_both_n(const uint32_t* a, const uint32_t* b, uint64_t begin, uint64_t end) {
  return combine_n<true>(a, b, begin, end, wide_words_n<true>);
}
[[maybe_unused]] static vid wide_without_n(const uint32_t* a, const uint32_t* b, uint64_t begin, uint64_t end) {
  return combine_n<false>(a, b, begin, end, wide_words_n<false>);
}
#endif

/// The size of a and b over positions [begin, end).
[[maybe_unused]] static vid both_n(const uint32_t* a, const uint32_t* b, uint64_t begin, uint64_t end) {
#ifdef __AVX512VPOPCNTDQ__
  return wide_both_n(a, b, begin, end);
#else
  return combine_n<true>(a, b, begin, end, whole_words_n<true>);
#endif
}

/// The size of a without b over positions [begin, end).
[[maybe_unused]] static vid without_n(const uint32_t* a, const uint32_t* b, uint64_t begin, uint64_t end) {
#ifdef __AVX512VPOPCNTDQ__
  return wide_without_n(a, b, begin, end);
#else
  return combine_n<false>(a, b, begin, end, whole_words_n<false>);
#endif
}

[[maybe_unused]] static void both(uint32_t* out, const uint32_t* a, const uint32_t* b, uint64_t begin, uint64_t end) {
  combine<true>(out, a, b, begin, end);
}
[[maybe_unused]] static void without(uint32_t* out, const uint32_t* a, const uint32_t* b, uint64_t begin,
                                     uint64_t end) {
  combine<false>(out, a, b, begin, end);
}

static inline void set_bit(uint32_t* out, uint64_t at, uint64_t value) {
  out[at / 32] |= static_cast<uint32_t>(value << (at % 32));
}

/// Sets the bits of the elements of a that b has, each searched for; or, with kFlip, of the elements of b that a has.
template <bool kFlip>
static inline void probe_row(uint32_t* out, Span a, Span b) {
  for (uint64_t i = 0; i < a.n; i += kSearches) {
    vid key[kSearches];
    const vid* p[kSearches];
    for (uint64_t q = 0; q < kSearches; ++q) key[q] = a.p[i + q < a.n ? i + q : a.n - 1];
    const uint64_t n = narrow(p, key, b);
    for (uint64_t q = 0; q < kSearches && i + q < a.n; ++q) {
      const Mask hit = equal(load_some(p[q], n, fill(0)), fill(key[q])) & lanes(n);
      if (hit != 0) set_bit(out, kFlip ? static_cast<uint64_t>(p[q] - b.p + __builtin_ctz(hit)) : i + q, 1);
    }
  }
}

/// Blocks of both lists, all against all; a block's bits gather until the other list has passed it.
static inline void merge_row(uint32_t* out, Span columns, Span list) {
  uint64_t i = 0;
  uint64_t j = 0;
  while (i + kLanes <= columns.n && j + kLanes <= list.n) {
    const vid i_max = columns.p[i + kLanes - 1];
    const vid j_max = list.p[j + kLanes - 1];
    set_bit(out, i, match(load(columns.p + i), load(list.p + j)));
    i += kLanes & -static_cast<uint64_t>(i_max <= j_max);
    j += kLanes & -static_cast<uint64_t>(j_max <= i_max);
  }
  while (i < columns.n && j < list.n) {
    const uint64_t i_end = i + kLanes < columns.n ? i + kLanes : columns.n;
    const uint64_t j_end = j + kLanes < list.n ? j + kLanes : list.n;
    const vid i_max = columns.p[i_end - 1];
    const vid j_max = list.p[j_end - 1];
    const Vec x = load_some(columns.p + i, columns.n - i, fill(columns.p[i]));
    const Vec y = load_some(list.p + j, list.n - j, fill(list.p[j]));
    set_bit(out, i, match(x, y) & lanes(columns.n - i));
    if (i_max <= j_max) i = i_end;
    if (j_max <= i_max) j = j_end;
  }
}

/// out = the row of bits over `columns` that says which of them are in `list`; row_words(columns.n) words.
[[maybe_unused, gnu::noinline]] static void fill_row(uint32_t* out, Span columns, Span list) {
  const uint64_t words = row_words(columns.n);
  for (uint64_t word = 0; word < words; ++word) out[word] = 0;
  if (columns.n == 0 || list.n == 0) return;
  if (prefer_probe(columns, list)) return probe_row<false>(out, columns, list);
  if (prefer_probe(list, columns)) return probe_row<true>(out, list, columns);
  merge_row(out, columns, from(list, gallop(list, columns.p[0])));
}

}  // namespace galena::rt::GALENA_ISA
