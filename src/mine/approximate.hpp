#pragma once
// Counting from a sample of the work, with a confidence interval.

#include "codegen/plan/plan.hpp"
#include "galena/mine.hpp"
#include "src/mine/kernels.hpp"
#include "src/mine/prepared.hpp"

namespace galena::mine {

struct Approximation {
  rt::i128 sum = 0;      ///< the plan's sum, estimated; not divided by its symmetry
  double half = 0;       ///< of the interval about it; 0: the sum is exact
  double done = 1;       ///< share of the work
  bool partial = false;  ///< ended by the stop flag: the interval may be wider than was asked for
  double seconds = 0;
  std::uint64_t worker_bytes = 0;
};

/// Runs chunks of a counting plan with one output, drawn from strata of chunks that are alike, until the half width of
/// the 95% interval is at most `relative` times the estimate, or all are done. The same for any number of threads.
Approximation approximate(const Prepared& graph, const codegen::Plan& plan, const Executable& code, double relative,
                          const MineOptions& options);

}  // namespace galena::mine
