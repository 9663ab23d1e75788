#pragma once
// What through_hyperedges() worked out.

#include <string>
#include <vector>

#include "src/nn/graph_view.hpp"

namespace galena::nn {

/// A sentence for each layout that passes over this view made and each width they used it with: size, time, and whether
/// it goes tile by tile or in two passes, and why.
std::vector<std::string> describe_layouts(const GraphView& graph);

}  // namespace galena::nn
