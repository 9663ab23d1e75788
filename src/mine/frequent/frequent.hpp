#pragma once
// FREQUENT: all labelled patterns up to a number of edges that reach a minimum-image support.

#include "galena/mine.hpp"
#include "src/mine/prepared.hpp"

namespace galena::mine {

/// Runs a FREQUENT query. `working_bytes` becomes what it held beyond the graph.
QueryResult mine_frequent(const Prepared& graph, const Query& query, const MineOptions& options,
                          std::uint64_t& working_bytes);

/// What mine_frequent() would do, as text.
std::string describe_frequent(const Prepared& graph, const Query& query);

}  // namespace galena::mine
