#include "src/train/assigner_problems.hpp"

#include <algorithm>

#include "src/train/allocate_bits.hpp"

namespace galena::train {
namespace {

constexpr std::array kJointWidths{2, 4, 8, 16, 32};

Channel channel_of(int sender, int receiver, std::int64_t width, std::span<const int> widths, const LinkCosts& links) {
  Channel channel;
  channel.sender = sender;
  channel.receiver = receiver;
  channel.round = (receiver - sender + links.ranks) % links.ranks;
  channel.seconds_per_byte = links.of(sender, receiver);
  channel.latency = links.latency;
  channel.row_bytes = row_bytes(width, widths);
  return channel;
}

// Widths up to four times the mean that the budget allows, and pairs that differ by a factor of four at most: others
// are never chosen, and cost time.
std::vector<std::pair<int, int>> pairs_for(double share) {
  const double most = std::max(8.0, 4 * share * 32);
  std::vector<std::pair<int, int>> pairs;
  for (const int forward : kJointWidths)
    for (const int backward : kJointWidths)
      if (std::max(forward, backward) <= most && forward <= 4 * backward && backward <= 4 * forward)
        pairs.emplace_back(forward, backward);
  return pairs;
}

void add_errors(JointInput& input, const RouteState& state, std::size_t k, bool back, double forward_scale,
                double backward_scale) {
  const double a = state.importance[k] * forward_scale, b = back ? backward_scale : 0;
  input.weight.push_back(1);
  input.energy.push_back(a * state.forward.energy[k] + (back ? b * state.backward.energy[k] : 0));
  for (const auto& [forward, backward] : input.pairs) {
    double error = a * error_at(forward, state.forward.noise[k], 1, state.forward.energy[k]);
    if (back) error += b * error_at(backward, state.backward.noise[k], 1, state.backward.energy[k]);
    input.error.push_back(error);
  }
}

Channel joint_channel(const JointInput& input, const RouteKey& key, const RouteState& state, bool back) {
  Channel channel;
  channel.sender = key.sender;
  channel.receiver = key.receiver;
  for (const auto& [forward, backward] : input.pairs) {
    std::int64_t bytes = row_bytes(state.forward.width, std::array{forward})[0];
    if (back) bytes += row_bytes(state.backward.width, std::array{backward})[0];
    channel.row_bytes.push_back(bytes);
  }
  return channel;
}

}  // namespace

void assign_widths(const Table& table, std::int32_t call, bool forward, double lambda, const LinkCosts& links,
                   Widths& out) {
  BitProblem problem;
  std::vector<double> coefficient;
  std::vector<std::int32_t> channel;
  for (const auto& [key, state] : table) {
    const RowState& rows = forward ? state.forward : state.backward;
    if (key.call != call || rows.width == 0) continue;
    for (std::size_t k = 0; k < rows.noise.size(); ++k) {
      if (!known(rows, k)) continue;
      coefficient.push_back((forward ? state.importance[k] : 1.0) * rows.noise[k]);
      channel.push_back(static_cast<std::int32_t>(problem.channels.size()));
    }
    const int from = forward ? key.sender : key.receiver, to = forward ? key.receiver : key.sender;
    problem.channels.push_back(channel_of(from, to, rows.width, problem.widths, links));
  }
  if (coefficient.empty()) return;
  problem.coefficient = coefficient;
  problem.channel = channel;
  const BitAssignment answer = assign_greedy(problem, lambda);
  std::size_t next = 0;
  for (const auto& [key, state] : table) {
    const RowState& rows = forward ? state.forward : state.backward;
    if (key.call != call || rows.width == 0) continue;
    auto& bits = (forward ? out.forward : out.backward)[key];
    for (std::size_t k = 0; k < rows.noise.size(); ++k) bits.push_back(known(rows, k) ? answer.bits[next++] : 8);
  }
}

void fill_joint_input(const Table& table, const Factors& factors, double share, JointInput& input) {
  input.pairs = pairs_for(share);
  input.problem.widths.clear();
  for (std::size_t pair = 0; pair < input.pairs.size(); ++pair)
    input.problem.widths.push_back(static_cast<int>(pair) + 1);
  for (const auto& [key, state] : table) {
    const bool back = state.backward.width > 0;
    const auto channel = static_cast<std::int32_t>(input.problem.channels.size());
    input.problem.channels.push_back(joint_channel(input, key, state, back));
    const double row = 4.0 * static_cast<double>(state.forward.width + (back ? state.backward.width : 0));
    for (std::size_t k = 0; k < state.forward.noise.size(); ++k) {
      if (!known(state.forward, k) || (back && !known(state.backward, k))) continue;
      const auto& factor = factors[static_cast<std::size_t>(key.call)];
      add_errors(input, state, k, back, factor[0], factor[1]);
      input.channel.push_back(channel);
      input.messages.push_back({key, k, back});
      input.full_bytes += row;
    }
  }
  input.problem.weight = input.weight;
  input.problem.energy = input.energy;
  input.problem.error = input.error;
  input.problem.channel = input.channel;
}

}  // namespace galena::train
