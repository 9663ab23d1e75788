#include "src/mine/labelled/space.hpp"

#include <algorithm>

namespace galena::mine::labelled {

namespace {
constexpr rt::vid kNone = ~rt::vid{0};
}

Space::Space(const Shape& shape, const rt::GraphView& graph, Candidates candidates)
    : size_(shape.size),
      candidates_(std::move(candidates)),
      edges_(at(size_ * size_)),
      longest_(at(size_)),
      sharing_(at(size_)) {
  if (empty()) return;
  std::vector<rt::vid> place(graph.n, kNone);
  for (int w = 0; w < size_; ++w) {
    for (std::size_t i = 0; i < candidates_[at(w)].size(); ++i) place[candidates_[at(w)][i]] = static_cast<rt::vid>(i);
    for_bits(shape.neighbors[at(w)], [&](int u) { join(graph, shape.pattern->edge_label(u, w), u, w, place); });
    for (int u = 0; u < size_; ++u) {
      const auto& others = candidates_[at(u)];
      if (std::any_of(others.begin(), others.end(), [&](rt::vid v) { return place[v] != kNone; }))
        sharing_[at(w)] |= bit(u);
    }
    for (const rt::vid v : candidates_[at(w)]) place[v] = kNone;
  }
}

void Space::join(const rt::GraphView& graph, const LabelSet& allowed, int u, int w, const std::vector<rt::vid>& place) {
  Edge& edge = edges_[at(u * size_ + w)];
  edge.start.reserve(candidates_[at(u)].size() + 1);
  edge.start.push_back(0);
  const bool any = allowed.kind == LabelSet::Kind::any;
  for (const rt::vid v : candidates_[at(u)]) {
    for (std::uint64_t arc = graph.indptr[v]; arc < graph.indptr[v + 1]; ++arc) {
      const rt::vid there = place[graph.indices[arc]];
      if (there != kNone && (any || allowed.contains(graph.elabels[arc]))) edge.items.push_back(there);
    }
    longest_[at(w)] = std::max(longest_[at(w)], static_cast<rt::vid>(edge.items.size() - edge.start.back()));
    edge.start.push_back(edge.items.size());
  }
}

std::uint64_t Space::bytes() const {
  std::uint64_t sum = 0;
  for (const auto& list : candidates_) sum += list.size() * sizeof(rt::vid);
  for (const Edge& edge : edges_) sum += edge.start.size() * 8 + edge.items.size() * sizeof(rt::vid);
  return sum;
}

}  // namespace galena::mine::labelled
