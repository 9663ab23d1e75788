// Sums, products, quotients, extremes and signs, of integers and floats.

#include <algorithm>

#include "test/emulator/ptx_arithmetic.hpp"

namespace galena::ptx {
namespace {

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
struct NegI {
  T operator()(T a) const { return T(0 - a); }
};
template <class T>
struct AbsI {
  T operator()(T a) const { return a < 0 ? T(0 - a) : a; }
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
template <bool S>
struct Mul24 {
  u32 operator()(u32 a, u32 b) const {
    auto x = [](u32 v) { return S ? i32(v << 8) >> 8 : i32(v & 0xffffff); };
    return u32(i64(x(a)) * x(b));
  }
};
// Carry chains: mode bit0: uses carry in, bit1: sets carry out; sub: subtraction
template <class T>
void addc(Warp& w, const Ins& in, u32 m) {
  auto* d = reg<T>(w, in.d);
  auto* a = reg<T>(w, in.a);
  auto* b = reg<T>(w, in.b);
  u32 cc = w.cc, out = 0;
  each_lane(m, [&](int i) {
    T ci = (in.mode & 1) ? (cc >> i) & 1 : 0;
    T s = a[i] + b[i];
    u32 o = s < a[i];
    T s2 = s + ci;
    o |= s2 < s;
    d[i] = s2;
    out |= o << i;
  });
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
  each_lane(m, [&](int i) {
    T ci = (in.mode & 1) ? 1 - ((cc >> i) & 1) : 0;
    T s = a[i] - b[i];
    u32 o = a[i] < b[i];
    T s2 = s - ci;
    o |= s < ci;
    d[i] = s2;
    out |= (o ^ 1) << i;
  });
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
  each_lane(m, [&](int i) {
    U ci = (in.mode & 1) ? (cc >> i) & 1 : 0;
    U p = HI ? U(MulHi<T>{}(T(a[i]), T(b[i]))) : U(a[i] * b[i]);
    U s = p + c[i];
    u32 o = s < p;
    U s2 = s + ci;
    o |= s2 < s;
    d[i] = s2;
    out |= o << i;
  });
  if (in.mode & 2) w.cc = (cc & ~m) | (out & m);
}
}  // namespace

bool Arithmetic::sums() {
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
    if (is_half(t)) return half(sub, 2);
    if (t == F32 || t == F64) return bin(sub ? f2<Sub>(t, ftz, sat) : f2<Add>(t, ftz, sat));
    if (sat) return bin(sub ? h2<i32, i32, i32, SubSat> : h2<i32, i32, i32, AddSat>);
    if ((t == U16X2 || t == S16X2) && !sub) return bin(h2<u32, u32, u32, Add16x2>);
    return bin(sub ? i2<Sub>(t) : i2<Add>(t));
  }
  return false;
}

bool Arithmetic::products() {
  if (b == "mul" || b == "mad" || b == "madc") {
    if (b == "mul" && is_half(t)) return half(2, 2);
    if (t == F32 || t == F64) {
      if (b == "mul") return bin(f2<Mul>(t, ftz, sat));
      return tri(f3<FmaOp>(t, ftz, sat));
    }
    const bool hi = op.has("hi");
    if (op.has("wide")) {
      const int D = type_size(t) == 4 ? 8 : 4;
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
    if (is_half(t)) return half(3, 3);
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
  return false;
}

bool Arithmetic::quotients() {
  if (b == "div") {
    if (t == F32 || t == F64) return bin(f2<DivF>(t, ftz, sat));
    return bin(i2<DivI>(t));
  }
  if (b == "rem") return bin(i2<RemI>(t));
  return false;
}

bool Arithmetic::extremes() {
  if (b == "min" || b == "max") {
    const bool mx = b == "max", nan = op.has("NaN");
    if (is_half(t)) return half((nan ? 6 : 4) + mx, 2);
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
  return false;
}

bool Arithmetic::signs() {
  if (b == "neg" || b == "abs") {
    const bool n = b == "neg";
    if (t == F32)
      return un(n ? (ftz ? h1<u32, u32, NegF32z> : h1<u32, u32, NegF32>)
                  : (ftz ? h1<u32, u32, AbsF32z> : h1<u32, u32, AbsF32>));
    if (t == F64) return un(n ? h1<u64, u64, NegF64> : h1<u64, u64, AbsF64>);
    if (is_half(t))
      return un(n ? (t == F16 || t == BF16 ? h1<u32, u32, Neg16x2> : h1<u32, u32, Neg16x2>) : h1<u32, u32, Abs16x2>);
    return un(n ? i1<NegI>(t) : i1<AbsI>(t));
  }
  if (b == "copysign") return bin(t == F32 ? h2<u32, u32, u32, CopyS32> : h2<u64, u64, u64, CopyS64>);
  return false;
}

}  // namespace galena::ptx
