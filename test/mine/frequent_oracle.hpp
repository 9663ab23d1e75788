#pragma once
// Frequent patterns by brute force over all maps, and random graphs to find them in.

#include <algorithm>
#include <bit>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "codegen/pattern/canonical.hpp"
#include "galena/mine.hpp"
#include "test/support/catch.hpp"

namespace galena::test {

/// Support by canonical code, patterns up to isomorphism.
using Supports = std::map<std::string, std::uint64_t>;

inline Supports supports(const QueryResult& result) {
  Supports all;
  for (const FrequentPattern& each : result.frequent)
    CHECK(all.emplace(codegen::canonical_code(each.pattern), each.support).second);
  CHECK(result.count.low() == result.frequent.size());
  return all;
}

inline LabelSet exactly(std::span<const Label> labels, std::uint64_t i) {
  return labels.empty() ? LabelSet{} : LabelSet{LabelSet::Kind::one_of, {labels[i]}};
}

inline Label edge_label(const Graph& graph, VertexId u, VertexId v) {
  const auto around = graph.neighbors(u);
  const auto arc = graph.indptr()[u] +
                   static_cast<std::uint64_t>(std::lower_bound(around.begin(), around.end(), v) - around.begin());
  return graph.edge_labels()[arc];
}

/// The subgraph of these edges as a pattern; its vertices in order of first appearance.
inline Pattern pattern_of(const Graph& graph, const std::vector<std::pair<VertexId, VertexId>>& edges) {
  std::map<VertexId, int> number;
  for (const auto& [u, v] : edges)
    for (const VertexId x : {u, v}) number.try_emplace(x, static_cast<int>(number.size()));
  Pattern pattern(static_cast<int>(number.size()), {});
  for (const auto& [v, i] : number) pattern.set_label(i, exactly(graph.vertex_labels(), v));
  for (const auto& [u, v] : edges)
    pattern.add_edge(
        number[u], number[v],
        graph.edge_labels().empty() ? LabelSet{} : LabelSet{LabelSet::Kind::one_of, {edge_label(graph, u, v)}});
  return pattern;
}

/// Tries every injective map, vertex by vertex, and notes the images of those that are matches.
class AllMaps {
 public:
  AllMaps(const Graph& graph, const Pattern& pattern) : graph_(graph), pattern_(pattern) {
    images_.resize(static_cast<std::size_t>(pattern.size()));
    extend();
  }
  /// By vertex of the pattern.
  [[nodiscard]] const std::vector<std::set<VertexId>>& images() const { return images_; }
  [[nodiscard]] std::uint64_t support() const {
    std::uint64_t least = graph_.num_vertices();
    for (const auto& images : images_) least = std::min<std::uint64_t>(least, images.size());
    return least;
  }

 private:
  [[nodiscard]] bool fits() const {
    for (std::size_t i = 0; i < map_.size(); ++i)
      if (!graph_.vertex_labels().empty() &&
          !pattern_.vertex(static_cast<int>(i)).label.contains(graph_.vertex_labels()[map_[i]]))
        return false;
    return std::all_of(pattern_.edges().begin(), pattern_.edges().end(), [&](const Pattern::Edge& edge) {
      const VertexId u = map_[static_cast<std::size_t>(edge.u)], v = map_[static_cast<std::size_t>(edge.v)];
      return graph_.has_edge(u, v) && (graph_.edge_labels().empty() || edge.label.contains(edge_label(graph_, u, v)));
    });
  }
  void extend() {
    if (map_.size() == images_.size()) {
      if (!fits()) return;
      for (std::size_t i = 0; i < map_.size(); ++i) images_[i].insert(map_[i]);
      return;
    }
    for (VertexId v = 0; v < graph_.num_vertices(); ++v) {
      if (std::find(map_.begin(), map_.end(), v) != map_.end()) continue;
      map_.push_back(v);
      extend();
      map_.pop_back();
    }
  }

  const Graph& graph_;
  const Pattern& pattern_;
  std::vector<VertexId> map_;
  std::vector<std::set<VertexId>> images_;
};

/// Every connected set of up to max_edges edges is a pattern; all supports of at least `support`.
inline Supports brute_force(const Graph& graph, std::size_t max_edges, std::uint64_t support) {
  std::vector<std::pair<VertexId, VertexId>> edges;
  for (VertexId u = 0; u < graph.num_vertices(); ++u)
    for (const VertexId v : graph.neighbors(u))
      if (u < v) edges.emplace_back(u, v);
  std::map<std::string, Pattern> patterns;
  for (std::uint64_t set = 1; set < std::uint64_t{1} << edges.size(); ++set) {
    if (static_cast<std::size_t>(std::popcount(set)) > max_edges) continue;
    std::vector<std::pair<VertexId, VertexId>> chosen;
    for (std::size_t i = 0; i < edges.size(); ++i)
      if (((set >> i) & 1U) != 0) chosen.push_back(edges[i]);
    const Pattern pattern = pattern_of(graph, chosen);
    if (pattern.connected()) patterns.try_emplace(codegen::canonical_code(pattern), pattern);
  }
  Supports all;
  for (const auto& [code, pattern] : patterns)
    if (const std::uint64_t found = AllMaps(graph, pattern).support(); found >= support) all.emplace(code, found);
  return all;
}

/// n vertices, m edges; no labels where the number is 0.
inline Graph random_graph(std::mt19937& random, VertexId n, std::uint64_t m, std::uint32_t labels,
                          std::uint32_t edge_labels) {
  const auto below = [&random](std::uint64_t bound) { return random() % bound; };
  EdgeList list;
  std::set<std::pair<std::uint64_t, std::uint64_t>> seen;
  while (seen.size() < m) {
    const std::uint64_t u = below(n), v = below(n);
    if (u >= v || !seen.emplace(u, v).second) continue;
    list.source.push_back(u);
    list.target.push_back(v);
    if (edge_labels > 0) list.labels.push_back(static_cast<Label>(7 + below(edge_labels)));
  }
  BuildOptions options;
  options.num_vertices = n;
  Graph graph = build_graph(std::move(list), options);
  std::vector<Label> chosen(n);
  for (Label& label : chosen) label = static_cast<Label>(3 * below(std::max(labels, 1U)));
  return labels == 0 ? graph : with_vertex_labels(graph, std::move(chosen));
}

}  // namespace galena::test
