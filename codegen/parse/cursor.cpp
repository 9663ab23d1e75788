#include "codegen/parse/cursor.hpp"

#include <algorithm>

namespace galena::codegen {
namespace {

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

bool same_word(std::string_view word, std::string_view keyword) {
  return std::equal(word.begin(), word.end(), keyword.begin(), keyword.end(),
                    [](char a, char b) { return upper(a) == upper(b); });
}

}  // namespace

std::span<const std::string> keywords() {
  static const std::string kKeywords[] = {"PATTERN", "COUNT",   "LIST",       "EXISTS",  "LOCAL", "MOTIFS", "FREQUENT",
                                          "CLIQUES", "INDUCED", "EMBEDDINGS", "WHERE",   "AND",   "OR",     "NOT",
                                          "AS",      "LIMIT",   "APPROX",     "ORDERED", "BY"};
  return kKeywords;
}

bool is_keyword(std::string_view word) {
  const auto all = keywords();
  return std::any_of(all.begin(), all.end(), [&](const std::string& keyword) { return same_word(word, keyword); });
}

const Token& Cursor::peek(std::size_t ahead) const { return tokens_[std::min(index_ + ahead, tokens_.size() - 1)]; }

bool Cursor::at_word(std::string_view word) const {
  return at(TokenKind::word) && same_word(source_.slice(peek().begin, peek().end), word);
}

bool Cursor::at_keyword(std::string_view keyword) const { return at_word(keyword) && peek(1).kind != TokenKind::dot; }

Token Cursor::take() {
  const Token token = peek();
  if (token.kind != TokenKind::end) ++index_;
  return token;
}

Token Cursor::through_last(Token first) const {
  if (index_ > 0) first.end = std::max(first.end, tokens_[index_ - 1].end);
  return first;
}

bool Cursor::accept(TokenKind kind) {
  if (!at(kind)) return false;
  take();
  return true;
}

bool Cursor::accept_keyword(std::string_view keyword) {
  if (!at_keyword(keyword)) return false;
  take();
  return true;
}

void Cursor::skip_lines() { accept(TokenKind::newline); }

bool Cursor::continues_over_lines(TokenKind kind) {
  if (at(TokenKind::newline) && peek(1).kind == kind) take();
  return at(kind);
}

bool Cursor::continues_over_lines(std::string_view keyword) {
  if (!at(TokenKind::newline)) return at_keyword(keyword);
  take();
  if (at_keyword(keyword)) return true;
  --index_;
  return false;
}

Token Cursor::expect(TokenKind kind, const std::string& what) {
  if (!at(kind)) fail_expected(what);
  return take();
}

Token Cursor::expect_number(const std::string& what, std::uint64_t largest) {
  const Token token = expect(TokenKind::number, what);
  if (token.too_large || token.value > largest) {
    fail(token, "the number is too large; expected " + what + " of at most " + std::to_string(largest));
  }
  return token;
}

std::string Cursor::describe(const Token& token) const {
  if (token.kind == TokenKind::end) return "the end of the text";
  if (token.kind == TokenKind::newline) return "the end of the line";
  const std::string word = text(token);
  return "'" + (word.size() > 64 ? word.substr(0, 64) + "..." : word) + "'";
}

void Cursor::fail(const Token& token, const std::string& message) const {
  source_.fail(token.begin, token.end, message);
}

void Cursor::fail_expected(const std::string& what) const {
  fail(peek(), "expected " + what + ", found " + describe(peek()));
}

std::string Cursor::text_since(std::size_t begin) const {
  std::string result;
  for (std::size_t i = begin; i < index_; ++i) {
    if (tokens_[i].kind == TokenKind::newline) continue;
    if (i > begin && tokens_[i].begin > tokens_[i - 1].end) result += ' ';
    if (i > begin && tokens_[i - 1].kind == TokenKind::newline && result.back() != ' ') result += ' ';
    result += text(tokens_[i]);
  }
  return result;
}

}  // namespace galena::codegen
