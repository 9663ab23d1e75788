#pragma once
// Pieces of which the allocators are made.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "src/train/allocate.hpp"

namespace galena::train::detail {

/// What a message could be coded as: cost in any unit, and its value, to be minimised.
struct Point {
  double cost = 0, value = 0;
  std::uint8_t option = 0;  ///< number of the width
};

/// Keeps the points that no other beats in cost and value, by rising cost; returns how many.
std::size_t keep_undominated(std::span<Point> points);

/// Of those, keeps the ones on the lower convex hull: each step takes away less value a unit of cost than the one
/// before.
std::size_t keep_hull(std::span<Point> points);

/// A step of a message along its hull.
struct Increment {
  double density = 0;  ///< gain / cost; infinite where the cost is 0
  double gain = 0;     ///< value taken away
  double cost = 0;
  std::int32_t message = 0;
  std::uint8_t from = 0, to = 0;  ///< options
};

/// Appends the steps of a message along `hull`, values times `scale`, costs times `price`; steps without gain are
/// left out.
void append_steps(std::span<const Point> hull, std::int32_t message, double scale, double price,
                  std::vector<Increment>& steps);

/// Falling density; steps of one message stay in order.
void sort_steps(std::vector<Increment>& steps);

/// Takes steps in their order wherever they fit, until `limit` is used up, and notes them in `option` (by message).
/// Returns the gain that the linear relaxation leaves: no choice of steps within the limit leaves less.
/// The gain taken is monotone in the limit: if a step fits only in the larger limit, then all that the smaller one
/// takes after it, being less dense and confined to what the step did not fit in, gains less than the step.
double take_steps(std::span<const Increment> sorted, double limit, std::span<std::uint8_t> option);

/// Neighbouring numbers low < high with holds(low) false and holds(high) true, given that it is so for these bounds
/// and that holds() changes once between them. 0 <= low < high.
template <class Holds>
std::pair<double, double> bisect(double low, double high, const Holds& holds) {
  // Numbers >= 0 are ordered as their bits are, so that 64 steps suffice at any scale.
  auto a = std::bit_cast<std::uint64_t>(low), b = std::bit_cast<std::uint64_t>(high);
  while (b - a > 1) {
    const std::uint64_t middle = a + (b - a) / 2;
    (holds(std::bit_cast<double>(middle)) ? b : a) = middle;
  }
  return {std::bit_cast<double>(a), std::bit_cast<double>(b)};
}

/// Messages in order of their channels: those of channel i are order[begin[i] .. begin[i + 1]).
struct ByChannel {
  std::vector<std::size_t> begin;
  std::vector<std::int32_t> order;
  [[nodiscard]] std::span<const std::int32_t> of(std::size_t channel) const {
    return std::span(order).subspan(begin[channel], begin[channel + 1] - begin[channel]);
  }
};
ByChannel by_channel(std::span<const std::int32_t> channel, std::size_t channels);

/// Costs of a unit of a channel, and what it costs to use it at all, in a budget's unit.
double price_of(const Channel& channel, Budget::Unit unit);
double fixed_cost(const Channel& channel, Budget::Unit unit);

/// Channels of each group of a budget, those without messages left out.
std::vector<std::vector<std::int32_t>> channels_of_groups(const Budget& budget, const ByChannel& messages);

// What must hold of the caller's numbers; `who` begins the message of the InputError.
void check_widths(std::string_view who, std::span<const int> widths);
void check_channels(std::string_view who, std::span<const Channel> channels, std::size_t widths);
void check_messages(std::string_view who, std::span<const std::int32_t> channel, std::size_t channels);
void check_values(std::string_view who, std::string_view name, std::span<const double> values, std::size_t expected);
void check_fraction(std::string_view who, std::string_view name, double value);
void check_budget(std::string_view who, const Budget& budget, std::size_t channels);

/// What a group's limit leaves after `fixed` costs, of which `least` is needed at least. A shortage of no more than
/// rounding is made up; a larger one is an InputError.
double open_limit(std::string_view who, const Budget& budget, std::size_t group, double fixed, double least);

}  // namespace galena::train::detail
