#pragma once
// Who draws: random numbers of learning are named, never consumed from a state, so that they are the same under
// any partitioning, thread count and order of work.

#include <array>
#include <cstdint>

#include "src/base/random.hpp"

namespace galena::ops {

/// What a draw is for; part of its name.
enum class Purpose : std::uint32_t { init, dropout, sample, quantize_forward, quantize_backward, split, other };

/// Names a family of draws. One draw: block `block` (four 32-bit numbers) of vertex `id` (a global id).
struct RandomKey {
  std::uint64_t seed = 0;
  std::uint32_t epoch = 0;
  std::uint32_t stream = 0;  ///< make_stream(): layer or call, and purpose

  static constexpr std::uint32_t make_stream(std::uint32_t call, Purpose purpose) {
    return (call << 4) | static_cast<std::uint32_t>(purpose);
  }
  [[nodiscard]] constexpr base::PhiloxBlock draw(std::uint32_t id, std::uint32_t block) const {
    return base::philox({block, stream, id, epoch},
                        {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
  }
};

}  // namespace galena::ops
