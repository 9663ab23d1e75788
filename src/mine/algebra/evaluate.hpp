#pragma once
// Runs a row program over a graph: threads, progress, interruption.

#include <vector>

#include "codegen/passes/row_program.hpp"
#include "galena/mine.hpp"
#include "src/mine/prepared.hpp"

namespace galena::mine {

struct EvaluateResult {
  std::vector<rt::i128> homomorphisms;  ///< by the program's results; void where partial
  bool partial = false;                 ///< ended early by the stop flag
  double done = 1;
  double seconds = 0;
  std::uint64_t working_bytes = 0;
};

/// The same for any number of threads. Rows must fit 64 bits (rows_fit()), sums 127 (may_overflow()).
EvaluateResult evaluate(const Prepared& graph, const codegen::RowProgram& program, const MineOptions& options);

}  // namespace galena::mine
