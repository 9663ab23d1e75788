#pragma once
// A checked problem of bit widths, and what an answer to it amounts to.

#include <cstdint>
#include <span>
#include <vector>

#include "src/train/allocate_bits.hpp"
#include "src/train/allocate_parts.hpp"

namespace galena::train::detail {

struct Setting {
  const BitProblem& problem;
  ByChannel messages;
  std::vector<std::vector<Point>> levels;  ///< by channel: undominated widths; costs in bytes, values of c = 1

  [[nodiscard]] std::int64_t rows(std::size_t channel) const {
    return static_cast<std::int64_t>(messages.of(channel).size());
  }
  [[nodiscard]] std::int64_t floor_bytes(std::size_t channel) const {
    return rows(channel) * static_cast<std::int64_t>(levels[channel].front().cost);
  }
};

/// Throws InputError where something is wrong with the problem, which must outlive the setting.
Setting prepare(const BitProblem& problem);

/// Every message at its cheapest or its widest width: option numbers.
std::vector<std::uint8_t> all_cheapest(const Setting& setting);
std::vector<std::uint8_t> all_widest(const Setting& setting);

/// Steps of the messages of a channel, unsorted, with costs `price` a byte.
void append_channel_steps(const Setting& setting, std::size_t channel, double price, std::vector<Increment>& steps);

/// The answer that these option numbers are; its objective and bounds are still open.
BitAssignment assess(const Setting& setting, std::span<const std::uint8_t> option);

}  // namespace galena::train::detail
