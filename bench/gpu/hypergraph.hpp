#pragma once
#include <nlohmann/json.hpp>

namespace galena::bench {

/// Aggregates over hypergraphs, forward and backward, each way there is, against two products of cuSPARSE each.
nlohmann::json hypergraph_aggregates(bool quick);

}  // namespace galena::bench
