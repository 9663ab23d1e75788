// Comparisons, and choices by their results.

#include <algorithm>

#include "test/emulator/ptx_arithmetic.hpp"

namespace galena::ptx {
namespace {

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
/// Bits of 32 bytes that are 0 or 1: a product brings eight together.
inline u32 mask_of(const u8* t) {
  u32 bits = 0;
  for (int k = 0; k < 4; ++k) {
    u64 eight;
    std::memcpy(&eight, t + 8 * k, sizeof eight);
    bits |= u32((eight * 0x0102040810204080u) >> 56) << (8 * k);
  }
  return bits;
}
template <class T, Cmp C, bool FTZ>
u32 compare_lanes(Warp& w, const Ins& in, u32 m) {
  auto* a = reg<St<T>>(w, in.a);
  auto* b = reg<St<T>>(w, in.b);
  if (m == ~0u || __builtin_popcount(m) > 8) {
    u8 t[32];
#pragma GCC ivdep
    for (int i = 0; i < 32; ++i) {
      T x = get<T>(a[i]), y = get<T>(b[i]);
      if (FTZ) {
        x = flush(x);
        y = flush(y);
      }
      t[i] = compare<T, C>(x, y);
    }
    return mask_of(t);
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
inline void write_preds(Warp& w, const Ins& in, u32 m, u32 r) {
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
  write_preds(w, in, m, compare_lanes<T, C, FTZ>(w, in, m));
}
template <class T, Cmp C, bool FTZ>
void set(Warp& w, const Ins& in, u32 m) {
  u32 r = compare_lanes<T, C, FTZ>(w, in, m);
  if (in.sub) {
    u32 c = w.preds[in.pc] ^ in.pcneg;
    r = in.sub == 1 ? r & c : in.sub == 2 ? r | c : r ^ c;
  }
  auto* d = reg<u32>(w, in.d);
  const u32 one = u32(in.imm);
  each_lane(m, [&](int i) { d[i] = (r >> i) & 1 ? one : 0; });
}
template <class T, bool SET, bool FTZ>
Handler pick_cmp(int c) {
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
Handler pick_set(Type t, int c, bool ftz) {
  switch (t) {
    case U16:
    case B16: return pick_cmp<u16, SET, false>(c);
    case S16: return pick_cmp<i16, SET, false>(c);
    case U32:
    case B32: return pick_cmp<u32, SET, false>(c);
    case S32: return pick_cmp<i32, SET, false>(c);
    case U64:
    case B64: return pick_cmp<u64, SET, false>(c);
    case S64: return pick_cmp<i64, SET, false>(c);
    case F32: return ftz ? pick_cmp<float, SET, true>(c) : pick_cmp<float, SET, false>(c);
    case F64: return pick_cmp<double, SET, false>(c);
    default: return nullptr;
  }
}
void setp_half(Warp& w, const Ins& in, u32 m) {
  auto* a = reg<u32>(w, in.a);
  auto* b = reg<u32>(w, in.b);
  u32 r = 0, r2 = 0;
  auto cv = [&](u32 v) { return in.flag == F16 || in.flag == F16X2 ? float_of_half(u16(v)) : float_of_bf16(u16(v)); };
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
  each_lane(m, [&](int i) {
    r |= u32(cmp(cv(a[i]), cv(b[i]))) << i;
    if (two) r2 |= u32(cmp(cv(a[i] >> 16), cv(b[i] >> 16))) << i;
  });
  if (!two) {
    write_preds(w, in, m, r);
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
  each_lane(m, [&](int i) { d[i] = (p >> i) & 1 ? a[i] : b[i]; });
}
template <class T, bool FLOAT>
void slct(Warp& w, const Ins& in, u32 m) {
  auto* d = reg<T>(w, in.d);
  auto* a = reg<T>(w, in.a);
  auto* b = reg<T>(w, in.b);
  auto* c = reg<u32>(w, in.c);
  each_lane(m, [&](int i) { d[i] = (FLOAT ? get<float>(c[i]) >= 0 : i32(c[i]) >= 0) ? a[i] : b[i]; });
}
void testp(Warp& w, const Ins& in, u32 m) {
  u32 r = 0;
  each_lane(m, [&](int i) {
    double v = in.size == 8 ? get<double>(reg<u64>(w, in.a)[i]) : double(get<float>(reg<u32>(w, in.a)[i]));
    int c = in.size == 8 ? std::fpclassify(v) : std::fpclassify(get<float>(reg<u32>(w, in.a)[i]));
    bool x = false;
    switch (in.mode) {
      case 0: x = c != FP_NAN && c != FP_INFINITE; break;
      case 1: x = c == FP_INFINITE; break;
      case 2: x = c != FP_NAN; break;
      case 3: x = c == FP_NAN; break;
      case 4: x = c == FP_NORMAL; break;
      case 5: x = c == FP_SUBNORMAL; break;
    }
    r |= u32(x) << i;
  });
  w.preds[in.p] = (w.preds[in.p] & ~m) | (r & m);
}
void activemask(Warp& w, const Ins& in, u32 m) {
  auto* d = reg<u32>(w, in.d);
  each_lane(m, [&](int i) { d[i] = m; });
}
int cmp_of(std::string_view s) {
  static const std::pair<std::string_view, int> t[] = {
      {"eq", EQ},   {"ne", NE},   {"lt", LT},   {"le", LE},   {"gt", GT},   {"ge", GE},
      {"lo", LT},   {"ls", LE},   {"hi", GT},   {"hs", GE},   {"equ", EQU}, {"neu", NEU},
      {"ltu", LTU}, {"leu", LEU}, {"gtu", GTU}, {"geu", GEU}, {"num", NUM}, {"nan", NAN_}};
  for (auto& [n, v] : t)
    if (n == s) return v;
  return -1;
}
}  // namespace

bool Arithmetic::comparisons() {
  if (b == "setp" || b == "set") {
    int c = -1;
    for (auto m : op.mods)
      if ((c = cmp_of(m)) >= 0) break;
    if (c < 0) as.error("comparison");
    in.sub = op.has("and") ? 1 : op.has("or") ? 2 : op.has("xor") ? 3 : 0;
    const int w = W;
    s1(w, t);
    s2(w, t);
    if (in.sub) {
      need(4);
      predicate(o[3]);
    }
    if (b == "setp") {
      in.p = destination(o[0]);
      if (o[0].pipe >= 0) in.q = destination(o[0].elems[0]);
      if (is_half(t)) {
        in.mode = u8(c);
        in.flag = t;
        in.fn = setp_half;
        return true;
      }
      in.fn = pick_set<false>(t, c, ftz);
    } else {
      in.d = as.dst(o[0], 4);
      in.imm = op.types.at(0) == F32 ? 0x3f800000 : -1;
      in.fn = pick_set<true>(t, c, ftz);
    }
    if (!in.fn) as.error("setp type");
    return true;
  }
  if (b == "testp") {
    in.p = destination(o.at(0));
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
  return false;
}

bool Arithmetic::choices() {
  if (b == "selp") {
    dst(W);
    s1(W, t);
    s2(W, t);
    need(4);
    predicate(o[3]);
    in.fn = W == 8 ? selp<u64> : selp<u32>;
    return true;
  }
  if (b == "slct") {
    const Type d = op.types.at(0);
    const int w = type_size(d) == 8 ? 8 : 4;
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
  return false;
}

}  // namespace galena::ptx
