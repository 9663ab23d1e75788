// Loads, stores, atomics of the PTX interpreter.
#include <algorithm>
#include "test/emulator/ptx_core.hpp"

namespace ptx {
namespace {
std::string hex(u64 v) {
  char b[32];
  std::snprintf(b, sizeof b, "0x%llx", static_cast<unsigned long long>(v));
  return b;
}

bool findRange(Launch& l, u64 addr, unsigned size) {
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
        if (!findRange(l, addr, size))
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
    LANES(ad[i] = a[i] + off)
  } else if (in.akind == 1) {
    auto* a = reg<u32>(w, in.a);
    LANES(ad[i] = u32(a[i] + u32(off)))
  } else {
    LANES(ad[i] = w.fp[i] + off)
  }
}
// Host pointers of all lanes in m; a fast path where all lie in one known range.
inline void pointers(Warp& w, const Ins& in, u32 m, u8** ptr, unsigned size, bool write) {
  u64 ad[32];
  addresses(w, in, m, ad);
  Launch& l = *w.launch;
  Space sp = in.space;
  u64 bits = 0, lo = ~0ull, hi = 0;
  LANES(bits |= ad[i]; lo = ad[i] < lo ? ad[i] : lo; hi = ad[i] > hi ? ad[i] : hi)
  if ((bits & (size - 1)) == 0) {
    if (sp == Generic) {
      if ((hi >> 56) == 0)
        sp = Global;
      else if ((lo >> 56) == 1 && (hi >> 56) == 1) {
        sp = Shared;
        LANES(ad[i] &= kSharedWin - 1) lo &= kSharedWin - 1;
        hi &= kSharedWin - 1;
      }
    }
    if (sp == Global || sp == Const) {
      if (lo >= l.cur_begin && hi <= l.cur_end && size <= l.cur_end - hi && (!write || l.cur_writable)) {
        LANES(ptr[i] = reinterpret_cast<u8*>(ad[i])) return;
      }
    } else if (sp == Shared) {
      if (lo >= kSharedBase && hi <= l.shared_end && size <= l.shared_end - hi) {
        u8* base = w.block->shared - kSharedBase;
        LANES(ptr[i] = base + ad[i]) return;
      }
    }
  }
  if (sp == ParamSp && lo == hi && lo >= kEntryParamBase) {
    u8* q = resolve(w, in, __builtin_ctz(m), ParamSp, lo, size, write);
    LANES(ptr[i] = q) return;
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
template <class T>
inline T rd(const u8* p) {
  T v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
template <class T>
inline T rdAtomic(const u8* p) {
  return __atomic_load_n(reinterpret_cast<const T*>(p), __ATOMIC_ACQUIRE);
}

template <class T, class D>
void ld(Warp& w, const Ins& in, u32 m) {  // one element; D: destination storage
  u8* p[32];
  pointers(w, in, m, p, sizeof(T), false);
  auto* d = reg<D>(w, in.d);
  using X = std::conditional_t<std::is_signed_v<T>, i64, u64>;
  if (g_race) raceTouch(w, in, m, p, sizeof(T), in.mode ? 2 : 0, nullptr);
  LANES(d[i] = D(X(*reinterpret_cast<const volatile T*>(p[i]))))
}
template <class T>
void ldv(Warp& w, const Ins& in, u32 m) {
  const unsigned n = in.vec, total = unsigned(sizeof(T)) * n;
  u8* p[32];
  pointers(w, in, m, p, total, false);
  if (g_race) raceTouch(w, in, m, p, total, in.mode ? 2 : 0, nullptr);
  const i32* e = w.launch->module->extra.data() + in.extra;
  for (unsigned j = 0; j < n; ++j) {
    // e[2j]: unit, e[2j+1]: width
    using X = std::conditional_t<std::is_signed_v<T>, i64, u64>;
    if (e[2 * j + 1] == 8) {
      auto* d = reg<u64>(w, e[2 * j]);
      LANES(d[i] = u64(X(rd<T>(p[i] + sizeof(T) * j))))
    } else {
      auto* d = reg<u32>(w, e[2 * j]);
      LANES(d[i] = u32(X(rd<T>(p[i] + sizeof(T) * j))))
    }
  }
}
template <class T, class S>
void st(Warp& w, const Ins& in, u32 m) {
  u8* p[32];
  pointers(w, in, m, p, sizeof(T), true);
  auto* d = reg<S>(w, in.d);
  if (g_race) {
    u64 v[32];
    for (u32 k = m; k; k &= k - 1) {
      int i = __builtin_ctz(k);
      v[i] = u64(T(d[i]));
    }
    raceTouch(w, in, m, p, sizeof(T), in.mode ? 3 : 1, v);
  }
  for (u32 k = m; k; k &= k - 1) {
    int i = __builtin_ctz(k);
    *reinterpret_cast<volatile T*>(p[i]) = T(d[i]);
  }
}
template <class T>
void stv(Warp& w, const Ins& in, u32 m) {
  const unsigned n = in.vec, total = unsigned(sizeof(T)) * n;
  u8* p[32];
  pointers(w, in, m, p, total, true);
  if (g_race) raceTouch(w, in, m, p, total, in.mode ? 3 : 1, nullptr);
  const i32* e = w.launch->module->extra.data() + in.extra;
  for (u32 k = m; k; k &= k - 1) {
    int i = __builtin_ctz(k);
    for (unsigned j = 0; j < n; ++j) {
      T v = e[2 * j + 1] == 8 ? T(reg<u64>(w, e[2 * j])[i]) : T(reg<u32>(w, e[2 * j])[i]);
      std::memcpy(p[i] + sizeof(T) * j, &v, sizeof v);
    }
  }
}
enum AOp : u8 { AAdd, AMin, AMax, AAnd, AOr, AXor, AExch, ACas, AInc, ADec };
template <class T>
struct Bits {
  using t = std::conditional_t<sizeof(T) == 8, u64, std::conditional_t<sizeof(T) == 4, u32, u16>>;
};
template <class T>
T apply(u8 op, T old, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    switch (op) {
      case AAdd: return old + b;
      case AMin: return old != old ? b : b != b ? old : std::min(old, b);
      case AMax: return old != old ? b : b != b ? old : std::max(old, b);
      default: return b;
    }
  } else
    switch (op) {
      case AAdd: return T(old + b);
      case AMin: return std::min(old, b);
      case AMax: return std::max(old, b);
      case AAnd: return T(old & b);
      case AOr: return T(old | b);
      case AXor: return T(old ^ b);
      case AInc: return old >= b ? T(0) : T(old + 1);
      case ADec: return old == 0 || old > b ? b : T(old - 1);
      default: return b;
    }
}
template <class T>
void atom(Warp& w, const Ins& in, u32 m) {  // flag: has a destination
  using B = typename Bits<T>::t;
  using S = std::conditional_t<sizeof(T) == 8, u64, u32>;
  u8* p[32];
  pointers(w, in, m, p, sizeof(T), true);
  if (g_race) raceTouch(w, in, m, p, sizeof(T), 3, nullptr);
  auto* d = reg<S>(w, in.d);
  auto* b = reg<S>(w, in.b);
  auto* c = reg<S>(w, in.c);
  for (u32 k = m; k; k &= k - 1) {
    const int i = __builtin_ctz(k);
    auto* q = reinterpret_cast<B*>(p[i]);
    B old = __atomic_load_n(q, __ATOMIC_SEQ_CST);
    if (in.sub == ACas) {
      B want = B(b[i]);
      old = want;
      __atomic_compare_exchange_n(q, &old, B(c[i]), false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    } else if (in.sub == AExch)
      old = __atomic_exchange_n(q, B(b[i]), __ATOMIC_SEQ_CST);
    else {
      B next;
      do next = std::bit_cast<B>(apply<T>(in.sub, std::bit_cast<T>(old), std::bit_cast<T>(B(b[i]))));
      while (!__atomic_compare_exchange_n(q, &old, next, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
    }
    if (in.flag) d[i] = old;
  }
}
template <class T>
void redv(Warp& w, const Ins& in, u32 m) {  // red.v2/.v4.f32
  u8* p[32];
  pointers(w, in, m, p, unsigned(sizeof(T)) * in.vec, true);
  const i32* e = w.launch->module->extra.data() + in.extra;
  for (u32 k = m; k; k &= k - 1) {
    int i = __builtin_ctz(k);
    for (unsigned j = 0; j < in.vec; ++j) {
      T v = rd<T>(p[i] + sizeof(T) * j);
      v = apply<T>(in.sub, v, std::bit_cast<T>(reg<u32>(w, e[2 * j])[i]));
      std::memcpy(p[i] + sizeof(T) * j, &v, sizeof v);
    }
  }
}
void cpAsync(Warp& w, const Ins& in, u32 m) {
  const Ins& a = in;
  for (u32 k = m; k; k &= k - 1) {
    int i = __builtin_ctz(k);
    const u64 da = (in.akind == 1 ? reg<u32>(w, in.a)[i] : reg<u64>(w, in.a)[i]) + u64(in.imm);
    const u64 sa = reg<u64>(w, in.b)[i] + u64(i64(in.target));
    u32 n = in.flag ? reg<u32>(w, in.c)[i] : in.size;
    if (in.flag == 2 && (((w.preds[in.pc] ^ in.pcneg) >> i) & 1)) n = 0;
    if (in.flag == 2) n = n ? in.size : 0;
    u8* d = resolve(w, a, i, Shared, da, in.size, true);
    if (sa & (in.size - 1u)) fault(w, in, i, "misaligned cp.async source");
    std::memset(d, 0, in.size);
    if (n) {
      if (n > in.size) fault(w, in, i, "cp.async source size");
      for (u32 x = 0; x < n; ++x) d[x] = *resolve(w, a, i, Global, sa + x, 1, false);
    }
  }
}
void nothing(Warp&, const Ins&, u32) {}
template <class D>
Handler pickLd(Type t) {
  switch (t) {
    case U8:
    case B8: return ld<u8, D>;
    case S8: return ld<i8, D>;
    case U16:
    case B16:
    case F16:
    case BF16: return ld<u16, D>;
    case S16: return ld<i16, D>;
    case U32:
    case B32:
    case F32:
    case F16X2:
    case BF16X2: return ld<u32, D>;
    case S32: return ld<i32, D>;
    case U64:
    case B64:
    case F64:
    case S64: return ld<u64, D>;
    default: return nullptr;
  }
}
}  // namespace

bool decodeMem(const Op& op, std::vector<Operand>& o, Ins& in, Assembler& as) {
  const auto b = op.base;
  if (b == "prefetch" || b == "prefetchu" || b == "membar" || b == "fence" || b == "griddepcontrol" ||
      b == "applypriority" || b == "discard") {
    in.fn = nothing;
    return true;
  }
  if (b == "createpolicy") {
    in.d = as.dst(o.at(0), 8);
    in.a = as.src(o.at(0), 8);
    in.fn = nothing;
    return true;
  }
  auto space = [&] {
    for (auto m : op.mods) {
      if (m == "global") return Global;
      if (m == "const") return Const;
      if (m.starts_with("shared")) return Shared;
      if (m == "local") return Local;
      if (m == "param" || m.starts_with("param::")) return ParamSp;
    }
    return Generic;
  };
  auto address = [&](const Operand& x) {
    if (x.k != Operand::Addr) as.error("an address is wanted");
    in.imm = i64(x.imm);
    if (x.frame) {
      in.akind = 2;
      return;
    }
    if (x.base_reg) {
      in.akind = x.width == 4;
      in.a = x.unit;
      return;
    }
    in.akind = 0;
    in.a = x.unit;
  };
  if (b == "cp") {
    if (op.has("bulk") || !op.has("async")) as.error("cp form");
    if (op.has("commit_group") || op.has("wait_group") || op.has("wait_all")) {
      in.fn = nothing;
      return true;
    }
    if (op.has("mbarrier")) as.error("cp.async.mbarrier");
    address(o.at(0));
    Ins save = in;
    Ins other;
    std::swap(in, other);
    address(o.at(1));
    const i32 sb = in.a;
    const i64 so = in.imm;
    const u8 k = in.akind;
    in = save;
    in.b = sb;
    in.target = i32(so);
    if (k != 0) as.error("cp.async source form");
    in.size = u8(o.at(2).imm);
    if (o.size() > 3) {
      if (o[3].k == Operand::PredReg) {
        in.flag = 2;
        in.pc = o[3].pred;
        in.pcneg = o[3].neg ? ~0u : 0;
        in.c = as.src(o[2], 4, U32);
      } else if (o[3].k == Operand::Reg && o[3].width == 8) {
      } else {
        in.flag = 1;
        in.c = as.src(o[3], 4, U32);
      }
    }
    in.fn = cpAsync;
    return true;
  }
  const bool isld = b == "ld" || b == "ldu", isst = b == "st";
  if (isld || isst) {
    const Type t = op.type();
    const unsigned ts = unsigned(typeSize(t));
    if (!ts || t == B128) as.error("ld/st type");
    in.space = space();
    in.size = u8(ts);
    in.mode = op.has("volatile") || op.has("relaxed") || op.has("acquire") || op.has("release");
    const Operand& val = isld ? o.at(0) : o.at(1);
    address(isld ? o.at(1) : o.at(0));
    unsigned n = op.has("v2") ? 2 : op.has("v4") ? 4 : op.has("v8") ? 8 : 1;
    if (n == 1) {
      if (val.k == Operand::Vec) as.error("vector operand");
      if (isld) {
        const int w = val.k == Operand::Reg ? val.width : (ts == 8 ? 8 : 4);
        if (ts == 8 && w != 8) as.error("register too narrow");
        in.d = as.dst(val, w);
        in.fn = w == 8 ? pickLd<u64>(t) : pickLd<u32>(t);
      } else {
        const int w = val.k == Operand::Reg ? val.width : (ts == 8 ? 8 : 4);
        if (ts == 8 && w != 8) as.error("register too narrow");
        in.d = as.src(val, w, t);
        switch (ts) {
          case 1: in.fn = w == 8 ? st<u8, u64> : st<u8, u32>; break;
          case 2: in.fn = w == 8 ? st<u16, u64> : st<u16, u32>; break;
          case 4: in.fn = w == 8 ? st<u32, u64> : st<u32, u32>; break;
          default: in.fn = st<u64, u64>;
        }
      }
      return true;
    }
    if (val.k != Operand::Vec || val.elems.size() != n) as.error("vector operand");
    in.vec = u8(n);
    std::vector<i32> e;
    for (auto& x : val.elems) {
      const int w = x.k == Operand::Reg ? x.width : (ts == 8 ? 8 : 4);
      e.push_back(isld ? as.dst(x, w) : as.src(x, w, t));
      e.push_back(w);
    }
    in.extra = i32(as.module().extra.size());
    as.module().extra.insert(as.module().extra.end(), e.begin(), e.end());
    if (isld) switch (t) {
        case U8:
        case B8: in.fn = ldv<u8>; break;
        case S8: in.fn = ldv<i8>; break;
        case U16:
        case B16:
        case F16:
        case BF16: in.fn = ldv<u16>; break;
        case S16: in.fn = ldv<i16>; break;
        case S32: in.fn = ldv<i32>; break;
        default: in.fn = ts == 8 ? Handler(ldv<u64>) : Handler(ldv<u32>);
      }
    else
      switch (ts) {
        case 1: in.fn = stv<u8>; break;
        case 2: in.fn = stv<u16>; break;
        case 4: in.fn = stv<u32>; break;
        default: in.fn = stv<u64>;
      }
    return true;
  }
  if (b == "atom" || b == "red") {
    const bool isatom = b == "atom";
    const Type t = op.type();
    const unsigned ts = unsigned(typeSize(t));
    const int W = ts == 8 ? 8 : 4;
    in.space = space();
    in.size = u8(ts);
    static const std::pair<std::string_view, AOp> ops[] = {{"add", AAdd}, {"min", AMin}, {"max", AMax},   {"and", AAnd},
                                                           {"or", AOr},   {"xor", AXor}, {"exch", AExch}, {"cas", ACas},
                                                           {"inc", AInc}, {"dec", ADec}};
    bool found = false;
    for (auto& [n, v] : ops)
      if (op.has(n)) {
        in.sub = v;
        found = true;
      }
    if (!found || !ts) as.error("atomic operation");
    const size_t k = isatom ? 1 : 0;
    address(o.at(k));
    if (op.has("v2") || op.has("v4")) {
      if (isatom || t != F32) as.error("vector atomics");
      in.vec = op.has("v2") ? 2 : 4;
      in.extra = i32(as.module().extra.size());
      for (auto& x : o.at(k + 1).elems) {
        as.module().extra.push_back(as.src(x, 4, t));
        as.module().extra.push_back(4);
      }
      in.fn = redv<float>;
      return true;
    }
    in.flag = isatom && o[0].k != Operand::Sink;
    in.d = in.flag ? as.dst(o[0], W) : 0;
    in.b = as.src(o.at(k + 1), W, t);
    in.c = in.sub == ACas ? as.src(o.at(k + 2), W, t) : in.b;
    switch (t) {
      case U32:
      case B32: in.fn = atom<u32>; break;
      case S32: in.fn = atom<i32>; break;
      case U64:
      case B64: in.fn = atom<u64>; break;
      case S64: in.fn = atom<i64>; break;
      case F32: in.fn = atom<float>; break;
      case F64: in.fn = atom<double>; break;
      case B16: in.fn = atom<u16>; break;
      default: as.error("atomic type");
    }
    return true;
  }
  return false;
}
}  // namespace ptx
