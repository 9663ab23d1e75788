// Types, constants and text of a module.

#include "test/emulator/ptx_module.hpp"

#include <algorithm>
#include <cstdlib>

namespace galena::ptx {

int type_size(Type t) {
  switch (t) {
    case U8:
    case S8:
    case B8: return 1;
    case U16:
    case S16:
    case B16:
    case F16:
    case BF16: return 2;
    case U32:
    case S32:
    case B32:
    case F32:
    case F16X2:
    case BF16X2:
    case U16X2:
    case S16X2: return 4;
    case U64:
    case S64:
    case B64:
    case F64: return 8;
    case B128: return 16;
    default: return 0;
  }
}
Type type_of(std::string_view s) {
  static const std::unordered_map<std::string_view, Type> t = {
      {"u8", U8},       {"s8", S8},         {"b8", B8},       {"u16", U16},     {"s16", S16}, {"b16", B16},
      {"f16", F16},     {"bf16", BF16},     {"u32", U32},     {"s32", S32},     {"b32", B32}, {"f32", F32},
      {"f16x2", F16X2}, {"bf16x2", BF16X2}, {"u16x2", U16X2}, {"s16x2", S16X2}, {"u64", U64}, {"s64", S64},
      {"b64", B64},     {"f64", F64},       {"pred", PRED},   {"b128", B128}};
  auto it = t.find(s);
  return it == t.end() ? NONE : it->second;
}
Module::~Module() {
  std::free(consts);
  for (Var& v : globals) std::free(v.data);
}

i32 Module::fresh_constant(int width) {
  size_t n = width == 8 ? 2 : 1;
  if (const_units + n > const_cap) {
    const_cap = std::max<size_t>(256, const_cap * 2);
    auto* p = static_cast<u32*>(std::aligned_alloc(128, const_cap * 128));
    if (consts) std::memcpy(p, consts, const_units * 128);
    std::free(consts);
    consts = p;
  }
  i32 u = i32(const_units);
  const_units += n;
  return ~u;
}
static void fill_const(u32* base, i32 unit, u64 v, int width) {
  if (width == 8) {
    auto* p = reinterpret_cast<u64*>(base + size_t(~unit) * 32);
    for (int i = 0; i < 32; ++i) p[i] = v;
  } else {
    auto* p = base + size_t(~unit) * 32;
    for (int i = 0; i < 32; ++i) p[i] = u32(v);
  }
}
i32 Module::constant(u64 v, int width) {
  if (width == 4) v = u32(v);
  auto [it, fresh] = const_pool.try_emplace({v, width}, 0);
  if (fresh) {
    it->second = fresh_constant(width);
    fill_const(consts, it->second, v, width);
  }
  return it->second;
}
std::string Module::line_text(u32 line) const {
  if (line == 0 || line > line_starts.size()) return {};
  size_t b = line_starts[line - 1], e = text.find('\n', b);
  if (e == std::string::npos) e = text.size();
  while (b < e && (text[b] == ' ' || text[b] == '\t')) ++b;
  return text.substr(b, e - b);
}

}  // namespace galena::ptx
