#pragma once
// A place in the tokens of a text.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codegen/parse/lexer.hpp"

namespace galena::codegen {

/// Words with a meaning of their own, in capitals; they are recognised in any case.
std::span<const std::string> keywords();
bool is_keyword(std::string_view word);

/// A line end finishes a statement that is complete, so most questions are about the next
/// token of this line; those whose name says `over_lines` pass line ends first.
class Cursor {
 public:
  explicit Cursor(const SourceText& source) : source_(source), tokens_(tokenize(source)) {}

  [[nodiscard]] const SourceText& source() const { return source_; }
  [[nodiscard]] const Token& peek(std::size_t ahead = 0) const;
  [[nodiscard]] bool at(TokenKind kind) const { return peek().kind == kind; }
  /// At a word that is `keyword`, in any case, and not a vertex name before a dot.
  [[nodiscard]] bool at_keyword(std::string_view keyword) const;
  /// At this word, in any case.
  [[nodiscard]] bool at_word(std::string_view word) const;
  [[nodiscard]] std::string text(const Token& token) const {
    return std::string(source_.slice(token.begin, token.end));
  }

  Token take();
  /// `first` stretched to the last token taken, for errors about all between.
  [[nodiscard]] Token through_last(Token first) const;
  bool accept(TokenKind kind);
  bool accept_keyword(std::string_view keyword);
  void skip_lines();
  /// Passes line ends if what follows them is the token (kept) or keyword (kept).
  bool continues_over_lines(TokenKind kind);
  bool continues_over_lines(std::string_view keyword);

  /// Takes the token; fails with "expected <what>" where it is another.
  Token expect(TokenKind kind, const std::string& what);
  /// Takes a number of at most `largest`.
  Token expect_number(const std::string& what, std::uint64_t largest);

  /// "'word'", "the end of the line", ...
  [[nodiscard]] std::string describe(const Token& token) const;
  [[noreturn]] void fail(const Token& token, const std::string& message) const;
  [[noreturn]] void fail_expected(const std::string& what) const;

  /// Of the tokens begin..here, on one line and without comments.
  [[nodiscard]] std::size_t index() const { return index_; }
  [[nodiscard]] std::string text_since(std::size_t begin) const;

 private:
  const SourceText& source_;
  std::vector<Token> tokens_;
  std::size_t index_ = 0;
};

}  // namespace galena::codegen
