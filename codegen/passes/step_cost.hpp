#pragma once
// What the steps of a plan cost, in nanoseconds on one core of a current server CPU. Fitted to
// the micro-benchmarks of bench/runtime; only their ratios matter to the planner.

#include <algorithm>
#include <cmath>

namespace galena::codegen::step_cost {

inline constexpr double kIteration = 0.7;  ///< one turn of a loop
inline constexpr double kSearch = 5.0;     ///< a binary search in a short list
inline constexpr double kLookup = 0.6;     ///< one counter or mark
inline constexpr double kScatter = 0.45;   ///< one increment, its clearing included
inline constexpr double kScatterList = 3;  ///< starting on one list
inline constexpr double kFilter = 0.8;     ///< one label tested
inline constexpr double kEmit = 15;        ///< one match reported

/// Rows of bits (codegen/runtime/bits.h) of so many positions: combining two, and going through one.
inline double combine_bits(double positions) { return 3 + positions / 64 * 0.25; }
inline double walk_bits(double positions) { return 2 + positions / 64 * 0.5; }

/// Intersecting (or subtracting) lists of lengths a and b.
inline double intersect(double a, double b) {
  const double small = std::min(a, b);
  const double large = std::max(a, b);
  if (small <= 0) return 2;
  if (large > 32 * small && large > 1024) return 6 + small * 1.5 * std::log2(large / small);
  return 7 + 0.14 * (a + b);
}

/// The same, where either may be marked instead.
inline double intersect_marked(double a, double b) { return std::min(intersect(a, b), kIteration + kLookup * b); }

/// Filling a row of bits over so many positions from a list of that length.
inline double fill_row(double positions, double list) { return 8 + positions / 64 * 0.25 + intersect(positions, list); }

}  // namespace galena::codegen::step_cost
