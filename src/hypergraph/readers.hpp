#pragma once
// Parsers of hypergraphs from memory: files, tests, fuzzers.

#include "galena/hypergraph.hpp"
#include "src/graph/text_source.hpp"

namespace galena::detail {

/// `weights`: one a hyperedge, or empty.
Hypergraph read_hyperedges(const TextSource& source, const LoadOptions& options, std::vector<float> weights = {});
Hypergraph read_incidence_matrix(const TextSource& source);

}  // namespace galena::detail
