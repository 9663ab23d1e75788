#pragma once
// From a pattern to ranked plans. The passes, in order:
//
//   automorphisms   the exact symmetry group                       codegen/pattern/automorphism
//   orders          matching orders under a coarse model           orders
//   lower           restrictions, shared and hoisted sets, tail    order_relation, candidates,
//                                                                  membership, tail, lower
//   swap            pairs counted from their other end              swap
//   locals          rows of bits for sets cut out of one list       local
//   marks           byte tables for repeated adjacency tests       assist
//   counters        tables for repeated intersection sizes         assist
//   fold            counters summed while they are raised           assist
//   marked sizes    lists marked for the sizes asked in their loop  assist
//   slots           buffers                                        assist
//   estimate        the cost model that ranks the plans            estimate
//   merge           shared prefixes of several plans               merge

#include <string>
#include <vector>

#include "codegen/passes/statistics.hpp"
#include "codegen/plan/plan.hpp"

namespace galena::codegen {

struct PlanRequest {
  Output::Kind kind = Output::Kind::count;
  std::string name;
  int by = -1;              ///< LOCAL: the vertex counted by, or whose images are wanted; bound first
  bool embeddings = false;  ///< visit every embedding (LIST EMBEDDINGS)
  int keep = 6;             ///< plans wanted
  bool locals = false;      ///< where those are long, a few with local graphs besides
  bool lanes = false;       ///< more of these, of shorter plans too: lanes of a GPU run them
  /// The pattern's labels are numbers, in sets of one each, of labels that a run is given: see Plan.
  bool labels_given = false;
};

struct RankedPlan {
  Plan plan;
  Plan bare;            ///< the same without tables and buffers, to be merged with others
  double estimate = 0;  ///< nanoseconds on one core
};

/// What finish_plan() adds besides buffers and marks.
struct Additions {
  bool counters = false;  ///< where they pay
  bool swapped = false;   ///< pairs are counted from their other end (swap.hpp)
  int locals_from = 0;    ///< where > 0: local graphs for sets of this depth or deeper (local.hpp)
};

/// Adds tables and buffers to a bare plan; verifies it.
/// A worker's memory stays within max(64 MiB, 16 x buffers) + buffers, buffers being 4 bytes x max degree x
/// sets kept: where tables of n entries would take more, the plan goes without. Local graphs come
/// on top, each of a bounded size (src/mine/worker).
void finish_plan(Plan& plan, const GraphStatistics& statistics, const Additions& additions);

/// At least one plan, best first; distinct. Each is verified.
std::vector<RankedPlan> make_plans(const Pattern& pattern, const GraphStatistics& statistics,
                                   const PlanRequest& request);

}  // namespace galena::codegen
