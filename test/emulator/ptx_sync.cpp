// What lanes of a warp do together: shuffles, votes, matches, reductions, bar.warp.sync.

#include <algorithm>

#include "test/emulator/ptx_decode.hpp"
#include "test/emulator/ptx_race.hpp"

namespace galena::ptx {
namespace {

void collective(Warp& w, u32 m) {
  if (w.launch->watched && w.launch->options.races == Races::collectives) race_sync(w, m);
}

constexpr u32 kPoison = 0xBADC0DE5u;
void shfl(Warp& w, const Ins& in, u32 m) {
  collective(w, m);
  auto* d = reg<u32>(w, in.d);
  auto* a = reg<u32>(w, in.a);
  auto* b = reg<u32>(w, in.b);
  auto* c = reg<u32>(w, in.c);
  u32 v[32];
  std::memcpy(v, a, sizeof v);
  u32 out[32];
  u32 pr = 0;
  each_lane(m, [&](int i) {
    const u32 lane = u32(i);
    const u32 bv = b[i] & 31;
    const u32 cv = c[i] & 31;
    const u32 seg = (c[i] >> 8) & 31;
    const u32 maxl = (lane & seg) | (cv & ~seg);
    const u32 minl = lane & seg;
    i32 j = 0;
    bool p = false;
    switch (in.sub) {
      case 0:
        j = i32(lane) - i32(bv);
        p = j >= i32(maxl);
        break;
      case 1:
        j = i32(lane + bv);
        p = j <= i32(maxl);
        break;
      case 2:
        j = i32(lane ^ bv);
        p = j <= i32(maxl);
        break;
      default: j = i32(minl | (bv & ~seg)); p = j <= i32(maxl);
    }
    if (!p) j = i32(lane);
    out[i] = (m >> j) & 1 ? v[j] : kPoison;
    pr |= u32(p) << i;
  });
  each_lane(m, [&](int i) { d[i] = out[i]; });
  w.preds[in.p] = (w.preds[in.p] & ~m) | (pr & m);
}
void vote(Warp& w, const Ins& in, u32 m) {
  collective(w, m);
  const u32 v = (w.preds[in.pc] ^ in.pcneg) & m;
  if (in.sub == 3) {
    auto* d = reg<u32>(w, in.d);
    each_lane(m, [&](int i) { d[i] = v; });
    return;
  }
  const bool r = in.sub == 0 ? v == m : in.sub == 1 ? v != 0 : v == m || v == 0;
  w.preds[in.p] = r ? w.preds[in.p] | m : w.preds[in.p] & ~m;
}
template <class T>
void match(Warp& w, const Ins& in, u32 m) {
  auto* d = reg<u32>(w, in.d);
  auto* a = reg<T>(w, in.a);
  u32 out[32] = {};
  if (in.sub == 0) {
    each_lane(m, [&](int i) {
      u32 r = 0;
      for (u32 q = m; q; q &= q - 1) {
        int j = __builtin_ctz(q);
        if (a[j] == a[i]) r |= 1u << j;
      }
      out[i] = r;
    });
    each_lane(m, [&](int i) { d[i] = out[i]; });
  } else {
    bool all = true;
    const T f = a[__builtin_ctz(m)];
    each_lane(m, [&](int i) { all = all && a[i] == f; });
    each_lane(m, [&](int i) { d[i] = all ? m : 0; });
    w.preds[in.p] = all ? w.preds[in.p] | m : w.preds[in.p] & ~m;
  }
}
void redux(Warp& w, const Ins& in, u32 m) {
  collective(w, m);
  auto* d = reg<u32>(w, in.d);
  auto* a = reg<u32>(w, in.a);
  u32 r = a[__builtin_ctz(m)];
  for (u32 k = m & (m - 1); k; k &= k - 1) {
    u32 v = a[__builtin_ctz(k)];
    switch (in.sub) {
      case 0: r += v; break;
      case 1: r = in.mode ? u32(std::min(i32(r), i32(v))) : std::min(r, v); break;
      case 2: r = in.mode ? u32(std::max(i32(r), i32(v))) : std::max(r, v); break;
      case 3: r &= v; break;
      case 4: r |= v; break;
      default: r ^= v;
    }
  }
  each_lane(m, [&](int i) { d[i] = r; });
}
void elect(Warp& w, const Ins& in, u32 m) {
  const u32 lead = u32(__builtin_ctz(m));
  auto* d = reg<u32>(w, in.d);
  each_lane(m, [&](int i) { d[i] = lead; });
  w.preds[in.p] = (w.preds[in.p] & ~m) | (1u << lead);
}
void warp_bar(Warp& w, const Ins&, u32 m) {
  if (w.launch->watched) race_sync(w, m);
}
void nothing(Warp&, const Ins&, u32) {}

}  // namespace

bool decode_sync(const Op& op, std::vector<Operand>& o, Ins& in, Assembler& as) {
  const auto b = op.base;
  auto dpred = [&](const Operand& x) -> u16 {
    if (x.k == Operand::Sink) return 1;
    if (x.k != Operand::PredReg) as.error("a predicate is wanted");
    return x.pred;
  };
  auto second = [&](const Operand& x) {
    if (x.pipe >= 0) in.p = dpred(x.elems[0]);
  };
  if (b == "bar" || b == "barrier") {
    in.fn = in.kind == Sync ? warp_bar : nothing;
    return true;
  }
  if ((b == "shfl" || b == "vote" || b == "match" || b == "redux" || b == "elect") && !op.has("sync"))
    as.error("needs .sync");
  in.kind = Sync;
  if (b == "shfl") {
    in.d = as.dst(o.at(0), 4);
    second(o[0]);
    in.a = as.src(o.at(1), 4, B32);
    in.b = as.src(o.at(2), 4, B32);
    in.c = as.src(o.at(3), 4, B32);
    in.e = as.src(o.at(4), 4, B32);
    in.sub = op.has("up") ? 0 : op.has("down") ? 1 : op.has("bfly") ? 2 : 3;
    in.fn = shfl;
    return true;
  }
  if (b == "vote") {
    in.sub = op.has("all") ? 0 : op.has("any") ? 1 : op.has("uni") ? 2 : 3;
    if (in.sub == 3)
      in.d = as.dst(o.at(0), 4);
    else
      in.p = dpred(o.at(0));
    if (o.at(1).k == Operand::Imm) {
      in.pc = 0;
      in.pcneg = o[1].imm ? 0 : ~0u;
    } else {
      if (o[1].k != Operand::PredReg) as.error("a predicate is wanted");
      in.pc = o[1].pred;
      in.pcneg = o[1].neg ? ~0u : 0;
    }
    in.e = as.src(o.at(2), 4, B32);
    in.fn = vote;
    return true;
  }
  if (b == "match") {
    const bool w8 = type_size(op.type()) == 8;
    in.d = as.dst(o.at(0), 4);
    second(o[0]);
    in.a = as.src(o.at(1), w8 ? 8 : 4, op.type());
    in.e = as.src(o.at(2), 4, B32);
    in.sub = op.has("all");
    in.fn = w8 ? match<u64> : match<u32>;
    return true;
  }
  if (b == "redux") {
    if (op.type() == F32) as.error("redux f32");
    in.d = as.dst(o.at(0), 4);
    in.a = as.src(o.at(1), 4, op.type());
    in.e = as.src(o.at(2), 4, B32);
    in.mode = op.type() == S32;
    in.sub = op.has("add") ? 0 : op.has("min") ? 1 : op.has("max") ? 2 : op.has("and") ? 3 : op.has("or") ? 4 : 5;
    in.fn = redux;
    return true;
  }
  if (b == "elect") {
    in.d = as.dst(o.at(0), 4);
    second(o[0]);
    in.e = as.src(o.at(1), 4, B32);
    in.fn = elect;
    return true;
  }
  return false;
}

}  // namespace galena::ptx
