#pragma once
// What a query amounts to: plans to run and how to combine their sums.

#include <string>
#include <vector>

#include "galena/mine.hpp"
#include "src/mine/prepared.hpp"
#include "src/mine/select.hpp"

namespace galena::mine {

/// One plan. Its outputs count patterns in order.
struct Job {
  SelectedPlan selected;
  std::string key;  ///< of its section in a checkpoint
};

struct Recipe {
  std::vector<Job> jobs;
  /// COUNT INDUCED by algebra: the result is the sum of coefficient * count of job i.
  std::vector<std::int64_t> coefficients;
  std::vector<Motif> motifs;  ///< of MOTIFS: the jobs' outputs, one after the other, count these
};

/// Plans the query for this graph. When `stop` rises the recipe may lack jobs: an execution that sees
/// the same flag ends at once.
Recipe make_recipe(const Query& query, const Prepared& graph, const volatile int* stop = nullptr);

/// Plans the query for a typical graph.
Recipe typical_recipe(const Query& query);

/// Whether a sum could leave 127 bits on this graph: n * max_degree^(size-1) matches at the most.
bool may_overflow(const Query& query, const rt::GraphView& graph);

/// The recipe as text, for --explain.
std::string describe(const Recipe& recipe, const Query& query);

}  // namespace galena::mine
