#pragma once
// Many draws of a RandomKey at once, as 16-bit numbers: eight a block, in the order of memory.

#include <cstdint>

#include "src/ops/random_key.hpp"

namespace galena::ops {

inline constexpr std::int64_t kLanes = 8;  ///< 16-bit numbers in a block
/// Blocks that hold the draws of `cols` features: feature c is lane c % 8 of block c / 8.
constexpr std::int64_t blocks_of(std::int64_t cols) { return (cols + kLanes - 1) / kLanes; }

/// Lane k of key.draw(ids[i], blocks[i]) goes to out[8 * i + k]: word k / 2, low half first.
void random_lanes(const RandomKey& key, const std::uint32_t* ids, const std::uint32_t* blocks, std::int64_t count,
                  std::uint16_t* out);

}  // namespace galena::ops
