#include "src/train/allocate.hpp"

#include <fmt/format.h>

#include <cmath>

#include "galena/error.hpp"
#include "src/ops/quantize.hpp"

namespace galena::train {
namespace {

// A group for each number that `id` gives a channel.
template <class Id>
Budget grouped(std::span<const Channel> channels, std::span<const double> limits, Budget::Unit unit, const char* what,
               const Id& id) {
  Budget budget{.unit = unit, .group = {}, .limit = {limits.begin(), limits.end()}};
  for (std::size_t i = 0; i < channels.size(); ++i) {
    const std::int32_t group = id(channels[i]);
    if (group < 0 || static_cast<std::size_t>(group) >= limits.size()) {
      throw InputError(fmt::format("budget: channel {} has {} {}, but there are {} limits; give one for each", i, what,
                                   group, limits.size()));
    }
    budget.group.push_back(group);
  }
  return budget;
}

}  // namespace

std::vector<std::int64_t> row_bytes(std::int64_t features, std::span<const int> widths) {
  std::vector<std::int64_t> bytes;
  for (const int bits : widths) {
    bytes.push_back(static_cast<std::int64_t>(ops::packed_bytes(features, bits) + ops::parameter_bytes(bits)));
  }
  return bytes;
}

double quantizer_noise(int bits) {
  if (bits < 1 || bits > 32) throw InputError(fmt::format("bit width {}: expected 1 to 32", bits));
  const double levels = std::ldexp(1.0, bits) - 1;
  return 1 / (levels * levels);
}

double rounding_variance(std::int64_t features, double range, int bits) {
  return static_cast<double>(features) * range * range / 6 * quantizer_noise(bits);
}

// bf16 keeps 8 significant bits, so rounding to nearest errs by at most 2^-8 of an element.
double error_at(int bits, double measured, int measured_bits, double energy) {
  if (bits == 32) return 0;
  if (bits == 16) return std::ldexp(energy, -16);
  if (bits < 1 || bits > 8 || measured_bits < 1 || measured_bits > 8) {
    throw InputError(fmt::format("error of a row at {} bits from one at {}: expected 1 to 8, or 16 or 32 as the first",
                                 bits, measured_bits));
  }
  return measured * quantizer_noise(bits) / quantizer_noise(measured_bits);
}

Budget Budget::total_bytes(std::span<const Channel> channels, double bytes) {
  return {.unit = Unit::bytes, .group = std::vector<std::int32_t>(channels.size(), 0), .limit = {bytes}};
}

Budget Budget::bytes_per_sender(std::span<const Channel> channels, std::span<const double> bytes) {
  return grouped(channels, bytes, Unit::bytes, "sender", [](const Channel& channel) { return channel.sender; });
}

Budget Budget::seconds_per_sender(std::span<const Channel> channels, std::span<const double> seconds) {
  return grouped(channels, seconds, Unit::seconds, "sender", [](const Channel& channel) { return channel.sender; });
}

Budget Budget::seconds_per_round(std::span<const Channel> channels, std::span<const double> seconds) {
  const Budget by_round =
      grouped(channels, seconds, Unit::seconds, "round", [](const Channel& channel) { return channel.round; });
  Budget budget{.unit = Unit::seconds, .group = {}, .limit = {}};
  for (std::size_t i = 0; i < channels.size(); ++i) {
    budget.group.push_back(static_cast<std::int32_t>(i));
    budget.limit.push_back(by_round.limit[by_round.group[i]]);
  }
  return budget;
}

}  // namespace galena::train
