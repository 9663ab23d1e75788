#pragma once
// From measured rows to the allocators' problems.

#include <array>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "galena/train.hpp"
#include "src/train/allocate_joint.hpp"
#include "src/train/assigner_table.hpp"
#include "src/train/link_speeds.hpp"

namespace galena::train {

/// Bits by row, for each route.
struct Widths {
  std::map<RouteKey, std::vector<std::uint8_t>> forward, backward;
};

/// Adaptive widths of one exchange in one direction, added to `out`.
void assign_widths(const Table& table, std::int32_t call, bool forward, double lambda, const LinkCosts& links,
                   Widths& out);

/// A message is a row with the gradient that comes back for it: both go where the row is drawn.
struct Message {
  RouteKey key;
  std::size_t row;
  bool back;  ///< a gradient comes back
};

/// A byte budget's problem: probabilities and widths of all exchanges together.
struct JointInput {
  JointProblem problem;                    ///< its widths are 1 + the position of a pair
  std::vector<std::pair<int, int>> pairs;  ///< bits forward and backward
  std::vector<double> weight, energy, error;
  std::vector<std::int32_t> channel;
  std::vector<Message> messages;
  double full_bytes = 0;  ///< at full rate and fp32
};

/// What variance in an exchange is worth: [call][backward].
using Factors = std::vector<std::array<double, 2>>;

/// `share`: the budget as a share of full rate fp32, which tells what widths are worth considering. The result's
/// problem points into it: keep it where it is.
void fill_joint_input(const Table& table, const Factors& factors, double share, JointInput& input);

}  // namespace galena::train
