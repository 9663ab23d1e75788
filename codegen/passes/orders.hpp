#pragma once
// The search for matching orders.

#include <vector>

#include "codegen/passes/statistics.hpp"
#include "codegen/pattern/automorphism.hpp"
#include "codegen/plan/plan.hpp"

namespace galena::codegen {

struct MatchingOrder {
  std::vector<int> order;   ///< pattern vertices
  std::vector<Mask> chain;  ///< by depth: the orbit under the stabilizer of what came before, as depths
  int tail = 0;
  double cost = 0;  ///< nanoseconds, roughly
};

struct OrderSearch {
  int first = -1;         ///< the vertex that must come first (LOCAL), or -1
  bool walk_all = false;  ///< no tail: every vertex is bound (LIST)
  bool symmetric = true;  ///< break symmetry; otherwise every embedding is visited
  int keep = 8;           ///< how many orders to return
};

/// The cheapest orders under a coarse model, best first, at most one a class of orders that an
/// automorphism maps onto each other. Exhaustive with pruning up to 7 vertices, a beam beyond.
std::vector<MatchingOrder> search_orders(const Pattern& pattern, const Automorphisms& group,
                                         const GraphStatistics& statistics, const OrderSearch& search);

}  // namespace galena::codegen
