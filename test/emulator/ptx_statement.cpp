// Bodies: statements, labels, instructions.

#include <algorithm>

#include "test/emulator/ptx_parser.hpp"

namespace galena::ptx {

namespace {

void unsupported(Warp& w, const Ins& in, u32 m) {
  fault(w, in, __builtin_ctz(m), "the interpreter cannot decode this: " + w.launch->module->messages[size_t(in.extra)]);
}

}  // namespace

void Parser::body(const Body& b) {
  pos_ = b.pos;
  line_ = b.line;
  fn_ = b.fn;
  scopes_.clear();
  scopes_.push_back({{}, -1, {}});
  scope_ = 0;
  branches_.clear();
  tables_.clear();
  auto& f = m_.functions[size_t(fn_)];
  next_unit_ = m_.func_regs;
  next_pred_ = m_.func_preds;
  f.reg_base = next_unit_;
  f.pred_base = next_pred_;
  for (auto& [n, v] : formals_[fn_]) scopes_[0].names[n] = v;
  f.start = int(m_.code.size());
  adv();
  while (!(is('}') && scope_ == 0)) {
    if (tok_.k == Token::End) error("end of the text in a body");
    statement();
  }
  stmt_line_ = tok_.line;
  {
    Ins in;
    in.kind = f.entry ? Exit : Ret;
    emit(in);
  }
  auto& g = m_.functions[size_t(fn_)];
  g.end = int(m_.code.size());
  for (auto& br : branches_) {
    int sc = br.scope;
    int pc = -1;
    for (; sc >= 0; sc = scopes_[size_t(sc)].parent) {
      auto it = scopes_[size_t(sc)].labels.find(br.name);
      if (it != scopes_[size_t(sc)].labels.end()) {
        pc = it->second;
        break;
      }
    }
    stmt_line_ = br.line;
    if (pc < 0) error("unknown label '" + std::string(br.name) + "'");
    if (br.table >= 0)
      m_.tables[size_t(br.table)][size_t(br.entry)] = pc;
    else
      m_.code[size_t(br.pc)].target = pc;
  }
  stmt_line_ = 0;
  g.frame = (g.frame + 63) / 64 * 64;
  g.regs = next_unit_ - g.reg_base;
  g.preds = next_pred_ - g.pred_base;
  if (next_pred_ > 65000) error("too many predicates");
  if (!g.entry) {
    m_.func_regs = next_unit_;
    m_.func_preds = next_pred_;
  }
}

void Parser::source() {  // .file 1 "name"  or  .loc 1 line column
  const bool file = tok_.s == ".file";
  adv();
  const u32 number = u32(tok_.v);
  adv();
  if (file)
    m_.files[number] = std::string(tok_.s);
  else
    source_ = u64(number) << 32 | u32(tok_.v);
  skip_line();
}

void Parser::statement() {
  if (accept('{')) {
    scopes_.push_back({{}, scope_, {}});
    scope_ = int(scopes_.size()) - 1;
    return;
  }
  if (accept('}')) {
    scope_ = scopes_[size_t(scope_)].parent;
    return;
  }
  if (accept(';')) return;
  stmt_line_ = tok_.line;
  if (tok_.k == Token::Ident && tok_.s[0] == '.') {
    auto s = tok_.s;
    if (s == ".loc" || s == ".file") {
      source();
      return;
    }
    if (s == ".pragma") {
      skip_statement();
      return;
    }
    if (s == ".extern" || s == ".visible" || s == ".weak") {
      adv();
      return;
    }
    if (s == ".reg") {
      adv();
      Type type = NONE;
      int vec = 1;
      while (tok_.k == Token::Ident && tok_.s[0] == '.') {
        auto q = tok_.s.substr(1);
        if (q == "v2")
          vec = 2;
        else if (q == "v4")
          vec = 4;
        else
          type = type_of(q);
        adv();
      }
      if (type == NONE || vec > 1 || type == B128) error("register declaration");
      for (;;) {
        auto name = ident();
        int n = 0;
        if (accept('<')) {
          n = int(tok_.v);
          adv();
          expect('>');
        }
        Name nm{.k = Name::RegRange};
        nm.count = n;
        const int c = n ? n : 1;
        if (type == PRED) {
          nm.width = 0;
          nm.unit = next_pred_;
          next_pred_ += c;
        } else {
          nm.width = type_size(type) == 8 ? 8 : 4;
          nm.unit = next_unit_;
          for (int k = 0; k < c; ++k)
            m_.functions[size_t(fn_)].slots.emplace_back(nm.unit + k * (nm.width == 8 ? 2 : 1), nm.width);
          next_unit_ += c * (nm.width == 8 ? 2 : 1);
        }
        scopes_[size_t(scope_)].names[name] = nm;
        if (!accept(',')) break;
      }
      expect(';');
      return;
    }
    Space sp = s == ".local"    ? Local
               : s == ".param"  ? ParamSp
               : s == ".shared" ? Shared
               : s == ".global" ? Global
               : s == ".const"  ? Const
                                : Generic;
    if (sp != Generic) {
      adv();
      variable(sp, false);
      return;
    }
    error("directive");
  }
  // label?
  if (tok_.k == Token::Ident) {
    size_t p = pos_;
    while (p < t_.size() && (t_[p] == ' ' || t_[p] == '\t')) ++p;
    if (p < t_.size() && t_[p] == ':' && t_[p + 1] != ':') {
      auto name = ident();
      expect(':');
      if (tok_.k == Token::Ident && tok_.s == ".branchtargets") {
        adv();
        int tb = int(m_.tables.size());
        m_.tables.emplace_back();
        tables_[name] = tb;
        for (;;) {
          m_.tables.back().push_back(-1);
          branches_.push_back({-1, scope_, tok_.s, tb, int(m_.tables.back().size()) - 1, stmt_line_});
          adv();
          if (!accept(',')) break;
        }
        expect(';');
        return;
      }
      if (tok_.k == Token::Ident && (tok_.s == ".callprototype" || tok_.s == ".calltargets")) {
        skip_statement();
        return;
      }
      scopes_[size_t(scope_)].labels[name] = int(m_.code.size());
      return;
    }
  }
  instruction();
}
bool Parser::decode_control(const Op& op, std::vector<Operand>& o, Ins& in) {
  const auto b = op.base;
  auto dpred = [&](const Operand& x) -> u16 {
    if (x.k == Operand::Sink) return 1;
    if (x.k != Operand::PredReg) error("a predicate is wanted");
    return x.pred;
  };
  if (b == "bra") {
    in.kind = Bra;
    branches_.push_back({int(m_.code.size()), scope_, o.at(0).name, -1, 0, stmt_line_});
    return true;
  }
  if (b == "brx") {
    in.kind = Brx;
    in.a = src(o.at(0), 4, U32);
    auto it = tables_.find(o.at(1).name);
    if (it == tables_.end()) error("unknown branch table");
    in.target = it->second;
    return true;
  }
  if (b == "ret") {
    in.kind = m_.functions[size_t(fn_)].entry ? Exit : Ret;
    return true;
  }
  if (b == "exit") {
    in.kind = Exit;
    return true;
  }
  if (b == "trap" || b == "brkpt") {
    in.kind = Trap;
    return true;
  }
  if (b == "nanosleep") {
    in.kind = Nanosleep;
    return true;
  }
  if (b == "bar" || b == "barrier") {
    if (op.has("warp")) {
      in.kind = Sync;
      in.e = src(o.at(0), 4, B32);
      in.flag = 1;
      return decode_sync(op, o, in, *this);
    }
    if (op.has("cluster")) error("barrier.cluster");
    in.kind = Bar;
    in.mode = op.has("arrive") ? 1 : op.has("red") ? 2 : 0;
    in.wide = b == "bar" || op.has("aligned");
    size_t k = 0;
    if (in.mode == 2) {
      in.sub = op.has("popc") ? 0 : op.has("and") ? 1 : 2;
      if (in.sub)
        in.p = dpred(o.at(0));
      else
        in.d = dst(o.at(0), 4);
      k = 1;
    }
    in.a = src(o.at(k), 4, U32);
    ++k;
    size_t last = in.mode == 2 ? o.size() - 1 : o.size();
    if (k < last) {
      in.b = src(o[k], 4, U32);
      in.flag = 1;
      ++k;
    }
    if (in.mode == 2) {
      auto& q = o.back();
      if (q.k != Operand::PredReg) error("a predicate is wanted");
      in.pc = q.pred;
      in.pcneg = q.neg ? ~0u : 0;
    }
    return true;
  }
  return decode_sync(op, o, in, *this);
}
void Parser::call(Ins in, const Op&) {
  CallSite cs;
  auto list = [&](std::vector<u64>& offs, std::vector<u64>& sizes) {
    expect('(');
    while (!is(')')) {
      auto s = ident();
      int ix;
      const Name* n = lookup(s, nullptr, &ix);
      if (!n || n->k != Name::Frame) error("call operand '" + std::string(s) + "' is not a .param variable");
      offs.push_back(n->offset);
      sizes.push_back(n->size);
      if (!accept(',')) break;
    }
    expect(')');
  };
  if (is('(')) {
    list(cs.rets, cs.ret_sizes);
    expect(',');
  }
  auto target = name_operand(ident());
  in.kind = Call;
  if (target.k == Operand::Imm && (target.imm >> 56) == (kFuncWin >> 56)) {
    in.target = int(target.imm - kFuncWin);
    m_.functions[size_t(fn_)].callees.push_back(in.target);
  } else if (target.k == Operand::Reg) {
    in.target = -1;
    in.a = target.unit;
    in.flag = 1;
    m_.functions[size_t(fn_)].callees.push_back(-1);
  } else
    error("unknown function '" + std::string(target.name) + "'");
  if (accept(',')) {
    if (is('(')) {
      list(cs.args, cs.arg_sizes);
      accept(',');
    }
    while (!is(';')) adv();
  }
  expect(';');
  in.extra = int(m_.calls.size());
  m_.calls.push_back(cs);
  emit(in);
}
void Parser::instruction() {
  Ins in;
  if (accept('@')) {
    bool neg = accept('!');
    auto o = name_operand(ident());
    if (o.k != Operand::PredReg) error("guard");
    in.guard = o.pred;
    in.neg = (neg != o.neg) ? ~0u : 0;
  }
  auto full = ident();
  Op op;
  {
    size_t p = 0;
    bool first = true;
    while (p <= full.size()) {
      size_t e = full.find('.', p);
      if (e == std::string_view::npos) e = full.size();
      auto part = full.substr(p, e - p);
      if (first)
        op.base = part;
      else {
        op.mods.push_back(part);
        if (Type t = type_of(part); t != NONE) op.types.push_back(t);
      }
      first = false;
      p = e + 1;
    }
  }
  if (op.base == "call") {
    call(in, op);
    return;
  }
  std::vector<Operand> o;
  if (!is(';'))
    for (;;) {
      o.push_back(operand());
      if (!accept(',')) break;
    }
  if (!is(';')) error("expected ';', found '" + std::string(tok_.s) + "'");
  const Ins fresh = in;
  try {
    if (decode_arithmetic(op, o, in, *this) || decode_memory(op, o, in, *this)) {
    } else if (decode_control(op, o, in)) {
      if (in.kind == Bra) branches_.back().pc = int(m_.code.size());
    } else
      error("unknown instruction");
  } catch (const std::exception& e) {  // a fault only where it is executed
    in = fresh;
    in.fn = unsupported;
    in.extra = i32(m_.messages.size());
    m_.messages.push_back(e.what());
  }
  emit(in);
  accept(';');
}
}  // namespace galena::ptx
