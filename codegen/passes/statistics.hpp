#pragma once
// What the planner knows of a graph.

#include <map>

#include "codegen/runtime/abi.h"
#include "galena/pattern.hpp"

namespace galena::codegen {

struct GraphStatistics {
  double vertices = 0, arcs = 0, max_degree = 0;
  double max_below = 0;  ///< the most neighbours of a smaller id
  double mean_degree = 0;
  double biased_degree = 0;               ///< mean degree of the end of a random arc: sum d^2 / sum d
  double biased_below = 0;                ///< of those neighbours, how many have a smaller id ...
  double biased_above = 0;                ///< ... and how many a larger one
  double closure = 0;                     ///< chance that the ends of a random wedge are joined
  std::map<Label, double> vertex_labels;  ///< share of arcs that end in the label
  std::map<Label, double> edge_labels;    ///< share of arcs with the label

  /// The share of arc ends (arcs) whose label is in the set.
  [[nodiscard]] double vertex_share(const LabelSet& set) const;
  [[nodiscard]] double edge_share(const LabelSet& set) const;

  /// A skewed, clustered graph of middling size: what plans are made for when no graph is known.
  static GraphStatistics typical();
  /// Exact sums and a seeded sample of wedges; linear in the graph.
  static GraphStatistics of(const rt::GraphView& graph);
};

}  // namespace galena::codegen
