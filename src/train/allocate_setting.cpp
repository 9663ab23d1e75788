#include "src/train/allocate_setting.hpp"

#include <algorithm>
#include <map>

namespace galena::train::detail {
namespace {

constexpr const char* kWho = "bit assignment";

template <class Choose>
std::vector<std::uint8_t> fill(const Setting& setting, const Choose& choose) {
  std::vector<std::uint8_t> option(setting.problem.channel.size());
  for (std::size_t m = 0; m < option.size(); ++m) option[m] = choose(setting.levels[setting.problem.channel[m]]).option;
  return option;
}

std::vector<Point> levels_of(const BitProblem& problem, const Channel& channel) {
  std::vector<Point> points;
  for (std::size_t w = 0; w < problem.widths.size(); ++w) {
    points.push_back({.cost = static_cast<double>(channel.row_bytes[w]),
                      .value = quantizer_noise(problem.widths[w]),
                      .option = static_cast<std::uint8_t>(w)});
  }
  points.resize(keep_undominated(points));
  return points;
}

}  // namespace

Setting prepare(const BitProblem& problem) {
  check_widths(kWho, problem.widths);
  check_channels(kWho, problem.channels, problem.widths.size());
  check_messages(kWho, problem.channel, problem.channels.size());
  check_values(kWho, "coefficient", problem.coefficient, problem.channel.size());
  Setting setting{.problem = problem, .messages = by_channel(problem.channel, problem.channels.size()), .levels = {}};
  for (const Channel& channel : problem.channels) setting.levels.push_back(levels_of(problem, channel));
  return setting;
}

std::vector<std::uint8_t> all_cheapest(const Setting& setting) {
  return fill(setting, [](const std::vector<Point>& levels) { return levels.front(); });
}

std::vector<std::uint8_t> all_widest(const Setting& setting) {
  return fill(setting, [](const std::vector<Point>& levels) { return levels.back(); });
}

void append_channel_steps(const Setting& setting, std::size_t channel, double price, std::vector<Increment>& steps) {
  auto hull = setting.levels[channel];
  hull.resize(keep_hull(hull));
  for (const std::int32_t m : setting.messages.of(channel)) {
    append_steps(hull, m, setting.problem.coefficient[m], price, steps);
  }
}

BitAssignment assess(const Setting& setting, std::span<const std::uint8_t> option) {
  const BitProblem& problem = setting.problem;
  BitAssignment result;
  std::vector<std::int64_t> bytes(problem.channels.size());
  for (std::size_t m = 0; m < option.size(); ++m) {
    const int bits = problem.widths[option[m]];
    result.bits.push_back(static_cast<std::uint8_t>(bits));
    result.variance += problem.coefficient[m] * quantizer_noise(bits);
    bytes[problem.channel[m]] += problem.channels[problem.channel[m]].row_bytes[option[m]];
  }
  std::map<std::int32_t, double> slowest;  // by round
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    result.bytes += bytes[i];
    if (bytes[i] == 0) continue;
    const Channel& channel = problem.channels[i];
    double& round = slowest[channel.round];
    round = std::max(round, channel.latency + channel.seconds_per_byte * static_cast<double>(bytes[i]));
  }
  for (const auto& [round, seconds] : slowest) result.seconds += seconds;
  return result;
}

}  // namespace galena::train::detail
