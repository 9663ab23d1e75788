#pragma once
// The candidate space: the candidates of a pattern's vertices, and for each of its edges which of them are adjacent.

#include <cstdint>
#include <vector>

#include "src/mine/labelled/candidates.hpp"

namespace galena::mine::labelled {

/// Candidates are named by their position in their vertex's list.
class Space {
 public:
  Space(const Shape& shape, const rt::GraphView& graph, Candidates candidates);

  [[nodiscard]] const std::vector<rt::vid>& candidates(int u) const { return candidates_[at(u)]; }
  [[nodiscard]] bool empty() const { return candidates_.front().empty(); }
  /// The candidates of w next to candidate i of u, increasing; u and w are adjacent in the pattern.
  [[nodiscard]] rt::Span next(int u, int w, rt::vid i) const {
    const Edge& edge = edges_[at(u * size_ + w)];
    return {edge.items.data() + edge.start[i], static_cast<rt::vid>(edge.start[i + 1] - edge.start[i])};
  }
  /// The longest next(u, w, i) over u and i.
  [[nodiscard]] rt::vid longest(int w) const { return longest_[at(w)]; }
  /// The pattern vertices that share a candidate with u; u among them.
  [[nodiscard]] Mask sharing(int u) const { return sharing_[at(u)]; }
  [[nodiscard]] std::uint64_t bytes() const;

 private:
  struct Edge {
    std::vector<std::uint64_t> start;
    std::vector<rt::vid> items;
  };
  void join(const rt::GraphView& graph, const LabelSet& allowed, int u, int w, const std::vector<rt::vid>& place);

  int size_;
  Candidates candidates_;
  std::vector<Edge> edges_;  ///< by u * size + w
  std::vector<rt::vid> longest_;
  std::vector<Mask> sharing_;
};

}  // namespace galena::mine::labelled
