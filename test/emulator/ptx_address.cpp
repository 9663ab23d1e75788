// Where an address lies: bounds, alignment, spaces.

#include <algorithm>
#include <cstdio>

#include "test/emulator/ptx_address.hpp"
#include "test/emulator/ptx_profile.hpp"

namespace galena::ptx {
namespace {

std::string hex(u64 v) {
  char b[32];
  std::snprintf(b, sizeof b, "0x%llx", static_cast<unsigned long long>(v));
  return b;
}

bool find_range(Launch& l, u64 addr, unsigned size) {
  auto look = [&](const std::vector<Range>& rs) {
    auto it = std::upper_bound(rs.begin(), rs.end(), addr, [](u64 a, const Range& r) { return a < r.begin; });
    if (it == rs.begin()) return false;
    --it;
    if (addr < it->end && size <= it->end - addr) {
      l.cur_begin = it->begin;
      l.cur_end = it->end;
      l.cur_writable = it->writable;
      return true;
    }
    return false;
  };
  return look(l.memory->ranges) || look(l.module->ranges);
}
std::string nearest(Launch& l, u64 addr) {
  const Range* best = nullptr;
  u64 dist = ~0ull;
  for (auto* rs : {&l.memory->ranges, &l.module->ranges})
    for (auto& r : *rs) {
      u64 d = addr < r.begin ? r.begin - addr : addr >= r.end ? addr - r.end : 0;
      if (d < dist) {
        dist = d;
        best = &r;
      }
    }
  if (!best) return "no memory is allocated";
  std::string s =
      "nearest allocation " + hex(best->begin) + " of " + std::to_string(best->end - best->begin) + " bytes";
  if (addr >= best->end)
    s += ", " + std::to_string(addr - best->end) + " bytes past its end";
  else if (addr < best->begin)
    s += ", " + std::to_string(best->begin - addr) + " bytes before it";
  else
    s += ", at offset " + std::to_string(addr - best->begin);
  return s;
}
}  // namespace

u8* resolve(Warp& w, const Ins& in, int lane, Space space, u64 addr, unsigned size, bool write) {
  Launch& l = *w.launch;
  if (addr & (size - 1))
    fault(w, in, lane, "misaligned address " + hex(addr) + " for an access of " + std::to_string(size) + " bytes");
  if (space == Generic) switch (addr >> 56) {
      case 0: space = Global; break;
      case 1:
        space = Shared;
        addr &= kSharedWin - 1;
        break;
      case 2:
        space = Local;
        addr &= kSharedWin - 1;
        break;
      case 3:
        space = ParamSp;
        addr = addr - kParamWin + kEntryParamBase;
        if (write) fault(w, in, lane, "write to a kernel parameter");
        break;
      default: fault(w, in, lane, "generic address " + hex(addr) + " is in no space");
    }
  switch (space) {
    case Global:
    case Const:
      if (addr < l.cur_begin || addr > l.cur_end || size > l.cur_end - addr)
        if (!find_range(l, addr, size))
          fault(w, in, lane,
                std::string(write ? "write" : "read") + " out of bounds: global address " + hex(addr) + ", " +
                    std::to_string(size) + " bytes; " + nearest(l, addr));
      if (write && !l.cur_writable) fault(w, in, lane, "write to read-only memory at " + hex(addr));
      return reinterpret_cast<u8*>(addr);
    case Shared:
      if (addr < kSharedBase || addr > l.shared_end || size > l.shared_end - addr)
        fault(w, in, lane,
              std::string(write ? "write" : "read") + " out of bounds: shared offset " +
                  std::to_string(i64(addr - kSharedBase)) + ", " + std::to_string(size) + " bytes, of " +
                  std::to_string(l.shared_end - kSharedBase));
      return w.block->shared + (addr - kSharedBase);
    case ParamSp:
      if (addr >= kEntryParamBase) {
        u64 off = addr - kEntryParamBase;
        if (off > l.param_bytes || size > l.param_bytes - off)
          fault(w, in, lane, "kernel parameter offset " + std::to_string(off) + " out of bounds");
        return const_cast<u8*>(l.params) + off;
      }
      [[fallthrough]];
    default: {
      const u64 end = w.top[lane];
      if (addr < kLocalBase || addr > end || size > end - addr)
        fault(w, in, lane,
              std::string(write ? "write" : "read") + " out of bounds: local address " + hex(addr) + ", " +
                  std::to_string(size) + " bytes; the frame is " + hex(w.fp[lane]) + ".." + hex(end));
      return w.local + u64(lane) * l.local_bytes + (addr - kLocalBase);
    }
  }
}

namespace {

inline void addresses(Warp& w, const Ins& in, u32 m, u64* ad) {
  const u64 off = u64(in.imm);
  if (in.akind == 0) {
    auto* a = reg<u64>(w, in.a);
    each_lane(m, [&](int i) { ad[i] = a[i] + off; });
  } else if (in.akind == 1) {
    auto* a = reg<u32>(w, in.a);
    each_lane(m, [&](int i) { ad[i] = u32(a[i] + u32(off)); });
  } else {
    each_lane(m, [&](int i) { ad[i] = w.fp[i] + off; });
  }
}
}  // namespace

void pointers(Warp& w, const Ins& in, u32 m, u8** ptr, unsigned size, bool write) {
  u64 ad[32];
  addresses(w, in, m, ad);
  Launch& l = *w.launch;
  Space sp = in.space;
  u64 bits = 0, lo = ~0ull, hi = 0;
  each_lane(m, [&](int i) {
    bits |= ad[i];
    lo = ad[i] < lo ? ad[i] : lo;
    hi = ad[i] > hi ? ad[i] : hi;
  });
  if (l.options.profile && m != 0) {
    const Space place = sp != Generic ? sp : hi >> 56 == 0 ? Global : hi >> 56 == 1 ? Shared : Local;
    profile_access(w.pc, m, ad, place, size);
  }
  if ((bits & (size - 1)) == 0) {
    if (sp == Generic) {
      if ((hi >> 56) == 0)
        sp = Global;
      else if ((lo >> 56) == 1 && (hi >> 56) == 1) {
        sp = Shared;
        each_lane(m, [&](int i) { ad[i] &= kSharedWin - 1; });
        lo &= kSharedWin - 1;
        hi &= kSharedWin - 1;
      }
    }
    if (sp == Global || sp == Const) {
      if (lo >= l.cur_begin && hi <= l.cur_end && size <= l.cur_end - hi && (!write || l.cur_writable)) {
        each_lane(m, [&](int i) { ptr[i] = reinterpret_cast<u8*>(ad[i]); });
        return;
      }
    } else if (sp == Shared) {
      if (lo >= kSharedBase && hi <= l.shared_end && size <= l.shared_end - hi) {
        u8* base = w.block->shared - kSharedBase;
        each_lane(m, [&](int i) { ptr[i] = base + ad[i]; });
        return;
      }
    }
  }
  if (sp == ParamSp && lo == hi && lo >= kEntryParamBase) {
    u8* q = resolve(w, in, __builtin_ctz(m), ParamSp, lo, size, write);
    each_lane(m, [&](int i) { ptr[i] = q; });
    return;
  }
  if (sp != in.space && sp == Shared) {
    for (u32 k = m; k; k &= k - 1) {
      int i = __builtin_ctz(k);
      ptr[i] = resolve(w, in, i, Shared, ad[i], size, write);
    }
    return;
  }
  for (u32 k = m; k; k &= k - 1) {
    int i = __builtin_ctz(k);
    ptr[i] = resolve(w, in, i, in.space, ad[i], size, write);
  }
}
}  // namespace galena::ptx
