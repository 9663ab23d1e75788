// Arithmetic of the PTX interpreter.
#include <immintrin.h>
#include <algorithm>
#include "test/emulator/ptx_core.hpp"

namespace ptx {
namespace {
struct f16 {
  u16 bits;
};
struct bf16 {
  u16 bits;
};
float h2f(u16 h) { return _cvtsh_ss(h); }
u16 f2h(float f) { return f != f ? 0x7fff : _cvtss_sh(f, _MM_FROUND_CUR_DIRECTION); }
float b2f(u16 h) { return std::bit_cast<float>(u32(h) << 16); }
u16 f2b(float f, bool zero = false) {
  if (f != f) return 0x7fff;
  u32 u = std::bit_cast<u32>(f);
  if (!zero) u += 0x7fff + ((u >> 16) & 1);
  return u16(u >> 16);
}
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
void h1(Warp& w, const Ins& in, u32 m) {
  auto* d = reg<St<D>>(w, in.d);
  auto* a = reg<St<A>>(w, in.a);
  LANES(d[i] = put<D>(F{}(get<A>(a[i]))))
}
template <class D, class A, class B, class F>
void h2(Warp& w, const Ins& in, u32 m) {
  auto* d = reg<St<D>>(w, in.d);
  auto* a = reg<St<A>>(w, in.a);
  auto* b = reg<St<B>>(w, in.b);
  LANES(d[i] = put<D>(F{}(get<A>(a[i]), get<B>(b[i]))))
}
template <class D, class A, class B, class C, class F>
void h3(Warp& w, const Ins& in, u32 m) {
  auto* d = reg<St<D>>(w, in.d);
  auto* a = reg<St<A>>(w, in.a);
  auto* b = reg<St<B>>(w, in.b);
  auto* c = reg<St<C>>(w, in.c);
  LANES(d[i] = put<D>(F{}(get<A>(a[i]), get<B>(b[i]), get<C>(c[i]))))
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
template <template <class> class O, class T>
struct Wrap;
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
template <class T>
struct Add {
  T operator()(T a, T b) const { return T(a + b); }
};
template <class T>
struct Sub {
  T operator()(T a, T b) const { return T(a - b); }
};
template <class T>
struct Mul {
  T operator()(T a, T b) const { return T(a * b); }
};
template <>
struct Mul<u16> {
  u16 operator()(u16 a, u16 b) const { return u16(u32(a) * b); }
};
template <class T>
struct MulHi {
  T operator()(T a, T b) const {
    if constexpr (sizeof(T) == 8) {
      if constexpr (std::is_signed_v<T>)
        return T((i128(a) * b) >> 64);
      else
        return T((u128(a) * b) >> 64);
    } else
      return T((i64(a) * i64(b)) >> (8 * sizeof(T)));
  }
};
template <>
struct MulHi<u32> {
  u32 operator()(u32 a, u32 b) const { return u32((u64(a) * b) >> 32); }
};
template <class T>
struct MadHi {
  T operator()(T a, T b, T c) const { return T(MulHi<T>{}(a, b) + c); }
};
template <class T>
struct Mad {
  T operator()(T a, T b, T c) const { return T(Mul<T>{}(a, b) + c); }
};
template <class D, class A>
struct MulW {
  D operator()(A a, A b) const { return D(D(a) * D(b)); }
};
template <class D, class A>
struct MadW {
  D operator()(A a, A b, D c) const { return D(D(a) * D(b) + c); }
};
template <class T>
struct DivI {
  T operator()(T a, T b) const {
    if (b == 0) return T(-1);
    if constexpr (std::is_signed_v<T>)
      if (b == -1) return T(0 - a);
    return T(a / b);
  }
};
template <class T>
struct RemI {
  T operator()(T a, T b) const {
    if (b == 0) return T(-1);
    if constexpr (std::is_signed_v<T>)
      if (b == -1) return 0;
    return T(a % b);
  }
};
template <class T>
struct MinI {
  T operator()(T a, T b) const { return a < b ? a : b; }
};
template <class T>
struct MaxI {
  T operator()(T a, T b) const { return a > b ? a : b; }
};
template <class T>
struct And {
  T operator()(T a, T b) const { return T(a & b); }
};
template <class T>
struct Or {
  T operator()(T a, T b) const { return T(a | b); }
};
template <class T>
struct Xor {
  T operator()(T a, T b) const { return T(a ^ b); }
};
template <class T>
struct Not {
  T operator()(T a) const { return T(~a); }
};
template <class T>
struct CNot {
  T operator()(T a) const { return a == 0; }
};
template <class T>
struct NegI {
  T operator()(T a) const { return T(0 - a); }
};
template <class T>
struct AbsI {
  T operator()(T a) const { return a < 0 ? T(0 - a) : a; }
};
template <class T>
struct Id {
  T operator()(T a) const { return a; }
};
template <class T>
struct Shl {
  T operator()(T a, u32 b) const { return b >= 8 * sizeof(T) ? T(0) : T(a << b); }
};
template <class T>
struct Shr {
  T operator()(T a, u32 b) const {
    return T(b >= 8 * sizeof(T) ? (std::is_signed_v<T> ? T(a >> (8 * sizeof(T) - 1)) : T(0)) : T(a >> b));
  }
};
template <class T>
struct Sad {
  T operator()(T a, T b, T c) const { return T(c + (a < b ? b - a : a - b)); }
};
struct AddSat {
  i32 operator()(i32 a, i32 b) const { return i32(std::clamp<i64>(i64(a) + b, INT32_MIN, INT32_MAX)); }
};
struct SubSat {
  i32 operator()(i32 a, i32 b) const { return i32(std::clamp<i64>(i64(a) - b, INT32_MIN, INT32_MAX)); }
};
template <class T>
struct FmaOp {
  T operator()(T a, T b, T c) const {
    if constexpr (sizeof(T) == 4)
      return __builtin_fmaf(a, b, c);
    else
      return __builtin_fma(a, b, c);
  }
};
template <class T>
struct DivF {
  T operator()(T a, T b) const { return a / b; }
};
template <class T>
struct Rcp {
  T operator()(T a) const { return T(1) / a; }
};
template <class T>
struct Sqrt {
  T operator()(T a) const {
    if constexpr (sizeof(T) == 4)
      return __builtin_sqrtf(a);
    else
      return __builtin_sqrt(a);
  }
};
template <class T>
struct Rsqrt {
  T operator()(T a) const { return T(1.0 / std::sqrt(double(a))); }
};
template <class T>
struct Ex2 {
  T operator()(T a) const { return T(std::exp2(double(a))); }
};
template <class T>
struct Lg2 {
  T operator()(T a) const { return T(std::log2(double(a))); }
};
template <class T>
struct Sin {
  T operator()(T a) const { return T(std::sin(double(a))); }
};
template <class T>
struct Cos {
  T operator()(T a) const { return T(std::cos(double(a))); }
};
template <class T>
struct Tanh {
  T operator()(T a) const { return T(std::tanh(double(a))); }
};
template <class T>
struct MinF {
  T operator()(T a, T b) const { return a != a ? b : b != b ? a : a < b ? a : b < a ? b : std::signbit(a) ? a : b; }
};
template <class T>
struct MaxF {
  T operator()(T a, T b) const { return a != a ? b : b != b ? a : a > b ? a : b > a ? b : std::signbit(a) ? b : a; }
};
template <class T>
struct MinN {
  T operator()(T a, T b) const { return a != a ? a : b != b ? b : MinF<T>{}(a, b); }
};
template <class T>
struct MaxN {
  T operator()(T a, T b) const { return a != a ? a : b != b ? b : MaxF<T>{}(a, b); }
};
struct RcpFtz64 {
  double operator()(double a) const {
    u64 u = std::bit_cast<u64>(a) & 0xffffffff00000000ull;
    if (((u >> 52) & 0x7ff) == 0) u &= 1ull << 63;
    double r = 1.0 / std::bit_cast<double>(u);
    u64 v = std::bit_cast<u64>(r) & 0xffffffff00000000ull;
    if (((v >> 52) & 0x7ff) == 0) v &= 1ull << 63;
    return std::bit_cast<double>(v);
  }
};
struct RsqrtFtz64 {
  double operator()(double a) const {
    u64 u = std::bit_cast<u64>(a) & 0xffffffff00000000ull;
    if (((u >> 52) & 0x7ff) == 0) u &= 1ull << 63;
    return std::bit_cast<double>(std::bit_cast<u64>(1.0 / std::sqrt(std::bit_cast<double>(u))) & 0xffffffff00000000ull);
  }
};
struct NegF32 {
  u32 operator()(u32 a) const { return a ^ 0x80000000u; }
};
struct AbsF32 {
  u32 operator()(u32 a) const { return a & 0x7fffffffu; }
};
struct NegF64 {
  u64 operator()(u64 a) const { return a ^ (1ull << 63); }
};
struct AbsF64 {
  u64 operator()(u64 a) const { return a & ~(1ull << 63); }
};
struct NegF32z {
  u32 operator()(u32 a) const { return NegF32{}(std::bit_cast<u32>(flush(std::bit_cast<float>(a)))); }
};
struct AbsF32z {
  u32 operator()(u32 a) const { return AbsF32{}(std::bit_cast<u32>(flush(std::bit_cast<float>(a)))); }
};
struct CopyS32 {
  u32 operator()(u32 a, u32 b) const { return (a & 0x80000000u) | (b & 0x7fffffffu); }
};
struct CopyS64 {
  u64 operator()(u64 a, u64 b) const { return (a & (1ull << 63)) | (b & ~(1ull << 63)); }
};
struct Neg16x2 {
  u32 operator()(u32 a) const { return a ^ 0x80008000u; }
};
struct Abs16x2 {
  u32 operator()(u32 a) const { return a & 0x7fff7fffu; }
};
struct Popc32 {
  u32 operator()(u32 a) const { return u32(__builtin_popcount(a)); }
};
struct Popc64 {
  u32 operator()(u64 a) const { return u32(__builtin_popcountll(a)); }
};
struct Clz32 {
  u32 operator()(u32 a) const { return u32(std::countl_zero(a)); }
};
struct Clz64 {
  u32 operator()(u64 a) const { return u32(std::countl_zero(a)); }
};
template <class T>
struct Brev {
  T operator()(T a) const {
    T r = 0;
    for (unsigned i = 0; i < 8 * sizeof(T); ++i) r |= T((a >> i) & 1) << (8 * sizeof(T) - 1 - i);
    return r;
  }
};
template <class T, bool SH>
struct Bfind {
  u32 operator()(T a) const {
    using U = std::make_unsigned_t<T>;
    U u = U(a);
    if (std::is_signed_v<T> && a < 0) u = U(~u);
    if (u == 0) return 0xffffffffu;
    int top = int(8 * sizeof(T)) - 1 - std::countl_zero(u);
    return u32(SH ? int(8 * sizeof(T)) - 1 - top : top);
  }
};
template <class T>
struct Bfe {
  T operator()(T a, u32 b, u32 c) const {
    using U = std::make_unsigned_t<T>;
    const unsigned msb = 8 * sizeof(T) - 1;
    unsigned pos = b & 0xff, len = c & 0xff;
    unsigned sbit;
    if (!std::is_signed_v<T> || len == 0)
      sbit = 0;
    else
      sbit = unsigned((U(a) >> std::min(pos + len - 1, msb)) & 1);
    U d = 0;
    for (unsigned i = 0; i <= msb; ++i) {
      unsigned bit = (i < len && pos + i <= msb) ? unsigned((U(a) >> (pos + i)) & 1) : sbit;
      d |= U(bit) << i;
    }
    return T(d);
  }
};
template <class T>
void bfi(Warp& w, const Ins& in, u32 m) {
  auto* d = reg<St<T>>(w, in.d);
  auto* a = reg<St<T>>(w, in.a);
  auto* b = reg<St<T>>(w, in.b);
  auto* c = reg<u32>(w, in.c);
  auto* e = reg<u32>(w, in.e);
  const unsigned W = 8 * sizeof(T);
  LANES(unsigned pos = c[i] & 0xff; unsigned len = e[i] & 0xff; T r = b[i]; if (pos < W && len) {
    T mk = len >= W ? T(~T(0)) : T((T(1) << len) - 1);
    mk = T(mk << pos);
    r = T((r & ~mk) | (T(a[i] << pos) & mk));
  } d[i] = r)
}
template <bool WRAP>
struct Bmsk {
  u32 operator()(u32 a, u32 b) const {
    if (WRAP) {
      a &= 31;
      b &= 31;
    }
    if (a >= 32) return 0;
    u32 l = b >= 32 ? ~0u : (1u << b) - 1;
    return l << a;
  }
};
template <bool WRAP, bool SIGNED>
struct Szext {
  u32 operator()(u32 a, u32 b) const {
    if (WRAP) b &= 31;
    if (b >= 32) return a;
    if (b == 0) return 0;
    u32 r = a & ((1u << b) - 1);
    if (SIGNED && ((r >> (b - 1)) & 1)) r |= ~0u << b;
    return r;
  }
};
template <bool LEFT, bool WRAP>
struct Shf {
  u32 operator()(u32 a, u32 b, u32 c) const {
    u32 n = WRAP ? c & 31 : std::min(c, 32u);
    u64 v = (u64(b) << 32) | a;
    return LEFT ? u32((v << n) >> 32) : u32(v >> n);
  }
};
struct Prmt {
  u32 operator()(u32 a, u32 b, u32 c) const {
    u64 v = (u64(b) << 32) | a;
    u32 r = 0;
    for (int k = 0; k < 4; ++k) {
      u32 s = (c >> (4 * k)) & 15;
      u32 x = u32(v >> (8 * (s & 7))) & 255;
      if (s & 8) x = x & 128 ? 255 : 0;
      r |= x << (8 * k);
    }
    return r;
  }
};
void prmtMode(Warp& w, const Ins& in, u32 m) {
  auto* d = reg<u32>(w, in.d);
  auto* a = reg<u32>(w, in.a);
  auto* b = reg<u32>(w, in.b);
  auto* c = reg<u32>(w, in.c);
  static const u8 t[6][4][4] = {{{3, 2, 1, 0}, {4, 3, 2, 1}, {5, 4, 3, 2}, {6, 5, 4, 3}},
                                {{5, 6, 7, 0}, {6, 7, 0, 1}, {7, 0, 1, 2}, {0, 1, 2, 3}},
                                {{0, 0, 0, 0}, {1, 1, 1, 1}, {2, 2, 2, 2}, {3, 3, 3, 3}},
                                {{3, 2, 1, 0}, {3, 2, 1, 1}, {3, 2, 2, 2}, {3, 3, 3, 3}},
                                {{0, 0, 0, 0}, {1, 1, 1, 0}, {2, 2, 1, 0}, {3, 2, 1, 0}},
                                {{1, 0, 1, 0}, {3, 2, 3, 2}, {1, 0, 1, 0}, {3, 2, 3, 2}}};
  LANES(u64 v = (u64(b[i]) << 32) | a[i]; u32 r = 0;
        for (int k = 0; k < 4; ++k) r = (r << 8) | (u32(v >> (8 * t[in.sub - 1][c[i] & 3][k])) & 255); d[i] = r)
}
void lop3(Warp& w, const Ins& in, u32 m) {
  auto* d = reg<u32>(w, in.d);
  auto* a = reg<u32>(w, in.a);
  auto* b = reg<u32>(w, in.b);
  auto* c = reg<u32>(w, in.c);
  const unsigned l = unsigned(in.imm);
  LANES(u32 r = 0; u32 x = a[i]; u32 y = b[i]; u32 z = c[i]; if (l & 1) r |= ~x & ~y & ~z; if (l & 2) r |= ~x & ~y & z;
        if (l & 4) r |= ~x & y & ~z; if (l & 8) r |= ~x & y & z; if (l & 16) r |= x & ~y & ~z;
        if (l & 32) r |= x & ~y & z; if (l & 64) r |= x & y & ~z; if (l & 128) r |= x & y & z; d[i] = r)
}
struct Fns {
  u32 operator()(u32 mask, u32 base, i32 offset) const {
    if (offset == 0) return base < 32 && ((mask >> base) & 1) ? base : ~0u;
    int step = offset > 0 ? 1 : -1;
    int count = std::abs(offset);
    for (int pos = int(base); pos >= 0 && pos < 32; pos += step)
      if ((mask >> pos) & 1)
        if (--count == 0) return u32(pos);
    return ~0u;
  }
};
template <bool S>
struct Mul24 {
  u32 operator()(u32 a, u32 b) const {
    auto x = [](u32 v) { return S ? i32(v << 8) >> 8 : i32(v & 0xffffff); };
    return u32(i64(x(a)) * x(b));
  }
};
template <class A, class B>
struct Dp4a {
  u32 operator()(u32 a, u32 b, u32 c) const {
    for (int k = 0; k < 4; ++k) c += u32(i32(A(a >> (8 * k))) * i32(B(b >> (8 * k))));
    return c;
  }
};

// Carry chains: mode bit0: uses carry in, bit1: sets carry out; sub: subtraction
template <class T>
void addc(Warp& w, const Ins& in, u32 m) {
  auto* d = reg<T>(w, in.d);
  auto* a = reg<T>(w, in.a);
  auto* b = reg<T>(w, in.b);
  u32 cc = w.cc, out = 0;
  LANES(T ci = (in.mode & 1) ? (cc >> i) & 1 : 0; T s = a[i] + b[i]; u32 o = s < a[i]; T s2 = s + ci; o |= s2 < s;
        d[i] = s2; out |= o << i)
  if (in.mode & 2) w.cc = (cc & ~m) | (out & m);
}
template <class T>
void subc(
    Warp& w, const Ins& in,
    u32 m) {  // as the hardware does, and its own 128-bit division wants: the flag is the carry of a + ~b + 1, no borrow
  auto* d = reg<T>(w, in.d);
  auto* a = reg<T>(w, in.a);
  auto* b = reg<T>(w, in.b);
  u32 cc = w.cc, out = 0;
  LANES(T ci = (in.mode & 1) ? 1 - ((cc >> i) & 1) : 0; T s = a[i] - b[i]; u32 o = a[i] < b[i]; T s2 = s - ci;
        o |= s < ci; d[i] = s2; out |= (o ^ 1) << i)
  if (in.mode & 2) w.cc = (cc & ~m) | (out & m);
}
template <class T, bool HI>
void madc(Warp& w, const Ins& in, u32 m) {
  using U = std::make_unsigned_t<T>;
  auto* d = reg<U>(w, in.d);
  auto* a = reg<U>(w, in.a);
  auto* b = reg<U>(w, in.b);
  auto* c = reg<U>(w, in.c);
  u32 cc = w.cc, out = 0;
  LANES(U ci = (in.mode & 1) ? (cc >> i) & 1 : 0; U p = HI ? U(MulHi<T>{}(T(a[i]), T(b[i]))) : U(a[i] * b[i]);
        U s = p + c[i]; u32 o = s < p; U s2 = s + ci; o |= s2 < s; d[i] = s2; out |= o << i)
  if (in.mode & 2) w.cc = (cc & ~m) | (out & m);
}
// compare
enum Cmp : u8 { EQ, NE, LT, LE, GT, GE, EQU, NEU, LTU, LEU, GTU, GEU, NUM, NAN_ };
template <class T, Cmp C>
inline bool compare(T a, T b) {
  if constexpr (C == EQ)
    return a == b;
  else if constexpr (C == LT)
    return a < b;
  else if constexpr (C == LE)
    return a <= b;
  else if constexpr (C == GT)
    return a > b;
  else if constexpr (C == GE)
    return a >= b;
  else if constexpr (std::is_floating_point_v<T>) {
    if constexpr (C == NE)
      return a < b || a > b;
    else if constexpr (C == EQU)
      return !(a < b || a > b);
    else if constexpr (C == NEU)
      return a != b;
    else if constexpr (C == LTU)
      return !(a >= b);
    else if constexpr (C == LEU)
      return !(a > b);
    else if constexpr (C == GTU)
      return !(a <= b);
    else if constexpr (C == GEU)
      return !(a < b);
    else if constexpr (C == NUM)
      return a == a && b == b;
    else
      return a != a || b != b;
  } else
    return a != b;
}
inline u32 maskOf(const u32* t) {
  u32 r = 0;
  for (int k = 0; k < 4; ++k)
    r |= u32(_mm256_movemask_ps(_mm256_load_ps(reinterpret_cast<const float*>(t) + 8 * k))) << (8 * k);
  return r;
}
inline u32 maskOf(const u64* t) {
  u32 r = 0;
  for (int k = 0; k < 8; ++k)
    r |= u32(_mm256_movemask_pd(_mm256_load_pd(reinterpret_cast<const double*>(t) + 4 * k))) << (4 * k);
  return r;
}
template <class T, Cmp C, bool FTZ>
u32 compareLanes(Warp& w, const Ins& in, u32 m) {
  auto* a = reg<St<T>>(w, in.a);
  auto* b = reg<St<T>>(w, in.b);
  if (m == ~0u || __builtin_popcount(m) > 8) {
    alignas(32) St<T> t[32];
#pragma GCC ivdep
    for (int i = 0; i < 32; ++i) {
      T x = get<T>(a[i]), y = get<T>(b[i]);
      if (FTZ) {
        x = flush(x);
        y = flush(y);
      }
      t[i] = St<T>(0) - St<T>(compare<T, C>(x, y));
    }
    return maskOf(t);
  }
  u32 r = 0;
  for (u32 k = m; k; k &= k - 1) {
    int i = __builtin_ctz(k);
    T x = get<T>(a[i]), y = get<T>(b[i]);
    if (FTZ) {
      x = flush(x);
      y = flush(y);
    }
    r |= u32(compare<T, C>(x, y)) << i;
  }
  return r;
}
inline void writePreds(Warp& w, const Ins& in, u32 m, u32 r) {
  u32 r2 = ~r;
  if (in.sub) {
    u32 c = w.preds[in.pc] ^ in.pcneg;
    if (in.sub == 1) {
      r &= c;
      r2 &= c;
    } else if (in.sub == 2) {
      r |= c;
      r2 |= c;
    } else {
      r ^= c;
      r2 ^= c;
    }
  }
  w.preds[in.p] = (w.preds[in.p] & ~m) | (r & m);
  if (in.q != 1) w.preds[in.q] = (w.preds[in.q] & ~m) | (r2 & m);
}
template <class T, Cmp C, bool FTZ>
void setp(Warp& w, const Ins& in, u32 m) {
  writePreds(w, in, m, compareLanes<T, C, FTZ>(w, in, m));
}
template <class T, Cmp C, bool FTZ>
void set(Warp& w, const Ins& in, u32 m) {
  u32 r = compareLanes<T, C, FTZ>(w, in, m);
  if (in.sub) {
    u32 c = w.preds[in.pc] ^ in.pcneg;
    r = in.sub == 1 ? r & c : in.sub == 2 ? r | c : r ^ c;
  }
  auto* d = reg<u32>(w, in.d);
  const u32 one = u32(in.imm);
  LANES(d[i] = (r >> i) & 1 ? one : 0)
}
template <class T, bool SET, bool FTZ>
Handler pickCmp(int c) {
#define H(C) \
  case C: return SET ? Handler(set<T, C, FTZ>) : Handler(setp<T, C, FTZ>);
  switch (c) { H(EQ) H(NE) H(LT) H(LE) H(GT) H(GE) default : break; }
  if constexpr (std::is_floating_point_v<T>) switch (c) {
      H(EQU) H(NEU) H(LTU) H(LEU) H(GTU) H(GEU) H(NUM) H(NAN_) default : break;
    }
#undef H
  return nullptr;
}
template <bool SET>
Handler pickSet(Type t, int c, bool ftz) {
  switch (t) {
    case U16:
    case B16: return pickCmp<u16, SET, false>(c);
    case S16: return pickCmp<i16, SET, false>(c);
    case U32:
    case B32: return pickCmp<u32, SET, false>(c);
    case S32: return pickCmp<i32, SET, false>(c);
    case U64:
    case B64: return pickCmp<u64, SET, false>(c);
    case S64: return pickCmp<i64, SET, false>(c);
    case F32: return ftz ? pickCmp<float, SET, true>(c) : pickCmp<float, SET, false>(c);
    case F64: return pickCmp<double, SET, false>(c);
    default: return nullptr;
  }
}
void setpHalf(Warp& w, const Ins& in, u32 m) {
  auto* a = reg<u32>(w, in.a);
  auto* b = reg<u32>(w, in.b);
  u32 r = 0, r2 = 0;
  auto cv = [&](u32 v) { return in.flag == F16 || in.flag == F16X2 ? h2f(u16(v)) : b2f(u16(v)); };
  auto cmp = [&](float x, float y) {
    bool un = x != x || y != y;
    switch (in.mode) {
      case EQ: return x == y;
      case NE: return !un && x != y;
      case LT: return x < y;
      case LE: return x <= y;
      case GT: return x > y;
      case GE: return x >= y;
      case EQU: return un || x == y;
      case NEU: return x != y;
      case LTU: return !(x >= y);
      case LEU: return !(x > y);
      case GTU: return !(x <= y);
      case GEU: return !(x < y);
      case NUM: return !un;
      default: return un;
    }
  };
  const bool two = in.flag == F16X2 || in.flag == BF16X2;
  LANES(r |= u32(cmp(cv(a[i]), cv(b[i]))) << i; if (two) r2 |= u32(cmp(cv(a[i] >> 16), cv(b[i] >> 16))) << i)
  if (!two) {
    writePreds(w, in, m, r);
    return;
  }
  if (in.sub) {
    u32 c = w.preds[in.pc] ^ in.pcneg;
    auto f = [&](u32 x) { return in.sub == 1 ? x & c : in.sub == 2 ? x | c : x ^ c; };
    r = f(r);
    r2 = f(r2);
  }
  w.preds[in.p] = (w.preds[in.p] & ~m) | (r & m);
  w.preds[in.q] = (w.preds[in.q] & ~m) | (r2 & m);
}
template <class T>
void selp(Warp& w, const Ins& in, u32 m) {
  auto* d = reg<T>(w, in.d);
  auto* a = reg<T>(w, in.a);
  auto* b = reg<T>(w, in.b);
  const u32 p = w.preds[in.pc] ^ in.pcneg;
  LANES(d[i] = (p >> i) & 1 ? a[i] : b[i])
}
template <class T, bool FLOAT>
void slct(Warp& w, const Ins& in, u32 m) {
  auto* d = reg<T>(w, in.d);
  auto* a = reg<T>(w, in.a);
  auto* b = reg<T>(w, in.b);
  auto* c = reg<u32>(w, in.c);
  LANES(d[i] = (FLOAT ? get<float>(c[i]) >= 0 : i32(c[i]) >= 0) ? a[i] : b[i])
}
void predOp(Warp& w, const Ins& in, u32 m) {
  u32 a = w.preds[u16(in.a)] ^ u32(in.c), b = w.preds[u16(in.b)] ^ u32(in.e), r = 0;
  switch (in.sub) {
    case 0: r = a & b; break;
    case 1: r = a | b; break;
    case 2: r = a ^ b; break;
    case 3: r = ~a; break;
    case 4: r = a; break;
  }
  w.preds[in.p] = (w.preds[in.p] & ~m) | (r & m);
}
void testp(Warp& w, const Ins& in, u32 m) {
  u32 r = 0;
  LANES(double v = in.size == 8 ? get<double>(reg<u64>(w, in.a)[i]) : double(get<float>(reg<u32>(w, in.a)[i]));
        int c = in.size == 8 ? std::fpclassify(v) : std::fpclassify(get<float>(reg<u32>(w, in.a)[i])); bool x = false;
        switch (in.mode) {
          case 0: x = c != FP_NAN && c != FP_INFINITE; break;
          case 1: x = c == FP_INFINITE; break;
          case 2: x = c != FP_NAN; break;
          case 3: x = c == FP_NAN; break;
          case 4: x = c == FP_NORMAL; break;
          case 5: x = c == FP_SUBNORMAL; break;
        } r |= u32(x) << i)
  w.preds[in.p] = (w.preds[in.p] & ~m) | (r & m);
}
// conversion
enum Round : u8 { RN, RZ, RM, RP, RNI, RZI, RMI, RPI, RNA, NOROUND };
template <class D, class S, bool WIDE>
void cvtInt(Warp& w, const Ins& in, u32 m) {
  auto* a = reg<St<S>>(w, in.a);
  if constexpr (WIDE) {
    auto* d = reg<u64>(w, in.d);
    LANES(d[i] = u64(i64(D(get<S>(a[i])))))
  } else {
    auto* d = reg<u32>(w, in.d);
    LANES(d[i] = u32(D(get<S>(a[i]))))
  }
}
template <class D, class S, bool WIDE>
void cvtIntSat(Warp& w, const Ins& in, u32 m) {
  auto* a = reg<St<S>>(w, in.a);
  auto f = [](S s) {
    i128 v = s;
    v = std::clamp<i128>(v, std::numeric_limits<D>::min(), std::numeric_limits<D>::max());
    return D(v);
  };
  if constexpr (WIDE) {
    auto* d = reg<u64>(w, in.d);
    LANES(d[i] = u64(i64(f(get<S>(a[i])))))
  } else {
    auto* d = reg<u32>(w, in.d);
    LANES(d[i] = u32(f(get<S>(a[i]))))
  }
}
template <class D, class S>
Handler cvtII(bool wide, bool sat) {
  if (sat) return wide ? cvtIntSat<D, S, true> : cvtIntSat<D, S, false>;
  return wide || sizeof(D) == 8 ? cvtInt<D, S, true> : cvtInt<D, S, false>;
}
template <class D>
Handler cvtI(Type s, bool wide, bool sat) {
  switch (s) {
    case U8:
    case B8: return cvtII<D, u8>(wide, sat);
    case S8: return cvtII<D, i8>(wide, sat);
    case U16:
    case B16: return cvtII<D, u16>(wide, sat);
    case S16: return cvtII<D, i16>(wide, sat);
    case U32:
    case B32: return cvtII<D, u32>(wide, sat);
    case S32: return cvtII<D, i32>(wide, sat);
    case U64:
    case B64: return cvtII<D, u64>(wide, sat);
    case S64: return cvtII<D, i64>(wide, sat);
    default: return nullptr;
  }
}
Handler cvtInts(Type d, Type s, bool wide, bool sat) {
  switch (d) {
    case U8:
    case B8: return cvtI<u8>(s, wide, sat);
    case S8: return cvtI<i8>(s, wide, sat);
    case U16:
    case B16: return cvtI<u16>(s, wide, sat);
    case S16: return cvtI<i16>(s, wide, sat);
    case U32:
    case B32: return cvtI<u32>(s, wide, sat);
    case S32: return cvtI<i32>(s, wide, sat);
    case U64:
    case B64: return cvtI<u64>(s, true, sat);
    case S64: return cvtI<i64>(s, true, sat);
    default: return nullptr;
  }
}
template <class D, class S>
struct Conv {
  D operator()(S s) const { return D(s); }
};
template <class D>
Handler cvtIF(Type s) {
  switch (s) {
    case U8:
    case B8: return h1<D, u8, Conv<D, u8>>;
    case S8: return h1<D, i8, Conv<D, i8>>;
    case U16:
    case B16: return h1<D, u16, Conv<D, u16>>;
    case S16: return h1<D, i16, Conv<D, i16>>;
    case U32:
    case B32: return h1<D, u32, Conv<D, u32>>;
    case S32: return h1<D, i32, Conv<D, i32>>;
    case U64:
    case B64: return h1<D, u64, Conv<D, u64>>;
    case S64: return h1<D, i64, Conv<D, i64>>;
    default: return nullptr;
  }
}
template <class T>
inline T integral(T v, u8 mode) {
  switch (mode) {
    case RNI:
    case RN: return std::nearbyint(v);
    case RMI:
    case RM: return std::floor(v);
    case RPI:
    case RP: return std::ceil(v);
    default: return std::trunc(v);
  }
}
inline u64 clampTo(double r, Type d) {  // r is integral or NaN
  if (r != r) return 0;
  switch (d) {
    case S8: return u64(i64(std::clamp(r, -128.0, 127.0)));
    case U8: return u64(std::clamp(r, 0.0, 255.0));
    case S16: return u64(i64(std::clamp(r, -32768.0, 32767.0)));
    case U16: return u64(std::clamp(r, 0.0, 65535.0));
    case S32: return u64(i64(std::clamp(r, -2147483648.0, 2147483647.0)));
    case U32: return u64(std::clamp(r, 0.0, 4294967295.0));
    case S64:
      return r >= 9223372036854775808.0 ? u64(INT64_MAX) : r <= -9223372036854775808.0 ? u64(INT64_MIN) : u64(i64(r));
    default: return r <= 0 ? 0 : r >= 18446744073709551616.0 ? UINT64_MAX : u64(r);
  }
}
void cvtFI(Warp& w, const Ins& in,
           u32 m) {  // flag: source type, sub: destination type, size: destination register bytes
  LANES(double v = 0; switch (in.flag) {
    case F32: {
      float f = get<float>(reg<u32>(w, in.a)[i]);
      if (in.wide) f = flush(f);
      v = f;
      break;
    }
    case F64: v = get<double>(reg<u64>(w, in.a)[i]); break;
    case F16: v = h2f(u16(reg<u32>(w, in.a)[i])); break;
    default: v = b2f(u16(reg<u32>(w, in.a)[i]));
  } u64 r = clampTo(integral(v, in.mode), Type(in.sub));
        if (in.size == 8) reg<u64>(w, in.d)[i] = r; else reg<u32>(w, in.d)[i] = u32(r))
}
void cvtFF(Warp& w, const Ins& in,
           u32 m) {  // any float to any float; mode: rounding; wide bit0 ftz, bit1 sat, bit2 relu
  LANES(
      const Type s = Type(in.flag); const Type t = Type(in.sub); float f = 0; double v = 0; bool isd = false;
      switch (s) {
        case F32:
          f = get<float>(reg<u32>(w, in.a)[i]);
          if (in.wide & 1) f = flush(f);
          break;
        case F64:
          v = get<double>(reg<u64>(w, in.a)[i]);
          isd = true;
          break;
        case F16: f = h2f(u16(reg<u32>(w, in.a)[i])); break;
        default: f = b2f(u16(reg<u32>(w, in.a)[i]));
      } if (s == t && in.mode >= RNI && in.mode <= RPI) {
        if (isd)
          v = integral(v, in.mode);
        else
          f = integral(f, in.mode);
      } if (t == F64) {
        if (!isd) v = f;
        if (in.wide & 2) v = v > 0 ? std::min(v, 1.0) : 0;
        reg<u64>(w, in.d)[i] = put<double>(v);
      } else {
        if (isd) f = float(v);
        if (in.wide & 2) f = f > 0 ? std::min(f, 1.0f) : 0;
        if ((in.wide & 4) && !(f > 0)) f = f != f ? f : 0;
        u32 r;
        switch (t) {
          case F32:
            if (in.wide & 1) f = flush(f);
            r = put<float>(f);
            break;
          case F16: r = f2h(f); break;
          default: r = f2b(f, in.mode == RZ);
        }
        reg<u32>(w, in.d)[i] = r;
      })
}
void cvtPack(Warp& w, const Ins& in, u32 m) {  // cvt.rn.{f16x2,bf16x2}.f32 d, a, b
  auto* d = reg<u32>(w, in.d);
  auto* a = reg<u32>(w, in.a);
  auto* b = reg<u32>(w, in.b);
  auto cv = [&](u32 x) {
    float f = get<float>(x);
    if ((in.wide & 4) && !(f > 0)) f = f != f ? f : 0;
    return u32(in.sub == F16X2 ? f2h(f) : f2b(f, in.mode == RZ));
  };
  LANES(d[i] = (cv(a[i]) << 16) | cv(b[i]))
}
void rounded(Warp& w, const Ins& in, u32 m) {
  const unsigned old = _mm_getcsr();
  const unsigned rc = in.mode == RZ ? 3 : in.mode == RM ? 1 : 2;
  _mm_setcsr((old & ~0x6000u) | (rc << 13));
  in.inner(w, in, m);
  _mm_setcsr(old);
}
// half arithmetic; sub: 0 add 1 sub 2 mul 3 fma 4 min 5 max 6 min.NaN 7 max.NaN 8 tanh 9 ex2; flag: type; wide bit0 ftz 1 sat 2 relu
void halfOp(Warp& w, const Ins& in, u32 m) {
  auto* d = reg<u32>(w, in.d);
  auto* a = reg<u32>(w, in.a);
  auto* b = reg<u32>(w, in.b);
  auto* c = reg<u32>(w, in.c);
  const bool h = in.flag == F16 || in.flag == F16X2;
  const bool two = in.flag == F16X2 || in.flag == BF16X2;
  auto one = [&](u32 x, u32 y, u32 z) -> u32 {
    auto cv = [&](u32 v) { return h ? h2f(u16(v)) : b2f(u16(v)); };
    double p = cv(x), q = cv(y), r = cv(z), v = 0;
    switch (in.sub) {
      case 0: v = p + q; break;
      case 1: v = p - q; break;
      case 2: v = p * q; break;
      case 3: v = p * q + r; break;
      case 4: v = MinF<double>{}(p, q); break;
      case 5: v = MaxF<double>{}(p, q); break;
      case 6: v = MinN<double>{}(p, q); break;
      case 7: v = MaxN<double>{}(p, q); break;
      case 8: v = std::tanh(p); break;
      case 9: v = std::exp2(p); break;
    }
    if (in.wide & 2) v = v > 0 ? std::min(v, 1.0) : 0;
    if ((in.wide & 4) && v < 0) v = 0;
    if (v != v) return 0x7fff;
    if (h) {
      _Float16 x16 = static_cast<_Float16>(v);
      return std::bit_cast<u16>(x16);
    }
    // double to bf16 with one rounding: round to odd in float first
    float f = float(v);
    if (double(f) != v && std::isfinite(f)) {
      u32 u = std::bit_cast<u32>(f);
      if (std::fabs(double(f)) > std::fabs(v)) --u;
      u |= 1;
      f = std::bit_cast<float>(u);
    }
    return f2b(f);
  };
  LANES(u32 lo = one(a[i], b[i], c[i]); d[i] = two ? lo | (one(a[i] >> 16, b[i] >> 16, c[i] >> 16) << 16) : lo)
}
template <bool S, bool MAX>
struct MinMax16x2 {
  u32 operator()(u32 a, u32 b) const {
    auto f = [](u32 x, u32 y) -> u32 {
      if (S) {
        i16 p = i16(x), q = i16(y);
        return u16((p < q) != MAX ? p : q);
      }
      u16 p = u16(x), q = u16(y);
      return (p < q) != MAX ? p : q;
    };
    return f(a, b) | (f(a >> 16, b >> 16) << 16);
  }
};
struct Add16x2 {
  u32 operator()(u32 a, u32 b) const { return ((a + b) & 0xffff) | ((a & 0xffff0000u) + (b & 0xffff0000u)); }
};
void packMov(Warp& w, const Ins& in, u32 m) {  // d = vector a..: elements of in.size bytes in extra
  const auto& x = in.extra;
  const i32* e = reinterpret_cast<const i32*>(in.imm);
  (void)x;
  for (u32 k = m; k; k &= k - 1) {
    int i = __builtin_ctz(k);
    u64 v = 0;
    for (int j = 0; j < in.vec; ++j) {
      u64 p = in.size == 8 ? reg<u64>(w, e[j])[i] : reg<u32>(w, e[j])[i];
      if (in.size < 4) p &= (1ull << (8 * in.size)) - 1;
      v |= p << (8 * in.size * j);
    }
    if (in.wide)
      reg<u64>(w, in.d)[i] = v;
    else
      reg<u32>(w, in.d)[i] = u32(v);
  }
}
void unpackMov(Warp& w, const Ins& in, u32 m) {
  const i32* e = reinterpret_cast<const i32*>(in.imm);
  for (u32 k = m; k; k &= k - 1) {
    int i = __builtin_ctz(k);
    u64 v = in.wide ? reg<u64>(w, in.a)[i] : reg<u32>(w, in.a)[i];
    for (int j = 0; j < in.vec; ++j) {
      u64 p = v >> (8 * in.size * j);
      if (in.size < 4) p &= (1ull << (8 * in.size)) - 1;
      reg<u32>(w, e[j])[i] = u32(p);
    }
  }
}
void pack32(Warp& w, const Ins& in, u32 m) {
  auto* d = reg<u64>(w, in.d);
  auto* a = reg<u32>(w, in.a);
  auto* b = reg<u32>(w, in.b);
  LANES(d[i] = a[i] | (u64(b[i]) << 32))
}
void unpack32(Warp& w, const Ins& in, u32 m) {
  auto* a = reg<u64>(w, in.a);
  auto* d = reg<u32>(w, in.d);
  auto* e = reg<u32>(w, in.e);
  LANES(u64 v = a[i]; d[i] = u32(v); e[i] = u32(v >> 32))
}
void movFrame(Warp& w, const Ins& in, u32 m) {
  if (in.wide) {
    auto* d = reg<u64>(w, in.d);
    LANES(d[i] = w.fp[i] + u64(in.imm))
  } else {
    auto* d = reg<u32>(w, in.d);
    LANES(d[i] = w.fp[i] + u32(in.imm))
  }
}
void addImm64(Warp& w, const Ins& in, u32 m) {
  auto* d = reg<u64>(w, in.d);
  auto* a = reg<u64>(w, in.a);
  const u64 v = u64(in.imm);
  LANES(d[i] = a[i] + v)
}
void clockMov(Warp& w, const Ins& in, u32 m) {
  u64 v = w.launch->clock += 17;
  v += w.launch->count;
  if (in.wide) {
    auto* d = reg<u64>(w, in.d);
    LANES(d[i] = v)
  } else {
    auto* d = reg<u32>(w, in.d);
    LANES(d[i] = in.sub ? u32(v >> 32) : u32(v))
  }
}
void activemask(Warp& w, const Ins& in, u32 m) {
  auto* d = reg<u32>(w, in.d);
  LANES(d[i] = m)
}
void isspacep(Warp& w, const Ins& in, u32 m) {
  auto* a = reg<u64>(w, in.a);
  u32 r = 0;
  LANES(u64 top = a[i] >> 56; bool x = false; switch (in.space) {
    case Shared: x = top == 1; break;
    case Local: x = top == 2; break;
    case ParamSp: x = top == 3; break;
    case Global: x = top == 0; break;
    default: break;
  } r |= u32(x) << i)
  w.preds[in.p] = (w.preds[in.p] & ~m) | (r & m);
}
int cmpOf(std::string_view s) {
  static const std::pair<std::string_view, int> t[] = {
      {"eq", EQ},   {"ne", NE},   {"lt", LT},   {"le", LE},   {"gt", GT},   {"ge", GE},
      {"lo", LT},   {"ls", LE},   {"hi", GT},   {"hs", GE},   {"equ", EQU}, {"neu", NEU},
      {"ltu", LTU}, {"leu", LEU}, {"gtu", GTU}, {"geu", GEU}, {"num", NUM}, {"nan", NAN_}};
  for (auto& [n, v] : t)
    if (n == s) return v;
  return -1;
}
int roundOf(const Op& op) {
  static const std::pair<std::string_view, int> t[] = {{"rn", RN},   {"rz", RZ},   {"rm", RM},
                                                       {"rp", RP},   {"rni", RNI}, {"rzi", RZI},
                                                       {"rmi", RMI}, {"rpi", RPI}, {"rna", RNA}};
  for (auto m : op.mods)
    for (auto& [n, v] : t)
      if (n == m) return v;
  return NOROUND;
}
bool isFloat(Type t) { return t == F16 || t == BF16 || t == F32 || t == F64; }
bool isHalf(Type t) { return t == F16 || t == BF16 || t == F16X2 || t == BF16X2; }
}  // namespace

Handler narrowHandler() { return cvtInt<u32, u64, false>; }

bool decodeAlu(const Op& op, std::vector<Operand>& o, Ins& in, Assembler& as) {
  const auto b = op.base;
  const Type t = op.type();
  const int W = typeSize(t) == 8 ? 8 : 4;
  const bool ftz = op.has("ftz"), sat = op.has("sat");
  auto need = [&](size_t n) {
    if (o.size() < n) as.error("too few operands");
  };
  auto dst = [&](int w) {
    need(1);
    in.d = as.dst(o[0], w);
  };
  auto s1 = [&](int w, Type ty) {
    need(2);
    in.a = as.src(o[1], w, ty);
  };
  auto s2 = [&](int w, Type ty) {
    need(3);
    in.b = as.src(o[2], w, ty);
  };
  auto s3 = [&](int w, Type ty) {
    need(4);
    in.c = as.src(o[3], w, ty);
  };
  auto pred = [&](const Operand& x) {
    if (x.k != Operand::PredReg) as.error("a predicate is wanted");
    in.pc = x.pred;
    in.pcneg = x.neg ? ~0u : 0;
  };
  auto dpred = [&](const Operand& x) -> u16 {
    if (x.k == Operand::Sink) return 1;
    if (x.k != Operand::PredReg) as.error("a predicate is wanted");
    return x.pred;
  };
  auto fin = [&](Handler h) {
    if (!h) as.error("type not supported");
    in.fn = h;
    const int r = roundOf(op);
    if (isFloat(t) && (r == RZ || r == RM || r == RP) && !isHalf(t)) {
      in.inner = h;
      in.fn = rounded;
      in.mode = u8(r);
    }
    return true;
  };
  auto bin = [&](Handler h) {
    dst(W);
    s1(W, t);
    s2(W, t);
    return fin(h);
  };
  auto un = [&](Handler h) {
    dst(W);
    s1(W, t);
    return fin(h);
  };
  auto tri = [&](Handler h) {
    dst(W);
    s1(W, t);
    s2(W, t);
    s3(W, t);
    return fin(h);
  };
  auto half = [&](int code, int n) {
    dst(4);
    s1(4, t);
    in.b = in.a;
    in.c = in.a;
    if (n > 1) s2(4, t);
    if (n > 2) s3(4, t);
    in.sub = u8(code);
    in.flag = t;
    in.wide = u8((ftz ? 1 : 0) | (sat ? 2 : 0) | (op.has("relu") ? 4 : 0));
    in.fn = halfOp;
    return true;
  };
  const bool cc = op.has("cc");

  if (b == "add" || b == "sub" || b == "addc" || b == "subc") {
    const bool sub = b[0] == 's', c = b.size() == 4;
    if (c || cc) {
      in.mode = u8((c ? 1 : 0) | (cc ? 2 : 0));
      dst(W);
      s1(W, t);
      s2(W, t);
      in.fn = sub ? (W == 8 ? subc<u64> : subc<u32>) : (W == 8 ? addc<u64> : addc<u32>);
      return true;
    }
    if (isHalf(t)) return half(sub, 2);
    if (t == F32 || t == F64) return bin(sub ? f2<Sub>(t, ftz, sat) : f2<Add>(t, ftz, sat));
    if (sat) return bin(sub ? h2<i32, i32, i32, SubSat> : h2<i32, i32, i32, AddSat>);
    if ((t == U16X2 || t == S16X2) && !sub) return bin(h2<u32, u32, u32, Add16x2>);
    return bin(sub ? i2<Sub>(t) : i2<Add>(t));
  }
  if (b == "mul" || b == "mad" || b == "madc") {
    if (b == "mul" && isHalf(t)) return half(2, 2);
    if (t == F32 || t == F64) {
      if (b == "mul") return bin(f2<Mul>(t, ftz, sat));
      return tri(f3<FmaOp>(t, ftz, sat));
    }
    const bool hi = op.has("hi");
    if (op.has("wide")) {
      const int D = typeSize(t) == 4 ? 8 : 4;
      dst(D);
      s1(4, t);
      s2(4, t);
      if (b == "mul") {
        switch (t) {
          case U16: in.fn = h2<u32, u16, u16, MulW<u32, u16>>; break;
          case S16: in.fn = h2<i32, i16, i16, MulW<i32, i16>>; break;
          case U32: in.fn = h2<u64, u32, u32, MulW<u64, u32>>; break;
          case S32: in.fn = h2<i64, i32, i32, MulW<i64, i32>>; break;
          default: as.error("type");
        }
      } else {
        s3(D, D == 8 ? U64 : U32);
        switch (t) {
          case U16: in.fn = h3<u32, u16, u16, u32, MadW<u32, u16>>; break;
          case S16: in.fn = h3<i32, i16, i16, i32, MadW<i32, i16>>; break;
          case U32: in.fn = h3<u64, u32, u32, u64, MadW<u64, u32>>; break;
          case S32: in.fn = h3<i64, i32, i32, i64, MadW<i64, i32>>; break;
          default: as.error("type");
        }
      }
      return true;
    }
    if (b == "mul") return bin(hi ? i2<MulHi>(t) : i2<Mul>(t));
    if (b == "madc" || cc) {
      in.mode = u8((b == "madc" ? 1 : 0) | (cc ? 2 : 0));
      dst(W);
      s1(W, t);
      s2(W, t);
      s3(W, t);
      switch (t) {
        case U32: in.fn = hi ? madc<u32, true> : madc<u32, false>; break;
        case S32: in.fn = hi ? madc<i32, true> : madc<i32, false>; break;
        case U64: in.fn = hi ? madc<u64, true> : madc<u64, false>; break;
        case S64: in.fn = hi ? madc<i64, true> : madc<i64, false>; break;
        default: as.error("type");
      }
      return true;
    }
    if (sat) as.error("mad.sat not supported");
    return tri(hi ? i3<MadHi>(t) : i3<Mad>(t));
  }
  if (b == "fma") {
    if (isHalf(t)) return half(3, 3);
    return tri(f3<FmaOp>(t, ftz, sat));
  }
  if (b == "mul24") {
    dst(4);
    s1(4, t);
    s2(4, t);
    if (op.has("hi")) as.error("mul24.hi");
    in.fn = t == S32 ? h2<u32, u32, u32, Mul24<true>> : h2<u32, u32, u32, Mul24<false>>;
    return true;
  }
  if (b == "div") {
    if (t == F32 || t == F64) return bin(f2<DivF>(t, ftz, sat));
    return bin(i2<DivI>(t));
  }
  if (b == "rem") return bin(i2<RemI>(t));
  if (b == "min" || b == "max") {
    const bool mx = b == "max", nan = op.has("NaN");
    if (isHalf(t)) return half((nan ? 6 : 4) + mx, 2);
    if (t == F32 || t == F64)
      return bin(nan ? (mx ? f2<MaxN>(t, ftz, false) : f2<MinN>(t, ftz, false))
                     : (mx ? f2<MaxF>(t, ftz, false) : f2<MinF>(t, ftz, false)));
    if (t == U16X2)
      return bin(mx ? h2<u32, u32, u32, MinMax16x2<false, true>> : h2<u32, u32, u32, MinMax16x2<false, false>>);
    if (t == S16X2)
      return bin(mx ? h2<u32, u32, u32, MinMax16x2<true, true>> : h2<u32, u32, u32, MinMax16x2<true, false>>);
    if (op.has("relu")) as.error("relu");
    return bin(mx ? i2<MaxI>(t) : i2<MinI>(t));
  }
  if (b == "and" || b == "or" || b == "xor" || b == "not" || (b == "mov" && t == PRED)) {
    if (t == PRED) {
      in.p = dpred(o.at(0));
      in.sub = b == "and" ? 0 : b == "or" ? 1 : b == "xor" ? 2 : b == "not" ? 3 : 4;
      in.fn = predOp;
      auto get1 = [&](const Operand& x, i32& idx, i32& neg) {
        if (x.k == Operand::Imm) {
          idx = 0;
          neg = x.imm ? 0 : -1;
        } else {
          if (x.k != Operand::PredReg) as.error("predicate");
          idx = x.pred;
          neg = x.neg ? -1 : 0;
        }
      };
      get1(o.at(1), in.a, in.c);
      in.b = 0;
      in.e = 0;
      if (in.sub < 3) get1(o.at(2), in.b, in.e);
      return true;
    }
    if (b == "not") return un(i1<Not>(t));
    return bin(b == "and" ? i2<And>(t) : b == "or" ? i2<Or>(t) : i2<Xor>(t));
  }
  if (b == "cnot") return un(i1<CNot>(t));
  if (b == "neg" || b == "abs") {
    const bool n = b == "neg";
    if (t == F32)
      return un(n ? (ftz ? h1<u32, u32, NegF32z> : h1<u32, u32, NegF32>)
                  : (ftz ? h1<u32, u32, AbsF32z> : h1<u32, u32, AbsF32>));
    if (t == F64) return un(n ? h1<u64, u64, NegF64> : h1<u64, u64, AbsF64>);
    if (isHalf(t))
      return un(n ? (t == F16 || t == BF16 ? h1<u32, u32, Neg16x2> : h1<u32, u32, Neg16x2>) : h1<u32, u32, Abs16x2>);
    return un(n ? i1<NegI>(t) : i1<AbsI>(t));
  }
  if (b == "copysign") return bin(t == F32 ? h2<u32, u32, u32, CopyS32> : h2<u64, u64, u64, CopyS64>);
  if (b == "shl" || b == "shr") {
    dst(W);
    s1(W, t);
    s2(4, U32);
    in.fn = b == "shl" ? shifts<Shl>(t) : shifts<Shr>(t);
    if (!in.fn) as.error("type");
    return true;
  }
  if (b == "shf") {
    dst(4);
    s1(4, t);
    s2(4, t);
    s3(4, t);
    const bool l = op.has("l"), wr = op.has("wrap");
    in.fn = l ? (wr ? h3<u32, u32, u32, u32, Shf<true, true>> : h3<u32, u32, u32, u32, Shf<true, false>>)
              : (wr ? h3<u32, u32, u32, u32, Shf<false, true>> : h3<u32, u32, u32, u32, Shf<false, false>>);
    return true;
  }
  if (b == "popc") {
    dst(4);
    s1(W, t);
    in.fn = W == 8 ? h1<u32, u64, Popc64> : h1<u32, u32, Popc32>;
    return true;
  }
  if (b == "clz") {
    dst(4);
    s1(W, t);
    in.fn = W == 8 ? h1<u32, u64, Clz64> : h1<u32, u32, Clz32>;
    return true;
  }
  if (b == "brev") return un(W == 8 ? h1<u64, u64, Brev<u64>> : h1<u32, u32, Brev<u32>>);
  if (b == "bfind") {
    dst(4);
    s1(W, t);
    const bool s = op.has("shiftamt");
    switch (t) {
      case U32: in.fn = s ? h1<u32, u32, Bfind<u32, true>> : h1<u32, u32, Bfind<u32, false>>; break;
      case S32: in.fn = s ? h1<u32, i32, Bfind<i32, true>> : h1<u32, i32, Bfind<i32, false>>; break;
      case U64: in.fn = s ? h1<u32, u64, Bfind<u64, true>> : h1<u32, u64, Bfind<u64, false>>; break;
      case S64: in.fn = s ? h1<u32, i64, Bfind<i64, true>> : h1<u32, i64, Bfind<i64, false>>; break;
      default: as.error("type");
    }
    return true;
  }
  if (b == "bfe") {
    dst(W);
    s1(W, t);
    s2(4, U32);
    s3(4, U32);
    switch (t) {
      case U32: in.fn = h3<u32, u32, u32, u32, Bfe<u32>>; break;
      case S32: in.fn = h3<i32, i32, u32, u32, Bfe<i32>>; break;
      case U64: in.fn = h3<u64, u64, u32, u32, Bfe<u64>>; break;
      case S64: in.fn = h3<i64, i64, u32, u32, Bfe<i64>>; break;
      default: as.error("type");
    }
    return true;
  }
  if (b == "bfi") {
    dst(W);
    s1(W, t);
    s2(W, t);
    s3(4, U32);
    need(5);
    in.e = as.src(o[4], 4, U32);
    in.fn = W == 8 ? bfi<u64> : bfi<u32>;
    return true;
  }
  if (b == "bmsk") {
    dst(4);
    s1(4, t);
    s2(4, t);
    in.fn = op.has("wrap") ? h2<u32, u32, u32, Bmsk<true>> : h2<u32, u32, u32, Bmsk<false>>;
    return true;
  }
  if (b == "szext") {
    dst(4);
    s1(4, t);
    s2(4, t);
    const bool wr = op.has("wrap");
    in.fn = t == S32 ? (wr ? h2<u32, u32, u32, Szext<true, true>> : h2<u32, u32, u32, Szext<false, true>>)
                     : (wr ? h2<u32, u32, u32, Szext<true, false>> : h2<u32, u32, u32, Szext<false, false>>);
    return true;
  }
  if (b == "fns") {
    dst(4);
    s1(4, U32);
    s2(4, U32);
    s3(4, S32);
    in.fn = h3<u32, u32, u32, i32, Fns>;
    return true;
  }
  if (b == "sad") return tri(i3<Sad>(t));
  if (b == "dp4a") {
    dst(4);
    s1(4, U32);
    s2(4, U32);
    s3(4, U32);
    const bool sa = op.types.at(0) == S32, sb = op.types.at(1) == S32;
    in.fn = sa ? (sb ? h3<u32, u32, u32, u32, Dp4a<i8, i8>> : h3<u32, u32, u32, u32, Dp4a<i8, u8>>)
               : (sb ? h3<u32, u32, u32, u32, Dp4a<u8, i8>> : h3<u32, u32, u32, u32, Dp4a<u8, u8>>);
    return true;
  }
  if (b == "prmt") {
    dst(4);
    s1(4, U32);
    s2(4, U32);
    s3(4, U32);
    in.fn = h3<u32, u32, u32, u32, Prmt>;
    const char* modes[] = {"f4e", "b4e", "rc8", "ecl", "ecr", "rc16"};
    for (int k = 0; k < 6; ++k)
      if (op.has(modes[k])) {
        in.sub = u8(k + 1);
        in.fn = prmtMode;
      }
    return true;
  }
  if (b == "lop3") {
    if (t != B32 || op.has("and") || op.has("or")) as.error("lop3 form");
    dst(4);
    s1(4, t);
    s2(4, t);
    s3(4, t);
    need(5);
    in.imm = i64(o[4].imm);
    in.fn = lop3;
    return true;
  }
  if (b == "rcp") {
    if (t == F64 && op.has("approx")) return un(h1<double, double, RcpFtz64>);
    return un(f1<Rcp>(t, ftz, false));
  }
  if (b == "sqrt") return un(f1<Sqrt>(t, ftz, false));
  if (b == "rsqrt") {
    if (t == F64 && ftz) return un(h1<double, double, RsqrtFtz64>);
    return un(f1<Rsqrt>(t, ftz, false));
  }
  if (b == "ex2") {
    if (isHalf(t)) return half(9, 1);
    return un(f1<Ex2>(t, ftz, false));
  }
  if (b == "lg2") return un(f1<Lg2>(t, ftz, false));
  if (b == "sin") return un(f1<Sin>(t, ftz, false));
  if (b == "cos") return un(f1<Cos>(t, ftz, false));
  if (b == "tanh") {
    if (isHalf(t)) return half(8, 1);
    return un(f1<Tanh>(t, ftz, false));
  }
  if (b == "setp" || b == "set") {
    int c = -1;
    for (auto m : op.mods)
      if ((c = cmpOf(m)) >= 0) break;
    if (c < 0) as.error("comparison");
    in.sub = op.has("and") ? 1 : op.has("or") ? 2 : op.has("xor") ? 3 : 0;
    const int w = W;
    s1(w, t);
    s2(w, t);
    if (in.sub) {
      need(4);
      pred(o[3]);
    }
    if (b == "setp") {
      in.p = dpred(o[0]);
      if (o[0].pipe >= 0) in.q = dpred(o[0].elems[0]);
      if (isHalf(t)) {
        in.mode = u8(c);
        in.flag = t;
        in.fn = setpHalf;
        return true;
      }
      in.fn = pickSet<false>(t, c, ftz);
    } else {
      in.d = as.dst(o[0], 4);
      in.imm = op.types.at(0) == F32 ? 0x3f800000 : -1;
      in.fn = pickSet<true>(t, c, ftz);
    }
    if (!in.fn) as.error("setp type");
    return true;
  }
  if (b == "testp") {
    in.p = dpred(o.at(0));
    s1(W, t);
    in.size = u8(W);
    in.mode = op.has("finite")       ? 0
              : op.has("infinite")   ? 1
              : op.has("number")     ? 2
              : op.has("notanumber") ? 3
              : op.has("normal")     ? 4
                                     : 5;
    in.fn = testp;
    return true;
  }
  if (b == "selp") {
    dst(W);
    s1(W, t);
    s2(W, t);
    need(4);
    pred(o[3]);
    in.fn = W == 8 ? selp<u64> : selp<u32>;
    return true;
  }
  if (b == "slct") {
    const Type d = op.types.at(0);
    const int w = typeSize(d) == 8 ? 8 : 4;
    dst(w);
    s1(w, d);
    s2(w, d);
    s3(4, t);
    in.fn = t == F32 ? (w == 8 ? slct<u64, true> : slct<u32, true>) : (w == 8 ? slct<u64, false> : slct<u32, false>);
    return true;
  }
  if (b == "activemask") {
    dst(4);
    in.fn = activemask;
    return true;
  }
  if (b == "isspacep") {
    in.p = dpred(o.at(0));
    s1(8, U64);
    in.space = op.has("shared") || op.has("shared::cta") || op.has("shared::cluster") ? Shared
               : op.has("local")                                                      ? Local
               : op.has("param") || op.has("param::entry")                            ? ParamSp
               : op.has("global")                                                     ? Global
                                                                                      : Const;
    in.fn = isspacep;
    return true;
  }
  if (b == "cvta") {
    const bool to = op.has("to");
    u64 win = 0;
    for (auto m : op.mods) {
      if (m.starts_with("shared")) win = kSharedWin;
      if (m == "local") win = kLocalWin;
      if (m.starts_with("param")) win = kParamWin - kEntryParamBase;
    }
    if (W == 4) {
      dst(4);
      s1(4, t);
      in.fn = h1<u32, u32, Id<u32>>;
      return true;
    }
    dst(8);
    s1(8, t);
    in.imm = i64(to ? 0 - win : win);
    in.fn = win ? addImm64 : h1<u64, u64, Id<u64>>;
    return true;
  }
  if (b == "mov") {
    need(2);
    if (o[0].k == Operand::Vec) {  // unpack
      const size_t n = o[0].elems.size();
      const int es = typeSize(t) / int(n);
      in.a = as.src(o[1], W, t);
      in.wide = W == 8;
      in.vec = u8(n);
      in.size = u8(es);
      if (n == 2 && es == 4) {
        in.d = as.dst(o[0].elems[0], 4);
        in.e = as.dst(o[0].elems[1], 4);
        in.fn = unpack32;
        return true;
      }
      auto* e = new i32[n];
      for (size_t k = 0; k < n; ++k) e[k] = as.dst(o[0].elems[k], 4);
      in.imm = reinterpret_cast<i64>(e);
      in.fn = unpackMov;
      return true;
    }
    if (o[1].k == Operand::Vec) {
      const size_t n = o[1].elems.size();
      const int es = typeSize(t) / int(n);
      in.d = as.dst(o[0], W);
      in.wide = W == 8;
      in.vec = u8(n);
      in.size = u8(es);
      if (n == 2 && es == 4) {
        in.a = as.src(o[1].elems[0], 4, B32);
        in.b = as.src(o[1].elems[1], 4, B32);
        in.fn = pack32;
        return true;
      }
      auto* e = new i32[n];
      for (size_t k = 0; k < n; ++k) e[k] = as.src(o[1].elems[k], 4, es == 2 ? B16 : B8);
      in.imm = reinterpret_cast<i64>(e);
      in.fn = packMov;
      return true;
    }
    dst(W);
    if (o[1].k == Operand::SpecialTime) {
      in.wide = W == 8;
      in.sub = u8(o[1].imm);
      in.fn = clockMov;
      return true;
    }
    if (o[1].k == Operand::Sym && o[1].frame) {
      in.imm = i64(o[1].imm);
      in.wide = W == 8;
      in.fn = movFrame;
      return true;
    }
    s1(W, t);
    in.fn = W == 8 ? h1<u64, u64, Id<u64>> : h1<u32, u32, Id<u32>>;
    return true;
  }
  if (b == "cvt") {
    if (op.types.size() < 2) as.error("cvt types");
    const Type d = op.types[op.types.size() - 2], s = t;
    const int r = roundOf(op);
    if (d == F16X2 || d == BF16X2) {
      if (s != F32) as.error("cvt form");
      dst(4);
      s1(4, F32);
      s2(4, F32);
      in.sub = d;
      in.mode = u8(r);
      in.wide = op.has("relu") ? 4 : 0;
      in.fn = cvtPack;
      return true;
    }
    const bool fd = isFloat(d), fs = isFloat(s);
    if (typeSize(d) == 0 || typeSize(s) == 0 || op.mods.size() > 6) as.error("cvt form");
    int dw = typeSize(d) == 8 ? 8 : 4;
    if (o[0].k == Operand::Reg && o[0].width == 8) dw = 8;
    in.d = as.dst(o[0], dw);
    s1(W, s);
    auto withRound = [&](Handler h) {
      if (!h) as.error("cvt type");
      in.fn = h;
      if (r == RZ || r == RM || r == RP) {
        in.inner = h;
        in.fn = rounded;
        in.mode = u8(r);
      }
    };
    if (!fd && !fs) {
      in.fn = cvtInts(d, s, dw == 8, sat);
      if (!in.fn) as.error("cvt type");
      return true;
    }
    if (fd && dw != (typeSize(d) == 8 ? 8 : 4)) as.error("cvt to a float in a wider register");
    if (!fd) {
      in.flag = s;
      in.sub = d;
      in.mode = u8(r);
      in.size = u8(dw);
      in.wide = ftz;
      in.fn = cvtFI;
      if (r == NOROUND) as.error("cvt rounding");
      return true;
    }
    if (!fs) {
      if (sat) as.error("cvt.sat to float");
      if (d == F32 || d == F64) {
        withRound(d == F32 ? cvtIF<float>(s) : cvtIF<double>(s));
        return true;
      }
      // through f32
      Ins first = in;
      first.d = as.temp(4);
      first.fn = cvtIF<float>(s);
      as.emit(first);
      in.a = first.d;
      in.flag = F32;
      in.sub = d;
      in.mode = u8(r);
      in.fn = cvtFF;
      return true;
    }
    in.flag = s;
    in.sub = d;
    in.wide = u8((ftz ? 1 : 0) | (sat ? 2 : 0) | (op.has("relu") ? 4 : 0));
    in.mode = u8(r);
    if (s == F32 && d == F64 && !ftz && !sat) {
      in.fn = h1<double, float, Conv<double, float>>;
      return true;
    }
    if (s == F64 && d == F32 && !ftz && !sat) {
      withRound(h1<float, double, Conv<float, double>>);
      return true;
    }
    if (d == BF16 && (r == RN || r == RZ)) {
      if (s == F64) as.error("cvt form");
      in.fn = cvtFF;
      return true;
    }
    withRound(cvtFF);
    return true;
  }
  return false;
}
}  // namespace ptx
