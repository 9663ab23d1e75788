#include "src/mine/frequent/labelled_graph.hpp"

#include <algorithm>
#include <numeric>
#include <string>
#include <tuple>
#include <utility>

#include "galena/error.hpp"

namespace galena::mine::frequent {

namespace {
constexpr Label kSmall = 1U << 20;  ///< labels below get a table
}

Numbering::Numbering(const Label* labels, std::uint64_t count) {
  if (labels == nullptr) {
    values_.push_back(0);
    return;
  }
  const Label largest = count == 0 ? 0 : *std::max_element(labels, labels + count);
  if (largest < kSmall) {
    number_.assign(std::size_t{largest} + 1, 0);
    for (std::uint64_t i = 0; i < count; ++i) number_[labels[i]] = 1;
    for (Label label = 0; label <= largest; ++label) {
      if (number_[label] == 0) continue;
      number_[label] = size();
      values_.push_back(label);
    }
  } else {
    values_.assign(labels, labels + count);
    std::sort(values_.begin(), values_.end());
    values_.erase(std::unique(values_.begin(), values_.end()), values_.end());
  }
}

std::uint32_t Numbering::of(Label label) const {
  if (!number_.empty()) return number_[label];
  return static_cast<std::uint32_t>(std::lower_bound(values_.begin(), values_.end(), label) - values_.begin());
}

LabelledGraph::LabelledGraph(const rt::GraphView& graph, bool vertex_labels, bool edge_labels)
    : vertex_labels_(vertex_labels ? graph.vlabels : nullptr, graph.n),
      edge_labels_(edge_labels ? graph.elabels : nullptr, graph.n == 0 ? 0 : graph.indptr[graph.n]) {
  const std::uint64_t product = std::uint64_t{vertex_labels_.size()} * edge_labels_.size();
  if (product > kMaxKinds)
    throw InputError(std::to_string(vertex_labels_.size()) + " vertex labels times " +
                     std::to_string(edge_labels_.size()) + " edge labels are more than the " +
                     std::to_string(kMaxKinds) +
                     " kinds that FREQUENT tells apart; add LABELS VERTICES or LABELS EDGES");
  order_by_label(graph, vertex_labels ? graph.vlabels : nullptr);
  std::vector<std::uint32_t> label_of_arc =
      place_arcs(graph, edge_labels && graph.elabels != nullptr ? graph.elabels : nullptr);
  sort_by_edge_label(label_of_arc);
  make_groups(label_of_arc);
}

/// Fills order_ and label_begin_; vertices of a label keep the order of the graph given: hubs first.
void LabelledGraph::order_by_label(const rt::GraphView& graph, const Label* labels) {
  label_begin_.assign(std::size_t{vertex_labels_.size()} + 1, 0);
  order_.resize(graph.n);
  if (labels == nullptr) {
    label_begin_[1] = graph.n;
    std::iota(order_.begin(), order_.end(), vid{0});
    return;
  }
  for (vid v = 0; v < graph.n; ++v) ++label_begin_[vertex_labels_.of(labels[v]) + 1];
  std::partial_sum(label_begin_.begin(), label_begin_.end(), label_begin_.begin());
  std::vector<vid> next(label_begin_.begin(), label_begin_.end() - 1);
  for (vid v = 0; v < graph.n; ++v) order_[next[vertex_labels_.of(labels[v])]++] = v;
}

/// Appends each vertex, in its new order, to its neighbours' lists: these are sorted then, and so
/// by label. Returns the numbers of the edge labels, or nothing where there are none.
std::vector<std::uint32_t> LabelledGraph::place_arcs(const rt::GraphView& graph, const Label* labels) {
  std::vector<vid> place(graph.n);
  for (vid i = 0; i < graph.n; ++i) place[order_[i]] = i;
  indptr_.assign(std::size_t{graph.n} + 1, 0);
  for (vid i = 0; i < graph.n; ++i) indptr_[i + 1] = indptr_[i] + graph.indptr[order_[i] + 1] - graph.indptr[order_[i]];
  neighbors_.resize(indptr_.back());
  std::vector<std::uint32_t> label_of_arc(labels == nullptr ? 0 : neighbors_.size());
  std::vector<std::uint64_t> next(indptr_.begin(), indptr_.end() - 1);
  for (vid i = 0; i < graph.n; ++i) {
    for (std::uint64_t arc = graph.indptr[order_[i]]; arc < graph.indptr[order_[i] + 1]; ++arc) {
      const std::uint64_t slot = next[place[graph.indices[arc]]]++;
      neighbors_[slot] = i;
      if (labels != nullptr) label_of_arc[slot] = edge_labels_.of(labels[arc]);
    }
  }
  return label_of_arc;
}

void LabelledGraph::sort_by_edge_label(std::vector<std::uint32_t>& label_of_arc) {
  if (label_of_arc.empty()) return;
  std::vector<std::pair<std::uint32_t, vid>> around;
  for (std::size_t v = 0; v + 1 < indptr_.size(); ++v) {
    around.clear();
    for (std::uint64_t arc = indptr_[v]; arc < indptr_[v + 1]; ++arc)
      around.emplace_back(label_of_arc[arc], neighbors_[arc]);
    std::sort(around.begin(), around.end());
    for (std::uint64_t arc = indptr_[v]; arc < indptr_[v + 1]; ++arc)
      std::tie(label_of_arc[arc], neighbors_[arc]) = around[arc - indptr_[v]];
  }
}

void LabelledGraph::make_groups(const std::vector<std::uint32_t>& label_of_arc) {
  group_begin_.reserve(indptr_.size());
  for (std::size_t v = 0; v + 1 < indptr_.size(); ++v) {
    group_begin_.push_back(groups_.size());
    std::uint32_t label = 0;
    for (std::uint64_t arc = indptr_[v]; arc < indptr_[v + 1]; ++arc) {
      const std::uint32_t edge_label = label_of_arc.empty() ? 0 : label_of_arc[arc];
      if (arc == indptr_[v] || edge_label != this->edge_label(groups_.back().kind)) label = 0;
      if (neighbors_[arc] >= label_begin_[label + 1])
        label = static_cast<std::uint32_t>(
            std::upper_bound(label_begin_.begin() + label, label_begin_.end(), neighbors_[arc]) - label_begin_.begin() -
            1);
      const Kind now = kind(edge_label, label);
      if (groups_.size() == group_begin_.back() || groups_.back().kind != now)
        groups_.push_back({now, static_cast<vid>(v), arc});
    }
  }
  group_begin_.push_back(groups_.size());
  groups_.push_back({0, 0, neighbors_.size()});
}

const LabelledGraph::Group* LabelledGraph::lower_bound(const Group* first, const Group* last, Kind kind) {
  return std::lower_bound(first, last, kind, [](const Group& group, Kind wanted) { return group.kind < wanted; });
}

std::uint64_t LabelledGraph::bytes() const {
  return neighbors_.size() * sizeof(vid) + groups_.size() * sizeof(Group) +
         group_begin_.size() * sizeof(std::uint64_t) + indptr_.size() * sizeof(std::uint64_t) +
         (label_begin_.size() + order_.size()) * sizeof(vid);
}

}  // namespace galena::mine::frequent
