// Declarations of variables, functions and kernels.

#include <algorithm>
#include <cstdlib>

#include "test/emulator/ptx_parser.hpp"

namespace galena::ptx {

Parser::Decl Parser::decl() {  // after the space directive: qualifiers, name, dimensions
  Decl d;
  for (;;) {
    if (tok_.k == Token::Ident && tok_.s[0] == '.') {
      auto s = tok_.s.substr(1);
      adv();
      if (s == "align") {
        d.align = tok_.v;
        adv();
      } else if (s == "v2")
        d.vec = 2;
      else if (s == "v4")
        d.vec = 4;
      else if (type_of(s) != NONE)
        d.type = type_of(s);
      else if (s == "ptr" || s == "global" || s == "const" || s == "shared" || s == "local" || s == "attribute" ||
               s == "unified") {
        if (is('(')) {
          while (!is(')')) adv();
          adv();
        }
      } else {
        stmt_line_ = tok_.line;
        error("declaration ." + std::string(s));
      }
    } else
      break;
  }
  d.name = ident();
  decl_tail(d);
  return d;
}

void Parser::decl_tail(Decl& d) {
  d.count = 1;
  d.array = d.open = false;
  if (accept('<')) {
    d.range = int(tok_.v);
    adv();
    expect('>');
  }
  while (accept('[')) {
    d.array = true;
    if (is(']')) {
      d.open = true;
      d.count = 0;
    } else {
      d.count *= tok_.v;
      adv();
    }
    expect(']');
  }
}

void Parser::init_element(Var& v, int es, u64& off, Type t) {
  if (accept('{')) {
    while (!is('}')) {
      init_element(v, es, off, t);
      if (!accept(',')) break;
    }
    expect('}');
    return;
  }
  if (off + u64(es) > v.size) {
    stmt_line_ = tok_.line;
    error("too many initialisers");
  }
  u8* at = v.data + off;
  off += u64(es);
  bool neg = accept('-');
  if (tok_.k == Token::Number) {
    u64 x = neg ? 0 - tok_.v : tok_.v;
    std::memcpy(at, &x, size_t(es));
    adv();
    return;
  }
  if (tok_.k == Token::Float) {
    u64 x = tok_.v;
    if (tok_.fw == 8 && t == F32) x = std::bit_cast<u32>(float(std::bit_cast<double>(x)));
    std::memcpy(at, &x, size_t(es));
    adv();
    return;
  }
  auto s = ident();
  if (s == "generic") {
    expect('(');
    s = ident();
    expect(')');
  }
  i64 add = 0;
  if (accept('+')) {
    add = i64(tok_.v);
    adv();
  }
  fixups_.push_back({at, es, s, add, tok_.line, 0});
}
void Parser::variable(Space sp, bool ext) {
  for (bool first = true;; first = false) {
    static thread_local Decl base;
    Decl d;
    if (first) {
      d = decl();
      base = d;
    } else {
      d = base;
      d.name = ident();
      decl_tail(d);
    }
    u64 size = bytes_of(d), al = align_of(d);
    if (sp == Local || sp == ParamSp) {
      auto& f = m_.functions[size_t(fn_)];
      f.frame = (f.frame + al - 1) / al * al;
      const int n = d.range ? d.range : 1;
      (void)n;
      scopes_[size_t(scope_)].names[d.name] = Name{.k = Name::Frame, .offset = f.frame, .size = size};
      f.frame += size;
    } else if (sp == Shared) {
      Var v;
      v.name = d.name;
      v.space = sp;
      v.size = size;
      v.align = al;
      v.dynamic = d.open || (ext && size == 0);
      int idx = int(m_.shared.size());
      if (fn_ < 0) {
        auto it = m_.shared_index.find(d.name);
        if (it != m_.shared_index.end()) {
          idx = it->second;
          if (m_.shared[size_t(idx)].size < size) m_.shared[size_t(idx)] = v;
        } else {
          m_.shared_index.emplace(std::string(d.name), idx);
          m_.shared.push_back(v);
        }
      } else {
        m_.shared.push_back(v);
        scopes_[size_t(scope_)].names[d.name] = Name{.k = Name::Shared, .index = idx};
      }
    } else {
      auto it = m_.global_index.find(d.name);
      Var v;
      v.name = d.name;
      v.space = sp;
      v.align = al;
      v.readonly = sp == Const;
      int idx;
      u64 n = size;
      if (is('=') && d.open) {
        n = 1 << 16;
      }
      if (it != m_.global_index.end() && fn_ < 0)
        idx = it->second;
      else {
        idx = int(m_.globals.size());
        m_.globals.push_back(v);
        if (fn_ < 0) m_.global_index.emplace(std::string(d.name), idx);
      }
      Var& r = m_.globals[size_t(idx)];
      if (!r.data || r.size < n) {
        std::free(r.data);
        r.size = n;
        const u64 a = std::max<u64>(al, 256);
        r.data = static_cast<u8*>(std::aligned_alloc(a, (n + 64 + a - 1) / a * a));
        std::memset(r.data, 0, n + 64);
      }
      if (accept('=')) {
        u64 off = 0;
        init_element(r, type_size(d.type), off, d.type);
        if (d.open) r.size = off;
      }
      if (fn_ >= 0) scopes_[size_t(scope_)].names[d.name] = Name{.k = Name::Global, .index = idx};
    }
    if (!accept(',')) break;
  }
  expect(';');
}
void Parser::params(Function& f, std::vector<Param>& out, std::vector<std::pair<std::string_view, u64>>& names,
                    bool entry, u64& bytes) {
  (void)f;
  (void)entry;
  expect('(');
  while (!is(')')) {
    auto s = ident();
    if (s != ".param") {
      stmt_line_ = tok_.line;
      error("parameter in " + std::string(s));
    }
    Decl d = decl();
    u64 al = align_of(d), size = bytes_of(d);
    bytes = (bytes + al - 1) / al * al;
    out.push_back({size, al, bytes});
    names.emplace_back(d.name, bytes);
    bytes += size;
    if (!accept(',')) break;
  }
  expect(')');
}
void Parser::function(bool entry, bool ext) {
  (void)ext;
  Function f;
  f.entry = entry;
  std::vector<std::pair<std::string_view, u64>> pn, rn;
  u64 bytes = 0;
  if (tok_.k == Token::Ident && tok_.s == ".attribute") {
    adv();
    while (!is(')')) adv();
    adv();
  }
  if (!entry && is('(')) params(f, f.rets, rn, false, bytes);
  f.name = ident();
  if (is('(')) params(f, f.params, pn, entry, bytes);
  unsigned maxt = 1024;
  while (!is('{') && !is(';')) {
    if (tok_.k == Token::End) error("end of the text in a header");
    if (tok_.k == Token::Ident && (tok_.s == ".maxntid" || tok_.s == ".reqntid")) {
      adv();
      u64 n = 1;
      for (;;) {
        n *= tok_.v;
        adv();
        if (!accept(',')) break;
      }
      maxt = unsigned(n);
    } else
      adv();
  }
  int idx;
  auto it = m_.function_index.find(f.name);
  if (entry)
    f.param_bytes = bytes;
  else
    f.frame = bytes;
  if (it != m_.function_index.end()) {
    idx = it->second;
    if (is('{')) m_.functions[size_t(idx)] = f;
  } else {
    idx = int(m_.functions.size());
    m_.function_index.emplace(f.name, idx);
    m_.functions.push_back(f);
  }
  auto& ff = m_.functions[size_t(idx)];
  if (is('{')) {
    ff.defined = true;
    bodies_.push_back({idx, pos_, line_});
    auto& fm = formals_[idx];
    fm.clear();
    for (size_t i = 0; i < pn.size(); ++i)
      fm.emplace_back(pn[i].first, entry
                                       ? Name{.k = Name::EntryParam, .offset = pn[i].second, .size = ff.params[i].size}
                                       : Name{.k = Name::Frame, .offset = pn[i].second, .size = ff.params[i].size});
    for (size_t i = 0; i < rn.size(); ++i)
      fm.emplace_back(rn[i].first, Name{.k = Name::Frame, .offset = rn[i].second, .size = ff.rets[i].size});
    if (entry) {
      Kernel k;
      k.name = ff.name;
      k.params = ff.params;
      k.max_threads = maxt;
      m_.kernels[ff.name] = k;
    }
    skip_body();
  } else {
    expect(';');
    if (!ff.defined && !entry) ff.builtin = ff.name == "vprintf" ? 1 : ff.name == "__assertfail" ? 2 : 3;
  }
}
}  // namespace galena::ptx
