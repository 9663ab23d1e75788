#pragma once
// Labelled patterns of many vertices: candidates are filtered for the whole pattern before the search, which goes
// by the candidates that are left and not by a plan made ahead.

#include <string>

#include "galena/mine.hpp"
#include "src/mine/prepared.hpp"

namespace galena::mine {

/// Whether a query is one for search_labelled(): COUNT, LIST or EXISTS of a connected pattern of several vertices,
/// all but a few of them labelled, without conditions.
bool asks_for_labelled_search(const Query& query);

/// Runs such a query. `working_bytes` becomes what it held beyond the graph.
/// Throws InputError where the count leaves 127 bits.
QueryResult search_labelled(const Prepared& graph, const Query& query, const MineOptions& options, const RowSink& sink,
                            std::uint64_t& working_bytes);

/// What search_labelled() would do, as text.
std::string describe_labelled(const Prepared& graph, const Query& query);

}  // namespace galena::mine
