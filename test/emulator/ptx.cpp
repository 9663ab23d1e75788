// Runs PTX: warps, blocks, barriers, calls.
#include "test/emulator/ptx.hpp"

#include <cxxabi.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <set>

#include "test/emulator/ptx_core.hpp"

namespace ptx {
namespace {
std::atomic<u64> g_executed{0};
std::string dims(Dim d) {
  return "(" + std::to_string(d.x) + "," + std::to_string(d.y) + "," + std::to_string(d.z) + ")";
}
std::string pretty(const std::string& n) {
  int st;
  char* p = abi::__cxa_demangle(n.c_str(), nullptr, nullptr, &st);
  if (!p) return n;
  std::string s = p;
  std::free(p);
  if (s.size() > 300) s = s.substr(0, 300) + "...";
  return s;
}
Dim threadOf(const Launch& l, unsigned lin) {
  return {lin % l.block.x, lin / l.block.x % l.block.y, lin / l.block.x / l.block.y};
}
}  // namespace

void fault(const Warp& w, const Ins& in, int lane, const std::string& what) {
  const Launch& l = *w.launch;
  throw std::runtime_error("PTX fault: " + what + "\n  kernel " + pretty(l.kernel->name) + ", grid " + dims(l.grid) +
                           " of " + dims(l.block) + ", block " + dims(w.block->id) + ", thread " +
                           dims(threadOf(l, w.index * 32 + unsigned(lane))) + " (warp " + std::to_string(w.index) +
                           ", lane " + std::to_string(lane) + ")\n  PTX line " + std::to_string(in.line) + ": " +
                           l.module->lineText(in.line));
}

namespace {
constexpr u32 kPoison = 0xBADC0DE5u;
void shfl(Warp& w, const Ins& in, u32 m) {
  if (g_race == 1) raceSync(w, m);
  auto* d = reg<u32>(w, in.d);
  auto* a = reg<u32>(w, in.a);
  auto* b = reg<u32>(w, in.b);
  auto* c = reg<u32>(w, in.c);
  u32 v[32];
  std::memcpy(v, a, sizeof v);
  u32 out[32];
  u32 pr = 0;
  LANES(const u32 lane = u32(i); const u32 bv = b[i] & 31; const u32 cv = c[i] & 31; const u32 seg = (c[i] >> 8) & 31;
        const u32 maxl = (lane & seg) | (cv & ~seg); const u32 minl = lane & seg; i32 j = 0; bool p = false;
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
        } if (!p) j = i32(lane);
        out[i] = (m >> j) & 1 ? v[j] : kPoison; pr |= u32(p) << i)
  LANES(d[i] = out[i])
  w.preds[in.p] = (w.preds[in.p] & ~m) | (pr & m);
}
void vote(Warp& w, const Ins& in, u32 m) {
  if (g_race == 1) raceSync(w, m);
  const u32 v = (w.preds[in.pc] ^ in.pcneg) & m;
  if (in.sub == 3) {
    auto* d = reg<u32>(w, in.d);
    LANES(d[i] = v) return;
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
    LANES(u32 r = 0; for (u32 q = m; q; q &= q - 1) {
      int j = __builtin_ctz(q);
      if (a[j] == a[i]) r |= 1u << j;
    } out[i] = r)
    LANES(d[i] = out[i])
  } else {
    bool all = true;
    const T f = a[__builtin_ctz(m)];
    LANES(all = all && a[i] == f)
    LANES(d[i] = all ? m : 0)
    w.preds[in.p] = all ? w.preds[in.p] | m : w.preds[in.p] & ~m;
  }
}
void redux(Warp& w, const Ins& in, u32 m) {
  if (g_race == 1) raceSync(w, m);
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
  LANES(d[i] = r)
}
void elect(Warp& w, const Ins& in, u32 m) {
  const u32 lead = u32(__builtin_ctz(m));
  auto* d = reg<u32>(w, in.d);
  LANES(d[i] = lead)
  w.preds[in.p] = (w.preds[in.p] & ~m) | (1u << lead);
}
void warpBar(Warp& w, const Ins&, u32 m) {
  if (g_race) raceSync(w, m);
}
void nothing(Warp&, const Ins&, u32) {}
}  // namespace

bool decodeSync(const Op& op, std::vector<Operand>& o, Ins& in, Assembler& as) {
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
    in.fn = in.kind == Sync ? warpBar : nothing;
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
    const bool w8 = typeSize(op.type()) == 8;
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

namespace {
struct Pools {
  std::vector<std::pair<u8*, size_t>> blocks;
};
struct Buffer {
  u8* p = nullptr;
  size_t n = 0;
  u8* get(size_t bytes) {
    if (bytes > n) {
      std::free(p);
      n = (bytes + 4095) / 4096 * 4096;
      p = static_cast<u8*>(std::aligned_alloc(4096, n));
      if (!p) throw std::runtime_error("PTX: out of host memory");
      std::memset(p, 0xCD, n);
    }
    return p;
  }
};
struct Machine {
  Launch l;
  const Ins* code;
  Options opt;
  bool strict_exited = false;
  u64 limit_count = 0;
  u32 split_odds = 8, quantum = 24;  // drawn for each launch: calm to jittery
  std::vector<Block> slots;
  std::vector<u8> live;  // per slot
  u64 next_block = 0, total_blocks = 0;
  unsigned nwarps = 0;

  void add(Warp& w, u32 pc, u32 mask) {
    for (int k = 0; k < w.ngroups; ++k)
      if (w.groups[k].state == Run && w.groups[k].pc == pc) {
        w.groups[k].mask |= mask;
        return;
      }
    w.groups[w.ngroups++] = Group{pc, mask, Run, 0, 0};
  }
  void mergeRun(Warp& w) {
    for (int a = 0; a < w.ngroups; ++a) {
      if (w.groups[a].mask == 0) {
        w.groups[a--] = w.groups[--w.ngroups];
        continue;
      }
      if (w.groups[a].state != Run) continue;
      for (int b = a + 1; b < w.ngroups; ++b)
        if (w.groups[b].state == Run && w.groups[b].pc == w.groups[a].pc) {
          w.groups[a].mask |= w.groups[b].mask;
          w.groups[b--] = w.groups[--w.ngroups];
        }
    }
  }
  bool runnable(const Warp& w) const {
    for (int k = 0; k < w.ngroups; ++k)
      if (w.groups[k].state == Run && w.groups[k].mask) return true;
    return false;
  }

  // Lanes waiting at warp-wide instructions: lets those go whose companions are all there.
  void trySync(Warp& w) {
    for (bool again = true; again;) {
      again = false;
      for (int a = 0; a < w.ngroups; ++a) {
        Group& g = w.groups[a];
        if (g.state != WaitSync || !g.mask) continue;
        const Ins& in = code[g.pc];
        const bool anyPc = in.flag == 1;
        u32 got = 0;
        for (int b = 0; b < w.ngroups; ++b) {
          Group& h = w.groups[b];
          if (h.state == WaitSync && h.member == g.member && (h.pc == g.pc || (anyPc && code[h.pc].flag == 1)))
            got |= h.mask;
        }
        if (g.member & w.alive & ~got) continue;
        const u32 member = g.member, pc = g.pc;
        w.pc = pc;
        in.fn(w, in, got);
        for (int b = 0; b < w.ngroups; ++b) {
          Group& h = w.groups[b];
          if (h.state == WaitSync && h.member == member && (h.pc == pc || (anyPc && code[h.pc].flag == 1))) {
            h.state = Run;
            ++h.pc;
          }
        }
        again = true;
        break;
      }
    }
  }
  void checkMember(Warp& w, const Ins& in, u32 member, u32 lanes) {
    if (lanes & ~member)
      fault(w, in, __builtin_ctz(lanes & ~member),
            "lane executes a .sync instruction whose membermask does not name it");
    if (strict_exited && (member & ~w.alive))
      fault(w, in, __builtin_ctz(lanes), "the membermask names lanes that have exited");
  }
  void checkBarrier(Block& b, unsigned id) {
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
            LANES(d[i] = pop)
          } else {
            bool r = in.sub == 1 ? conj : disj;
            w.preds[in.p] = r ? w.preds[in.p] | m : w.preds[in.p] & ~m;
          }
        }
        g.state = Run;
        ++g.pc;
      }
    }
    if (g_race) raceBlockSync(b);
    b.arrived[id] = 0;
    b.waiting_bars &= ~(1u << id);
  }
  void lanesExit(Warp& w, u32 m) {
    w.alive &= ~m;
    if (w.ngroups > 1) trySync(w);
    Block& b = *w.block;
    if (!w.alive) --b.live_warps;
    if (b.live_warps)
      for (u32 k = b.waiting_bars; k; k &= k - 1) checkBarrier(b, unsigned(__builtin_ctz(k)));
  }
  void builtinCall(Warp& w, const Ins& in, const Function& f, u32 m);
  void doCall(Warp& w, const Ins& in, int fn, u32 m, u32 pc) {
    const Function& f = l.module->functions[size_t(fn)];
    if (!f.defined) {
      builtinCall(w, in, f, m);
      add(w, pc + 1, m);
      return;
    }
    const CallSite& cs = l.module->calls[size_t(in.extra)];
    if (cs.args.size() != f.params.size()) fault(w, in, __builtin_ctz(m), "call with another number of arguments");
    for (u32 k = m; k; k &= k - 1) {
      const int i = __builtin_ctz(k);
      auto& st = w.stacks[i];
      st.push_back(Frame{int(pc) + 1, in.extra, w.fp[i], w.top[i], fn, {}});
      const u32 nfp = (w.top[i] + 63) / 64 * 64;
      if (nfp - kLocalBase + f.frame > l.local_bytes) fault(w, in, i, "call stack overflow");
      u8* base = w.local + u64(i) * l.local_bytes - kLocalBase;
      std::memset(base + nfp, 0xCD, f.frame);
      for (size_t a = 0; a < cs.args.size(); ++a)
        std::memcpy(base + nfp + f.params[a].offset, base + w.fp[i] + cs.args[a],
                    std::min(cs.arg_sizes[a], u64(f.params[a].size)));
      if (f.recursive) {
        auto& sv = st.back().saved;
        sv.reserve(f.slots.size() + size_t(f.preds));
        for (auto [u, wd] : f.slots) sv.push_back(wd == 8 ? reg<u64>(w, u)[i] : reg<u32>(w, u)[i]);
        for (int u = 0; u < f.preds; ++u) sv.push_back((w.preds[f.pred_base + u] >> i) & 1);
      }
      w.fp[i] = nfp;
      w.top[i] = u32(nfp + f.frame);
    }
    add(w, u32(f.start), m);
  }
  void doRet(Warp& w, const Ins& in, u32 m) {
    for (u32 k = m; k; k &= k - 1) {
      const int i = __builtin_ctz(k);
      auto& st = w.stacks[i];
      if (st.empty()) fault(w, in, i, "ret without a call");
      Frame fr = std::move(st.back());
      st.pop_back();
      const Function& f = l.module->functions[size_t(fr.fn)];
      const CallSite& cs = l.module->calls[size_t(fr.call)];
      u8* base = w.local + u64(i) * l.local_bytes - kLocalBase;
      for (size_t a = 0; a < cs.rets.size() && a < f.rets.size(); ++a)
        std::memcpy(base + fr.fp + cs.rets[a], base + w.fp[i] + f.rets[a].offset,
                    std::min(cs.ret_sizes[a], u64(f.rets[a].size)));
      w.fp[i] = fr.fp;
      w.top[i] = fr.top;
      if (f.recursive) {
        size_t x = 0;
        for (auto [u, wd] : f.slots) {
          if (wd == 8)
            reg<u64>(w, u)[i] = fr.saved[x++];
          else
            reg<u32>(w, u)[i] = u32(fr.saved[x++]);
        }
        for (int u = 0; u < f.preds; ++u) {
          u32 bit = u32(fr.saved[x++]);
          w.preds[f.pred_base + u] = (w.preds[f.pred_base + u] & ~(1u << i)) | (bit << i);
        }
      }
      add(w, u32(fr.ret_pc), 1u << i);
    }
  }
  // Executes a control instruction for group gi at pc; lanes m pass its guard.
  void control(Warp& w, int gi, const Ins& in, u32 m, i64& q) {
    const u32 pc = w.groups[gi].pc, mask = w.groups[gi].mask;
    w.pc = pc;
    if (m == 0) {
      ++w.groups[gi].pc;
      return;
    }
    // lanes that skip go on; the rest is dealt with
    auto take = [&] {
      if (mask & ~m) {
        w.groups[gi].mask = mask & ~m;
        w.groups[gi].pc = pc + 1;
      } else
        w.groups[gi].mask = 0;
    };
    switch (in.kind) {
      case Bra:
        take();
        add(w, u32(in.target), m);
        break;
      case Brx: {
        take();
        auto* a = reg<u32>(w, in.a);
        auto& tb = l.module->tables[size_t(in.target)];
        for (u32 k = m; k; k &= k - 1) {
          int i = __builtin_ctz(k);
          if (a[i] >= tb.size()) fault(w, in, i, "brx index out of its table");
          add(w, u32(tb[a[i]]), 1u << i);
        }
        break;
      }
      case Exit:
        take();
        mergeRun(w);
        lanesExit(w, m);
        break;
      case Ret:
        take();
        doRet(w, in, m);
        break;
      case Call:
        take();
        if (in.target >= 0)
          doCall(w, in, in.target, m, pc);
        else {
          auto* a = reg<u64>(w, in.a);
          for (u32 left = m; left;) {
            int i = __builtin_ctz(left);
            u64 t = a[i];
            u32 g = 0;
            for (u32 k = left; k; k &= k - 1) {
              int j = __builtin_ctz(k);
              if (a[j] == t) g |= 1u << j;
            }
            if ((t >> 56) != (kFuncWin >> 56) || t - kFuncWin >= l.module->functions.size())
              fault(w, in, i, "indirect call of what is no function");
            doCall(w, in, int(t - kFuncWin), g, pc);
            left &= ~g;
          }
        }
        break;
      case Sync: {
        take();
        auto* e = reg<u32>(w, in.e);
        for (u32 left = m; left;) {
          const u32 member = e[__builtin_ctz(left)];
          u32 g = 0;
          for (u32 k = left; k; k &= k - 1) {
            int j = __builtin_ctz(k);
            if (e[j] == member) g |= 1u << j;
          }
          checkMember(w, in, member, g);
          left &= ~g;
          int at = -1;
          for (int k = 0; k < w.ngroups; ++k)
            if (w.groups[k].state == WaitSync && w.groups[k].pc == pc && w.groups[k].member == member) at = k;
          if (at >= 0)
            w.groups[at].mask |= g;
          else {
            mergeRun(w);
            w.groups[w.ngroups++] = Group{pc, g, WaitSync, 0, member};
          }
        }
        trySync(w);
        break;
      }
      case Bar: {
        auto* a = reg<u32>(w, in.a);
        const u32 id = a[__builtin_ctz(m)];
        for (u32 k = m; k; k &= k - 1)
          if (a[__builtin_ctz(k)] != id) fault(w, in, __builtin_ctz(k), "lanes of a warp name different barriers");
        if (id > 15) fault(w, in, __builtin_ctz(m), "barrier number " + std::to_string(id));
        take();
        Block& b = *w.block;
        if (in.mode == 1) {
          b.arrived[id] += m == w.alive ? 32u : unsigned(__builtin_popcount(m));
          add(w, pc + 1, m);
        } else {
          int at = -1;
          for (int k = 0; k < w.ngroups; ++k)
            if (w.groups[k].state == WaitBar && w.groups[k].pc == pc && w.groups[k].bar == id) at = k;
          if (at >= 0)
            w.groups[at].mask |= m;
          else {
            mergeRun(w);
            w.groups[w.ngroups++] = Group{pc, m, WaitBar, u8(id), 0};
          }
          b.waiting_bars |= 1u << id;
        }
        // only where this warp is complete can the barrier be
        u32 here = 0;
        for (int k = 0; k < w.ngroups; ++k)
          if (w.groups[k].state == WaitBar && w.groups[k].bar == id) here |= w.groups[k].mask;
        if (here == w.alive || in.flag || in.mode == 1) checkBarrier(b, id);
        break;
      }
      case Nanosleep:
        w.groups[gi].pc = pc + 1;
        w.rotate = true;
        q = 0;
        break;
      case Trap: fault(w, in, __builtin_ctz(m), "trap");
      default: break;
    }
  }
  void runWarp(Warp& w, i64 q) {
    const bool random = opt.seed != 0;
    Launch& L = l;
    const bool rotating = w.rotate;
    w.rotate = false;
    while (q > 0) {
      mergeRun(w);
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
            if (same && !(strict_exited && (member & ~w.alive))) {
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
    mergeRun(w);
  }
  void startBlock(size_t s) {
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
      if (g_race) std::memset(w.met, 0, sizeof w.met);
      for (int i = 0; i < 32; ++i) {
        const unsigned lin = wi * 32 + unsigned(i);
        const Dim t = threadOf(l, lin);
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
  u64 dyn = 0;
  [[noreturn]] void deadlock(Block& b) {
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
        std::snprintf(buf, sizeof buf, "\n    warp %u: lanes %08x (alive %08x) wait at line %u", w.index, g.mask,
                      w.alive, in.line);
        s += buf;
        if (g.state == WaitBar)
          s += " for barrier " + std::to_string(g.bar);
        else {
          std::snprintf(buf, sizeof buf, " for membermask %08x", g.member);
          s += buf;
        }
        s += ": " + l.module->lineText(in.line);
      }
    }
    if (!fw) throw std::runtime_error(s);
    fault(*fw, *fi, fl, s);
  }
  void checkLimit(Block& b) {
    if (!limit_count || l.count < limit_count) return;
    for (auto& w : b.warps)
      if (w.alive) {
        std::string s = "the launch ran longer than GALENA_EMULATED_LIMIT; warp " + std::to_string(w.index) + ":";
        for (int k = 0; k < w.ngroups; ++k) {
          char buf[100];
          std::snprintf(buf, sizeof buf, "\n    lanes %08x at line %u: ", w.groups[k].mask, code[w.groups[k].pc].line);
          s += buf + l.module->lineText(code[w.groups[k].pc].line);
        }
        fault(w, code[w.groups[0].pc], __builtin_ctz(w.alive), s);
      }
  }
  void run() {
    const bool random = opt.seed != 0;
    size_t active = 0;
    for (size_t s = 0; s < slots.size(); ++s)
      if (next_block < total_blocks) {
        startBlock(s);
        ++active;
      }
    auto finish = [&](size_t s) {
      live[s] = 0;
      if (next_block < total_blocks)
        startBlock(s);
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
                runWarp(w, 4096);
              }
            if (!any && b.live_warps) deadlock(b);
          }
          checkLimit(b);
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
            runWarp(w, (r & 7) == 0 ? 2048 : 1 + (r >> 8) % 64);
            break;
          }
      }
      checkLimit(b);
      if (!b.live_warps) finish(s);
    }
  }
};

void Machine::builtinCall(Warp& w, const Ins& in, const Function& f, u32 m) {
  const CallSite& cs = l.module->calls[size_t(in.extra)];
  auto arg64 = [&](int i, size_t a) {
    u64 v = 0;
    std::memcpy(&v, w.local + u64(i) * l.local_bytes - kLocalBase + w.fp[i] + cs.args.at(a),
                std::min<u64>(8, cs.arg_sizes[a]));
    return v;
  };
  auto str = [&](int i, u64 p) {
    std::string s;
    if (!p) return s;
    for (; s.size() < 4096; ++p) {
      char c = char(*resolve(w, in, i, Generic, p, 1, false));
      if (!c) break;
      s += c;
    }
    return s;
  };
  if (f.builtin == 2) {
    const int i = __builtin_ctz(m);
    fault(w, in, i,
          "assertion failed: " + str(i, arg64(i, 0)) + " (" + str(i, arg64(i, 1)) + ":" +
              std::to_string(u32(arg64(i, 2))) + ", " + str(i, arg64(i, 3)) + ")");
  }
  if (f.builtin != 1) fault(w, in, __builtin_ctz(m), "call of " + f.name + ", which the interpreter lacks");
  for (u32 k = m; k; k &= k - 1) {
    const int i = __builtin_ctz(k);
    const std::string fmt = str(i, arg64(i, 0));
    const u64 buf = arg64(i, 1);
    u64 off = 0;
    std::string out;
    auto fetch = [&](unsigned n) {
      off = (off + n - 1) / n * n;
      u64 v = 0;
      for (unsigned x = 0; x < n; ++x) v |= u64(*resolve(w, in, i, Generic, buf + off + x, 1, false)) << (8 * x);
      off += n;
      return v;
    };
    for (size_t p = 0; p < fmt.size(); ++p) {
      if (fmt[p] != '%') {
        out += fmt[p];
        continue;
      }
      size_t e = p + 1;
      if (e < fmt.size() && fmt[e] == '%') {
        out += '%';
        p = e;
        continue;
      }
      bool lng = false;
      std::string spec = "%";
      while (e < fmt.size() && !std::isalpha(u8(fmt[e]))) spec += fmt[e++];
      while (e < fmt.size() && (fmt[e] == 'l' || fmt[e] == 'h' || fmt[e] == 'z')) {
        if (fmt[e] != 'h') lng = true;
        ++e;
      }
      if (e >= fmt.size()) break;
      char tmp[400];
      const char c = fmt[e];
      if (c == 's')
        out += str(i, fetch(8));
      else if (std::strchr("fFeEgGaA", c)) {
        std::snprintf(tmp, sizeof tmp, (spec + c).c_str(), std::bit_cast<double>(fetch(8)));
        out += tmp;
      } else if (c == 'p') {
        std::snprintf(tmp, sizeof tmp, "0x%llx", static_cast<unsigned long long>(fetch(8)));
        out += tmp;
      } else if (lng) {
        std::snprintf(tmp, sizeof tmp, (spec + "ll" + c).c_str(), static_cast<unsigned long long>(fetch(8)));
        out += tmp;
      } else {
        std::snprintf(tmp, sizeof tmp, (spec + c).c_str(), unsigned(fetch(4)));
        out += tmp;
      }
      p = e;
    }
    std::fputs(out.c_str(), stdout);
    if (!cs.rets.empty()) {
      u32 one = 1;
      std::memcpy(w.local + u64(i) * l.local_bytes - kLocalBase + w.fp[i] + cs.rets[0], &one, 4);
    }
  }
}

std::recursive_mutex g_launch;
}  // namespace

void launch(const Module& cm, const std::string& name, Dim grid, Dim block, std::size_t dynamic_shared,
            const void* const* args, const Memory& memory, const Options& options) {
  std::lock_guard lock(g_launch);
  static Buffer regs_buffer, shared_buffer, local_buffer, pred_buffer;
  auto& m = const_cast<Module&>(cm);
  const Kernel* k = find(m, name);
  if (!k) throw std::runtime_error("PTX: no kernel " + name);
  const int fi = m.function_index.find(name)->second;
  const Function& f = m.functions[size_t(fi)];
  const unsigned threads = block.x * block.y * block.z;
  if (threads == 0 || grid.x == 0 || grid.y == 0 || grid.z == 0)
    throw std::runtime_error("PTX: empty launch of " + pretty(name));
  if (threads > k->max_threads)
    throw std::runtime_error("PTX: " + std::to_string(threads) + " threads a block, but " + pretty(name) + " allows " +
                             std::to_string(k->max_threads));
  if (k->static_shared + dynamic_shared > 232448)
    throw std::runtime_error("PTX: too much shared memory for " + pretty(name));
  // lay shared variables out
  u64 offset = 0;
  std::vector<u64> at(m.shared.size(), 0);
  for (int v : f.shared_used) {
    auto& s = m.shared[size_t(v)];
    if (s.dynamic) continue;
    offset = (offset + s.align - 1) / s.align * s.align;
    at[size_t(v)] = offset;
    offset += s.size;
  }
  u64 al = 16;
  for (int v : f.shared_used)
    if (m.shared[size_t(v)].dynamic) al = std::max(al, m.shared[size_t(v)].align);
  const u64 dyn_at = (offset + al - 1) / al * al;
  for (int v : f.shared_used)
    if (m.shared[size_t(v)].dynamic) at[size_t(v)] = dyn_at;
  if (m.laid_out != fi) {
    for (auto& c : m.shared_consts) {
      const u64 v = kSharedBase + at[size_t(c.var)] + c.offset;
      if (c.width == 8) {
        auto* p = reinterpret_cast<u64*>(m.consts + size_t(~c.unit) * 32);
        for (int i = 0; i < 32; ++i) p[i] = v;
      } else {
        auto* p = m.consts + size_t(~c.unit) * 32;
        for (int i = 0; i < 32; ++i) p[i] = u32(v);
      }
    }
    m.laid_out = fi;
  }
  Machine mc;
  Launch& l = mc.l;
  l.module = &m;
  l.kernel = &f;
  l.grid = grid;
  l.block = block;
  l.memory = &memory;
  l.shared_end = kSharedBase + (dynamic_shared ? dyn_at + dynamic_shared : offset);
  mc.dyn = dynamic_shared;
  std::vector<u8> params(f.param_bytes + 16, 0);
  for (size_t i = 0; i < f.params.size(); ++i)
    std::memcpy(params.data() + f.params[i].offset, args[i], f.params[i].size);
  l.params = params.data();
  l.param_bytes = f.param_bytes;
  static u64 launches = 0;
  ++launches;
  l.rng = options.seed * 0x9E3779B97F4A7C15ull ^ 0xD1B54A32D192ED03ull ^ (launches * 0xBF58476D1CE4E5B9ull);
  if (!l.rng) l.rng = 1;
  for (int i = 0; i < 8; ++i) l.random();
  switch (l.random() % 4) {
    case 0:
      mc.split_odds = 64;
      mc.quantum = 300;
      break;
    case 1:
      mc.split_odds = 2;
      mc.quantum = 4;
      break;
    case 2:
      mc.split_odds = 4;
      mc.quantum = 10;
      break;
    default: break;
  }
  // local memory: the deepest chain of frames
  bool calls = false;
  {
    bool unknown = false;
    std::function<u64(int, int)> deep = [&](int fn, int depth) -> u64 {
      const auto& g = m.functions[size_t(fn)];
      u64 best = 0;
      if (g.recursive || depth > 64) {
        unknown = true;
        return 0;
      }
      for (int c : g.callees) {
        if (c == -1) {
          unknown = true;
          calls = true;
          continue;
        }
        calls = true;
        best = std::max(best, deep(c, depth + 1));
      }
      return (g.frame + 63) / 64 * 64 + best;
    };
    l.local_bytes = deep(fi, 0);
    if (unknown) l.local_bytes = 64 * 1024;
    if (l.local_bytes) l.local_bytes = (l.local_bytes + 255) / 256 * 256;
  }
  mc.code = m.code.data();
  mc.opt = options;
  if (const char* e = std::getenv("GALENA_EMULATED_STRICT")) mc.strict_exited = *e == '1';
  if (const char* e = std::getenv("GALENA_EMULATED_LIMIT")) mc.limit_count = std::strtoull(e, nullptr, 10);
  mc.total_blocks = u64(grid.x) * grid.y * grid.z;
  mc.nwarps = (threads + 31) / 32;
  const size_t n = size_t(std::min<u64>(std::max(1u, options.resident_blocks), mc.total_blocks));
  const size_t units = size_t(f.reg_base + f.regs), npreds = size_t(f.pred_base + f.preds + 15) / 16 * 16;
  mc.slots.resize(n);
  mc.live.assign(n, 0);
  u8* rb = regs_buffer.get(n * mc.nwarps * units * 128);
  u8* pb = pred_buffer.get(n * mc.nwarps * npreds * 4);
  const size_t sh = (size_t(l.shared_end - kSharedBase) + 1023) / 1024 * 1024;
  u8* sb = shared_buffer.get(n * sh + 1024);
  u8* lb = local_buffer.get(n * mc.nwarps * 32 * l.local_bytes + 256);
  std::vector<std::vector<Frame>> stacks(calls ? n * mc.nwarps * 32 : 0);
  for (size_t s = 0; s < n; ++s) {
    Block& b = mc.slots[s];
    b.shared = sb + s * sh;
    b.warps.resize(mc.nwarps);
    for (unsigned wi = 0; wi < mc.nwarps; ++wi) {
      Warp& w = b.warps[wi];
      const size_t at2 = s * mc.nwarps + wi;
      w.index = wi;
      w.launch = &l;
      w.consts = m.consts;
      w.regs = reinterpret_cast<u32*>(rb + at2 * units * 128);
      w.preds = reinterpret_cast<u32*>(pb + at2 * npreds * 4);
      w.local = lb + at2 * 32 * l.local_bytes;
      if (calls) w.stacks = stacks.data() + at2 * 32;
    }
  }
  struct Count {
    Launch& l;
    ~Count() { g_executed += l.count; }
  } count{l};
  if (g_race) raceStart(l);
  mc.run();
}
std::vector<std::string> unknown(const Module& m) { return m.messages; }
std::uint64_t executed() { return g_executed; }
}  // namespace ptx
