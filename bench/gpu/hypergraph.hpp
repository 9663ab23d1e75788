#pragma once
#include "bench/gpu/report.hpp"

namespace galena::bench {

/// Aggregates over hypergraphs, forward and backward, each way there is, against two products of cuSPARSE each: rows of
/// "hypergraph".
void hypergraph_aggregates(Report& report, Scale scale);

}  // namespace galena::bench
