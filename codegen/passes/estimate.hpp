#pragma once
// The cost model of a whole plan.

#include <vector>

#include "codegen/passes/statistics.hpp"
#include "codegen/plan/plan.hpp"

namespace galena::codegen {

/// Expected sizes and costs under independence: a candidate set of j neighbourhoods has
/// biased_degree * closure^(j-1) elements (as in GraphPi, SC 2020, with the size-biased degree
/// in place of the mean, since loops reach vertices along edges), halved by each bound.
class Estimate {
 public:
  Estimate(const Plan& plan, const GraphStatistics& statistics);

  /// Nanoseconds on one core.
  [[nodiscard]] double total() const { return total_; }
  /// How often the block at `depth` that holds size `id`, directly or in its loops, runs.
  [[nodiscard]] double runs(int id, int depth) const {
    return paths_[static_cast<std::size_t>(id)][static_cast<std::size_t>(depth)];
  }
  [[nodiscard]] double size(const SetUse& use) const;

 private:
  void loop(const Loop& loop, double outer);
  void block(const Block& block, double runs);
  void define(int id);
  /// Filling rows of local graphs: each at most once for each time that its graph is opened.
  void fill_rows();
  /// What an operation on set `a` by a row of `local` costs, and notes that it is asked for.
  double by_row(int local, const SetUse& a, double runs);

  const Plan& plan_;
  const GraphStatistics& stats_;
  std::vector<double> sizes_;
  std::vector<double> runs_;                ///< by depth, of the path being walked
  std::vector<double> opened_, asked_;      ///< by local graph: how often, and for rows how often
  std::vector<std::vector<double>> paths_;  ///< by size: runs_ where it is defined
  double total_ = 0;
};

/// Whether a table of counters filled once at `depth` beats intersecting at the size's depth.
bool counters_pay(const Plan& plan, const GraphStatistics& statistics, int size, int depth);

}  // namespace galena::codegen
