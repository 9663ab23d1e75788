#pragma once
// Binary searches without branches; no vectors. Included where GALENA_ISA is named.

namespace galena::rt::GALENA_ISA {

/// The elements of s from position `begin` on.
GALENA_DEVICE static inline Span from(Span s, uint64_t begin) {
  return Span{s.p + begin, static_cast<vid>(s.n - begin)};
}

/// The number of elements of a below x.
GALENA_DEVICE static inline vid lower(Span a, vid x) {
  vid at = 0, n = a.n;
  while (n > 1) {
    const vid half = n / 2;
    at += half & -static_cast<vid>(a.p[at + half - 1] < x);
    n -= half;
  }
  return at + static_cast<vid>(n != 0 && a.p[at] < x);
}

/// The position of x in a, if it is there; else some position, or 0 where there is none.
GALENA_DEVICE static inline vid place(Span a, vid x) {
  vid at = 0, n = a.n;
  while (n > 1) {
    const vid half = n / 2;
    at += half & -static_cast<vid>(a.p[at + half] <= x);
    n -= half;
  }
  return at;
}

GALENA_DEVICE static inline bool has(Span a, vid x) { return a.n != 0 && a.p[place(a, x)] == x; }

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
