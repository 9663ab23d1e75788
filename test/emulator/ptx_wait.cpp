// Lanes that wait for others: at .sync instructions of a warp, at barriers of a block.

#include <algorithm>

#include "test/emulator/ptx_machine.hpp"
#include "test/emulator/ptx_race.hpp"

namespace galena::ptx {

void Machine::try_sync(Warp& w) {
  for (bool again = true; again;) {
    again = false;
    for (int a = 0; a < w.ngroups; ++a) {
      Group& g = w.groups[a];
      if (g.state != WaitSync || !g.mask) continue;
      const Ins& in = code[g.pc];
      const bool any_pc = in.flag == 1;
      u32 got = 0;
      for (int b = 0; b < w.ngroups; ++b) {
        Group& h = w.groups[b];
        if (h.state == WaitSync && h.member == g.member && (h.pc == g.pc || (any_pc && code[h.pc].flag == 1)))
          got |= h.mask;
      }
      if (g.member & w.alive & ~got) continue;
      const u32 member = g.member, pc = g.pc;
      w.pc = pc;
      in.fn(w, in, got);
      for (int b = 0; b < w.ngroups; ++b) {
        Group& h = w.groups[b];
        if (h.state == WaitSync && h.member == member && (h.pc == pc || (any_pc && code[h.pc].flag == 1))) {
          h.state = Run;
          ++h.pc;
        }
      }
      again = true;
      break;
    }
  }
}

void Machine::check_member(Warp& w, const Ins& in, u32 member, u32 lanes) {
  if (lanes & ~member)
    fault(w, in, __builtin_ctz(lanes & ~member), "lane executes a .sync instruction whose membermask does not name it");
  if (l.options.strict && (member & ~w.alive))
    fault(w, in, __builtin_ctz(lanes), "the membermask names lanes that have exited");
}

void Machine::check_barrier(Block& b, unsigned id) {
  // waiting lanes per warp
  unsigned count = 0, need = 0;
  bool all = true, any = false;
  bool counted = false;
  bool nocount = false;
  for (auto& w : b.warps) {
    if (!w.alive) continue;
    u32 here = 0;
    for (int k = 0; k < w.ngroups; ++k) {
      Group& g = w.groups[k];
      if (g.state == WaitBar && g.bar == id && g.mask) {
        here |= g.mask;
        any = true;
        const Ins& in = code[g.pc];
        if (in.flag) {
          counted = true;
          need = reg<u32>(w, in.b)[__builtin_ctz(g.mask)];
        } else
          nocount = true;
      }
    }
    if (here == w.alive)
      count += 32;
    else {
      all = false;
      if (here) count += unsigned(__builtin_popcount(here));
    }
  }
  if (!any) return;
  if (counted && nocount) {
    for (auto& w : b.warps)
      for (int k = 0; k < w.ngroups; ++k)
        if (w.groups[k].state == WaitBar && w.groups[k].bar == id)
          fault(w, code[w.groups[k].pc], __builtin_ctz(w.groups[k].mask),
                "barrier " + std::to_string(id) + " is waited for with and without a thread count");
  }
  count += b.arrived[id];
  if (counted ? count < need : !all) return;
  // reduction
  u32 pop = 0;
  bool conj = true, disj = false;
  for (auto& w : b.warps)
    for (int k = 0; k < w.ngroups; ++k) {
      Group& g = w.groups[k];
      if (g.state == WaitBar && g.bar == id && code[g.pc].mode == 2) {
        const Ins& in = code[g.pc];
        u32 p = (w.preds[in.pc] ^ in.pcneg) & g.mask;
        pop += u32(__builtin_popcount(p));
        conj = conj && p == g.mask;
        disj = disj || p;
      }
    }
  for (auto& w : b.warps) {
    u32 pc0 = ~0u;
    for (int k = 0; k < w.ngroups; ++k) {
      Group& g = w.groups[k];
      if (!(g.state == WaitBar && g.bar == id && g.mask)) continue;
      const Ins& in = code[g.pc];
      const u32 m = g.mask;
      if (in.wide) {
        if (pc0 != ~0u && pc0 != g.pc)
          fault(w, in, __builtin_ctz(m),
                "lanes of one warp wait at different bar.sync (the other at PTX line " +
                    std::to_string(code[pc0].line) + "): undefined for an aligned barrier");
        pc0 = g.pc;
      }
      if (in.mode == 2) {
        if (in.sub == 0) {
          auto* d = reg<u32>(w, in.d);
          each_lane(m, [&](int i) { d[i] = pop; });
        } else {
          bool r = in.sub == 1 ? conj : disj;
          w.preds[in.p] = r ? w.preds[in.p] | m : w.preds[in.p] & ~m;
        }
      }
      g.state = Run;
      ++g.pc;
    }
  }
  if (l.watched) race_block_sync(b);
  b.arrived[id] = 0;
  b.waiting_bars &= ~(1u << id);
}

void Machine::lanes_exit(Warp& w, u32 m) {
  w.alive &= ~m;
  if (w.ngroups > 1) try_sync(w);
  Block& b = *w.block;
  if (!w.alive) --b.live_warps;
  if (b.live_warps)
    for (u32 k = b.waiting_bars; k; k &= k - 1) check_barrier(b, unsigned(__builtin_ctz(k)));
}
}  // namespace galena::ptx
