#pragma once
// A graph as growing labelled patterns wants it: the vertices of a label stand together, and so do
// a vertex's neighbours of one label by edges of one label.

#include <cstdint>
#include <span>
#include <vector>

#include "codegen/runtime/abi.h"
#include "galena/graph.hpp"

namespace galena::mine::frequent {

using rt::vid;

/// What an edge leads to: an edge label and the label of the vertex at its end, numbered together.
using Kind = std::uint32_t;

/// Labels in use, numbered in increasing order.
class Numbering {
 public:
  /// Of `count` labels; of none where `labels` is null: all are 0.
  Numbering(const Label* labels, std::uint64_t count);
  [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(values_.size()); }
  [[nodiscard]] Label value(std::uint32_t number) const { return values_[number]; }
  [[nodiscard]] std::uint32_t of(Label label) const;

 private:
  std::vector<Label> values_;
  std::vector<std::uint32_t> number_;  ///< by label, where the largest is small
};

class LabelledGraph {
 public:
  static constexpr std::uint64_t kMaxKinds = std::uint64_t{1} << 24;

  /// Labels that are not asked for, or that the graph lacks, are all alike. Throws InputError where
  /// there are more kinds of edges than kMaxKinds.
  LabelledGraph(const rt::GraphView& graph, bool vertex_labels, bool edge_labels);

  /// By number of a vertex label:
  [[nodiscard]] vid begin(std::uint32_t label) const { return label_begin_[label]; }
  [[nodiscard]] vid end(std::uint32_t label) const { return label_begin_[label + 1]; }
  [[nodiscard]] std::uint64_t count(std::uint32_t label) const { return end(label) - begin(label); }
  /// The vertex of the graph given.
  [[nodiscard]] vid given(vid v) const { return order_[v]; }
  [[nodiscard]] const Numbering& vertex_labels() const { return vertex_labels_; }
  [[nodiscard]] const Numbering& edge_labels() const { return edge_labels_; }

  [[nodiscard]] std::uint32_t kinds() const { return vertex_labels_.size() * edge_labels_.size(); }
  [[nodiscard]] Kind kind(std::uint32_t edge_label, std::uint32_t label) const {
    return edge_label * vertex_labels_.size() + label;
  }
  [[nodiscard]] std::uint32_t edge_label(Kind kind) const { return kind / vertex_labels_.size(); }
  [[nodiscard]] std::uint32_t label(Kind kind) const { return kind % vertex_labels_.size(); }

  /// The neighbours that edges of this kind lead to, in increasing order.
  [[nodiscard]] std::span<const vid> neighbors(vid v, Kind kind) const {
    const Group* group = groups_.data() + group_begin_[v];
    const Group* last = groups_.data() + group_begin_[v + 1];
    if (last - group > kFew) group = lower_bound(group, last, kind);
    while (group != last && group->kind < kind) ++group;
    if (group == last || group->kind != kind) return {};
    return {neighbors_.data() + group->begin, group[1].begin - group->begin};
  }
  struct Group {
    Kind kind;
    vid of;  ///< the vertex whose edges these are
    std::uint64_t begin;
  };
  /// All kinds of edges that v has, in increasing order.
  [[nodiscard]] std::span<const Group> groups(vid v) const { return groups(v, v + 1); }
  /// Those of the vertices from `first` to before `last`.
  [[nodiscard]] std::span<const Group> groups(vid first, vid last) const {
    return {groups_.data() + group_begin_[first], group_begin_[last] - group_begin_[first]};
  }
  [[nodiscard]] std::uint64_t bytes() const;

 private:
  static constexpr std::ptrdiff_t kFew = 8;
  static const Group* lower_bound(const Group* first, const Group* last, Kind kind);
  void order_by_label(const rt::GraphView& graph, const Label* labels);
  std::vector<std::uint32_t> place_arcs(const rt::GraphView& graph, const Label* labels);
  void sort_by_edge_label(std::vector<std::uint32_t>& label_of_arc);
  void make_groups(const std::vector<std::uint32_t>& label_of_arc);

  Numbering vertex_labels_, edge_labels_;
  std::vector<vid> order_;  ///< by vertex: that of the graph given
  std::vector<vid> label_begin_;
  std::vector<std::uint64_t> indptr_;
  std::vector<vid> neighbors_;              ///< by vertex, edge label and id
  std::vector<Group> groups_;               ///< and one more, that ends the last
  std::vector<std::uint64_t> group_begin_;  ///< by vertex, and one more
};

}  // namespace galena::mine::frequent
