#pragma once
// Tokens of the pattern language.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "codegen/parse/source_text.hpp"

namespace galena::codegen {

enum class TokenKind {
  end,
  newline,  ///< one for a run of line ends, blank lines and comments
  semicolon,
  word,    ///< a letter or '_', then letters, digits and '_'
  number,  ///< digits
  open_paren,
  close_paren,
  open_bracket,
  close_bracket,
  colon,
  bar,
  bang,
  star,
  comma,
  dot,
  percent,
  equal,      ///< = or ==
  not_equal,  ///< <> or !=
  less,
  less_equal,
  greater,
  greater_equal,
  minus,
  edge,       ///< --
  anti_edge,  ///< !- or !--
};

struct Token {
  TokenKind kind = TokenKind::end;
  std::size_t begin = 0, end = 0;  ///< offsets in the text
  std::uint64_t value = 0;         ///< of a number
  bool too_large = false;          ///< the number does not fit 64 bits
};

/// The whole text, ending with one `end`. Comments (`//` and `#` to the end of the line) may hold any bytes
/// but NUL. Throws InputError at a byte outside the language.
std::vector<Token> tokenize(const SourceText& source);

}  // namespace galena::codegen
