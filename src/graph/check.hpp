#pragma once
// Are these arrays a graph? The checks that stand between foreign arrays and loops without bounds checks.

#include <string>

#include "src/graph/storage.hpp"

namespace galena::detail {

/// Sizes agree, offsets grow, ids are in range and no degree exceeds max_degree: enough for every
/// loop of the engine to stay within the arrays. One streaming pass, in parallel.
/// Returns what is wrong, or "".
std::string find_out_of_bounds(const Graph::Storage& storage, int threads = 0);

/// All of that, and: neighbours increase, no self-loops, both arcs of an undirected edge are there
/// with the same label. Returns what is wrong, or "".
std::string find_defect(const Graph::Storage& storage, int threads = 0);

}  // namespace galena::detail
