#pragma once
// Many draws of a RandomKey at once, as 16-bit numbers: eight a block, in the order of memory.

#include <algorithm>
#include <cstdint>
#include <vector>

#include "src/ops/random_kernels.hpp"
#include "src/ops/random_key.hpp"

namespace galena::ops {

inline constexpr std::int64_t kLanes = 8;  ///< 16-bit numbers in a block
/// Blocks that hold the draws of `cols` features: feature c is lane c % 8 of block c / 8.
constexpr std::int64_t blocks_of(std::int64_t cols) { return (cols + kLanes - 1) / kLanes; }

/// Lane k of key.draw(ids[i], blocks[i]) goes to out[8 * i + k]: word k / 2, low half first.
inline void random_lanes(const RandomKey& key, const std::uint32_t* ids, const std::uint32_t* blocks,
                         std::int64_t count, std::uint16_t* out) {
  random_kernels().lanes(key, ids, blocks, count, out);
}

/// A thread's draws, made some hundreds of blocks at a time: enough to fill vectors, few enough for the first cache.
class DrawBuffer {
 public:
  static constexpr std::int64_t kBlocks = 512;

  void clear() noexcept { count_ = 0; }
  [[nodiscard]] std::int64_t count() const noexcept { return count_; }
  /// Room for `blocks` more: at most kBlocks, or one row that alone is longer.
  [[nodiscard]] bool fits(std::int64_t blocks) const noexcept { return count_ == 0 || count_ + blocks <= kBlocks; }
  /// One block. Returns where its lanes will be.
  std::int64_t add(std::uint32_t id, std::uint32_t block) {
    reserve(1);
    ids_[static_cast<std::size_t>(count_)] = id;
    blocks_[static_cast<std::size_t>(count_)] = block;
    return kLanes * count_++;
  }
  /// Blocks 0 .. blocks - 1 of a row. Returns where its lanes will be.
  std::int64_t add_row(std::uint32_t id, std::int64_t blocks) {
    reserve(blocks);
    std::fill_n(ids_.begin() + count_, blocks, id);
    for (std::int64_t b = 0; b < blocks; ++b)
      blocks_[static_cast<std::size_t>(count_ + b)] = static_cast<std::uint32_t>(b);
    count_ += blocks;
    return kLanes * (count_ - blocks);
  }
  void draw(const RandomKey& key) { random_lanes(key, ids_.data(), blocks_.data(), count_, lanes_.data()); }
  [[nodiscard]] const std::uint16_t* lanes(std::int64_t at) const noexcept { return lanes_.data() + at; }

 private:
  void reserve(std::int64_t more) {
    const auto size = static_cast<std::size_t>(count_ + more);
    if (size <= ids_.size()) return;
    ids_.resize(std::max<std::size_t>(size, kBlocks));
    blocks_.resize(ids_.size());
    lanes_.resize(ids_.size() * kLanes);
  }

  std::int64_t count_ = 0;
  std::vector<std::uint32_t> ids_, blocks_;
  std::vector<std::uint16_t> lanes_;
};

}  // namespace galena::ops
