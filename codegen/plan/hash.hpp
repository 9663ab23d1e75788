#pragma once
#include <cstdint>
#include <string_view>

namespace galena::codegen {

/// A 64-bit hash of a text (FNV-1a), the same in every build.
constexpr std::uint64_t text_hash(std::string_view text) {
  std::uint64_t hash = 1469598103934665603ULL;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return hash;
}

}  // namespace galena::codegen
