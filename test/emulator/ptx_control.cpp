// Branches, calls, and functions that the device's library has.

#include <algorithm>
#include <cctype>
#include <cstdio>

#include "test/emulator/ptx_machine.hpp"
#include "test/emulator/ptx_race.hpp"

namespace galena::ptx {

void Machine::do_call(Warp& w, const Ins& in, int fn, u32 m, u32 pc) {
  const Function& f = l.module->functions[size_t(fn)];
  if (!f.defined) {
    builtin_call(w, in, f, m);
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

void Machine::do_ret(Warp& w, const Ins& in, u32 m) {
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

void Machine::control(Warp& w, int gi, const Ins& in, u32 m, i64& q) {
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
      merge_run(w);
      lanes_exit(w, m);
      break;
    case Ret:
      take();
      do_ret(w, in, m);
      break;
    case Call:
      take();
      if (in.target >= 0)
        do_call(w, in, in.target, m, pc);
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
          do_call(w, in, int(t - kFuncWin), g, pc);
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
        check_member(w, in, member, g);
        left &= ~g;
        int at = -1;
        for (int k = 0; k < w.ngroups; ++k)
          if (w.groups[k].state == WaitSync && w.groups[k].pc == pc && w.groups[k].member == member) at = k;
        if (at >= 0)
          w.groups[at].mask |= g;
        else {
          merge_run(w);
          w.groups[w.ngroups++] = Group{pc, g, WaitSync, 0, member};
        }
      }
      try_sync(w);
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
          merge_run(w);
          w.groups[w.ngroups++] = Group{pc, m, WaitBar, u8(id), 0};
        }
        b.waiting_bars |= 1u << id;
      }
      // only where this warp is complete can the barrier be
      u32 here = 0;
      for (int k = 0; k < w.ngroups; ++k)
        if (w.groups[k].state == WaitBar && w.groups[k].bar == id) here |= w.groups[k].mask;
      if (here == w.alive || in.flag || in.mode == 1) check_barrier(b, id);
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
void Machine::builtin_call(Warp& w, const Ins& in, const Function& f, u32 m) {
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
}  // namespace galena::ptx
