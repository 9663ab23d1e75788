#pragma once
// What `galena mine` says of a query's result, as JSON and as text.

#include <nlohmann/json_fwd.hpp>

#include "galena/graph.hpp"
#include "galena/mine.hpp"

namespace galena::cli {

/// Adds an entry, of MOTIFS and CLIQUES one a pattern. `rows_written`: rows went to a file and are left out.
void add_results(nlohmann::ordered_json& list, const QueryResult& result, const Graph& graph, bool rows_written);

/// Prints it to stdout; of LIST only where rows went to a file, of LOCAL only where they did not.
void print_result(const QueryResult& result, const Graph& graph, bool rows_written);

}  // namespace galena::cli
