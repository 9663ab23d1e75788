#pragma once
// Counter-based random numbers: the value at (seed, stream, index) is a pure function, so any thread
// may compute any part of a sequence and the result does not depend on how the work was divided.
//
// Philox4x32-10 of J. Salmon, M. Moraes, R. Dror and D. Shaw, "Parallel random numbers: as easy as
// 1, 2, 3" (SC 2011): ten rounds of two 32x32-bit multiplications over a 128-bit counter. It needs no
// state, passes BigCrush, and is what GPU libraries implement too.

#include <array>
#include <cstdint>

namespace galena::base {

using PhiloxBlock = std::array<std::uint32_t, 4>;

/// 128 random bits for a 128-bit counter and a 64-bit key.
constexpr PhiloxBlock philox(PhiloxBlock counter, std::array<std::uint32_t, 2> key) noexcept {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = std::uint64_t{0xd2511f53U} * counter[0];
    const std::uint64_t product1 = std::uint64_t{0xcd9e8d57U} * counter[2];
    counter = {static_cast<std::uint32_t>(product1 >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(product1),
               static_cast<std::uint32_t>(product0 >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(product0)};
    key = {key[0] + 0x9e3779b9U, key[1] + 0xbb67ae85U};
  }
  return counter;
}

/// A sequence of draws named by (seed, stream, index); index is the caller's (an edge, a vertex).
class RandomStream {
 public:
  constexpr RandomStream(std::uint64_t seed, std::uint64_t stream, std::uint64_t index = 0) noexcept
      : key_{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)},
        counter_{0, static_cast<std::uint32_t>(stream), static_cast<std::uint32_t>(index),
                 static_cast<std::uint32_t>(index >> 32)} {}

  constexpr std::uint32_t next32() noexcept {
    if (used_ == 4) {
      block_ = philox(counter_, key_);
      ++counter_[0];
      used_ = 0;
    }
    return block_[used_++];
  }
  constexpr std::uint64_t next64() noexcept {
    const std::uint64_t low = next32();
    return low | (std::uint64_t{next32()} << 32);
  }
  /// Uniform in [0, 1), 53 bits.
  constexpr double uniform() noexcept { return static_cast<double>(next64() >> 11) * 0x1.0p-53; }
  /// Uniform in 0..bound-1 without bias (D. Lemire, "Fast random integer generation in an interval", 2019). bound > 0.
  constexpr std::uint64_t below(std::uint64_t bound) noexcept {
    __extension__ using Wide = unsigned __int128;
    for (;;) {
      const Wide product = static_cast<Wide>(next64()) * bound;
      const auto low = static_cast<std::uint64_t>(product);
      if (low >= bound || low >= (0 - bound) % bound) return static_cast<std::uint64_t>(product >> 64);
    }
  }

 private:
  std::array<std::uint32_t, 2> key_;
  PhiloxBlock counter_, block_{};
  std::uint32_t used_ = 4;
};

}  // namespace galena::base
