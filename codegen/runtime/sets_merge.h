#pragma once
// Both lists advance by strides of kStride blocks. Included by sets.h only.

namespace galena::rt::GALENA_ISA {

constexpr uint64_t kStep = static_cast<uint64_t>(kStride) * kLanes;

/// a and b; when either has less than a stride left, the rest is held in registers.
template <bool kStore>
static inline vid merge_isect(vid* out, Span a, Span b) {
  uint64_t i = 0;
  uint64_t j = 0;
  vid k = 0;
  while (i + kStep <= a.n && j + kStep <= b.n) {
    const vid a_max = a.p[i + kStep - 1];
    const vid b_max = b.p[j + kStep - 1];
    Vec x[kStride];
    for (int f = 0; f < kStride; ++f) x[f] = load(b.p + j + static_cast<uint64_t>(f) * kLanes);
    for (int f = 0; f < kStride; ++f) {
      const Vec y = load(a.p + i + static_cast<uint64_t>(f) * kLanes);
      Mask m = 0;
      for (int g = 0; g < kStride; ++g) m |= match(y, x[g]);
      if (kStore) put(out + k, y, m);
      k += count(m);
    }
    i += kStep & -static_cast<uint64_t>(a_max <= b_max);
    j += kStep & -static_cast<uint64_t>(b_max <= a_max);
  }
  if (i == a.n || j == b.n) return k;
  const Span s = a.n - i < kStep ? from(a, i) : from(b, j);
  const Span l = a.n - i < kStep ? from(b, j) : from(a, i);
  return k + hold_isect<kStore>(kStore ? out + k : out, s, l);
}

static inline vid copy(vid* out, Span a) {
  uint64_t i = 0;
  for (; i + kLanes <= a.n; i += kLanes) store(out + i, load(a.p + i));
  if (i < a.n) store(out + i, load_some(a.p + i, a.n - i, fill(0)));
  return a.n;
}

/// The part of a from i without the part of b from j; `gone` as in hold_right_diff.
static inline vid finish_diff(vid* out, Span a, Span b, const Masks& gone) {
  if (a.n == 0) return 0;
  if (a.n < kStep && b.n != 0) return hold_left_diff(out, a, b);
  // With nothing left to take away, an element of b smaller than any left stands for it.
  return hold_right_diff(out, a, b, gone);
}

/// a without b. A block of a leaves when b has passed it; until then its lanes that were
/// found collect in `gone`, and what it writes is written over.
static inline vid merge_diff(vid* out, Span a, Span b) {
  uint64_t i = 0;
  uint64_t j = 0;
  vid k = 0;
  Masks gone{};
  while (i + kStep <= a.n && j + kStep <= b.n) {
    const vid a_max = a.p[i + kStep - 1];
    const vid b_max = b.p[j + kStep - 1];
    const vid leave = -static_cast<vid>(a_max <= b_max);
    Vec x[kStride];
    for (int f = 0; f < kStride; ++f) x[f] = load(b.p + j + static_cast<uint64_t>(f) * kLanes);
    vid kept = 0;
    for (int f = 0; f < kStride; ++f) {
      const Vec y = load(a.p + i + static_cast<uint64_t>(f) * kLanes);
      Mask m = gone.m[f];
      for (int g = 0; g < kStride; ++g) m |= match(y, x[g]);
      const Mask stay = ~m & lanes(kLanes);
      put(out + k + kept, y, stay);
      kept += count(stay);
      gone.m[f] = m & ~leave;
    }
    k += kept & leave;
    i += kStep & -static_cast<uint64_t>(a_max <= b_max);
    j += kStep & -static_cast<uint64_t>(b_max <= a_max);
  }
  const Span rest = j < b.n ? from(b, j) : Span{b.p + b.n - 1, 1};
  return k + finish_diff(out + k, from(a, i), rest, gone);
}

}  // namespace galena::rt::GALENA_ISA
