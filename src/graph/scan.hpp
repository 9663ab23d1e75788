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

/// Where a line with its newline has a carriage return that does not end it; npos: nowhere.
inline std::size_t stray_return(std::string_view line) noexcept {
  const std::size_t found = line.find('\r');
  return found != std::string_view::npos && found + 2 < line.size() ? found : std::string_view::npos;
}

/// What stands at `at`, for messages: a quoted word, "the end of the line", or "byte 0x7f (a binary file?)".
std::string describe(const char* at);

/// Why there is no vertex id at `at`: negative, too large, not a number.
std::string explain_bad_id(const char* at);

}  // namespace galena::detail
