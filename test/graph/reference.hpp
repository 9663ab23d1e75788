#pragma once
// What the graph tests share: a graph built the slow and obvious way, and ways to compare.

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "galena/graph.hpp"
#include "src/base/random.hpp"

namespace galena::test {

using EdgeSet = std::set<std::pair<std::uint64_t, std::uint64_t>>;

/// The edges by original ids, as ordered pairs (undirected ones with the smaller first).
inline EdgeSet edge_set(const Graph& graph) {
  EdgeSet edges;
  for (VertexId u = 0; u < graph.num_vertices(); ++u) {
    for (const VertexId v : graph.neighbors(u)) {
      if (graph.directed() || u < v) edges.emplace(graph.original_id(u), graph.original_id(v));
    }
  }
  return edges;
}

inline EdgeSet edge_set(const EdgeList& list, bool directed) {
  EdgeSet edges;
  for (std::size_t i = 0; i < list.source.size(); ++i) {
    auto [u, v] = std::pair(list.source[i], list.target[i]);
    if (u == v) continue;
    if (!directed && u > v) std::swap(u, v);
    edges.emplace(u, v);
  }
  return edges;
}

/// Ids below `bound`, many repeats and self-loops where it is small.
inline EdgeList random_edges(std::size_t count, std::uint64_t bound, std::uint64_t seed, Label labels = 0) {
  base::RandomStream random(seed, 99);
  EdgeList list;
  for (std::size_t i = 0; i < count; ++i) {
    list.source.push_back(random.below(bound));
    list.target.push_back(random.below(bound));
    if (labels > 0) list.labels.push_back(static_cast<Label>(random.below(labels)));
  }
  return list;
}

/// Sorted lists without repeats, no loops, both arcs with one label: by lookups, not by the library's checker.
inline bool is_sound(const Graph& g) {
  for (VertexId u = 0; u < g.num_vertices(); ++u) {
    const auto list = g.neighbors(u);
    if (list.size() > g.max_degree()) return false;
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (list[i] >= g.num_vertices() || list[i] == u || (i > 0 && list[i - 1] >= list[i])) return false;
      if (g.directed()) continue;
      const auto back = g.neighbors(list[i]);
      const auto at = std::lower_bound(back.begin(), back.end(), u);
      if (at == back.end() || *at != u) return false;
      if (g.edge_labels().empty()) continue;
      const auto there = g.indptr()[u] + i, here = g.indptr()[list[i]] + static_cast<std::size_t>(at - back.begin());
      if (g.edge_labels()[there] != g.edge_labels()[here]) return false;
    }
  }
  return true;
}

}  // namespace galena::test
