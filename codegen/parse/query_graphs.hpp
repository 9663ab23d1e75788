#pragma once
// Labelled query graphs as collections of subgraph-matching benchmarks keep them, one or many in a file:
//   t 3 2            or: t # name, q name 3 2
//   v 0 17           vertex, label (* for any), perhaps its degree
//   v 1 4
//   v 2 17
//   e 0 1            two vertices, perhaps the edge's label
//   e 1 2

#include <string>
#include <string_view>
#include <vector>

#include "galena/pattern.hpp"

namespace galena::codegen {

struct QueryGraph {
  std::string name;  ///< of the 'q' line; query1, query2, ... where there is none that the language can write
  Pattern pattern;
};

/// Whether the first line that is no comment begins a query graph: 't' or 'q', then a word. No statement of the
/// language begins so.
bool holds_query_graphs(std::string_view text);

/// Throws InputError that names the source and the line.
std::vector<QueryGraph> parse_query_graphs(std::string_view text, std::string_view source);

}  // namespace galena::codegen
