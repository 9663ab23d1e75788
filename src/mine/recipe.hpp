#pragma once
// What a query amounts to: plans to run and how to combine their sums.

#include <optional>
#include <string>
#include <vector>

#include "galena/mine.hpp"
#include "src/mine/algebra/plan.hpp"
#include "src/mine/prepared.hpp"
#include "src/mine/select.hpp"

namespace galena::mine {

/// One plan, whose outputs count patterns in order; or one number of cliques.
struct Job {
  SelectedPlan selected;
  std::string key;  ///< of its section in a checkpoint
  int clique = 0;   ///< where it is not 0 there is no plan: CliqueCounter is asked for the cliques of this size
};

struct Recipe {
  std::vector<Job> jobs;
  /// COUNT INDUCED by algebra: the result is the sum of coefficient * count of job i.
  std::vector<std::int64_t> coefficients;
  std::vector<Motif> motifs;         ///< of MOTIFS
  std::vector<std::size_t> counted;  ///< which of them the jobs' outputs count, one after the other
  /// Where it has a value, the counts (of the motifs, or those that `coefficients` weigh, or the one asked for) are
  /// its combinations, and job i counts its enumerated[i].
  std::optional<AlgebraPlan> algebra;
  std::string choice;      ///< between algebra and enumeration, and why
  bool ruled_out = false;  ///< a cheaper way was, by what was asked for; the choice says so
  /// Where algebra was chosen: what that costs, enumerations included, and enumeration alone at least, in nanoseconds
  /// on one core.
  double by_algebra = 0, by_enumeration = 0;
};

struct RecipeOptions {
  bool algebra = false;  ///< counts may be put together from others
  bool lanes = false;    ///< plans are for GPUs
};

/// Plans the query for this graph. When `stop` rises the recipe may lack jobs: an execution that sees the same flag ends
/// at once.
Recipe make_recipe(const Query& query, const Prepared& graph, const RecipeOptions& options,
                   const volatile int* stop = nullptr);

/// Plans the query for a typical graph.
Recipe typical_recipe(const Query& query);

/// Whether a sum could leave 127 bits on this graph: n * max_degree^(size-1) matches at the most.
bool may_overflow(const Query& query, const rt::GraphView& graph);

/// The recipe as text, for --explain.
std::string describe(const Recipe& recipe, const Query& query);

}  // namespace galena::mine
