#pragma once
// Names of vertices.

#include <string>
#include <string_view>

namespace galena::codegen {

/// The name of vertex v where nobody gave one: a, b, ..., z, aa, ab, ...
std::string default_name(int v);

/// Whether the language can write it: a letter or '_', then letters, digits and '_'; at most 64.
bool is_name(std::string_view name);
inline constexpr std::size_t kMaxNameLength = 64;

constexpr bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace galena::codegen
