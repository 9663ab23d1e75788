#include "codegen/pattern/names.hpp"

#include <algorithm>

namespace galena::codegen {

std::string default_name(int v) {
  std::string name(1, static_cast<char>('a' + v % 26));
  return v < 26 ? name : default_name(v / 26 - 1) + name;
}

bool is_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxNameLength || !is_letter(name.front())) return false;
  return std::all_of(name.begin(), name.end(), [](char c) { return is_letter(c) || is_digit(c); });
}

}  // namespace galena::codegen
