// Atomics, asynchronous copies, and what a cache would be told.

#include <algorithm>

#include "test/emulator/ptx_address.hpp"
#include "test/emulator/ptx_race.hpp"

namespace galena::ptx {
namespace {

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
  if (w.launch->watched) race_touch(w, in, m, p, sizeof(T), 3, nullptr);
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
      T v = read<T>(p[i] + sizeof(T) * j);
      v = apply<T>(in.sub, v, std::bit_cast<T>(reg<u32>(w, e[2 * j])[i]));
      std::memcpy(p[i] + sizeof(T) * j, &v, sizeof v);
    }
  }
}
void cp_async(Warp& w, const Ins& in, u32 m) {
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
}  // namespace

Space space_of(const Op& op) {
  for (auto m : op.mods) {
    if (m == "global") return Global;
    if (m == "const") return Const;
    if (m.starts_with("shared")) return Shared;
    if (m == "local") return Local;
    if (m == "param" || m.starts_with("param::")) return ParamSp;
  }
  return Generic;
}

void set_address(Ins& in, const Operand& x, Assembler& as) {
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
}

bool decode_copy(const Op& op, std::vector<Operand>& o, Ins& in, Assembler& as) {
  const auto b = op.base;
  if (b == "cp") {
    if (op.has("bulk") || !op.has("async")) as.error("cp form");
    if (op.has("commit_group") || op.has("wait_group") || op.has("wait_all")) {
      in.fn = nothing;
      return true;
    }
    if (op.has("mbarrier")) as.error("cp.async.mbarrier");
    set_address(in, o.at(0), as);
    Ins save = in;
    Ins other;
    std::swap(in, other);
    set_address(in, o.at(1), as);
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
    in.fn = cp_async;
    return true;
  }
  return false;
}

bool decode_atomic(const Op& op, std::vector<Operand>& o, Ins& in, Assembler& as) {
  const auto b = op.base;
  if (b == "atom" || b == "red") {
    const bool isatom = b == "atom";
    const Type t = op.type();
    const unsigned ts = unsigned(type_size(t));
    const int W = ts == 8 ? 8 : 4;
    in.space = space_of(op);
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
    set_address(in, o.at(k), as);
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

bool decode_memory(const Op& op, std::vector<Operand>& o, Ins& in, Assembler& as) {
  const auto b = op.base;
  if (b == "membar" || b == "fence") {
    in.fn = [](Warp& w, const Ins&, u32) {
      if (w.launch->watched) race_fence(w);
    };
    return true;
  }
  if (b == "prefetch" || b == "prefetchu" || b == "griddepcontrol" || b == "applypriority" || b == "discard") {
    in.fn = nothing;
    return true;
  }
  if (b == "createpolicy") {
    in.d = as.dst(o.at(0), 8);
    in.a = as.src(o.at(0), 8);
    in.fn = nothing;
    return true;
  }
  return decode_copy(op, o, in, as) || decode_access(op, o, in, as) || decode_atomic(op, o, in, as);
}

}  // namespace galena::ptx
