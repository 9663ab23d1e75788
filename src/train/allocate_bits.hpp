#pragma once
// Bit widths of messages: AdaQP's problem (B. Wan, J. Zhao, C. Wu, "Adaptive message quantization and parallelization
// for distributed full-graph GNN training", MLSys 2023), solved without a solver, and two objectives that suit it
// better. Conventions: allocate.hpp.

#include <cstdint>
#include <span>
#include <vector>

#include "src/train/allocate.hpp"

namespace galena::train {

struct BitProblem {
  std::vector<int> widths = {2, 4, 8};  ///< rising, each 1 .. 32
  std::vector<Channel> channels;        ///< row_bytes: positive, one for each width
  /// [messages] c >= 0: a message's variance at width b is c * quantizer_noise(b). For stochastic rounding
  /// c = (sum of the squared weights the row is aggregated with) * D * range^2 / 6.
  std::span<const double> coefficient;
  std::span<const std::int32_t> channel;  ///< [messages] 0 .. channels.size() - 1
};

struct BitAssignment {
  std::vector<std::uint8_t> bits;  ///< [messages]
  double variance = 0;             ///< sum of c * quantizer_noise(bits)
  std::int64_t bytes = 0;          ///< of all rows
  double seconds = 0;              ///< sum over rounds of the slowest channel's time
  double objective = 0;            ///< what was minimised: of lambda, or the variance within a budget
  double lower_bound = 0;          ///< no assignment has a lower objective
  bool within = true;              ///< whether the budget is kept: assign_overlapped() may have to exceed it
};

/// Minimises, for lambda in 0 .. 1,
///   lambda (V - V_best) / (V_worst - V_best) + (1 - lambda) (T - T_best) / (T_worst - T_best),
/// V the variance, T the sum over rounds of the time of the slowest channel. Worst variance and best time are those of
/// all messages at the cheapest width, best variance and worst time those at the widest; so each term runs over the
/// whole of 0 .. 1. (AdaQP's best time takes the fastest rank of a round where the slowest decides: no assignment
/// attains it, and lambda then means something else on every machine.) A term whose worst is its best is 0.
/// Of equally good assignments it is one of least time.
/// Exact. O(n log^2 n) time where row bytes are multiples of a common unit, as those of 2, 4 and 8 bits are; more, and
/// at last an InputError, where a channel's bytes are not (see allocate_frontier.hpp).
BitAssignment assign_exact(const BitProblem& problem, double lambda);

/// The same objective by the convex hull of each channel's widths: O(n log n) for any bytes. Exceeds lower_bound, the
/// optimum of the linear relaxation, by less than one row's step to the next width in each channel.
BitAssignment assign_greedy(const BitProblem& problem, double lambda);

/// Optimum of the linear relaxation: assign_greedy().lower_bound.
double lp_bound(const BitProblem& problem, double lambda);

enum class Solver {
  exact,   ///< one price a byte within each group (always so for bytes, and for seconds_per_round)
  greedy,  ///< O(n log n); above the lower bound by less than one step of one row in each group
};

/// Minimises the variance within the budget. Both solvers are monotone: more budget, never more variance. Messages
/// with c = 0 keep the cheapest width. A budget that the cheapest widths exceed is an InputError that names the least.
/// Limits in seconds are kept within a relative 1e-12.
BitAssignment assign_within(const BitProblem& problem, const Budget& budget, Solver solver = Solver::greedy);

/// The same for time that local work hides anyway: `budget` says how long the transfers of a round
/// (Budget::seconds_per_round) or of a rank (seconds_per_sender) may take without anyone waiting for them. Compressing
/// further would buy nothing, so there is no lambda. A group that takes longer even at the cheapest widths gets those,
/// and `within` is false.
BitAssignment assign_overlapped(const BitProblem& problem, const Budget& budget, Solver solver = Solver::greedy);

/// Optimum of the linear relaxation: assign_within(problem, budget).lower_bound.
double lp_bound(const BitProblem& problem, const Budget& budget);

}  // namespace galena::train
