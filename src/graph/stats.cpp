#include "galena/stats.hpp"

#include <algorithm>
#include <bit>
#include <limits>

namespace galena {
namespace {

std::uint64_t count_distinct(std::span<const Label> labels) {
  std::vector<Label> sorted(labels.begin(), labels.end());
  std::ranges::sort(sorted);
  return static_cast<std::uint64_t>(std::unique(sorted.begin(), sorted.end()) - sorted.begin());
}

void add_clustering(const Graph& graph, const std::vector<std::uint64_t>& triangles, GraphStats& stats) {
  __extension__ using Wide = unsigned __int128;
  Wide wedges = 0, corners = 0;
  double sum = 0;
  for (VertexId v = 0; v < graph.num_vertices(); ++v) {
    const std::uint64_t degree = graph.degree(v);
    const std::uint64_t pairs = degree < 2 ? 0 : degree * (degree - 1) / 2;
    wedges += pairs;
    corners += triangles[v];
    if (pairs > 0) sum += static_cast<double>(triangles[v]) / static_cast<double>(pairs);
  }
  stats.triangles = static_cast<std::uint64_t>(corners / 3);
  stats.wedges = static_cast<std::uint64_t>(std::min<Wide>(wedges, std::numeric_limits<std::uint64_t>::max()));
  if (wedges > 0) stats.global_clustering = static_cast<double>(corners) / static_cast<double>(wedges);
  if (graph.num_vertices() > 0) stats.average_clustering = sum / graph.num_vertices();
}

}  // namespace

std::vector<DegreeBin> degree_histogram(const Graph& graph) {
  if (graph.num_vertices() == 0) return {};
  std::vector<DegreeBin> bins(static_cast<std::size_t>(std::bit_width(graph.max_degree())) + 1);
  for (std::size_t b = 1; b < bins.size(); ++b) {
    bins[b].low = std::uint64_t{1} << (b - 1);
    bins[b].high = 2 * bins[b].low - 1;
  }
  for (VertexId v = 0; v < graph.num_vertices(); ++v) {
    ++bins[static_cast<std::size_t>(std::bit_width(graph.degree(v)))].vertices;
  }
  return bins;
}

Graph to_undirected(const Graph& graph) {
  if (!graph.directed()) return graph;
  EdgeList edges;
  edges.source.reserve(graph.num_edges());
  for (VertexId v = 0; v < graph.num_vertices(); ++v) edges.source.insert(edges.source.end(), graph.degree(v), v);
  edges.target.assign(graph.indices().begin(), graph.indices().end());
  edges.labels.assign(graph.edge_labels().begin(), graph.edge_labels().end());
  BuildOptions options;
  options.num_vertices = graph.num_vertices();
  Graph undirected = build_graph(std::move(edges), options);
  if (graph.vertex_labels().empty()) return undirected;
  return with_vertex_labels(undirected, {graph.vertex_labels().begin(), graph.vertex_labels().end()});
}

GraphStats graph_stats(const Graph& graph, int threads) {
  GraphStats stats;
  stats.vertices = graph.num_vertices();
  stats.edges = graph.num_edges();
  stats.max_degree = graph.max_degree();
  stats.degrees = degree_histogram(graph);
  stats.vertex_labels = count_distinct(graph.vertex_labels());
  stats.edge_labels = count_distinct(graph.edge_labels());
  const Graph simple = to_undirected(graph);
  for (VertexId v = 0; v < simple.num_vertices(); ++v) stats.isolated += simple.degree(v) == 0 ? 1 : 0;
  stats.degeneracy = degeneracy_order(simple).degeneracy;
  add_clustering(simple, local_triangles(simple, threads), stats);
  const Components components = connected_components(simple, threads);
  stats.components = components.count;
  stats.largest_component = components.largest;
  return stats;
}

}  // namespace galena
