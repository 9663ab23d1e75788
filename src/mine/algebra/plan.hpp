#pragma once
// Which homomorphisms and which enumerations a set of counts follows from.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "codegen/passes/row_program.hpp"
#include "codegen/runtime/abi.h"
#include "galena/pattern.hpp"

namespace galena::mine {

/// A count: the sum of coefficient * value, over its divisor.
struct Combination {
  std::vector<std::pair<int, std::int64_t>> homomorphisms;  ///< result of the program, coefficient
  std::vector<std::pair<int, std::int64_t>> enumerated;  ///< number of the enumerated pattern, coefficient of its count
  std::int64_t divisor = 1;
};

struct AlgebraPlan {
  codegen::RowProgram program;
  std::vector<Pattern> shapes;      ///< by result of the program: whose homomorphisms it counts
  std::vector<Pattern> enumerated;  ///< counted by loop nests: cliques, and what no cut takes apart
  std::vector<Combination> counts;  ///< by pattern asked for
  double estimate = 0;              ///< of the program, nanoseconds on one core
};

constexpr int kMostAlgebraVertices = 7;  ///< of a pattern that algebra takes

/// Edge-induced counts of these patterns, which must be plain: of labels and anti-edges algebra knows nothing. Empty where
/// one is not, is not connected or too large, or where every pattern would be enumerated all the same.
std::optional<AlgebraPlan> plan_algebra(const std::vector<Pattern>& patterns, const codegen::RowCosts& costs);

/// The count. Throws InputError where an intermediate sum leaves 127 bits.
rt::i128 combine(const Combination& sum, const std::vector<rt::i128>& homomorphisms,
                 const std::vector<rt::i128>& enumerated);

/// sum += n * coefficient, or InputError.
void add_product(rt::i128& sum, rt::i128 n, std::int64_t coefficient);

/// A few lines for --explain.
std::string describe(const AlgebraPlan& plan);

}  // namespace galena::mine
