#pragma once
// A fast 64-bit hash for checksums and digests. Not cryptographic: it finds accidents, not attacks.

#include <cstddef>
#include <cstdint>
#include <span>

namespace galena::base {

/// Mixes one word so that every input bit reaches every output bit (a bijection).
constexpr std::uint64_t mix64(std::uint64_t x) noexcept {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

/// Order matters: combine(a, b) != combine(b, a).
constexpr std::uint64_t hash_combine(std::uint64_t a, std::uint64_t b) noexcept {
  return mix64(mix64(a + 0x9e3779b97f4a7c15U) ^ b);
}

/// Hash of a byte string; the same on every little-endian machine.
std::uint64_t hash_bytes(std::span<const std::byte> bytes, std::uint64_t seed = 0) noexcept;

/// Hash of a large array: pieces of 1 MiB are hashed in parallel and their hashes combined,
/// so the value differs from hash_bytes() but not with the number of threads.
std::uint64_t hash_large(std::span<const std::byte> bytes, int threads = 0);

}  // namespace galena::base
