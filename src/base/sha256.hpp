#pragma once
// SHA-256, for checking downloads against a registry.

#include <cstddef>
#include <span>
#include <string>

namespace galena::base {

/// 64 lower-case hexadecimal digits.
std::string sha256_hex(std::span<const std::byte> bytes);

}  // namespace galena::base
