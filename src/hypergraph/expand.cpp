#include <fmt/format.h>

#include "galena/error.hpp"
#include "galena/hypergraph.hpp"
#include "src/base/memory.hpp"

namespace galena {
namespace {

Graph name_vertices(Graph graph, const Hypergraph& hypergraph) {
  if (hypergraph.original_ids().empty()) return graph;
  GraphArrays arrays;
  arrays.indptr.assign(graph.indptr().begin(), graph.indptr().end());
  arrays.indices.assign(graph.indices().begin(), graph.indices().end());
  arrays.original_ids.assign(hypergraph.original_ids().begin(), hypergraph.original_ids().end());
  arrays.report = graph.report();
  arrays.report.relabelled = true;
  return Graph::from_arrays(std::move(arrays));
}

}  // namespace

Graph clique_expansion(const Hypergraph& hypergraph) {
  __extension__ using Wide = unsigned __int128;
  Wide pairs = 0;
  for (HyperedgeId e = 0; e < hypergraph.num_hyperedges(); ++e) {
    const Wide size = hypergraph.members(e).size();
    if (size > 1) pairs += size * (size - 1) / 2;
  }
  constexpr std::uint64_t kMostPairs = std::uint64_t{1} << 40;
  if (pairs > kMostPairs) {
    throw InputError("the clique expansion has more than 2^40 pairs: use the star expansion for hyperedges so large");
  }
  base::check_memory(static_cast<std::uint64_t>(pairs) * 40, "the clique expansion (the star expansion is smaller)");
  EdgeList edges;
  edges.source.reserve(static_cast<std::size_t>(pairs));
  edges.target.reserve(static_cast<std::size_t>(pairs));
  for (HyperedgeId e = 0; e < hypergraph.num_hyperedges(); ++e) {
    const auto members = hypergraph.members(e);
    for (std::size_t i = 0; i < members.size(); ++i) {
      for (std::size_t j = i + 1; j < members.size(); ++j) {
        edges.source.push_back(members[i]);
        edges.target.push_back(members[j]);
      }
    }
  }
  BuildOptions options;
  options.num_vertices = hypergraph.num_vertices();
  return name_vertices(build_graph(std::move(edges), options), hypergraph);
}

Graph star_expansion(const Hypergraph& hypergraph) {
  const std::uint64_t n = hypergraph.num_vertices();
  EdgeList edges;
  edges.source.assign(hypergraph.edge_members().begin(), hypergraph.edge_members().end());
  for (HyperedgeId e = 0; e < hypergraph.num_hyperedges(); ++e) {
    edges.target.insert(edges.target.end(), hypergraph.members(e).size(), n + e);
  }
  BuildOptions options;
  options.num_vertices = n + hypergraph.num_hyperedges();
  return build_graph(std::move(edges), options);
}

}  // namespace galena
