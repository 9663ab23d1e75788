#pragma once
// What a graph looks like: degrees, triangles, clustering, components.

#include <cstdint>
#include <vector>

#include "galena/graph.hpp"

namespace galena {

/// Vertices whose degree is in low..high.
struct DegreeBin {
  std::uint64_t low = 0, high = 0, vertices = 0;
  bool operator==(const DegreeBin&) const = default;
};

/// Degrees in bins 0, 1, 2-3, 4-7, ... up to the largest degree; empty for a graph without vertices.
std::vector<DegreeBin> degree_histogram(const Graph& graph);

/// Triangles of an undirected graph, each once. Throws InputError for a directed one. `threads` 0 = all cores.
std::uint64_t count_triangles(const Graph& graph, int threads = 0);

/// For every vertex, the triangles it is in.
std::vector<std::uint64_t> local_triangles(const Graph& graph, int threads = 0);

struct Components {
  std::vector<VertexId> of;  ///< for every vertex, the smallest vertex of its component
  std::uint64_t count = 0;
  std::uint64_t largest = 0;  ///< vertices of the largest one
};
/// Connected components; directions are ignored.
Components connected_components(const Graph& graph, int threads = 0);

/// The same graph without directions; undirected graphs are returned as they are.
Graph to_undirected(const Graph& graph);

struct GraphStats {
  std::uint64_t vertices = 0;
  std::uint64_t edges = 0;     ///< arcs of a directed graph
  VertexId max_degree = 0;     ///< out-degree of a directed graph; so is the histogram
  std::uint64_t isolated = 0;  ///< vertices without edges, directions ignored
  VertexId degeneracy = 0;     ///< this and all below: of the graph without directions
  std::uint64_t triangles = 0;
  std::uint64_t wedges = 0;       ///< pairs of edges that share a vertex; saturates at 2^64-1
  double global_clustering = 0;   ///< 3 triangles / wedges (transitivity); 0 without wedges
  double average_clustering = 0;  ///< mean over all vertices, those of degree < 2 counting 0
  std::uint64_t components = 0;
  std::uint64_t largest_component = 0;
  std::uint64_t vertex_labels = 0;  ///< distinct ones
  std::uint64_t edge_labels = 0;
  std::vector<DegreeBin> degrees;
};
GraphStats graph_stats(const Graph& graph, int threads = 0);

}  // namespace galena
