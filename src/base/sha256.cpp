// SHA-256 as FIPS 180-4 defines it. The round constants are the first 32 bits of the fractional parts
// of the cube roots of the first 64 primes, the start values those of the square roots of the first 8:
// they are computed here from that definition, by integer roots, instead of being listed.
#include "src/base/sha256.hpp"

#include <array>
#include <bit>
#include <cstdint>

namespace galena::base {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr bool is_prime(std::uint32_t x) {
  for (std::uint32_t d = 2; d * d <= x; ++d) {
    if (x % d == 0) return false;
  }
  return true;
}

// floor(prime^(1/degree) * 2^32), of which the low 32 bits are the fraction: by bisection on integers.
constexpr std::uint32_t root_fraction(std::uint32_t prime, int degree) {
  std::uint64_t low = 0,
                high = std::uint64_t{20} << 32;  // cube roots stay below 7, square roots of the first 8 below 5
  while (high - low > 1) {
    const std::uint64_t middle = low + (high - low) / 2;
    const Wide square = static_cast<Wide>(middle) * middle;
    // degree 3: compares m^3 with p * 2^96 without overflow: m < 2^35, m^3 < 2^105
    const bool below =
        degree == 2 ? square <= (static_cast<Wide>(prime) << 64) : square * middle <= (static_cast<Wide>(prime) << 96);
    (below ? low : high) = middle;
  }
  return static_cast<std::uint32_t>(low);
}

template <std::size_t N>
constexpr std::array<std::uint32_t, N> root_table(int degree) {
  std::array<std::uint32_t, N> table{};
  std::size_t filled = 0;
  for (std::uint32_t x = 2; filled < N; ++x) {
    if (is_prime(x)) table[filled++] = root_fraction(x, degree);
  }
  return table;
}

constexpr auto kRound = root_table<64>(3);
constexpr auto kStart = root_table<8>(2);
static_assert(kRound[0] == 0x428a2f98U && kRound[63] == 0xc67178f2U && kStart[7] == 0x5be0cd19U);

void compress(std::array<std::uint32_t, 8>& state, const std::byte* block) {
  std::array<std::uint32_t, 64> w{};
  for (std::size_t i = 0; i < 16; ++i) {
    for (std::size_t k = 0; k < 4; ++k) w[i] = (w[i] << 8) | std::to_integer<std::uint32_t>(block[4 * i + k]);
  }
  for (std::size_t i = 16; i < 64; ++i) {
    const std::uint32_t s0 = std::rotr(w[i - 15], 7) ^ std::rotr(w[i - 15], 18) ^ (w[i - 15] >> 3);
    const std::uint32_t s1 = std::rotr(w[i - 2], 17) ^ std::rotr(w[i - 2], 19) ^ (w[i - 2] >> 10);
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  auto [a, b, c, d, e, f, g, h] = state;
  for (std::size_t i = 0; i < 64; ++i) {
    const std::uint32_t t1 =
        h + (std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25)) + ((e & f) ^ (~e & g)) + kRound[i] + w[i];
    const std::uint32_t t2 = (std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
  }
  const std::array<std::uint32_t, 8> added{a, b, c, d, e, f, g, h};
  for (std::size_t i = 0; i < 8; ++i) state[i] += added[i];
}

}  // namespace

std::string sha256_hex(std::span<const std::byte> bytes) {
  auto state = kStart;
  const std::size_t whole = bytes.size() / 64 * 64;
  for (std::size_t at = 0; at < whole; at += 64) compress(state, bytes.data() + at);
  // The tail: what is left, a one bit, zeros, and the length in bits as the last 8 bytes.
  std::array<std::byte, 128> tail{};
  const std::size_t left = bytes.size() - whole;
  for (std::size_t i = 0; i < left; ++i) tail[i] = bytes[whole + i];
  tail[left] = std::byte{0x80};
  const std::size_t size = left < 56 ? 64 : 128;
  const std::uint64_t bits = std::uint64_t{bytes.size()} * 8;
  for (std::size_t i = 0; i < 8; ++i) tail[size - 1 - i] = static_cast<std::byte>(bits >> (8 * i));
  for (std::size_t at = 0; at < size; at += 64) compress(state, tail.data() + at);
  std::string hex;
  for (const std::uint32_t word : state) {
    for (int shift = 28; shift >= 0; shift -= 4) hex += "0123456789abcdef"[(word >> shift) & 15U];
  }
  return hex;
}

}  // namespace galena::base
