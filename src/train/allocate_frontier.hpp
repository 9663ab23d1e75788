#pragma once
// The least variance of some messages as a function of the bytes they may take, exactly.

#include <cstdint>
#include <span>
#include <vector>

#include "src/train/allocate_parts.hpp"

namespace galena::train::detail {

/// Messages whose rows cost the same at each width.
struct Block {
  std::vector<Point> levels;        ///< undominated widths by rising cost in bytes; values are quantizer_noise()
  std::vector<std::int32_t> rows;   ///< messages by falling coefficient
  std::vector<double> coefficient;  ///< of the rows
  std::vector<double> suffix;       ///< [rows + 1] sum of the coefficients of this row and those after it
};

/// `rows` as a block; `coefficient` by message.
Block make_block(std::vector<Point> levels, std::vector<std::int32_t> rows, std::span<const double> coefficient);

/// For a budget of floor_bytes() + k * unit() bytes, k = 0 .. size() - 1. The blocks must outlive it.
class Frontier {
 public:
  /// InputError where the table would have more than 2^27 entries.
  explicit Frontier(std::span<const Block> blocks);

  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(best_.size()); }
  [[nodiscard]] std::int64_t floor_bytes() const { return floor_bytes_; }
  [[nodiscard]] std::int64_t unit() const { return unit_; }
  [[nodiscard]] double variance(std::int64_t k) const { return best_[k]; }
  /// Writes the widths (option numbers) that attain variance(k), by message; leaves blocks of a single level alone.
  void choose(std::int64_t k, std::span<std::uint8_t> option) const;

 private:
  // One decision of the recurrence: how many rows of the block reach a level, or the level of one row.
  struct Layer {
    const Block* block;
    std::size_t level;                // > 0: that many rows reach it; 0: of one row
    std::size_t row;                  // of one row: which
    std::vector<std::int32_t> taken;  // by k
  };

  void add_block(const Block& block);
  void add_level(const Block& block, std::size_t level);
  void add_row(const Block& block, std::size_t row);
  [[nodiscard]] std::int64_t steps(const Block& block, std::size_t from, std::size_t to) const;

  std::vector<double> best_;
  std::vector<Layer> layers_;
  std::int64_t floor_bytes_ = 0, unit_ = 1;
};

}  // namespace galena::train::detail
