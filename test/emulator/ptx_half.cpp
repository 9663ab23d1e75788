// Floats of 16 bits, and functions of floats.

#include <algorithm>

#include "test/emulator/ptx_arithmetic.hpp"

namespace galena::ptx {
namespace {

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
// half arithmetic; sub: 0 add 1 sub 2 mul 3 fma 4 min 5 max 6 min.NaN 7 max.NaN 8 tanh 9 ex2; flag: type; wide bit0 ftz 1 sat 2 relu
void half_op(Warp& w, const Ins& in, u32 m) {
  auto* d = reg<u32>(w, in.d);
  auto* a = reg<u32>(w, in.a);
  auto* b = reg<u32>(w, in.b);
  auto* c = reg<u32>(w, in.c);
  const bool h = in.flag == F16 || in.flag == F16X2;
  const bool two = in.flag == F16X2 || in.flag == BF16X2;
  auto one = [&](u32 x, u32 y, u32 z) -> u32 {
    auto cv = [&](u32 v) { return h ? float_of_half(u16(v)) : float_of_bf16(u16(v)); };
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
    if (h) return half_of(v);
    // double to bf16 with one rounding: round to odd in float first
    float f = float(v);
    if (double(f) != v && std::isfinite(f)) {
      u32 u = std::bit_cast<u32>(f);
      if (std::fabs(double(f)) > std::fabs(v)) --u;
      u |= 1;
      f = std::bit_cast<float>(u);
    }
    return bf16_of(f);
  };
  each_lane(m, [&](int i) {
    u32 lo = one(a[i], b[i], c[i]);
    d[i] = two ? lo | (one(a[i] >> 16, b[i] >> 16, c[i] >> 16) << 16) : lo;
  });
}
}  // namespace

bool Arithmetic::half(int code, int operands) {
  dst(4);
  s1(4, t);
  in.b = in.a;
  in.c = in.a;
  if (operands > 1) s2(4, t);
  if (operands > 2) s3(4, t);
  in.sub = u8(code);
  in.flag = t;
  in.wide = u8((ftz ? 1 : 0) | (sat ? 2 : 0) | (op.has("relu") ? 4 : 0));
  in.fn = half_op;
  return true;
}

bool Arithmetic::functions() {
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
    if (is_half(t)) return half(9, 1);
    return un(f1<Ex2>(t, ftz, false));
  }
  if (b == "lg2") return un(f1<Lg2>(t, ftz, false));
  if (b == "sin") return un(f1<Sin>(t, ftz, false));
  if (b == "cos") return un(f1<Cos>(t, ftz, false));
  if (b == "tanh") {
    if (is_half(t)) return half(8, 1);
    return un(f1<Tanh>(t, ftz, false));
  }
  return false;
}

}  // namespace galena::ptx
