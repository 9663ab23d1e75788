#pragma once
// Plans of images for candidates: one for each shape without labels and each of its vertices, up to isomorphism.

#include <string>
#include <vector>

#include "codegen/passes/images.hpp"
#include "galena/pattern.hpp"
#include "src/mine/frequent/labelled_graph.hpp"
#include "src/mine/frequent/shape.hpp"
#include "src/mine/prepared.hpp"

namespace galena::mine::frequent {

/// A shape and one of its vertices, labels left aside.
struct RootedShape {
  std::u32string key;  ///< equal if and only if there is an isomorphism that maps root to root
  /// The same for equal keys: vertex i of the pattern is vertex order[i] of the shape.
  Pattern pattern;
  int root = 0;  ///< of the pattern
  std::array<std::uint8_t, kMaxVertices> order{};
};

RootedShape rooted(const Shape& shape, int root);

/// The labels that a plan of `rooted.pattern` is given for this labelling of it (codegen/passes/images.hpp).
std::vector<Label> labels_for(const RootedShape& rooted, const Shape& shape, const LabelledGraph& graph);

/// Which labels patterns of this search have.
codegen::GivenLabels labels_of_search(const FrequentSearch& search, const rt::GraphView& graph);

/// The plans that a search can ask for: every connected shape of 2 to search.max_edges edges by every orbit. InputError
/// where there are none, or more than anybody reads.
std::vector<codegen::Plan> all_shape_plans(const FrequentSearch& search, const Prepared& graph);

}  // namespace galena::mine::frequent
