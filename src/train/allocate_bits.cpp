// AdaQP's objective. A channel belongs to one round, so once the times Z of the rounds are fixed every channel is on its
// own, and once lambda's scales are known every round is: it minimises
//   weight_v * sum over its channels of V*(what fits in Z) + weight_t * Z.
// Exact: V* of each channel is its frontier (allocate_frontier.hpp); the sum changes only at times that some channel's
// next point on its frontier takes, so a sweep over those sees every value.
// Greedy: V* relaxed to the convex hull makes the sum convex in Z, so its minimum is where the slopes balance.
#include <algorithm>
#include <map>

#include "src/train/allocate_frontier.hpp"
#include "src/train/allocate_setting.hpp"

namespace galena::train {
namespace {

using namespace detail;

double seconds(const Channel& channel, double bytes) { return channel.latency + channel.seconds_per_byte * bytes; }

/// Both terms of the objective, scaled to 0 .. 1.
struct Scale {
  double best_variance = 0, best_seconds = 0;
  double weight_v = 0, weight_t = 0;

  [[nodiscard]] double objective(double variance, double time) const {
    return weight_v * (variance - best_variance) + weight_t * (time - best_seconds);
  }
};

Scale make_scale(const Setting& setting, double lambda) {
  check_fraction("bit assignment", "lambda", lambda);
  const auto cheapest = assess(setting, all_cheapest(setting)), widest = assess(setting, all_widest(setting));
  Scale scale{.best_variance = widest.variance, .best_seconds = cheapest.seconds};
  if (cheapest.variance > widest.variance) scale.weight_v = lambda / (cheapest.variance - widest.variance);
  if (widest.seconds > cheapest.seconds) scale.weight_t = (1 - lambda) / (widest.seconds - cheapest.seconds);
  return scale;
}

/// Channels in use, by round.
std::map<std::int32_t, std::vector<std::int32_t>> rounds_of(const Setting& setting) {
  std::map<std::int32_t, std::vector<std::int32_t>> rounds;
  for (std::size_t i = 0; i < setting.problem.channels.size(); ++i) {
    if (setting.rows(i) > 0) rounds[setting.problem.channels[i].round].push_back(static_cast<std::int32_t>(i));
  }
  return rounds;
}

/// The time that a round takes at least.
double floor_seconds(const Setting& setting, std::span<const std::int32_t> channels) {
  double slowest = 0;
  for (const std::int32_t i : channels) {
    slowest = std::max(slowest, seconds(setting.problem.channels[i], static_cast<double>(setting.floor_bytes(i))));
  }
  return slowest;
}

// --- exact

/// A channel of the round that is swept.
struct Lane {
  const Channel& channel;
  std::vector<Block> block;  // one
  Frontier frontier;
  std::int64_t k = 0;  // where the sweep is

  Lane(const Setting& setting, std::int32_t i)
      : channel(setting.problem.channels[i]), block(make(setting, i)), frontier(block) {}
  static std::vector<Block> make(const Setting& setting, std::int32_t i) {
    const auto rows = setting.messages.of(i);
    std::vector<Block> blocks;
    blocks.push_back(make_block(setting.levels[i], {rows.begin(), rows.end()}, setting.problem.coefficient));
    return blocks;
  }
  [[nodiscard]] double time(std::int64_t at) const {
    return seconds(channel, static_cast<double>(frontier.floor_bytes() + at * frontier.unit()));
  }
};

struct Event {
  double time;
  std::int32_t lane;
  std::int64_t k;
};

/// Points of the frontiers that are taken at a time above `start`; those before are noted in the lanes.
std::vector<Event> events_of(std::vector<Lane>& lanes, double start) {
  std::vector<Event> events;
  for (std::size_t i = 0; i < lanes.size(); ++i) {
    Lane& lane = lanes[i];
    for (std::int64_t k = 1; k < lane.frontier.size(); ++k) {
      if (!(lane.frontier.variance(k) < lane.frontier.variance(k - 1))) continue;
      const double time = lane.time(k);
      if (time <= start)
        lane.k = k;
      else
        events.push_back({time, static_cast<std::int32_t>(i), k});
    }
  }
  std::ranges::sort(events, [](const Event& a, const Event& b) {
    if (a.time != b.time) return a.time < b.time;
    return a.lane != b.lane ? a.lane < b.lane : a.k < b.k;
  });
  return events;
}

/// How many of the events lie before the best time for the round; 0 where that is `start`.
std::size_t sweep(const Scale& scale, std::span<const Lane> lanes, std::span<const Event> events, double start) {
  std::vector<std::int64_t> k;
  double variance = 0;
  for (const Lane& lane : lanes) {
    k.push_back(lane.k);
    variance += lane.frontier.variance(lane.k);
  }
  double best = scale.weight_v * variance + scale.weight_t * start;
  std::size_t taken = 0;
  for (std::size_t e = 0; e < events.size(); ++e) {
    const Event& event = events[e];
    const Frontier& frontier = lanes[event.lane].frontier;
    variance += frontier.variance(event.k) - frontier.variance(k[event.lane]);
    k[event.lane] = event.k;
    const double value = scale.weight_v * variance + scale.weight_t * event.time;
    if (value < best) best = value, taken = e + 1;
  }
  return taken;
}

void solve_round_exactly(const Setting& setting, const Scale& scale, std::span<const std::int32_t> channels,
                         std::vector<std::uint8_t>& option) {
  std::vector<Lane> lanes;
  lanes.reserve(channels.size());
  for (const std::int32_t i : channels) lanes.emplace_back(setting, i);
  const double start = floor_seconds(setting, channels);
  const auto events = events_of(lanes, start);
  const std::size_t taken = sweep(scale, lanes, events, start);
  for (std::size_t e = 0; e < taken; ++e) lanes[events[e].lane].k = events[e].k;
  for (const Lane& lane : lanes) lane.frontier.choose(lane.k, option);
}

// --- greedy

/// A channel's hull: its steps in order, and sums before each.
struct Curve {
  const Channel& channel;
  double floor_bytes;
  std::vector<Increment> steps;
  std::vector<double> bytes, rest;  // [steps + 1] taken before the step; gain of it and those after

  Curve(const Setting& setting, std::int32_t i)
      : channel(setting.problem.channels[i]), floor_bytes(static_cast<double>(setting.floor_bytes(i))) {
    append_channel_steps(setting, i, 1, steps);
    sort_steps(steps);
    bytes.assign(steps.size() + 1, 0);
    rest.assign(steps.size() + 1, 0);
    for (std::size_t s = 0; s < steps.size(); ++s) bytes[s + 1] = bytes[s] + steps[s].cost;
    for (std::size_t s = steps.size(); s-- > 0;) rest[s] = rest[s + 1] + steps[s].gain;
  }
  [[nodiscard]] double end_time() const { return seconds(channel, floor_bytes + bytes.back()); }
  /// How many steps, in their order, are done by `time`.
  [[nodiscard]] std::size_t done(double time) const {
    const auto later = std::partition_point(
        bytes.begin() + 1, bytes.end(), [&](double taken) { return seconds(channel, floor_bytes + taken) <= time; });
    return static_cast<std::size_t>(later - bytes.begin()) - 1;
  }
  /// Bytes for steps that `time` has room for: at least those of the steps done, whatever rounding says.
  [[nodiscard]] double room(double time) const {
    const std::size_t at = done(time);
    if (at == steps.size()) return bytes.back();
    return std::max(bytes[at], (time - channel.latency) / channel.seconds_per_byte - floor_bytes);
  }
  /// Gain that is left at `time` when steps can be taken in part.
  [[nodiscard]] double relaxed_rest(double time) const {
    const std::size_t at = done(time);
    if (at == steps.size()) return 0;
    return rest[at + 1] + steps[at].gain * std::max(0.0, 1 - (room(time) - bytes[at]) / steps[at].cost);
  }
  /// Gain a second of what comes next.
  [[nodiscard]] double slope(double time) const {
    const std::size_t at = done(time);
    return at == steps.size() ? 0 : steps[at].density / channel.seconds_per_byte;
  }
};

/// Returns the round's time in the relaxation and adds what its messages' variance exceeds all_widest() by to `rest`.
double solve_round_greedily(const Setting& setting, const Scale& scale, std::span<const std::int32_t> channels,
                            std::vector<std::uint8_t>& option, double& rest) {
  std::vector<Curve> curves;
  for (const std::int32_t i : channels) curves.emplace_back(setting, i);
  const auto balanced = [&](double time) {
    double slope = 0;
    for (const Curve& curve : curves) slope += curve.slope(time);
    return scale.weight_v * slope <= scale.weight_t;
  };
  double time = floor_seconds(setting, channels), end = time;
  for (const Curve& curve : curves) end = std::max(end, curve.end_time());
  if (!balanced(time)) time = bisect(time, end, balanced).second;
  for (const Curve& curve : curves) {
    rest += curve.relaxed_rest(time);
    take_steps(curve.steps, curve.room(time), option);
  }
  return time;
}

BitAssignment assessed(const Setting& setting, const Scale& scale, std::span<const std::uint8_t> option) {
  BitAssignment result = assess(setting, option);
  result.objective = result.lower_bound = scale.objective(result.variance, result.seconds);
  return result;
}

}  // namespace

BitAssignment assign_exact(const BitProblem& problem, double lambda) {
  const Setting setting = prepare(problem);
  const Scale scale = make_scale(setting, lambda);
  auto option = all_cheapest(setting);
  for (const auto& [round, channels] : rounds_of(setting)) solve_round_exactly(setting, scale, channels, option);
  return assessed(setting, scale, option);
}

BitAssignment assign_greedy(const BitProblem& problem, double lambda) {
  const Setting setting = prepare(problem);
  const Scale scale = make_scale(setting, lambda);
  auto option = all_cheapest(setting);
  double time = 0, rest = 0;
  for (const auto& [round, channels] : rounds_of(setting)) {
    time += solve_round_greedily(setting, scale, channels, option, rest);
  }
  BitAssignment result = assessed(setting, scale, option);
  result.lower_bound = std::min(result.objective, scale.objective(scale.best_variance + rest, time));
  return result;
}

double lp_bound(const BitProblem& problem, double lambda) { return assign_greedy(problem, lambda).lower_bound; }

}  // namespace galena::train
