#include "src/graph/scan.hpp"

#include <fmt/format.h>

#include <cstring>

namespace galena::detail {
namespace {

constexpr int kLongestWord = 24;

bool is_word(char c) { return !is_separator(c) && c != '\n'; }

bool is_binary(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && !is_separator(c) && c != '\n') || byte >= 0x7f;
}

}  // namespace

const char* skip_line(const char* at, const char* end) noexcept {
  const auto* newline = static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)));
  return newline == nullptr ? end : newline + 1;
}

std::string describe(const char* at) {
  if (*at == '\n' || *at == '\r') return "the end of the line";
  std::string word;
  for (; is_word(*at) && word.size() < kLongestWord; ++at) {
    if (is_binary(*at)) return fmt::format("byte 0x{:02x} (not a text file?)", static_cast<unsigned char>(*at));
    word += *at;
  }
  if (is_word(*at)) word += "...";
  return "'" + word + "'";
}

std::string explain_bad_id(const char* at) {
  if (*at == '-' && is_digit(at[1])) return fmt::format("{} is negative; vertex ids are 0, 1, 2, ...", describe(at));
  if (is_digit(*at)) return fmt::format("{} does not fit 64 bits; vertex ids are below 2^64", describe(at));
  return fmt::format("expected a vertex id, found {}", describe(at));
}

}  // namespace galena::detail
