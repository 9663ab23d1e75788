#pragma once
// Handlers of arithmetic: a function of values, applied to the lanes of registers.

#include <cmath>
#include <type_traits>

#include "test/emulator/ptx_warp.hpp"

namespace galena::ptx {

/// Registers hold 32 or 64 bits.
template <class T>
struct StT {
  using t = std::conditional_t<sizeof(T) == 8, u64, u32>;
};
template <class T>
using St = typename StT<T>::t;
template <class T>
inline T get(St<T> s) {
  if constexpr (std::is_floating_point_v<T>)
    return std::bit_cast<T>(s);
  else
    return T(s);
}
template <class T>
inline St<T> put(T v) {
  if constexpr (std::is_same_v<T, float>) {
    u32 b = std::bit_cast<u32>(v);
    return v != v ? 0x7fffffffu : b;
  } else if constexpr (std::is_same_v<T, double>)
    return std::bit_cast<u64>(v);
  else if constexpr (sizeof(T) == 2)
    return u16(v);
  else if constexpr (sizeof(T) == 1)
    return u8(v);
  else
    return St<T>(v);
}
inline float flush(float f) {
  u32 u = std::bit_cast<u32>(f);
  return (u & 0x7f800000u) == 0 ? std::bit_cast<float>(u & 0x80000000u) : f;
}
template <class T>
inline T flush(T t) {
  return t;
}

template <class D, class A, class F>
[[gnu::flatten]] void h1(Warp& w, const Ins& in, u32 m) {
  auto* d = reg<St<D>>(w, in.d);
  auto* a = reg<St<A>>(w, in.a);
  each_lane(m, [&](int i) { d[i] = put<D>(F{}(get<A>(a[i]))); });
}
template <class D, class A, class B, class F>
[[gnu::flatten]] void h2(Warp& w, const Ins& in, u32 m) {
  auto* d = reg<St<D>>(w, in.d);
  auto* a = reg<St<A>>(w, in.a);
  auto* b = reg<St<B>>(w, in.b);
  each_lane(m, [&](int i) { d[i] = put<D>(F{}(get<A>(a[i]), get<B>(b[i]))); });
}
template <class D, class A, class B, class C, class F>
[[gnu::flatten]] void h3(Warp& w, const Ins& in, u32 m) {
  auto* d = reg<St<D>>(w, in.d);
  auto* a = reg<St<A>>(w, in.a);
  auto* b = reg<St<B>>(w, in.b);
  auto* c = reg<St<C>>(w, in.c);
  each_lane(m, [&](int i) { d[i] = put<D>(F{}(get<A>(a[i]), get<B>(b[i]), get<C>(c[i]))); });
}
// float handlers with .ftz and .sat
template <class T, class F, bool FTZ, bool SAT>
struct Fx {
  static T out(T r) {
    if (FTZ) r = flush(r);
    if (SAT) r = r > T(0) ? (r < T(1) ? r : T(1)) : T(0);
    return r;
  }
  template <class... A>
  T operator()(A... a) const {
    if constexpr (FTZ)
      return out(F{}(flush(a)...));
    else
      return out(F{}(a...));
  }
};
#define FX(H, T, ...)                                                                               \
  (ftz ? (sat ? H<__VA_ARGS__, Fx<T, O<T>, true, true>> : H<__VA_ARGS__, Fx<T, O<T>, true, false>>) \
       : (sat ? H<__VA_ARGS__, Fx<T, O<T>, false, true>> : H<__VA_ARGS__, O<T>>))
template <template <class> class O>
Handler f1(Type t, bool ftz, bool sat) {
  if (t == F32) return FX(h1, float, float, float);
  if (t == F64) return h1<double, double, O<double>>;
  return nullptr;
}
template <template <class> class O>
Handler f2(Type t, bool ftz, bool sat) {
  if (t == F32) return FX(h2, float, float, float, float);
  if (t == F64) return h2<double, double, double, O<double>>;
  return nullptr;
}
template <template <class> class O>
Handler f3(Type t, bool ftz, bool sat) {
  if (t == F32) return FX(h3, float, float, float, float, float);
  if (t == F64) return h3<double, double, double, double, O<double>>;
  return nullptr;
}
#define INTS(M)              \
  switch (t) {               \
    case U16:                \
    case B16: return M(u16); \
    case S16: return M(i16); \
    case U32:                \
    case B32: return M(u32); \
    case S32: return M(i32); \
    case U64:                \
    case B64: return M(u64); \
    case S64: return M(i64); \
    case U8:                 \
    case B8: return M(u8);   \
    case S8: return M(i8);   \
    default: return nullptr; \
  }
template <template <class> class O>
Handler i1(Type t) {
#define M(T) h1<T, T, O<T>>
  INTS(M)
#undef M
}
template <template <class> class O>
Handler i2(Type t) {
#define M(T) h2<T, T, T, O<T>>
  INTS(M)
#undef M
}
template <template <class> class O>
Handler i3(Type t) {
#define M(T) h3<T, T, T, T, O<T>>
  INTS(M)
#undef M
}
template <template <class> class O>
Handler shifts(Type t) {
#define M(T) h2<T, T, u32, O<T>>
  INTS(M)
#undef M
}
}  // namespace galena::ptx
