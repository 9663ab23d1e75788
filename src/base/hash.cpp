// Four independent lanes of multiply-rotate over 32-byte stripes, then an avalanche, in the manner of
// xxHash (Y. Collet, 2012-): the lanes have no dependence on each other, so that a core keeps its
// multiplier busy, and memory bandwidth is the limit.
#include "src/base/hash.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <vector>

#include "src/base/threads.hpp"

namespace galena::base {
namespace {

static_assert(std::endian::native == std::endian::little, "binary files and hashes are little-endian");

constexpr std::uint64_t kPrime1 = 0x9e3779b185ebca87U, kPrime2 = 0xc2b2ae3d27d4eb4fU;
constexpr std::size_t kPiece = std::size_t{1} << 20;

std::uint64_t load(const std::byte* at) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

std::uint64_t round(std::uint64_t lane, std::uint64_t word) noexcept {
  return std::rotl(lane + word * kPrime2, 31) * kPrime1;
}

}  // namespace

std::uint64_t hash_bytes(std::span<const std::byte> bytes, std::uint64_t seed) noexcept {
  std::array<std::uint64_t, 4> lanes{seed + kPrime1 + kPrime2, seed + kPrime2, seed, seed - kPrime1};
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 32; left -= 32, at += 32) {
    for (std::size_t i = 0; i < 4; ++i) lanes[i] = round(lanes[i], load(at + 8 * i));
  }
  std::uint64_t hash = bytes.size();
  for (const std::uint64_t lane : lanes) hash = hash_combine(hash, lane);
  for (; left >= 8; left -= 8, at += 8) hash = hash_combine(hash, load(at));
  if (left > 0) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, left);
    hash = hash_combine(hash, word);
  }
  return hash;
}

std::uint64_t hash_large(std::span<const std::byte> bytes, int threads) {
  const std::size_t pieces = (bytes.size() + kPiece - 1) / kPiece;
  std::vector<std::uint64_t> hashes(pieces);
#pragma omp parallel for schedule(static) num_threads(threads_for(pieces, 2, threads))
  for (std::size_t i = 0; i < pieces; ++i) {
    hashes[i] = hash_bytes(bytes.subspan(i * kPiece, std::min(kPiece, bytes.size() - i * kPiece)), i);
  }
  return hash_bytes(std::as_bytes(std::span(hashes)), bytes.size());
}

}  // namespace galena::base
