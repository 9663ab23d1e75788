// Loads and stores.

#include "test/emulator/ptx_address.hpp"
#include "test/emulator/ptx_race.hpp"

namespace galena::ptx {
namespace {

template <class T, class D>
void ld(Warp& w, const Ins& in, u32 m) {  // one element; D: destination storage
  u8* p[32];
  pointers(w, in, m, p, sizeof(T), false);
  auto* d = reg<D>(w, in.d);
  using X = std::conditional_t<std::is_signed_v<T>, i64, u64>;
  if (w.launch->watched) race_touch(w, in, m, p, sizeof(T), in.mode ? 2 : 0, nullptr);
  each_lane(m, [&](int i) { d[i] = D(X(*reinterpret_cast<const volatile T*>(p[i]))); });
}
template <class T>
void ldv(Warp& w, const Ins& in, u32 m) {
  const unsigned n = in.vec, total = unsigned(sizeof(T)) * n;
  u8* p[32];
  pointers(w, in, m, p, total, false);
  if (w.launch->watched) race_touch(w, in, m, p, total, in.mode ? 2 : 0, nullptr);
  const i32* e = w.launch->module->extra.data() + in.extra;
  for (unsigned j = 0; j < n; ++j) {
    // e[2j]: unit, e[2j+1]: width
    using X = std::conditional_t<std::is_signed_v<T>, i64, u64>;
    if (e[2 * j + 1] == 8) {
      auto* d = reg<u64>(w, e[2 * j]);
      each_lane(m, [&](int i) { d[i] = u64(X(read<T>(p[i] + sizeof(T) * j))); });
    } else {
      auto* d = reg<u32>(w, e[2 * j]);
      each_lane(m, [&](int i) { d[i] = u32(X(read<T>(p[i] + sizeof(T) * j))); });
    }
  }
}
template <class T, class S>
void st(Warp& w, const Ins& in, u32 m) {
  u8* p[32];
  pointers(w, in, m, p, sizeof(T), true);
  auto* d = reg<S>(w, in.d);
  if (w.launch->watched) {
    u64 v[32];
    for (u32 k = m; k; k &= k - 1) {
      int i = __builtin_ctz(k);
      v[i] = u64(T(d[i]));
    }
    race_touch(w, in, m, p, sizeof(T), in.mode ? 3 : 1, v);
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
  if (w.launch->watched) race_touch(w, in, m, p, total, in.mode ? 3 : 1, nullptr);
  const i32* e = w.launch->module->extra.data() + in.extra;
  for (u32 k = m; k; k &= k - 1) {
    int i = __builtin_ctz(k);
    for (unsigned j = 0; j < n; ++j) {
      T v = e[2 * j + 1] == 8 ? T(reg<u64>(w, e[2 * j])[i]) : T(reg<u32>(w, e[2 * j])[i]);
      std::memcpy(p[i] + sizeof(T) * j, &v, sizeof v);
    }
  }
}
template <class D>
Handler pick_ld(Type t) {
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

bool decode_access(const Op& op, std::vector<Operand>& o, Ins& in, Assembler& as) {
  const auto b = op.base;
  const bool isld = b == "ld" || b == "ldu", isst = b == "st";
  if (isld || isst) {
    const Type t = op.type();
    const unsigned ts = unsigned(type_size(t));
    if (!ts || t == B128) as.error("ld/st type");
    in.space = space_of(op);
    in.size = u8(ts);
    in.mode = op.has("volatile") || op.has("relaxed") || op.has("acquire") || op.has("release");
    const Operand& val = isld ? o.at(0) : o.at(1);
    set_address(in, isld ? o.at(1) : o.at(0), as);
    unsigned n = op.has("v2") ? 2 : op.has("v4") ? 4 : op.has("v8") ? 8 : 1;
    if (n == 1) {
      if (val.k == Operand::Vec) as.error("vector operand");
      if (isld) {
        const int w = val.k == Operand::Reg ? val.width : (ts == 8 ? 8 : 4);
        if (ts == 8 && w != 8) as.error("register too narrow");
        in.d = as.dst(val, w);
        in.fn = w == 8 ? pick_ld<u64>(t) : pick_ld<u32>(t);
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
  return false;
}

}  // namespace galena::ptx
