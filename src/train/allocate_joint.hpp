#pragma once
// Which messages to send and how coarsely, chosen together: for each message a probability of being sent and a width,
// within a budget of expected bytes or seconds. Sampling at a uniform rate in fp32 (BNS-GCN) and sending everything in
// mixed widths (AdaQP) are two of the points it chooses from. Conventions: allocate.hpp.

#include <cstdint>
#include <span>
#include <vector>

#include "src/train/allocate.hpp"

namespace galena::train {

/// A message of squared norm E, sent with probability p, scaled by 1 / p, and rounded with variance d, adds
///   a ((1 / p - 1) E + d / p)
/// to the variance of what it is aggregated into; a is the sum of the squares of its weights there. Expected cost: p
/// times the row's.
struct JointProblem {
  std::vector<int> widths = {2, 4, 8, 16, 32};  ///< labels of the options; 16 is bf16
  std::vector<Channel> channels;                ///< row_bytes: positive, one for each width
  std::span<const double> weight;               ///< [messages] a >= 0
  std::span<const double> energy;               ///< [messages] E >= 0
  std::span<const double> error;                ///< [messages x widths] d >= 0, measured or from error_at()
  std::span<const std::int32_t> channel;        ///< [messages] 0 .. channels.size() - 1
};

struct JointAllocation {
  std::vector<double> keep;        ///< [messages] probability, keep_min .. 1
  std::vector<std::uint8_t> bits;  ///< [messages]
  double variance = 0;
  double expected_bytes = 0;
  double lower_bound = 0;     ///< no allocation has less variance
  std::vector<double> price;  ///< by group: variance that a unit more of the budget would take away; 0 where all fits
};

/// Minimises the variance. `keep_min` in 1e-6 .. 1: no message is kept less often, whatever is known of it. E and d
/// are measurements of an earlier epoch: a row that was zero then would, if never sent again, be wrong without anyone
/// noticing, and a tiny probability makes a huge 1 / p of what turned out not to be small. keep_min = 1 is
/// AdaQP's problem with measured variances.
///
/// Messages that add no variance at any probability (a = 0, or E = 0 and d = 0) are kept with keep_min.
///
/// The budget is kept, within a relative 1e-12 of rounding, and spent in full wherever some message is kept with a
/// probability below 1 and above keep_min; otherwise less than one row's step is left over. The variance is above
/// lower_bound by less than what one row's step takes away, a group; it never exceeds that of the best uniform or
/// importance-weighted sampling at any one width, nor that of assign_within(greedy) on the same variances; and it is
/// monotone: more budget, never more variance. A budget below keep_min of every row at its cheapest width is an
/// InputError that names the least.
JointAllocation allocate_joint(const JointProblem& problem, const Budget& budget, double keep_min = 0.01);

/// The variance of any allocation: `keep` [messages] in (0, 1], `bits` [messages] among the widths.
double joint_variance(const JointProblem& problem, std::span<const double> keep, std::span<const std::uint8_t> bits);

}  // namespace galena::train
