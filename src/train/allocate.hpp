#pragma once
// What the allocators share: the channels that messages travel on, what a row costs and how noisy it becomes, and
// budgets.
//
// A message is one row (a boundary vertex's features or their gradient) that one rank sends to another in one exchange.
// allocate_bits.hpp gives each message a width; allocate_joint.hpp gives each a width and a probability of being sent;
// allocate_link.hpp measures what a byte costs. All are pure functions of arrays, deterministic, single-threaded: every
// rank that calls with the same numbers gets the same answer.
//
// Units: bytes, seconds; variances are squared errors summed over a row's elements, in the units of the caller.
// Wrong input (sizes that differ, NaN, numbers below 0 or above 1e100) is an InputError that names the place.

#include <cstdint>
#include <span>
#include <vector>

namespace galena::train {

/// What goes from one rank to another in one exchange (a layer, a direction). Its rows are of one length.
/// A transfer of x bytes takes latency + x * seconds_per_byte; one without messages does not happen.
struct Channel {
  std::int32_t sender = 0;
  std::int32_t receiver = 0;
  /// Exchanges are made of rounds, one after the other; the channels of a round run at the same time. Numbers are
  /// the caller's, >= 0: give the rounds of different layers different ones.
  std::int32_t round = 0;
  double seconds_per_byte = 0;  ///< 0, or 1e-20 .. 1e20
  double latency = 0;
  /// Of a row at each width (option) of the problem, with its parameters.
  std::vector<std::int64_t> row_bytes;
};

/// Bytes of a row of `features` elements at each of these widths, as src/ops/quantize.hpp packs it.
std::vector<std::int64_t> row_bytes(std::int64_t features, std::span<const int> widths);

/// Variance of stochastic rounding to `bits` (1 .. 32) relative to that of one bit: (2^bits - 1)^-2.
double quantizer_noise(int bits);

/// Bound on the variance of a row of `features` elements between min and max, range = max - min, rounded
/// stochastically to 2^bits levels: D range^2 / (6 (2^bits - 1)^2), where fractions are spread evenly. Elements that
/// stand on a level have none, so rows with many equal elements (ReLU) are far below: measure where possible.
double rounding_variance(std::int64_t features, double range, int bits);

/// The squared error of a row of squared norm `energy` coded in `bits`, from what was measured at `measured_bits`
/// (1 .. 8): at 1 .. 8 bits the measurement scaled by the levels' distance; at 16 (bf16, rounded to nearest) the
/// bound energy * 2^-16; at 32 nothing. Other widths are an InputError.
double error_at(int bits, double measured, int measured_bits, double energy);

/// Limits on what groups of channels may cost.
struct Budget {
  enum class Unit {
    bytes,
    seconds,  ///< channel.latency + bytes * channel.seconds_per_byte
  };
  Unit unit = Unit::bytes;
  std::vector<std::int32_t> group;  ///< by channel; 0 .. limit.size() - 1
  std::vector<double> limit;        ///< by group, on the sum over its channels

  /// One limit on the bytes of all channels.
  static Budget total_bytes(std::span<const Channel> channels, double bytes);
  /// A limit for each rank on the bytes that it sends.
  static Budget bytes_per_sender(std::span<const Channel> channels, std::span<const double> bytes);
  /// A limit for each rank on the time that its transfers take, one after the other.
  static Budget seconds_per_sender(std::span<const Channel> channels, std::span<const double> seconds);
  /// A limit for each round, which every channel of it must keep: they run at the same time.
  static Budget seconds_per_round(std::span<const Channel> channels, std::span<const double> seconds);
};

}  // namespace galena::train
