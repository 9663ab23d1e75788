#pragma once
// Counts of patterns that are two vertices joined by paths of two and three edges, by formulas of their own.

#include <string>
#include <utility>
#include <vector>

#include "galena/graph.hpp"
#include "galena/mine.hpp"

namespace galena::bench {

/// Patterns as text and their counts. For undirected simple graphs.
std::vector<std::pair<std::string, Count>> count_by_pairs(const Graph& graph, int threads);

}  // namespace galena::bench
