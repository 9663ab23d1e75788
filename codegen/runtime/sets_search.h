#pragma once
// Binary searches without branches; no vectors. Included where GALENA_ISA is named.

namespace galena::rt::GALENA_ISA {

/// The elements of s from position `begin` on.
GALENA_DEVICE static inline Span from(Span s, uint64_t begin) {
  return Span{s.p + begin, static_cast<vid>(s.n - begin)};
}

/// The number of elements of a below x.
GALENA_DEVICE static inline vid lower(Span a, vid x) {
  const vid* p = a.p;
  uint64_t n = a.n;
  while (n > 1) {
    const uint64_t half = n / 2;
    p += half & -static_cast<uint64_t>(p[half - 1] < x);
    n -= half;
  }
  return static_cast<vid>(p - a.p) + static_cast<vid>(n != 0 && *p < x);
}

GALENA_DEVICE static inline bool has(Span a, vid x) {
  const vid at = lower(a, x);
  return at < a.n && a.p[at] == x;
}

/// The elements of a below x.
GALENA_DEVICE static inline Span below(Span a, vid x) { return Span{a.p, lower(a, x)}; }

/// The elements of a above x.
GALENA_DEVICE static inline Span above(Span a, vid x) {
  vid at = lower(a, x);
  at += static_cast<vid>(at < a.n && a.p[at] == x);
  return from(a, at);
}

/// The elements of a below x, galloping: for an x that is expected to be near the front.
GALENA_DEVICE static inline vid gallop(Span a, vid x) {
  uint64_t reach = 1;
  while (reach < a.n && a.p[reach - 1] < x) reach *= 2;
  const uint64_t begin = reach / 2;
  const uint64_t end = reach < a.n ? reach : a.n;
  return static_cast<vid>(begin) + lower(Span{a.p + begin, static_cast<vid>(end - begin)}, x);
}

}  // namespace galena::rt::GALENA_ISA
