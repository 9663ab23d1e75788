#pragma once
// Plans of images: which vertices of the graph can a pattern vertex be mapped to?

#include "codegen/passes/statistics.hpp"
#include "codegen/plan/plan.hpp"

namespace galena::codegen {

/// Which labels a run is given.
struct GivenLabels {
  bool vertices = false, edges = false;
};

/// The label of pattern vertex v is number v, that of pattern.edges()[e] is this one.
inline int edge_label_number(const Pattern& shape, std::size_t e) { return shape.size() + static_cast<int>(e); }

/// Decides for the vertices that a run asks for whether they are images of vertex `root` of a connected pattern
/// without labels. One plan, so one kernel, serves all labellings of the shape: labels are given when it runs. Without
/// them it breaks the shape's symmetry; with them nothing is known to be alike, or to be different.
Plan image_plan(const Pattern& shape, int root, const GivenLabels& given, const GraphStatistics& statistics);

}  // namespace galena::codegen
