#pragma once
// Reads a text into a Module: declarations, then bodies of functions, then those of kernels.

#include "test/emulator/ptx_decode.hpp"
#include "test/emulator/ptx_lexer.hpp"

namespace galena::ptx {

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

class Parser final : public Assembler, private Lexer {
 public:
  explicit Parser(Module& m) : Lexer(m) {}
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
    m_.code.back().source = source_;
    m_.code_function.push_back(fn_);
  }
  Module& module() override { return m_; }
  [[noreturn]] void error(const std::string& what) override { fail(what); }

 private:
  struct Decl {
    Type type = NONE;
    u64 align = 0;
    std::string_view name;
    u64 count = 1;
    bool array = false, open = false;
    int vec = 1;
    int range = 0;
  };
  int fn_ = -1;
  u64 source_ = 0;
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

  Decl decl();
  void decl_tail(Decl& d);
  static u64 bytes_of(const Decl& d) { return u64(std::max(1, type_size(d.type))) * u64(d.vec) * d.count; }
  static u64 align_of(const Decl& d) {
    return std::max<u64>(d.align, u64(std::max(1, type_size(d.type))) * u64(d.vec));
  }
  void variable(Space sp, bool ext);
  void init_element(Var& v, int es, u64& off, Type t);
  void params(Function& f, std::vector<Param>& out, std::vector<std::pair<std::string_view, u64>>& names, bool entry,
              u64& bytes);
  void function(bool entry, bool ext);
  void body(const Body&);
  void statement();
  void source();
  void instruction();
  Operand operand();
  Operand name_operand(std::string_view s);
  const Name* lookup(std::string_view s, std::string_view* digits_left, int* index);
  void call(Ins in, const Op& op);
  bool decode_control(const Op& op, std::vector<Operand>& o, Ins& in);
  void shared_use(int var);
  i32 shared_const(int var, u64 off, int width);
  std::unordered_map<int, std::vector<std::pair<std::string_view, Name>>> formals_;
};

}  // namespace galena::ptx
