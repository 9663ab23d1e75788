// Turns of blocks, warps and groups of lanes.

#include <algorithm>
#include <cstdio>

#include "test/emulator/ptx_machine.hpp"
#include "test/emulator/ptx_profile.hpp"
#include "test/emulator/ptx_race.hpp"

namespace galena::ptx {

void Machine::run_warp(Warp& w, i64 q) {
  const bool random = l.options.seed != 0;
  Launch& L = l;
  const bool rotating = w.rotate;
  w.rotate = false;
  while (q > 0) {
    merge_run(w);
    int gi = -1, n = 0;
    u32 best = ~0u;
    for (int k = 0; k < w.ngroups; ++k)
      if (w.groups[k].state == Run) {
        ++n;
        if (w.groups[k].pc < best) {
          best = w.groups[k].pc;
          gi = k;
        }
      }
    if (gi < 0) return;
    bool limits = true;
    if (n > 1 && (random || rotating)) {
      int pick = random ? int(L.random() % unsigned(n)) : int(++w.turn % unsigned(n));
      for (int k = 0; k < w.ngroups; ++k)
        if (w.groups[k].state == Run && pick-- == 0) {
          gi = k;
          break;
        }
      if (random) limits = L.random() & 3;
    }
    if (random && L.random() % split_odds == 0 && __builtin_popcount(w.groups[gi].mask) > 1) {
      u32 part = w.groups[gi].mask & (L.random() & 1 ? L.random() : ~0u << (L.random() & 31));
      if (part && part != w.groups[gi].mask) {
        w.groups[gi].mask &= ~part;
        w.groups[w.ngroups++] = Group{w.groups[gi].pc, part, Run, 0, 0};
      }
    }
    u32 pc = w.groups[gi].pc;
    const u32 mask = w.groups[gi].mask;
    u32 limit = ~0u;
    if (limits)
      for (int k = 0; k < w.ngroups; ++k)
        if (w.groups[k].state == Run && w.groups[k].pc > pc && w.groups[k].pc < limit) limit = w.groups[k].pc;
    const u32 lanes = u32(__builtin_popcount(mask));
    i64 budget = random ? std::min<i64>(q, (L.random() & 15) == 0 ? 512 : 1 + L.random() % quantum) : q;
    const i64 start = budget;
    bool ctl = false;
    u32* const preds = w.preds;
    while (budget > 0 && pc < limit) {
      const Ins& in = code[pc];
      const u32 m = mask & (preds[in.guard] ^ in.neg);
      --budget;
      if (l.options.profile) [[unlikely]]
        profile_issue(w, pc, mask, m);
      if (in.kind == Plain) [[likely]] {
        if (m) {
          w.pc = pc;
          in.fn(w, in, m);
        }
        ++pc;
        continue;
      }
      if (in.kind == Bra) {
        if (m == mask) {
          pc = u32(in.target);
          continue;
        }
        if (m == 0) {
          ++pc;
          continue;
        }
      } else if (in.kind == Sync && m == mask) {
        auto* e = reg<u32>(w, in.e);
        const u32 member = e[__builtin_ctz(m)];
        if ((member & w.alive) == m && (m & ~member) == 0) {
          bool same = true;
          if (in.e >= 0)
            for (u32 k = m; k; k &= k - 1) same = same && e[__builtin_ctz(k)] == member;
          if (same && !(l.options.strict && (member & ~w.alive))) {
            w.pc = pc;
            in.fn(w, in, m);
            ++pc;
            continue;
          }
        }
      }
      ctl = true;
      w.groups[gi].pc = pc;
      q -= start - budget;
      L.count += u64(start - budget) * lanes;
      control(w, gi, in, m, q);
      break;
    }
    if (!ctl) {
      w.groups[gi].pc = pc;
      q -= start - budget;
      L.count += u64(start - budget) * lanes;
    }
    if (n <= 1)
      w.stuck = 0;
    else if (q <= 0 && !random && !rotating && ++w.stuck > 16) {
      w.rotate = true;
      w.stuck = 0;
    }
  }
  merge_run(w);
}

void Machine::start_block(size_t s) {
  Block& b = slots[s];
  const u64 id = next_block++;
  b.linear = id;
  b.id = {unsigned(id % l.grid.x), unsigned(id / l.grid.x % l.grid.y), unsigned(id / l.grid.x / l.grid.y)};
  b.live_warps = nwarps;
  b.waiting_bars = 0;
  b.bars = 0;
  b.shared_bytes = l.shared_end - kSharedBase;
  std::fill(std::begin(b.arrived), std::end(b.arrived), 0u);
  std::memset(b.shared, 0xCD, size_t(l.shared_end - kSharedBase));
  const unsigned threads = l.block.x * l.block.y * l.block.z;
  for (unsigned wi = 0; wi < nwarps; ++wi) {
    Warp& w = b.warps[wi];
    const unsigned lanes = std::min(32u, threads - wi * 32);
    w.alive = lanes == 32 ? ~0u : (1u << lanes) - 1;
    w.ngroups = 1;
    w.groups[0] = Group{u32(l.kernel->start), w.alive, Run, 0, 0};
    w.cc = 0;
    w.stuck = 0;
    w.rotate = false;
    w.turn = 0;
    w.block = &b;
    w.clock = 1;
    w.all_at = 0;
    if (l.watched) std::memset(w.met, 0, sizeof w.met);
    for (int i = 0; i < 32; ++i) {
      const unsigned lin = wi * 32 + unsigned(i);
      const Dim t = thread_of(l, lin);
      auto set = [&](int u, u32 v) { w.regs[size_t(u) * 32 + size_t(i)] = v; };
      set(TidX, t.x);
      set(TidY, t.y);
      set(TidZ, t.z);
      set(NtidX, l.block.x);
      set(NtidY, l.block.y);
      set(NtidZ, l.block.z);
      set(CtaX, b.id.x);
      set(CtaY, b.id.y);
      set(CtaZ, b.id.z);
      set(NctaX, l.grid.x);
      set(NctaY, l.grid.y);
      set(NctaZ, l.grid.z);
      set(LaneId, u32(i));
      set(WarpId, wi);
      set(NWarpId, nwarps);
      const u32 eq = 1u << i;
      set(MaskEq, eq);
      set(MaskLt, eq - 1);
      set(MaskLe, eq | (eq - 1));
      set(MaskGt, ~(eq | (eq - 1)));
      set(MaskGe, ~(eq - 1));
      set(SmId, u32(s));
      set(NSmId, u32(slots.size()));
      set(DynSmem, u32(dyn));
      set(TotSmem, u32(l.shared_end - kSharedBase));
      set(Zero, 0);
      set(One, 1);
      set(GridId, 0);
      set(GridIdHi, 0);
      w.fp[i] = u32(kLocalBase);
      w.top[i] = u32(kLocalBase + l.kernel->frame);
      if (w.stacks) w.stacks[i].clear();
      if (l.local_bytes) std::memset(w.local + u64(i) * l.local_bytes, 0xCD, std::min<u64>(l.local_bytes, 4096));
    }
    w.preds[0] = ~0u;
    w.preds[1] = 0;
  }
  live[s] = 1;
}

void Machine::deadlock(Block& b) {
  std::string s = "deadlock: no thread of the block can go on;";
  int shown = 0;
  const Warp* fw = nullptr;
  const Ins* fi = nullptr;
  int fl = 0;
  for (auto& w : b.warps) {
    if (!w.alive) {
      if (shown < 40) s += "\n    warp " + std::to_string(w.index) + ": exited";
      ++shown;
      continue;
    }
    for (int k = 0; k < w.ngroups; ++k) {
      const Group& g = w.groups[k];
      const Ins& in = code[g.pc];
      if (!fw) {
        fw = &w;
        fi = &in;
        fl = __builtin_ctz(g.mask);
      }
      if (++shown > 40) continue;
      char buf[160];
      std::snprintf(buf, sizeof buf, "\n    warp %u: lanes %08x (alive %08x) wait at line %u", w.index, g.mask, w.alive,
                    in.line);
      s += buf;
      if (g.state == WaitBar)
        s += " for barrier " + std::to_string(g.bar);
      else {
        std::snprintf(buf, sizeof buf, " for membermask %08x", g.member);
        s += buf;
      }
      s += ": " + l.module->line_text(in.line);
    }
  }
  if (!fw) throw std::runtime_error(s);
  fault(*fw, *fi, fl, s);
}

void Machine::check_limit(Block& b) {
  if (!l.options.instructions || l.count < l.options.instructions) return;
  for (auto& w : b.warps)
    if (w.alive) {
      std::string s = "the launch ran longer than GALENA_EMULATED_LIMIT; warp " + std::to_string(w.index) + ":";
      for (int k = 0; k < w.ngroups; ++k) {
        char buf[100];
        std::snprintf(buf, sizeof buf, "\n    lanes %08x at line %u: ", w.groups[k].mask, code[w.groups[k].pc].line);
        s += buf + l.module->line_text(code[w.groups[k].pc].line);
      }
      fault(w, code[w.groups[0].pc], __builtin_ctz(w.alive), s);
    }
}

void Machine::run() {
  const bool random = l.options.seed != 0;
  size_t active = 0;
  for (size_t s = 0; s < slots.size(); ++s)
    if (next_block < total_blocks) {
      start_block(s);
      ++active;
    }
  auto finish = [&](size_t s) {
    live[s] = 0;
    if (next_block < total_blocks)
      start_block(s);
    else
      --active;
  };
  if (!random) {
    while (active)
      for (size_t s = 0; s < slots.size(); ++s) {
        if (!live[s]) continue;
        Block& b = slots[s];
        for (int round = 0; round < 8 && b.live_warps; ++round) {
          bool any = false;
          for (auto& w : b.warps)
            if (w.alive && runnable(w)) {
              any = true;
              run_warp(w, 4096);
            }
          if (!any && b.live_warps) deadlock(b);
        }
        check_limit(b);
        if (!b.live_warps) finish(s);
      }
    return;
  }
  while (active) {
    size_t k = l.random() % active, s = 0;
    for (;; ++s)
      if (live[s] && k-- == 0) break;
    Block& b = slots[s];
    const u32 turns = (l.random() & 7) == 0 ? 64 : 1 + l.random() % 8;
    for (u32 t = 0; t < turns && b.live_warps; ++t) {
      unsigned n = 0;
      for (auto& w : b.warps)
        if (w.alive && runnable(w)) ++n;
      if (!n) deadlock(b);
      unsigned pick = l.random() % n;
      for (auto& w : b.warps)
        if (w.alive && runnable(w) && pick-- == 0) {
          const u32 r = l.random();
          run_warp(w, (r & 7) == 0 ? 2048 : 1 + (r >> 8) % 64);
          break;
        }
    }
    check_limit(b);
    if (!b.live_warps) finish(s);
  }
}
}  // namespace galena::ptx
