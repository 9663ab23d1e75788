#pragma once
// Parsers of hypergraphs from memory: files, tests, fuzzers.

#include "galena/hypergraph.hpp"
#include "src/graph/text_source.hpp"

namespace galena::detail {

/// Numbers for hyperedges, one each, or none; and the file that they are of, for messages.
struct EdgeWeights {
  std::string file;
  std::vector<float> values;
};

Hypergraph read_hyperedges(const TextSource& source, const LoadOptions& options, EdgeWeights weights = {});
Hypergraph read_incidence_matrix(const TextSource& source);

}  // namespace galena::detail
