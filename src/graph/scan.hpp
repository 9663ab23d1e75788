#pragma once
// Scanning of numbers in text whose every line ends in a newline: loops need no other bound.

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace galena::detail {

inline bool is_digit(char c) noexcept { return static_cast<unsigned char>(c - '0') < 10; }
/// Between columns: a carriage return too, so that Windows line ends need no care.
inline bool is_separator(char c) noexcept { return c == ' ' || c == '\t' || c == ',' || c == '\r'; }

inline const char* skip_separators(const char* at) noexcept {
  while (is_separator(*at)) ++at;
  return at;
}

/// After a newline; `at` must be within a line that has one.
const char* skip_line(const char* at, const char* end) noexcept;

/// Reads digits at `at` into `value` and returns where they end; returns `at` itself where there are none, and
/// null where the number does not fit 64 bits.
inline const char* scan_number(const char* at, std::uint64_t& value) noexcept {
  const char* p = at;
  std::uint64_t x = 0;
  for (; is_digit(*p); ++p) x = x * 10 + static_cast<unsigned char>(*p - '0');
  value = x;
  if (p - at < 20) return p;  // 19 digits fit
  // Leading zeros, or a number around 2^64: once more, with care.
  x = 0;
  for (p = at; is_digit(*p); ++p) {
    const auto digit = static_cast<std::uint64_t>(*p - '0');
    if (x > (std::numeric_limits<std::uint64_t>::max() - digit) / 10) return nullptr;
    x = x * 10 + digit;
  }
  value = x;
  return p;
}

constexpr const char* kCarriageReturn =
    "a carriage return within a line (line ends of an old Mac?): make them newlines, as tr '\\r' '\\n' does";

/// Whether what separates two words holds a carriage return, which ends a line for an old Mac.
inline bool has_return(const char* from, const char* to) noexcept {
  while (from != to && *from != '\r') ++from;
  return from != to;
}

/// Where a comment, with its newline, is ended by a carriage return that a number follows; null: nowhere.
inline const char* edge_in_comment(std::string_view comment) noexcept {
  for (std::size_t at = comment.find('\r'); at != std::string_view::npos; at = comment.find('\r', at + 1))
    if (is_digit(*skip_separators(comment.data() + at))) return comment.data() + at;
  return nullptr;
}

/// What stands at `at`, for messages: a quoted word, "the end of the line", or "byte 0x7f (a binary file?)".
std::string describe(const char* at);

/// Why there is no vertex id at `at`: negative, too large, not a number.
std::string explain_bad_id(const char* at);

}  // namespace galena::detail
