#pragma once
// Words of a PTX text.

#include "test/emulator/ptx_module.hpp"

namespace galena::ptx {

struct Token {
  enum K : u8 { End, Ident, Number, Float, String, Punct } k = End;
  std::string_view s;
  u64 v = 0;
  u8 fw = 0;
  u32 line = 0;
};

class Lexer {
 protected:
  explicit Lexer(Module& m) : m_(m), t_(m.text) {}
  ~Lexer() = default;

  [[noreturn]] void fail(const std::string& what) const;
  void skip_space();
  static bool idch(char c) { return std::isalnum(u8(c)) || c == '_' || c == '$' || c == '.' || c == '%'; }
  void adv();
  bool is(char c) const { return tok_.k == Token::Punct && tok_.s[0] == c; }
  bool accept(char c);
  void expect(char c);
  std::string_view ident();
  void skip_line();
  void skip_statement();
  void skip_body();

  Module& m_;
  std::string_view t_;
  size_t pos_ = 0;
  u32 line_ = 1;
  Token tok_;  // the current word; `pos_` is behind it
  u32 stmt_line_ = 0;
};

}  // namespace galena::ptx
