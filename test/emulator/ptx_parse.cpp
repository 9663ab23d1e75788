// Reads PTX text into a Module.
#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <set>
#include "test/emulator/ptx_core.hpp"

namespace ptx {

int typeSize(Type t) {
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
Type typeOf(std::string_view s) {
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
  for (auto& v : globals) std::free(v.data);
  for (auto& i : code)
    if (i.kind == Plain && i.flag == 0 && i.vec > 1 && i.extra == 0 && false) {
    }
}
i32 Module::freshConstant(int width) {
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
static void fillConst(u32* base, i32 unit, u64 v, int width) {
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
    it->second = freshConstant(width);
    fillConst(consts, it->second, v, width);
  }
  return it->second;
}
std::string Module::lineText(u32 line) const {
  if (line == 0 || line > line_starts.size()) return {};
  size_t b = line_starts[line - 1], e = text.find('\n', b);
  if (e == std::string::npos) e = text.size();
  while (b < e && (text[b] == ' ' || text[b] == '\t')) ++b;
  return text.substr(b, e - b);
}

namespace {
struct Token {
  enum K : u8 { End, Ident, Number, Float, String, Punct } k = End;
  std::string_view s;
  u64 v = 0;
  u8 fw = 0;
  u32 line = 0;
};

struct FrameVar {
  u64 offset, size;
};
struct Name {
  enum K : u8 { RegRange, Frame, Shared, Global, EntryParam } k;
  i32 unit = 0;
  u8 width = 0;
  int count = 0;
  int index = 0;
  u64 offset = 0, size = 0;
};
struct Scope {
  std::unordered_map<std::string_view, Name> names;
  int parent;
  std::unordered_map<std::string_view, int> labels;
};

void unsupported(Warp& w, const Ins& in, u32 m) {
  fault(w, in, __builtin_ctz(m), "the interpreter cannot decode this: " + w.launch->module->messages[size_t(in.extra)]);
}

class Parser final : public Assembler {
 public:
  Parser(Module& m) : m_(m), t_(m.text) {}
  void run();
  i32 src(const Operand&, int width, Type t) override;
  i32 dst(const Operand&, int width) override;
  i32 temp(int width) override {
    i32 u = next_unit_;
    m_.functions[size_t(fn_)].slots.emplace_back(u, width);
    if (width == 8) {
      next_unit_ += 2;
    } else
      next_unit_ += 1;
    return u;
  }
  void emit(const Ins& in) override {
    m_.code.push_back(in);
    m_.code.back().line = stmt_line_;
    m_.code_function.push_back(fn_);
  }
  Module& module() override { return m_; }
  [[noreturn]] void error(const std::string& what) override {
    throw std::runtime_error("PTX line " + std::to_string(stmt_line_ ? stmt_line_ : tok_.line) + ": " + what + ": " +
                             m_.lineText(stmt_line_ ? stmt_line_ : tok_.line));
  }

 private:
  Module& m_;
  std::string_view t_;
  size_t pos_ = 0;
  u32 line_ = 1;
  Token tok_;
  u32 stmt_line_ = 0;
  int fn_ = -1;
  i32 next_unit_ = 0;
  int next_pred_ = 0;
  std::vector<Scope> scopes_;
  int scope_ = -1;
  struct Body {
    int fn;
    size_t pos;
    u32 line;
  };
  std::vector<Body> bodies_;
  struct Fixup {
    u8* at;
    int size;
    std::string_view name;
    i64 add;
    u32 line;
    int var;
  };
  std::vector<Fixup> fixups_;
  struct BranchFix {
    int pc;
    int scope;
    std::string_view name;
    int table;
    int entry;
    u32 line;
  };
  std::vector<BranchFix> branches_;
  std::unordered_map<std::string_view, int> tables_;

  void skipSpace() {
    for (;;) {
      if (pos_ >= t_.size()) return;
      char c = t_[pos_];
      if (c == '\n') {
        ++line_;
        ++pos_;
      } else if (c == ' ' || c == '\t' || c == '\r' || c == '\0')
        ++pos_;
      else if (c == '/' && pos_ + 1 < t_.size() && t_[pos_ + 1] == '/') {
        while (pos_ < t_.size() && t_[pos_] != '\n') ++pos_;
      } else if (c == '/' && pos_ + 1 < t_.size() && t_[pos_ + 1] == '*') {
        pos_ += 2;
        while (pos_ + 1 < t_.size() && !(t_[pos_] == '*' && t_[pos_ + 1] == '/')) {
          if (t_[pos_] == '\n') ++line_;
          ++pos_;
        }
        pos_ += 2;
      } else
        return;
    }
  }
  static bool idch(char c) { return std::isalnum(u8(c)) || c == '_' || c == '$' || c == '.' || c == '%'; }
  void adv() {
    skipSpace();
    tok_ = Token{};
    tok_.line = line_;
    if (pos_ >= t_.size()) return;
    const size_t b = pos_;
    char c = t_[pos_];
    if (std::isdigit(u8(c))) {
      tok_.k = Token::Number;
      if (c == '0' && pos_ + 1 < t_.size() &&
          (t_[pos_ + 1] == 'f' || t_[pos_ + 1] == 'F' || t_[pos_ + 1] == 'd' || t_[pos_ + 1] == 'D')) {
        const bool d = std::tolower(t_[pos_ + 1]) == 'd';
        pos_ += 2;
        u64 v = 0;
        for (int i = 0; i < (d ? 16 : 8); ++i) {
          char x = t_[pos_++];
          v = v * 16 + u64(std::isdigit(u8(x)) ? x - '0' : std::tolower(x) - 'a' + 10);
        }
        tok_.k = Token::Float;
        tok_.v = v;
        tok_.fw = d ? 8 : 4;
        tok_.s = t_.substr(b, pos_ - b);
        return;
      }
      int radix = 10;
      if (c == '0' && pos_ + 1 < t_.size()) {
        char x = char(std::tolower(t_[pos_ + 1]));
        if (x == 'x') {
          radix = 16;
          pos_ += 2;
        } else if (x == 'b') {
          radix = 2;
          pos_ += 2;
        } else if (std::isdigit(u8(x)))
          radix = 8;
      }
      u64 v = 0;
      bool fl = false;
      size_t s = pos_;
      if (radix == 10) {
        size_t e = pos_;
        while (e < t_.size() && std::isdigit(u8(t_[e]))) ++e;
        if (e + 1 < t_.size() && ((t_[e] == '.' && std::isdigit(u8(t_[e + 1]))) || ((t_[e] == 'e' || t_[e] == 'E'))))
          fl = true;
      }
      if (fl) {
        char* end;
        double d = std::strtod(t_.data() + pos_, &end);
        pos_ = size_t(end - t_.data());
        tok_.k = Token::Float;
        tok_.v = std::bit_cast<u64>(d);
        tok_.fw = 8;
        tok_.s = t_.substr(b, pos_ - b);
        return;
      }
      auto r = std::from_chars(t_.data() + s, t_.data() + t_.size(), v, radix);
      pos_ = size_t(r.ptr - t_.data());
      while (pos_ < t_.size() && (t_[pos_] == 'U' || t_[pos_] == 'u')) ++pos_;
      tok_.v = v;
      tok_.s = t_.substr(b, pos_ - b);
      return;
    }
    if (idch(c)) {
      tok_.k = Token::Ident;
      ++pos_;
      while (pos_ < t_.size()) {
        if (idch(t_[pos_]))
          ++pos_;
        else if (t_[pos_] == ':' && pos_ + 1 < t_.size() && t_[pos_ + 1] == ':')
          pos_ += 2;
        else
          break;
      }
      tok_.s = t_.substr(b, pos_ - b);
      return;
    }
    if (c == '"') {
      ++pos_;
      while (pos_ < t_.size() && t_[pos_] != '"') ++pos_;
      ++pos_;
      tok_.k = Token::String;
      tok_.s = t_.substr(b, pos_ - b);
      return;
    }
    tok_.k = Token::Punct;
    ++pos_;
    tok_.s = t_.substr(b, 1);
  }
  bool is(char c) const { return tok_.k == Token::Punct && tok_.s[0] == c; }
  bool accept(char c) {
    if (is(c)) {
      adv();
      return true;
    }
    return false;
  }
  void expect(char c) {
    if (!accept(c)) {
      stmt_line_ = tok_.line;
      error(std::string("expected '") + c + "', found '" + std::string(tok_.s) + "'");
    }
  }
  std::string_view ident() {
    if (tok_.k != Token::Ident) {
      stmt_line_ = tok_.line;
      error("expected a name, found '" + std::string(tok_.s) + "'");
    }
    auto s = tok_.s;
    adv();
    return s;
  }
  void skipLine() {
    while (pos_ < t_.size() && t_[pos_] != '\n') ++pos_;
    adv();
  }
  // for directives whose first token is current: skip the rest of the line it is on
  void skipDirectiveLine() {  // pos_ is just behind the current token
    skipLine();
  }
  void skipStatement() {
    while (tok_.k != Token::End && !is(';')) adv();
    accept(';');
  }
  void skipBody() {  // current token '{', pos_ behind it
    int depth = 1;
    while (pos_ < t_.size() && depth) {
      char c = t_[pos_];
      if (c == '\n') ++line_;
      if (c == '/' && (t_[pos_ + 1] == '/' || t_[pos_ + 1] == '*')) {
        skipSpace();
        continue;
      }
      if (c == '"') {
        ++pos_;
        while (t_[pos_] != '"') ++pos_;
      }
      if (c == '{') ++depth;
      if (c == '}') --depth;
      ++pos_;
    }
    adv();
  }
  struct Decl {
    Type type = NONE;
    u64 align = 0;
    std::string_view name;
    u64 count = 1;
    bool array = false, open = false;
    int vec = 1;
    int range = 0;
  };
  Decl decl() {  // after the space directive: qualifiers, name, dimensions
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
        else if (typeOf(s) != NONE)
          d.type = typeOf(s);
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
    declTail(d);
    return d;
  }
  void declTail(Decl& d) {
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
  static u64 bytesOf(const Decl& d) { return u64(std::max(1, typeSize(d.type))) * u64(d.vec) * d.count; }
  static u64 alignOf(const Decl& d) { return std::max<u64>(d.align, u64(std::max(1, typeSize(d.type))) * u64(d.vec)); }
  void variable(Space sp, bool ext);
  void initialiser(Var& v, const Decl& d);
  void initElement(Var& v, int es, u64& off, Type t);
  void params(Function& f, std::vector<Param>& out, std::vector<std::pair<std::string_view, u64>>& names, bool entry,
              u64& bytes);
  void function(bool entry, bool ext);
  void body(const Body&);
  void statement();
  void instruction();
  Operand operand();
  Operand nameOperand(std::string_view s);
  const Name* lookup(std::string_view s, std::string_view* digits_left, int* index);
  void call(Ins in, const Op& op);
  bool decodeControl(const Op& op, std::vector<Operand>& o, Ins& in);
  void sharedUse(int var) {
    auto& u = m_.functions[size_t(fn_)].shared_used;
    if (std::find(u.begin(), u.end(), var) == u.end()) u.push_back(var);
  }
  i32 sharedConst(int var, u64 off, int width) {
    sharedUse(var);
    for (auto& s : m_.shared_consts)
      if (s.var == var && s.offset == off && s.width == width) return s.unit;
    i32 u = m_.freshConstant(width);
    m_.shared_consts.push_back({u, var, off, width});
    return u;
  }
  std::unordered_map<int, std::vector<std::pair<std::string_view, Name>>> formals_;
};

void Parser::initElement(Var& v, int es, u64& off, Type t) {
  if (accept('{')) {
    while (!is('}')) {
      initElement(v, es, off, t);
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
      declTail(d);
    }
    u64 size = bytesOf(d), al = alignOf(d);
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
        initElement(r, typeSize(d.type), off, d.type);
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
    u64 al = alignOf(d), size = bytesOf(d);
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
    skipBody();
  } else {
    expect(';');
    if (!ff.defined && !entry) ff.builtin = ff.name == "vprintf" ? 1 : ff.name == "__assertfail" ? 2 : 3;
  }
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
Operand Parser::nameOperand(std::string_view s) {
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
        sharedUse(n->index);
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
    sharedUse(it->second);
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
      base = nameOperand(ident());
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
      o.unit = sharedConst(base.sym, 0, 8);
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
    o = nameOperand(ident());
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
        in.fn = narrowHandler();
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
      return sharedConst(o.sym, o.imm, width);
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
  for (auto& [pc, name] : std::vector<std::pair<int, std::string_view>>{}) {
    (void)pc;
    (void)name;
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
      skipLine();
      return;
    }
    if (s == ".pragma") {
      skipStatement();
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
          type = typeOf(q);
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
          nm.width = typeSize(type) == 8 ? 8 : 4;
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
        skipStatement();
        return;
      }
      scopes_[size_t(scope_)].labels[name] = int(m_.code.size());
      return;
    }
  }
  instruction();
}
bool Parser::decodeControl(const Op& op, std::vector<Operand>& o, Ins& in) {
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
      return decodeSync(op, o, in, *this);
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
  return decodeSync(op, o, in, *this);
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
  auto target = nameOperand(ident());
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
    auto o = nameOperand(ident());
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
        if (Type t = typeOf(part); t != NONE) op.types.push_back(t);
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
    if (decodeAlu(op, o, in, *this) || decodeMem(op, o, in, *this)) {
    } else if (decodeControl(op, o, in)) {
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
void Parser::run() {
  m_.line_starts.push_back(0);
  for (size_t i = 0; i < m_.text.size(); ++i)
    if (m_.text[i] == '\n') m_.line_starts.push_back(i + 1);
  adv();
  bool ext = false;
  while (tok_.k != Token::End) {
    if (accept(';')) continue;
    if (tok_.k != Token::Ident) {
      stmt_line_ = tok_.line;
      error("unexpected '" + std::string(tok_.s) + "'");
    }
    auto s = tok_.s;
    if (s == ".version" || s == ".target" || s == ".address_size" || s == ".file" || s == ".loc") {
      skipLine();
      continue;
    }
    if (s == ".visible" || s == ".weak" || s == ".common") {
      adv();
      continue;
    }
    if (s == ".extern") {
      ext = true;
      adv();
      continue;
    }
    if (s == ".pragma" || s == ".alias") {
      skipStatement();
      continue;
    }
    if (s == ".section") {
      while (!is('{')) adv();
      skipBody();
      continue;
    }
    adv();
    if (s == ".entry")
      function(true, ext);
    else if (s == ".func")
      function(false, ext);
    else if (s == ".global")
      variable(Global, ext);
    else if (s == ".const")
      variable(Const, ext);
    else if (s == ".shared")
      variable(Shared, ext);
    else {
      stmt_line_ = tok_.line;
      error("unknown directive " + std::string(s));
    }
    ext = false;
  }
  auto bs = std::move(bodies_);
  for (auto& b : bs)
    if (!m_.functions[size_t(b.fn)].entry) body(b);
  for (auto& b : bs)
    if (m_.functions[size_t(b.fn)].entry) body(b);
  fn_ = -1;
  stmt_line_ = 0;
  for (auto& f : fixups_) {
    u64 v = 0;
    if (auto it = m_.global_index.find(f.name); it != m_.global_index.end())
      v = reinterpret_cast<u64>(m_.globals[size_t(it->second)].data) + u64(f.add);
    else if (auto jt = m_.function_index.find(f.name); jt != m_.function_index.end()) {
      v = kFuncWin + u64(jt->second);
      m_.functions[size_t(jt->second)].indirect = true;
    } else {
      stmt_line_ = f.line;
      error("unknown name in an initialiser: " + std::string(f.name));
    }
    std::memcpy(f.at, &v, size_t(f.size));
  }
  for (auto& v : m_.globals)
    m_.ranges.push_back({reinterpret_cast<u64>(v.data), reinterpret_cast<u64>(v.data) + v.size, !v.readonly});
  std::sort(m_.ranges.begin(), m_.ranges.end(), [](auto& a, auto& b) { return a.begin < b.begin; });
  // recursion: a function that can reach itself
  auto reach = [&](int from) {
    std::set<int> seen;
    std::vector<int> work{from};
    while (!work.empty()) {
      int f = work.back();
      work.pop_back();
      for (int c : m_.functions[size_t(f)].callees) {
        if (c == -1) {
          for (int k = 0; k < int(m_.functions.size()); ++k)
            if (m_.functions[size_t(k)].indirect && !m_.functions[size_t(k)].entry && seen.insert(k).second)
              work.push_back(k);
        } else if (seen.insert(c).second)
          work.push_back(c);
      }
    }
    return seen;
  };
  for (int k = 0; k < int(m_.functions.size()); ++k)
    if (!m_.functions[size_t(k)].entry && m_.functions[size_t(k)].defined)
      m_.functions[size_t(k)].recursive = reach(k).count(k) > 0;
  for (int k = 0; k < int(m_.functions.size()); ++k) {
    auto& f = m_.functions[size_t(k)];
    if (!f.entry || !f.defined) continue;
    std::set<int> vars(f.shared_used.begin(), f.shared_used.end());
    for (int c : reach(k))
      vars.insert(m_.functions[size_t(c)].shared_used.begin(), m_.functions[size_t(c)].shared_used.end());
    f.shared_used.assign(vars.begin(), vars.end());
    u64 bytes = 0;
    for (int v : f.shared_used) {
      auto& s = m_.shared[size_t(v)];
      if (s.dynamic) continue;
      bytes = (bytes + s.align - 1) / s.align * s.align + s.size;
    }
    m_.kernels[f.name].static_shared = bytes;
  }
}
}  // namespace

std::shared_ptr<Module> load(const std::string& text) {
  auto m = std::make_shared<Module>();
  m->text = text;
  Parser(*m).run();
  return m;
}
const Kernel* find(const Module& m, const std::string& name) {
  auto it = m.kernels.find(name);
  return it == m.kernels.end() ? nullptr : &it->second;
}
void* global(const Module& m, const std::string& name, std::size_t* size) {
  auto it = m.global_index.find(name);
  if (it == m.global_index.end()) return nullptr;
  if (size) *size = m.globals[size_t(it->second)].size;
  return m.globals[size_t(it->second)].data;
}
std::vector<Range> storage(const Module& m) { return m.ranges; }
}  // namespace ptx
