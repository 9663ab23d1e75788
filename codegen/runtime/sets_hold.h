#pragma once
// The shorter list in registers, the longer one streaming past. Included by sets.h only.

namespace galena::rt::GALENA_ISA {

/// Lanes of a few consecutive blocks.
struct Masks {
  Mask m[kHeld];
};

/// Up to N blocks of a list, N >= 1; lanes past its end repeat its first element, which
/// changes no answer to "does it occur".
template <int N>
struct Held {
  Vec v[N];
};

template <int N>
static inline Held<N> hold(Span s) {
  const Vec rest = fill(s.p[0]);
  Held<N> held;
  for (int i = 0; i < N; ++i) {
    const uint64_t begin = static_cast<uint64_t>(i) * kLanes;
    held.v[i] = load_some(s.p + (begin < s.n ? begin : 0), s.n > begin ? s.n - begin : 0, rest);
  }
  return held;
}

/// The lanes of x whose value occurs in the list.
template <int N>
static inline Mask match_held(const Held<N>& held, Vec x) {
  Mask m = match(x, held.v[0]);
  for (int i = 1; i < N; ++i) m |= match(x, held.v[i]);
  return m;
}

/// For each block of `held`, the greatest of which is `last`, the lanes that occur in s.
template <int N>
static inline void see(const Held<N>& held, Span s, vid last, Masks& seen) {
  Mask m[N] = {};
  const Vec rest = fill(s.p[0]);
  uint64_t j = 0;
  for (; j + kLanes <= s.n; j += kLanes) {
    const Vec x = load(s.p + j);
    for (int i = 0; i < N; ++i) m[i] |= match(held.v[i], x);
    if (s.p[j + kLanes - 1] >= last) break;
  }
  const Vec x = load_some(s.p + j, s.n - j, rest);
  for (int i = 0; i < N; ++i) seen.m[i] = m[i] | match(held.v[i], x);
}

/// Emits (or counts) the lanes of the held list `s` in `keep`.
template <bool kStore, int N>
static inline vid emit(vid* out, const Held<N>& held, Span s, const Masks& keep, Mask flip) {
  vid k = 0;
  for (int i = 0; i < N; ++i) {
    const uint64_t begin = static_cast<uint64_t>(i) * kLanes;
    const Mask m = (keep.m[i] ^ flip) & lanes(s.n > begin ? s.n - begin : 0);
    if (kStore) put(out + k, held.v[i], m);
    k += count(m);
  }
  return k;
}

template <bool kStore, int N>
static inline vid hold_isect_blocks(vid* out, Span s, Span l) {
  const Held<N> held = hold<N>(s);
  Masks seen;
  see(held, l, s.p[s.n - 1], seen);
  return emit<kStore>(out, held, s, seen, 0);
}

/// s and l, where s has at most kHeld blocks.
template <bool kStore>
static inline vid hold_isect(vid* out, Span s, Span l) {
  if (s.n <= kLanes) return hold_isect_blocks<kStore, 1>(out, s, l);
  if (kHeld == 2 || s.n <= 2 * kLanes) return hold_isect_blocks<kStore, 2>(out, s, l);
  return hold_isect_blocks<kStore, kHeld>(out, s, l);
}

template <int N>
static inline vid hold_left_diff_blocks(vid* out, Span a, Span b) {
  const Held<N> held = hold<N>(a);
  Masks seen;
  see(held, b, a.p[a.n - 1], seen);
  return emit<true>(out, held, a, seen, ~Mask{0});
}

/// a without b, where a has at most kHeld blocks and b is not empty.
static inline vid hold_left_diff(vid* out, Span a, Span b) {
  if (a.n <= kLanes) return hold_left_diff_blocks<1>(out, a, b);
  if (kHeld == 2 || a.n <= 2 * kLanes) return hold_left_diff_blocks<2>(out, a, b);
  return hold_left_diff_blocks<kHeld>(out, a, b);
}

template <int N>
static inline vid hold_right_diff_blocks(vid* out, Span a, Span b, const Masks& gone) {
  const Held<N> held = hold<N>(b);
  vid k = 0;
  uint64_t i = 0;
  for (int f = 0; f < kStride && i < a.n; ++f, i += kLanes) {
    const Vec x = load_some(a.p + i, a.n - i, held.v[0]);
    const Mask m = ~(gone.m[f] | match_held(held, x)) & lanes(a.n - i);
    put(out + k, x, m);
    k += count(m);
  }
  for (; i + kLanes <= a.n; i += kLanes) {
    const Vec x = load(a.p + i);
    const Mask m = ~match_held(held, x) & lanes(kLanes);
    put(out + k, x, m);
    k += count(m);
  }
  if (i >= a.n) return k;
  const Vec x = load_some(a.p + i, a.n - i, held.v[0]);
  const Mask m = ~match_held(held, x) & lanes(a.n - i);
  put(out + k, x, m);
  return k + count(m);
}

/// a without b, where b has 1 to kHeld blocks. `gone`: lanes of the first kStride blocks of a
/// that are known to be taken away already.
static inline vid hold_right_diff(vid* out, Span a, Span b, const Masks& gone) {
  if (b.n <= kLanes) return hold_right_diff_blocks<1>(out, a, b, gone);
  if (kHeld == 2 || b.n <= 2 * kLanes) return hold_right_diff_blocks<2>(out, a, b, gone);
  return hold_right_diff_blocks<kHeld>(out, a, b, gone);
}

}  // namespace galena::rt::GALENA_ISA
