#pragma once
// Does the query make sense on this graph?

#include "galena/graph.hpp"
#include "galena/pattern.hpp"

namespace galena::mine {

/// Throws InputError where the query names labels that the graph does not have (with the labels
/// it has), or asks for labels of an unlabelled graph.
void check_query(const Query& query, const Graph& graph);

}  // namespace galena::mine
