// Logic, shifts, and bits and bytes of integers.

#include <algorithm>

#include "test/emulator/ptx_arithmetic.hpp"

namespace galena::ptx {
namespace {

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
  each_lane(m, [&](int i) {
    unsigned pos = c[i] & 0xff;
    unsigned len = e[i] & 0xff;
    T r = b[i];
    if (pos < W && len) {
      T mk = len >= W ? T(~T(0)) : T((T(1) << len) - 1);
      mk = T(mk << pos);
      r = T((r & ~mk) | (T(a[i] << pos) & mk));
    }
    d[i] = r;
  });
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
void prmt_mode(Warp& w, const Ins& in, u32 m) {
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
  each_lane(m, [&](int i) {
    u64 v = (u64(b[i]) << 32) | a[i];
    u32 r = 0;
    for (int k = 0; k < 4; ++k) r = (r << 8) | (u32(v >> (8 * t[in.sub - 1][c[i] & 3][k])) & 255);
    d[i] = r;
  });
}
void lop3(Warp& w, const Ins& in, u32 m) {
  auto* d = reg<u32>(w, in.d);
  auto* a = reg<u32>(w, in.a);
  auto* b = reg<u32>(w, in.b);
  auto* c = reg<u32>(w, in.c);
  const unsigned l = unsigned(in.imm);
  each_lane(m, [&](int i) {
    u32 r = 0;
    u32 x = a[i];
    u32 y = b[i];
    u32 z = c[i];
    if (l & 1) r |= ~x & ~y & ~z;
    if (l & 2) r |= ~x & ~y & z;
    if (l & 4) r |= ~x & y & ~z;
    if (l & 8) r |= ~x & y & z;
    if (l & 16) r |= x & ~y & ~z;
    if (l & 32) r |= x & ~y & z;
    if (l & 64) r |= x & y & ~z;
    if (l & 128) r |= x & y & z;
    d[i] = r;
  });
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
template <class A, class B>
struct Dp4a {
  u32 operator()(u32 a, u32 b, u32 c) const {
    for (int k = 0; k < 4; ++k) c += u32(i32(A(a >> (8 * k))) * i32(B(b >> (8 * k))));
    return c;
  }
};

void pred_op(Warp& w, const Ins& in, u32 m) {
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
}  // namespace

bool Arithmetic::logic() {
  if (b == "and" || b == "or" || b == "xor" || b == "not" || (b == "mov" && t == PRED)) {
    if (t == PRED) {
      in.p = destination(o.at(0));
      in.sub = b == "and" ? 0 : b == "or" ? 1 : b == "xor" ? 2 : b == "not" ? 3 : 4;
      in.fn = pred_op;
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
  return false;
}

bool Arithmetic::shifts_() {
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
  return false;
}

bool Arithmetic::counts() {
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
  return false;
}

bool Arithmetic::fields() {
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
  return false;
}

bool Arithmetic::bytes() {
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
        in.fn = prmt_mode;
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
  return false;
}

}  // namespace galena::ptx
