// Moves, and addresses of spaces.

#include <algorithm>

#include "test/emulator/ptx_arithmetic.hpp"

namespace galena::ptx {
namespace {

template <class T>
struct Id {
  T operator()(T a) const { return a; }
};
void pack_mov(Warp& w, const Ins& in, u32 m) {  // d = vector a..: elements of in.size bytes in extra
  const i32* e = w.launch->module->extra.data() + in.extra;
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
void unpack_mov(Warp& w, const Ins& in, u32 m) {
  const i32* e = w.launch->module->extra.data() + in.extra;
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
  each_lane(m, [&](int i) { d[i] = a[i] | (u64(b[i]) << 32); });
}
void unpack32(Warp& w, const Ins& in, u32 m) {
  auto* a = reg<u64>(w, in.a);
  auto* d = reg<u32>(w, in.d);
  auto* e = reg<u32>(w, in.e);
  each_lane(m, [&](int i) {
    u64 v = a[i];
    d[i] = u32(v);
    e[i] = u32(v >> 32);
  });
}
void mov_frame(Warp& w, const Ins& in, u32 m) {
  if (in.wide) {
    auto* d = reg<u64>(w, in.d);
    each_lane(m, [&](int i) { d[i] = w.fp[i] + u64(in.imm); });
  } else {
    auto* d = reg<u32>(w, in.d);
    each_lane(m, [&](int i) { d[i] = w.fp[i] + u32(in.imm); });
  }
}
void add_imm64(Warp& w, const Ins& in, u32 m) {
  auto* d = reg<u64>(w, in.d);
  auto* a = reg<u64>(w, in.a);
  const u64 v = u64(in.imm);
  each_lane(m, [&](int i) { d[i] = a[i] + v; });
}
void clock_mov(Warp& w, const Ins& in, u32 m) {
  u64 v = w.launch->clock += 17;
  v += w.launch->count;
  if (in.wide) {
    auto* d = reg<u64>(w, in.d);
    each_lane(m, [&](int i) { d[i] = v; });
  } else {
    auto* d = reg<u32>(w, in.d);
    each_lane(m, [&](int i) { d[i] = in.sub ? u32(v >> 32) : u32(v); });
  }
}
void isspacep(Warp& w, const Ins& in, u32 m) {
  auto* a = reg<u64>(w, in.a);
  u32 r = 0;
  each_lane(m, [&](int i) {
    u64 top = a[i] >> 56;
    bool x = false;
    switch (in.space) {
      case Shared: x = top == 1; break;
      case Local: x = top == 2; break;
      case ParamSp: x = top == 3; break;
      case Global: x = top == 0; break;
      default: break;
    }
    r |= u32(x) << i;
  });
  w.preds[in.p] = (w.preds[in.p] & ~m) | (r & m);
}
}  // namespace

bool Arithmetic::spaces() {
  if (b == "isspacep") {
    in.p = destination(o.at(0));
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
    in.fn = win ? add_imm64 : h1<u64, u64, Id<u64>>;
    return true;
  }
  return false;
}

bool Arithmetic::moves() {
  if (b == "mov") {
    need(2);
    if (o[0].k == Operand::Vec) {  // unpack
      const size_t n = o[0].elems.size();
      const int es = type_size(t) / int(n);
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
      in.extra = i32(as.module().extra.size());
      for (size_t k = 0; k < n; ++k) as.module().extra.push_back(as.dst(o[0].elems[k], 4));
      in.fn = unpack_mov;
      return true;
    }
    if (o[1].k == Operand::Vec) {
      const size_t n = o[1].elems.size();
      const int es = type_size(t) / int(n);
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
      in.extra = i32(as.module().extra.size());
      for (size_t k = 0; k < n; ++k) as.module().extra.push_back(as.src(o[1].elems[k], 4, es == 2 ? B16 : B8));
      in.fn = pack_mov;
      return true;
    }
    dst(W);
    if (o[1].k == Operand::SpecialTime) {
      in.wide = W == 8;
      in.sub = u8(o[1].imm);
      in.fn = clock_mov;
      return true;
    }
    if (o[1].k == Operand::Sym && o[1].frame) {
      in.imm = i64(o[1].imm);
      in.wide = W == 8;
      in.fn = mov_frame;
      return true;
    }
    s1(W, t);
    in.fn = W == 8 ? h1<u64, u64, Id<u64>> : h1<u32, u32, Id<u32>>;
    return true;
  }
  return false;
}

}  // namespace galena::ptx
