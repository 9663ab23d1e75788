// Conversions.

#include <algorithm>

#include "test/emulator/ptx_arithmetic.hpp"

namespace galena::ptx {
namespace {

template <class D, class S, bool WIDE>
void cvt_int(Warp& w, const Ins& in, u32 m) {
  auto* a = reg<St<S>>(w, in.a);
  if constexpr (WIDE) {
    auto* d = reg<u64>(w, in.d);
    each_lane(m, [&](int i) { d[i] = u64(i64(D(get<S>(a[i])))); });
  } else {
    auto* d = reg<u32>(w, in.d);
    each_lane(m, [&](int i) { d[i] = u32(D(get<S>(a[i]))); });
  }
}
template <class D, class S, bool WIDE>
void cvt_int_sat(Warp& w, const Ins& in, u32 m) {
  auto* a = reg<St<S>>(w, in.a);
  auto f = [](S s) {
    i128 v = s;
    v = std::clamp<i128>(v, std::numeric_limits<D>::min(), std::numeric_limits<D>::max());
    return D(v);
  };
  if constexpr (WIDE) {
    auto* d = reg<u64>(w, in.d);
    each_lane(m, [&](int i) { d[i] = u64(i64(f(get<S>(a[i])))); });
  } else {
    auto* d = reg<u32>(w, in.d);
    each_lane(m, [&](int i) { d[i] = u32(f(get<S>(a[i]))); });
  }
}
template <class D, class S>
Handler cvt_ii(bool wide, bool sat) {
  if (sat) return wide ? cvt_int_sat<D, S, true> : cvt_int_sat<D, S, false>;
  return wide || sizeof(D) == 8 ? cvt_int<D, S, true> : cvt_int<D, S, false>;
}
template <class D>
Handler cvt_i(Type s, bool wide, bool sat) {
  switch (s) {
    case U8:
    case B8: return cvt_ii<D, u8>(wide, sat);
    case S8: return cvt_ii<D, i8>(wide, sat);
    case U16:
    case B16: return cvt_ii<D, u16>(wide, sat);
    case S16: return cvt_ii<D, i16>(wide, sat);
    case U32:
    case B32: return cvt_ii<D, u32>(wide, sat);
    case S32: return cvt_ii<D, i32>(wide, sat);
    case U64:
    case B64: return cvt_ii<D, u64>(wide, sat);
    case S64: return cvt_ii<D, i64>(wide, sat);
    default: return nullptr;
  }
}
Handler cvt_ints(Type d, Type s, bool wide, bool sat) {
  switch (d) {
    case U8:
    case B8: return cvt_i<u8>(s, wide, sat);
    case S8: return cvt_i<i8>(s, wide, sat);
    case U16:
    case B16: return cvt_i<u16>(s, wide, sat);
    case S16: return cvt_i<i16>(s, wide, sat);
    case U32:
    case B32: return cvt_i<u32>(s, wide, sat);
    case S32: return cvt_i<i32>(s, wide, sat);
    case U64:
    case B64: return cvt_i<u64>(s, true, sat);
    case S64: return cvt_i<i64>(s, true, sat);
    default: return nullptr;
  }
}
template <class D, class S>
struct Conv {
  D operator()(S s) const { return D(s); }
};
template <class D>
Handler cvt_if(Type s) {
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
inline u64 clamp_to(double r, Type d) {  // r is integral or NaN
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
void cvt_fi(Warp& w, const Ins& in,
            u32 m) {  // flag: source type, sub: destination type, size: destination register bytes
  each_lane(m, [&](int i) {
    double v = 0;
    switch (in.flag) {
      case F32: {
        float f = get<float>(reg<u32>(w, in.a)[i]);
        if (in.wide) f = flush(f);
        v = f;
        break;
      }
      case F64: v = get<double>(reg<u64>(w, in.a)[i]); break;
      case F16: v = float_of_half(u16(reg<u32>(w, in.a)[i])); break;
      default: v = float_of_bf16(u16(reg<u32>(w, in.a)[i]));
    }
    u64 r = clamp_to(integral(v, in.mode), Type(in.sub));
    if (in.size == 8)
      reg<u64>(w, in.d)[i] = r;
    else
      reg<u32>(w, in.d)[i] = u32(r);
  });
}
void cvt_ff(Warp& w, const Ins& in,
            u32 m) {  // any float to any float; mode: rounding; wide bit0 ftz, bit1 sat, bit2 relu
  each_lane(m, [&](int i) {
    const Type s = Type(in.flag);
    const Type t = Type(in.sub);
    float f = 0;
    double v = 0;
    bool isd = false;
    switch (s) {
      case F32:
        f = get<float>(reg<u32>(w, in.a)[i]);
        if (in.wide & 1) f = flush(f);
        break;
      case F64:
        v = get<double>(reg<u64>(w, in.a)[i]);
        isd = true;
        break;
      case F16: f = float_of_half(u16(reg<u32>(w, in.a)[i])); break;
      default: f = float_of_bf16(u16(reg<u32>(w, in.a)[i]));
    }
    if (s == t && in.mode >= RNI && in.mode <= RPI) {
      if (isd)
        v = integral(v, in.mode);
      else
        f = integral(f, in.mode);
    }
    if (t == F64) {
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
        case F16: r = half_of(f); break;
        default: r = bf16_of(f, in.mode == RZ);
      }
      reg<u32>(w, in.d)[i] = r;
    }
  });
}
void cvt_pack(Warp& w, const Ins& in, u32 m) {  // cvt.rn.{f16x2,bf16x2}.f32 d, a, b
  auto* d = reg<u32>(w, in.d);
  auto* a = reg<u32>(w, in.a);
  auto* b = reg<u32>(w, in.b);
  auto cv = [&](u32 x) {
    float f = get<float>(x);
    if ((in.wide & 4) && !(f > 0)) f = f != f ? f : 0;
    return u32(in.sub == F16X2 ? half_of(f) : bf16_of(f, in.mode == RZ));
  };
  each_lane(m, [&](int i) { d[i] = (cv(a[i]) << 16) | cv(b[i]); });
}
}  // namespace

Handler narrow_handler() { return cvt_int<u32, u64, false>; }

bool Arithmetic::conversions() {
  if (b == "cvt") {
    if (op.types.size() < 2) as.error("cvt types");
    const Type d = op.types[op.types.size() - 2], s = t;
    const int r = round();
    if (d == F16X2 || d == BF16X2) {
      if (s != F32) as.error("cvt form");
      dst(4);
      s1(4, F32);
      s2(4, F32);
      in.sub = d;
      in.mode = u8(r);
      in.wide = op.has("relu") ? 4 : 0;
      in.fn = cvt_pack;
      return true;
    }
    const bool fd = is_float(d), fs = is_float(s);
    if (type_size(d) == 0 || type_size(s) == 0 || op.mods.size() > 6) as.error("cvt form");
    int dw = type_size(d) == 8 ? 8 : 4;
    if (o[0].k == Operand::Reg && o[0].width == 8) dw = 8;
    in.d = as.dst(o[0], dw);
    s1(W, s);
    auto with_round = [&](Handler h) {
      if (!h) as.error("cvt type");
      in.fn = h;
      if (r == RZ || r == RM || r == RP) {
        in.inner = h;
        in.fn = rounded;
        in.mode = u8(r);
      }
    };
    if (!fd && !fs) {
      in.fn = cvt_ints(d, s, dw == 8, sat);
      if (!in.fn) as.error("cvt type");
      return true;
    }
    if (fd && dw != (type_size(d) == 8 ? 8 : 4)) as.error("cvt to a float in a wider register");
    if (!fd) {
      in.flag = s;
      in.sub = d;
      in.mode = u8(r);
      in.size = u8(dw);
      in.wide = ftz;
      in.fn = cvt_fi;
      if (r == NOROUND) as.error("cvt rounding");
      return true;
    }
    if (!fs) {
      if (sat) as.error("cvt.sat to float");
      if (d == F32 || d == F64) {
        with_round(d == F32 ? cvt_if<float>(s) : cvt_if<double>(s));
        return true;
      }
      // through f32
      Ins first = in;
      first.d = as.temp(4);
      first.fn = cvt_if<float>(s);
      as.emit(first);
      in.a = first.d;
      in.flag = F32;
      in.sub = d;
      in.mode = u8(r);
      in.fn = cvt_ff;
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
      with_round(h1<float, double, Conv<float, double>>);
      return true;
    }
    if (d == BF16 && (r == RN || r == RZ)) {
      if (s == F64) as.error("cvt form");
      in.fn = cvt_ff;
      return true;
    }
    with_round(cvt_ff);
    return true;
  }
  return false;
}

}  // namespace galena::ptx
