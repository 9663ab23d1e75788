#include "test/emulator/ptx_lexer.hpp"

#include <cctype>
#include <charconv>
#include <cstdlib>

namespace galena::ptx {

void Lexer::fail(const std::string& what) const {
  const u32 line = stmt_line_ ? stmt_line_ : tok_.line;
  throw std::runtime_error("PTX line " + std::to_string(line) + ": " + what + ": " + m_.line_text(line));
}

void Lexer::skip_space() {
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

void Lexer::adv() {
  skip_space();
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

bool Lexer::accept(char c) {
  if (is(c)) {
    adv();
    return true;
  }
  return false;
}

void Lexer::expect(char c) {
  if (!accept(c)) {
    stmt_line_ = tok_.line;
    fail(std::string("expected '") + c + "', found '" + std::string(tok_.s) + "'");
  }
}

std::string_view Lexer::ident() {
  if (tok_.k != Token::Ident) {
    stmt_line_ = tok_.line;
    fail("expected a name, found '" + std::string(tok_.s) + "'");
  }
  auto s = tok_.s;
  adv();
  return s;
}

void Lexer::skip_line() {
  while (pos_ < t_.size() && t_[pos_] != '\n') ++pos_;
  adv();
}

void Lexer::skip_statement() {
  while (tok_.k != Token::End && !is(';')) adv();
  accept(';');
}

void Lexer::skip_body() {  // current token '{', pos_ behind it
  int depth = 1;
  while (pos_ < t_.size() && depth) {
    char c = t_[pos_];
    if (c == '\n') ++line_;
    if (c == '/' && (t_[pos_ + 1] == '/' || t_[pos_ + 1] == '*')) {
      skip_space();
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

}  // namespace galena::ptx
