#pragma once
// Lowering: a pattern in a fixed matching order becomes a loop-nest plan.

#include <span>
#include <string>

#include "codegen/plan/plan.hpp"

namespace galena::codegen {

struct LowerOptions {
  Output::Kind kind = Output::Kind::count;
  std::string name;
  int tail = 0;                ///< the last `tail` vertices are counted, not walked (see tail.cpp)
  Mask largest = 0;            ///< levels whose representative is the largest of its orbit, else the smallest
  Mask dropped = 0;            ///< levels of the stabilizer chain left out; the divisor grows by their orbits
  bool filter_degree = false;  ///< skip candidates of too small a degree
  bool labels_given = false;   ///< see Plan
};

/// `pattern` is in matching order: its vertex d is bound at depth d. `chain[i]` is the orbit of
/// vertex i under the automorphisms that fix every earlier vertex, as a mask with bit i set.
/// The plan's sum is `divisor` times the number of instances, divisor being in its output.
Plan lower(const Pattern& pattern, std::span<const Mask> chain, const LowerOptions& options);

/// Whether the last `tail` vertices can be counted without walking them: no two of them are
/// related, no condition names them and each has a neighbour before them.
bool tail_allowed(const Pattern& pattern, int tail);

}  // namespace galena::codegen
