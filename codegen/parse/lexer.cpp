#include "codegen/parse/lexer.hpp"

#include <array>
#include <cstdio>
#include <limits>
#include <optional>

#include "codegen/pattern/names.hpp"

namespace galena::codegen {
namespace {

struct Symbol {
  std::string_view text;
  TokenKind kind;
};

// Longer ones before their prefixes.
constexpr Symbol kSymbols[] = {
    {"!--", TokenKind::anti_edge},  {"!-", TokenKind::anti_edge},
    {"!=", TokenKind::not_equal},   {"--", TokenKind::edge},
    {"==", TokenKind::equal},       {"<>", TokenKind::not_equal},
    {"<=", TokenKind::less_equal},  {">=", TokenKind::greater_equal},
    {"(", TokenKind::open_paren},   {")", TokenKind::close_paren},
    {"[", TokenKind::open_bracket}, {"]", TokenKind::close_bracket},
    {":", TokenKind::colon},        {"|", TokenKind::bar},
    {"!", TokenKind::bang},         {"*", TokenKind::star},
    {",", TokenKind::comma},        {".", TokenKind::dot},
    {"=", TokenKind::equal},        {"<", TokenKind::less},
    {">", TokenKind::greater},      {"-", TokenKind::minus},
    {";", TokenKind::semicolon},    {"%", TokenKind::percent},
};

std::string hex(unsigned char byte) {
  constexpr const char* kDigits = "0123456789ABCDEF";
  return std::string("0x") + kDigits[byte >> 4] + kDigits[byte & 15];
}

class Lexer {
 public:
  explicit Lexer(const SourceText& source) : source_(source), text_(source.text()) {}

  std::vector<Token> run() {
    if (text_.starts_with("\xEF\xBB\xBF")) at_ = 3;  // a byte order mark, as some editors write
    while (skip_blank()) take_token();
    if (!tokens_.empty() && tokens_.back().kind == TokenKind::newline) tokens_.pop_back();
    const std::size_t last = tokens_.empty() ? 0 : tokens_.back().end;  // where errors about the end point
    add(TokenKind::end, last, last);
    return std::move(tokens_);
  }

 private:
  // To the next token; false at the end. Line ends passed become one token.
  bool skip_blank() {
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '#' || text_.substr(at_, 2) == "//") skip_comment();
      if (at_ == text_.size()) return false;
      if (text_[at_] == '\n') {
        if (!tokens_.empty() && tokens_.back().kind != TokenKind::newline) add(TokenKind::newline, at_, at_ + 1);
      } else if (text_[at_] != ' ' && text_[at_] != '\t' && text_[at_] != '\r') {
        return true;
      }
    }
    return false;
  }

  void skip_comment() {
    for (; at_ < text_.size() && text_[at_] != '\n'; ++at_) {
      if (text_[at_] == '\0') fail_at_byte();
    }
  }

  void take_token() {
    const char c = text_[at_];
    if (is_letter(c)) return take_word();
    if (is_digit(c)) return take_number();
    for (const Symbol& symbol : kSymbols) {
      if (text_.substr(at_, symbol.text.size()) == symbol.text) {
        add(symbol.kind, at_, at_ + symbol.text.size());
        at_ += symbol.text.size();
        return;
      }
    }
    fail_at_byte();
  }

  void take_word() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && (is_letter(text_[at_]) || is_digit(text_[at_]))) ++at_;
    if (at_ - begin > kMaxNameLength) {
      source_.fail(begin, at_,
                   "a name of " + std::to_string(at_ - begin) + " characters; the longest allowed is " +
                       std::to_string(kMaxNameLength));
    }
    add(TokenKind::word, begin, at_);
  }

  void take_number() {
    Token token{TokenKind::number, at_, at_};
    for (; at_ < text_.size() && is_digit(text_[at_]); ++at_) {
      const auto digit = static_cast<std::uint64_t>(text_[at_] - '0');
      token.too_large = token.too_large || token.value > (std::numeric_limits<std::uint64_t>::max() - digit) / 10;
      token.value = token.value * 10 + digit;
    }
    if (at_ < text_.size() && is_letter(text_[at_])) {
      source_.fail(token.begin, at_ + 1, "a name starts with a letter or '_'; or put a space after the number");
    }
    token.end = at_;
    tokens_.push_back(token);
  }

  void add(TokenKind kind, std::size_t begin, std::size_t end) { tokens_.push_back({kind, begin, end}); }

  [[noreturn]] void fail_at_byte() const {
    const auto byte = static_cast<unsigned char>(text_[at_]);
    if (byte == 0) source_.fail(at_, at_ + 1, "a NUL byte; expected text");
    if (byte >= 0x80) {
      std::size_t end = at_ + 1;
      while (end < text_.size() && end < at_ + 4 && (static_cast<unsigned char>(text_[end]) & 0xC0) == 0x80) ++end;
      std::string bytes;
      for (std::size_t i = at_; i < end; ++i)
        bytes += (i == at_ ? "" : " ") + hex(static_cast<unsigned char>(text_[i]));
      source_.fail(at_, end,
                   "a character outside ASCII (" + bytes + "); only comments may have them. " +
                       "Edges are written '--', comparisons '<=', '>=' and '<>'");
    }
    const bool prints = byte > ' ' && byte < 0x7F;
    source_.fail(at_, at_ + 1,
                 "unexpected " + (prints ? "'" + std::string(1, text_[at_]) + "'" : "byte " + hex(byte)) +
                     "; it is no part of the pattern language");
  }

  const SourceText& source_;
  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(const SourceText& source) { return Lexer(source).run(); }

}  // namespace galena::codegen
