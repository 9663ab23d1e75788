#pragma once
// The operations for lists whose lengths differ by far. Included by sets.h only.

namespace galena::rt::GALENA_ISA {

constexpr int kSearches = 8;
constexpr uint64_t kWindow = kLanes;

/// Sets p[q] to the start of the n remaining elements, at most kWindow, that hold key[q] if b
/// does; returns n.
static inline uint64_t narrow(const vid* (&p)[kSearches], const vid (&key)[kSearches], Span b) {
  for (int q = 0; q < kSearches; ++q) p[q] = b.p;
  uint64_t n = b.n;
  while (n > kWindow) {
    const uint64_t half = n / 2;
    for (int q = 0; q < kSearches; ++q) p[q] += half & -static_cast<uint64_t>(p[q][half - 1] < key[q]);
    n -= half;
  }
  return n;
}

/// The elements of a that are in b (kIn) or are not (!kIn), each searched for. a is not empty.
template <bool kStore, bool kIn>
static inline vid probe(vid* out, Span a, Span b) {
  vid k = 0;
  for (uint64_t i = 0; i < a.n; i += kSearches) {
    vid key[kSearches];
    const vid* p[kSearches];
    for (uint64_t q = 0; q < kSearches; ++q) key[q] = a.p[i + q < a.n ? i + q : a.n - 1];
    const uint64_t n = narrow(p, key, b);
    const Mask valid = lanes(n);
    for (uint64_t q = 0; q < kSearches; ++q) {
      const Mask hit = equal(load_some(p[q], n, fill(0)), fill(key[q])) & valid;
      if (kStore) out[k] = key[q];
      k += static_cast<vid>(((hit != 0) == kIn) & (i + q < a.n));
    }
  }
  return k;
}

/// a without b for a much longer a: copies what lies between the elements of b.
static inline vid skip_diff(vid* out, Span a, Span b) {
  vid k = 0;
  for (uint64_t j = 0; j < b.n && a.n != 0; ++j) {
    const vid run = gallop(a, b.p[j]);
    k += copy(out + k, Span{a.p, run});
    a = from(a, run);
    if (a.n != 0 && a.p[0] == b.p[j]) a = from(a, 1);
  }
  return k + copy(out + k, a);
}

}  // namespace galena::rt::GALENA_ISA
