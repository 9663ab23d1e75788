#pragma once
// The common neighbours of every edge's ends, and the graphs that they make around a vertex.

#include <cstdint>
#include <span>
#include <vector>

#include "codegen/runtime/abi.h"

namespace galena::mine {

/// All triangles, listed three times: 12 bytes a triangle.
class TriangleLists {
 public:
  TriangleLists(const rt::GraphView& graph, int threads);

  /// Common neighbours, ascending, of the ends of the arc at this position of graph.indices.
  [[nodiscard]] std::span<const rt::vid> of_arc(std::uint64_t arc) const { return of_edge(edge_[arc]); }
  /// The edge from v to its i-th neighbour after v.
  [[nodiscard]] std::uint64_t edge(rt::vid v, std::uint64_t i) const { return first_[v] + i; }
  [[nodiscard]] std::span<const rt::vid> of_edge(std::uint64_t e) const {
    return {thirds_.data() + begin_[e], static_cast<std::size_t>(begin_[e + 1] - begin_[e])};
  }
  /// Asks for what of_edge() reads first, and then for what it returns.
  void ask_for(std::uint64_t e) const { __builtin_prefetch(&begin_[e]); }
  void ask_for_list(std::uint64_t e) const { __builtin_prefetch(thirds_.data() + begin_[e]); }
  /// Whether the vertex lies in a triangle.
  [[nodiscard]] bool any_at(rt::vid v) const { return any_[v] != 0; }
  [[nodiscard]] std::uint64_t bytes() const {
    return any_.size() + (first_.size() + edge_.size()) * sizeof(std::uint64_t) +
           begin_.size() * sizeof(std::uint64_t) + thirds_.size() * sizeof(rt::vid);
  }

 private:
  void number_edges(const rt::GraphView& graph);

  std::vector<std::uint64_t> first_;  ///< by vertex: its first edge to one after it
  std::vector<std::uint64_t> edge_;   ///< by arc: its edge
  std::vector<std::uint64_t> begin_;  ///< by edge: where its list begins
  std::vector<rt::vid> thirds_;
  std::vector<char> any_;  ///< by vertex
};

/// The graph that the neighbours of a vertex induce. Vertex i is the i-th neighbour.
class Neighborhood {
 public:
  /// Of vertices of this graph, which may change between moves but keeps to so many vertices.
  Neighborhood(const rt::GraphView& graph, rt::vid vertices) : graph_(graph), place_(vertices) {}

  /// Makes it that of x.
  void move_to(rt::vid x, const TriangleLists& triangles);
  /// The same without lists.
  void move_to(rt::vid x);
  /// Valid until the next move.
  [[nodiscard]] const rt::GraphView& view() const { return view_; }

 private:
  template <class ThirdsOf>
  void gather(rt::vid x, ThirdsOf&& thirds_of);

  const rt::GraphView& graph_;
  std::vector<rt::vid> place_;  ///< by vertex of the graph: 1 + its number here; 0 elsewhere
  std::vector<std::uint64_t> indptr_;
  std::vector<rt::vid> indices_, split_;
  rt::GraphView view_{};
};

}  // namespace galena::mine
