#pragma once
// Random problems for the allocators' tests.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "src/base/random.hpp"
#include "src/train/allocate_bits.hpp"
#include "src/train/allocate_joint.hpp"

namespace galena::test {

using base::RandomStream;
using train::Channel;

/// Standard normal, by Box and Muller.
inline double normal(RandomStream& random) {
  const double radius = std::sqrt(-2 * std::log(1 - random.uniform()));
  return radius * std::cos(6.283185307179586 * random.uniform());
}

/// Spread over several orders of magnitude, as ranges of rows are; sometimes 0, sometimes equal to others.
inline double coefficient(RandomStream& random) {
  const auto kind = random.below(10);
  if (kind == 0) return 0;
  if (kind == 1) return 1;
  return std::exp(2 * normal(random));
}

inline double between(RandomStream& random, double low, double high) { return low + (high - low) * random.uniform(); }

struct BitInstance {
  std::vector<int> widths{};
  std::vector<Channel> channels{};
  std::vector<double> coefficient{};
  std::vector<std::int32_t> channel{};
  [[nodiscard]] train::BitProblem problem() const { return {widths, channels, coefficient, channel}; }
};

/// `channels` channels among 4 ranks in `rounds` rounds; speeds from 10 MB/s to 1 GB/s, one in ten infinite.
inline std::vector<Channel> random_channels(RandomStream& random, std::size_t channels, std::uint64_t rounds,
                                            std::span<const int> widths) {
  std::vector<Channel> result;
  for (std::size_t i = 0; i < channels; ++i) {
    Channel channel;
    channel.sender = static_cast<std::int32_t>(random.below(4));
    channel.receiver = static_cast<std::int32_t>(random.below(4));
    channel.round = 3 * static_cast<std::int32_t>(random.below(rounds));  // numbers need not follow each other
    channel.seconds_per_byte = random.below(10) == 0 ? 0 : std::exp(between(random, std::log(1e-9), std::log(1e-7)));
    channel.latency = random.below(3) == 0 ? 0 : between(random, 0, 1e-5);
    channel.row_bytes = train::row_bytes(1 + static_cast<std::int64_t>(random.below(300)), widths);
    result.push_back(channel);
  }
  return result;
}

inline BitInstance random_bits(RandomStream& random, std::vector<int> widths, std::size_t messages,
                               std::size_t channels, std::uint64_t rounds) {
  BitInstance instance{.widths = widths, .channels = random_channels(random, channels, rounds, widths)};
  for (std::size_t m = 0; m < messages; ++m) {
    instance.coefficient.push_back(test::coefficient(random));
    instance.channel.push_back(static_cast<std::int32_t>(random.below(channels)));
  }
  return instance;
}

/// The channels of a ring of `ranks` ranks: in round r rank i sends to rank i + r.
inline std::vector<Channel> ring(int ranks, std::int64_t features, std::span<const int> widths) {
  std::vector<Channel> channels;
  for (int round = 1; round < ranks; ++round) {
    for (int rank = 0; rank < ranks; ++rank) {
      const double speed = 1e-9 * (1 + 0.3 * rank + 0.1 * round);
      channels.push_back({rank, (rank + round) % ranks, round, speed, 5e-6, train::row_bytes(features, widths)});
    }
  }
  return channels;
}

/// As large as a real exchange: `messages` over a ring of 4 ranks.
inline BitInstance large_bits(std::size_t messages, std::int64_t features, std::vector<int> widths) {
  RandomStream random(11, 3, messages);
  BitInstance instance{.widths = widths, .channels = ring(4, features, widths)};
  for (std::size_t m = 0; m < messages; ++m) {
    instance.coefficient.push_back(std::exp(1.5 * normal(random)));
    instance.channel.push_back(static_cast<std::int32_t>(random.below(instance.channels.size())));
  }
  return instance;
}

/// Calls visit(options) for every way to give `messages` messages one of `widths` options.
template <class Visit>
void for_each_choice(std::size_t messages, std::size_t widths, const Visit& visit) {
  std::vector<std::uint8_t> option(messages, 0);
  for (;;) {
    visit(option);
    std::size_t at = 0;
    while (at < messages && ++option[at] == widths) option[at++] = 0;
    if (at == messages) return;
  }
}

struct JointInstance {
  std::vector<int> widths{};
  std::vector<Channel> channels{};
  std::vector<double> weight{}, energy{}, error{};
  std::vector<std::int32_t> channel{};
  [[nodiscard]] train::JointProblem problem() const { return {widths, channels, weight, energy, error, channel}; }
};

/// Rows of `features` elements like those of a network: normal ones, ReLU ones, constant ones, zero ones.
inline JointInstance random_joint(RandomStream& random, std::vector<int> widths, std::size_t messages,
                                  std::int64_t features) {
  JointInstance instance{.widths = widths, .channels = ring(2, features, widths)};
  for (std::size_t m = 0; m < messages; ++m) {
    const auto kind = random.below(12);
    const double energy = kind == 0 ? 0 : static_cast<double>(features) * std::exp(normal(random));
    const double relative = kind <= 1 ? 0 : between(random, 0.002, 0.03);  // at 4 bits
    instance.weight.push_back(random.below(15) == 0 ? 0 : std::exp(normal(random)));
    instance.energy.push_back(energy);
    for (const int bits : widths) instance.error.push_back(train::error_at(bits, relative * energy, 4, energy));
    instance.channel.push_back(static_cast<std::int32_t>(random.below(instance.channels.size())));
  }
  return instance;
}

}  // namespace galena::test
