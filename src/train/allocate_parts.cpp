#include "src/train/allocate_parts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "galena/error.hpp"

namespace galena::train::detail {
namespace {

// Numbers beyond these would overflow when multiplied, and mean a mistake.
constexpr double kMost = 1e100;
constexpr double kSlowest = 1e20, kFastest = 1e-20;  // seconds a byte

bool is_amount(double value) { return value >= 0 && value <= kMost; }

void require_amount(std::string_view who, const std::string& what, double value) {
  if (!is_amount(value)) {
    throw InputError(fmt::format("{}: {} is {}; expected 0 to {}", who, what, value, kMost));
  }
}

const char* name_of(Budget::Unit unit) { return unit == Budget::Unit::bytes ? "bytes" : "seconds"; }

}  // namespace

std::size_t keep_undominated(std::span<Point> points) {
  std::sort(points.begin(), points.end(), [](const Point& a, const Point& b) {
    if (a.cost != b.cost) return a.cost < b.cost;
    return a.value != b.value ? a.value < b.value : a.option < b.option;
  });
  std::size_t kept = 0;
  for (const Point& point : points) {
    if (kept == 0 || point.value < points[kept - 1].value) points[kept++] = point;
  }
  return kept;
}

std::size_t keep_hull(std::span<Point> points) {
  std::size_t kept = 0;
  const auto needless = [&](const Point& next) {
    const Point &a = points[kept - 2], &b = points[kept - 1];
    return (a.value - b.value) * (next.cost - b.cost) <= (b.value - next.value) * (b.cost - a.cost);
  };
  const std::size_t undominated = keep_undominated(points);
  for (std::size_t i = 0; i < undominated; ++i) {
    const Point next = points[i];
    while (kept > 1 && needless(next)) --kept;
    points[kept++] = next;
  }
  return kept;
}

void append_steps(std::span<const Point> hull, std::int32_t message, double scale, double price,
                  std::vector<Increment>& steps) {
  for (std::size_t i = 1; i < hull.size(); ++i) {
    Increment step{.message = message, .from = hull[i - 1].option, .to = hull[i].option};
    step.gain = scale * (hull[i - 1].value - hull[i].value);
    step.cost = price * (hull[i].cost - hull[i - 1].cost);
    step.density = step.cost > 0 ? step.gain / step.cost : std::numeric_limits<double>::infinity();
    if (!(step.gain > 0)) return;  // the later ones gain nothing either
    steps.push_back(step);
  }
}

void sort_steps(std::vector<Increment>& steps) {
  // They come message by message, in order; equal densities stay so.
  std::stable_sort(steps.begin(), steps.end(),
                   [](const Increment& a, const Increment& b) { return a.density > b.density; });
}

double take_steps(std::span<const Increment> sorted, double limit, std::span<std::uint8_t> option) {
  double left = limit, relaxed_rest = 0;
  bool all_fit = true;
  for (const Increment& step : sorted) {
    const bool fits = step.cost <= left;
    if (!all_fit) relaxed_rest += step.gain;
    if (all_fit && !fits) relaxed_rest += step.gain * (1 - left / step.cost);
    all_fit = all_fit && fits;
    if (!fits || option[step.message] != step.from) continue;
    option[step.message] = step.to;
    left -= step.cost;
  }
  return relaxed_rest;
}

ByChannel by_channel(std::span<const std::int32_t> channel, std::size_t channels) {
  ByChannel result{.begin = std::vector<std::size_t>(channels + 1), .order = {}};
  for (const std::int32_t i : channel) ++result.begin[static_cast<std::size_t>(i) + 1];
  std::partial_sum(result.begin.begin(), result.begin.end(), result.begin.begin());
  result.order.resize(channel.size());
  auto next = result.begin;
  for (std::size_t m = 0; m < channel.size(); ++m) result.order[next[channel[m]]++] = static_cast<std::int32_t>(m);
  return result;
}

double price_of(const Channel& channel, Budget::Unit unit) {
  return unit == Budget::Unit::bytes ? 1 : channel.seconds_per_byte;
}

double fixed_cost(const Channel& channel, Budget::Unit unit) {
  return unit == Budget::Unit::bytes ? 0 : channel.latency;
}

std::vector<std::vector<std::int32_t>> channels_of_groups(const Budget& budget, const ByChannel& messages) {
  std::vector<std::vector<std::int32_t>> groups(budget.limit.size());
  for (std::size_t i = 0; i < budget.group.size(); ++i) {
    if (!messages.of(i).empty()) groups[budget.group[i]].push_back(static_cast<std::int32_t>(i));
  }
  return groups;
}

void check_widths(std::string_view who, std::span<const int> widths) {
  if (widths.empty()) throw InputError(fmt::format("{}: no widths to choose from", who));
  for (std::size_t i = 0; i < widths.size(); ++i) {
    if (widths[i] < 1 || widths[i] > 32 || (i > 0 && widths[i] <= widths[i - 1])) {
      throw InputError(fmt::format("{}: widths[{}] is {} bits; expected 1 to 32, in rising order", who, i, widths[i]));
    }
  }
}

void check_channels(std::string_view who, std::span<const Channel> channels, std::size_t widths) {
  for (std::size_t i = 0; i < channels.size(); ++i) {
    const Channel& channel = channels[i];
    const std::string place = fmt::format("channel {} (rank {} to {})", i, channel.sender, channel.receiver);
    const double speed = channel.seconds_per_byte;
    if (speed != 0 && !(speed >= kFastest && speed <= kSlowest)) {
      throw InputError(
          fmt::format("{}: {}: seconds_per_byte is {}; expected 0 or {} to {}", who, place, speed, kFastest, kSlowest));
    }
    require_amount(who, place + ": latency", channel.latency);
    if (channel.round < 0) throw InputError(fmt::format("{}: {}: round {} is negative", who, place, channel.round));
    if (channel.row_bytes.size() != widths) {
      throw InputError(fmt::format("{}: {}: {} row_bytes for {} widths", who, place, channel.row_bytes.size(), widths));
    }
    for (const std::int64_t bytes : channel.row_bytes) {
      if (bytes > 0 && bytes <= (std::int64_t{1} << 31)) continue;
      throw InputError(fmt::format("{}: {}: a row of {} bytes; expected 1 to 2^31", who, place, bytes));
    }
  }
}

void check_messages(std::string_view who, std::span<const std::int32_t> channel, std::size_t channels) {
  if (channel.size() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
    throw InputError(fmt::format("{}: {} messages; at most 2^31 - 1 at a time", who, channel.size()));
  }
  for (std::size_t m = 0; m < channel.size(); ++m) {
    if (channel[m] >= 0 && static_cast<std::size_t>(channel[m]) < channels) continue;
    throw InputError(fmt::format("{}: message {} is on channel {}, but there are {}", who, m, channel[m], channels));
  }
}

void check_values(std::string_view who, std::string_view name, std::span<const double> values, std::size_t expected) {
  if (values.size() != expected) {
    throw InputError(fmt::format("{}: {} has {} numbers; expected {}", who, name, values.size(), expected));
  }
  const auto bad = std::ranges::find_if_not(values, is_amount);
  if (bad != values.end()) require_amount(who, fmt::format("{}[{}]", name, bad - values.begin()), *bad);
}

void check_fraction(std::string_view who, std::string_view name, double value) {
  if (!(value >= 0 && value <= 1)) throw InputError(fmt::format("{}: {} is {}; expected 0 to 1", who, name, value));
}

void check_budget(std::string_view who, const Budget& budget, std::size_t channels) {
  if (budget.group.size() != channels) {
    throw InputError(fmt::format("{}: a budget for {} channels, but there are {}", who, budget.group.size(), channels));
  }
  for (std::size_t i = 0; i < channels; ++i) {
    if (budget.group[i] >= 0 && static_cast<std::size_t>(budget.group[i]) < budget.limit.size()) continue;
    throw InputError(fmt::format("{}: budget: channel {} is in group {}, but there are {} limits", who, i,
                                 budget.group[i], budget.limit.size()));
  }
  check_values(who, "budget.limit", budget.limit, budget.limit.size());
}

double open_limit(std::string_view who, const Budget& budget, std::size_t group, double fixed, double least) {
  const double limit = budget.limit[group], left = limit - fixed;
  const double slack = 1e-12 * limit;
  if (left >= least - slack) return std::max(left, least);
  throw InputError(
      fmt::format("{}: budget {} allows {} {}, but the cheapest choice takes {}; allow at least that, or offer a "
                  "narrower width or a lower probability",
                  who, group, limit, name_of(budget.unit), least + fixed));
}

}  // namespace galena::train::detail
