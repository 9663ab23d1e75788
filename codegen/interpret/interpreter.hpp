#pragma once
// Runs a plan as it stands: the oracle of the generated code, the engine of cheap queries and
// of machines without a compiler, and the meter of the planner's sampled runs.

#include <algorithm>
#include <array>
#include <memory>

#include "codegen/plan/plan.hpp"
#include "codegen/runtime/abi.h"

namespace galena::codegen {

/// Estimated nanoseconds of the steps of a run, the same constants as the cost model's.
struct Meter {
  double total = 0;      ///< all but the rows of bits of local graphs that live as long as v0
  double outermost = 0;  ///< the part of total that is spent once per (chunk, v0): what a larger chunk saves
  double rows = 0;       ///< filling all of those rows, once per (chunk, v0)
  double filled = 0;     ///< filling those that this run asked for: a small chunk may ask for as many as a large one
  double limit = 0;      ///< the run is aborted when limited() is over it; 0 = never

  /// How much more than the rest filling may take: a guess, with which planning on hubs takes a second and no choice on
  /// other graphs changed.
  static constexpr double kFilling = 4;
  /// What counts towards the budget of all draws.
  [[nodiscard]] double spent() const { return std::max(total, filled / kFilling); }
  /// What counts towards the limit of one. What is spent once for a v0 is left out: with a hub's tables alone over the
  /// limit, the rest would seem to be nothing.
  [[nodiscard]] double limited() const { return std::max(total - outermost, filled / kFilling); }
};

class Interpreter {
 public:
  /// The plan must outlive the interpreter and be verified.
  explicit Interpreter(const Plan& plan);
  ~Interpreter();
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  /// As rt::RunFn. Thread-safe for distinct workers.
  void run(rt::Worker& worker, const rt::Chunk& chunk) const;
  /// The same, counting the work done into `meter`.
  void run_metered(rt::Worker& worker, const rt::Chunk& chunk, Meter& meter) const;

 private:
  const Plan& plan_;
};

}  // namespace galena::codegen
