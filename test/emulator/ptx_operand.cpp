// Operands, and names that they are.

#include <algorithm>
#include <cctype>

#include "test/emulator/ptx_parser.hpp"

namespace galena::ptx {

void Parser::shared_use(int var) {
  auto& u = m_.functions[size_t(fn_)].shared_used;
  if (std::find(u.begin(), u.end(), var) == u.end()) u.push_back(var);
}

i32 Parser::shared_const(int var, u64 off, int width) {
  shared_use(var);
  for (auto& s : m_.shared_consts)
    if (s.var == var && s.offset == off && s.width == width) return s.unit;
  i32 u = m_.fresh_constant(width);
  m_.shared_consts.push_back({u, var, off, width});
  return u;
}

const Name* Parser::lookup(std::string_view s, std::string_view*, int* index) {
  size_t k = s.size();
  while (k > 0 && std::isdigit(u8(s[k - 1]))) --k;
  int n = -1;
  if (k < s.size() && s.size() - k < 9 && (s[k] != '0' || s.size() - k == 1)) {
    n = 0;
    for (size_t i = k; i < s.size(); ++i) n = n * 10 + (s[i] - '0');
  }
  for (int sc = scope_; sc >= 0; sc = scopes_[size_t(sc)].parent) {
    auto& names = scopes_[size_t(sc)].names;
    auto it = names.find(s);
    if (it != names.end() && it->second.count == 0) {
      *index = 0;
      return &it->second;
    }
    if (n >= 0) {
      it = names.find(s.substr(0, k));
      if (it != names.end() && it->second.k == Name::RegRange && n < it->second.count) {
        *index = n;
        return &it->second;
      }
    }
  }
  return nullptr;
}

namespace {

const std::unordered_map<std::string_view, int>& specials() {
  static const std::unordered_map<std::string_view, int> t = {{"%tid.x", TidX},
                                                              {"%tid.y", TidY},
                                                              {"%tid.z", TidZ},
                                                              {"%ntid.x", NtidX},
                                                              {"%ntid.y", NtidY},
                                                              {"%ntid.z", NtidZ},
                                                              {"%ctaid.x", CtaX},
                                                              {"%ctaid.y", CtaY},
                                                              {"%ctaid.z", CtaZ},
                                                              {"%nctaid.x", NctaX},
                                                              {"%nctaid.y", NctaY},
                                                              {"%nctaid.z", NctaZ},
                                                              {"%laneid", LaneId},
                                                              {"%warpid", WarpId},
                                                              {"%nwarpid", NWarpId},
                                                              {"%lanemask_eq", MaskEq},
                                                              {"%lanemask_lt", MaskLt},
                                                              {"%lanemask_le", MaskLe},
                                                              {"%lanemask_gt", MaskGt},
                                                              {"%lanemask_ge", MaskGe},
                                                              {"%smid", SmId},
                                                              {"%nsmid", NSmId},
                                                              {"%dynamic_smem_size", DynSmem},
                                                              {"%total_smem_size", TotSmem},
                                                              {"%aggr_smem_size", TotSmem},
                                                              {"%gridid", GridId},
                                                              {"%clusterid.x", CtaX},
                                                              {"%clusterid.y", CtaY},
                                                              {"%clusterid.z", CtaZ},
                                                              {"%nclusterid.x", NctaX},
                                                              {"%nclusterid.y", NctaY},
                                                              {"%nclusterid.z", NctaZ},
                                                              {"%cluster_ctaid.x", Zero},
                                                              {"%cluster_ctaid.y", Zero},
                                                              {"%cluster_ctaid.z", Zero},
                                                              {"%cluster_nctaid.x", One},
                                                              {"%cluster_nctaid.y", One},
                                                              {"%cluster_nctaid.z", One},
                                                              {"%cluster_ctarank", Zero},
                                                              {"%cluster_nctarank", One}};
  return t;
}

}  // namespace

Operand Parser::name_operand(std::string_view s) {
  Operand o;
  o.name = s;
  if (s == "_") {
    o.k = Operand::Sink;
    return o;
  }
  int index = 0;
  if (const Name* n = lookup(s, nullptr, &index)) {
    switch (n->k) {
      case Name::RegRange:
        if (n->width == 0) {
          o.k = Operand::PredReg;
          o.pred = u16(n->unit + index);
        } else {
          o.k = Operand::Reg;
          o.width = n->width;
          o.unit = n->unit + index * (n->width == 8 ? 2 : 1);
        }
        return o;
      case Name::Frame:
        o.k = Operand::Sym;
        o.frame = true;
        o.imm = n->offset;
        return o;
      case Name::Shared:
        o.k = Operand::Sym;
        o.sym = n->index;
        shared_use(n->index);
        return o;
      case Name::Global:
        o.k = Operand::Imm;
        o.imm = reinterpret_cast<u64>(m_.globals[size_t(n->index)].data);
        return o;
      case Name::EntryParam:
        o.k = Operand::Imm;
        o.imm = kEntryParamBase + n->offset;
        return o;
    }
  }
  if (s[0] == '%') {
    if (auto it = specials().find(s); it != specials().end()) {
      o.k = Operand::Reg;
      o.unit = it->second;
      o.width = it->second == GridId ? 8 : 4;
      return o;
    }
    if (s == "%clock" || s == "%clock64" || s == "%globaltimer" || s == "%globaltimer_lo") {
      o.k = Operand::SpecialTime;
      return o;
    }
    if (s == "%clock_hi" || s == "%globaltimer_hi") {
      o.k = Operand::SpecialTime;
      o.imm = 1;
      return o;
    }
    if (s == "%is_explicit_cluster") {
      o.k = Operand::PredReg;
      o.pred = 0;
      o.neg = true;
      return o;
    }
  }
  if (s == "WARP_SZ") {
    o.k = Operand::Imm;
    o.imm = 32;
    return o;
  }
  if (auto it = m_.shared_index.find(s); it != m_.shared_index.end()) {
    o.k = Operand::Sym;
    o.sym = it->second;
    shared_use(it->second);
    return o;
  }
  if (auto it = m_.global_index.find(s); it != m_.global_index.end()) {
    o.k = Operand::Imm;
    o.imm = reinterpret_cast<u64>(m_.globals[size_t(it->second)].data);
    return o;
  }
  if (auto it = m_.function_index.find(s); it != m_.function_index.end()) {
    o.k = Operand::Imm;
    o.imm = kFuncWin + u64(it->second);
    m_.functions[size_t(it->second)].indirect = true;
    return o;
  }
  o.k = Operand::Label;
  return o;
}
Operand Parser::operand() {
  Operand o;
  if (accept('{')) {
    o.k = Operand::Vec;
    while (!is('}')) {
      o.elems.push_back(operand());
      if (!accept(',')) break;
    }
    expect('}');
    return o;
  }
  if (accept('[')) {
    Operand base;
    if (tok_.k == Token::Number) {
      base.k = Operand::Imm;
      base.imm = tok_.v;
      adv();
    } else
      base = name_operand(ident());
    u64 off = 0;
    while (is('+') || is('-')) {
      bool neg = is('-');
      adv();
      if (accept('-')) neg = !neg;
      off += neg ? 0 - tok_.v : tok_.v;
      adv();
    }
    expect(']');
    o.k = Operand::Addr;
    o.imm = off;
    if (base.k == Operand::Reg) {
      o.base_reg = true;
      o.unit = base.unit;
      o.width = base.width;
    } else if (base.k == Operand::Imm) {
      o.unit = m_.constant(base.imm, 8);
      o.width = 8;
    } else if (base.k == Operand::Sym && base.frame) {
      o.frame = true;
      o.imm += base.imm;
    } else if (base.k == Operand::Sym) {
      o.unit = shared_const(base.sym, 0, 8);
      o.width = 8;
    } else
      error("address of unknown name '" + std::string(base.name) + "'");
    return o;
  }
  if (accept('!')) {
    o = operand();
    o.neg = !o.neg;
    return o;
  }
  if (accept('-')) {
    o = operand();
    if (o.k == Operand::Imm)
      o.imm = 0 - o.imm;
    else if (o.k == Operand::DImm)
      o.imm ^= 1ull << 63;
    else if (o.k == Operand::FImm)
      o.imm ^= 0x80000000u;
    else
      error("negated operand");
    return o;
  }
  if (tok_.k == Token::Number) {
    o.k = Operand::Imm;
    o.imm = tok_.v;
    adv();
    return o;
  }
  if (tok_.k == Token::Float) {
    o.k = tok_.fw == 8 ? Operand::DImm : Operand::FImm;
    o.imm = tok_.v;
    adv();
    return o;
  }
  if (tok_.k == Token::Ident) {
    o = name_operand(ident());
    if ((is('+')) && (o.k == Operand::Imm || o.k == Operand::Sym)) {
      adv();
      o.imm += tok_.v;
      adv();
    }
    if (accept('|')) {
      Operand second = operand();
      o.pipe = int(o.elems.size());
      o.elems.push_back(second);
    }
    return o;
  }
  error("operand '" + std::string(tok_.s) + "'");
}
i32 Parser::src(const Operand& o, int width, Type t) {
  switch (o.k) {
    case Operand::Reg:
      if (o.width == width) return o.unit;
      if (o.width == 8 && width == 4) {
        Ins in;
        in.fn = narrow_handler();
        in.a = o.unit;
        in.d = temp(4);
        emit(in);
        return in.d;
      }
      error("register '" + std::string(o.name) + "' is too narrow");
    case Operand::Imm: return m_.constant(t == F32 && false ? o.imm : o.imm, width);
    case Operand::FImm:
      if (t == F64) return m_.constant(std::bit_cast<u64>(double(std::bit_cast<float>(u32(o.imm)))), width);
      return m_.constant(o.imm, width);
    case Operand::DImm:
      if (t == F32) return m_.constant(std::bit_cast<u32>(float(std::bit_cast<double>(o.imm))), width);
      return m_.constant(o.imm, width);
    case Operand::Sym:
      if (o.frame) error("frame address as an operand");
      return shared_const(o.sym, o.imm, width);
    case Operand::Label: error("unknown name '" + std::string(o.name) + "'");
    default: error("operand form");
  }
}
i32 Parser::dst(const Operand& o, int width) {
  if (o.k == Operand::Sink) return temp(width);
  if (o.k != Operand::Reg) error("destination form");
  if (o.unit < kSpecials) error("destination is a special register");
  if (o.width != width)
    error("destination '" + std::string(o.name) + "' has another width than the instruction writes");
  return o.unit;
}
}  // namespace galena::ptx
