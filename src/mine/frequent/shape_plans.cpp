#include "src/mine/frequent/shape_plans.hpp"

#include <algorithm>
#include <set>

#include "galena/error.hpp"

namespace galena::mine::frequent {

namespace {

constexpr int kMostEdges = 6;  ///< of shapes that are written out: some 200 plans
constexpr std::size_t at(int v) { return Shape::at(v); }

Shape without_labels(const Shape& shape) {
  Shape bare = shape;
  bare.label.fill(0);
  for (auto& row : bare.edge)
    for (std::uint32_t& edge : row) edge = std::min(edge, 1U);
  return bare;
}

Pattern plain_pattern(const Shape& shape) {
  std::vector<std::pair<int, int>> edges;
  for (int v = 0; v < shape.size; ++v)
    for (int u = 0; u < v; ++u)
      if (shape.adjacent(u, v)) edges.emplace_back(u, v);
  return {shape.size, edges};
}

/// The shapes of one edge more.
std::vector<Shape> grown(const std::vector<Shape>& shapes) {
  std::vector<Shape> result;
  std::set<std::u32string> seen;
  const auto consider = [&](const Shape& shape) {
    if (seen.insert(canonical(shape).code).second) result.push_back(shape);
  };
  for (const Shape& shape : shapes) {
    for (int v = 0; v < shape.size; ++v) {
      Shape larger = shape;
      larger.join(v, larger.add_vertex(0), 0);
      consider(larger);
      for (int w = 0; w < v; ++w) {
        if (shape.adjacent(v, w)) continue;
        larger = shape;
        larger.join(v, w, 0);
        consider(larger);
      }
    }
  }
  return result;
}

}  // namespace

RootedShape rooted(const Shape& shape, int root) {
  Shape marked = without_labels(shape);
  marked.label[at(root)] = 1;
  Canonical form = canonical(marked);
  RootedShape result;
  result.key = std::move(form.code);
  result.order = form.order;
  result.pattern = plain_pattern(shape.permuted(form.order, shape.size));
  result.root = static_cast<int>(std::find(form.order.begin(), form.order.end(), root) - form.order.begin());
  return result;
}

std::vector<Label> labels_for(const RootedShape& rooted, const Shape& shape, const LabelledGraph& graph) {
  std::vector<Label> labels;
  const auto vertex = [&](int i) { return std::size_t{rooted.order[at(i)]}; };
  for (int i = 0; i < rooted.pattern.size(); ++i) labels.push_back(graph.vertex_labels().value(shape.label[vertex(i)]));
  for (const Pattern::Edge& edge : rooted.pattern.edges())
    labels.push_back(graph.edge_labels().value(shape.edge[vertex(edge.u)][vertex(edge.v)] - 1));
  return labels;
}

codegen::GivenLabels labels_of_search(const FrequentSearch& search, const rt::GraphView& graph) {
  return {search.vertex_labels && graph.vlabels != nullptr, search.edge_labels && graph.elabels != nullptr};
}

std::vector<codegen::Plan> all_shape_plans(const FrequentSearch& search, const Prepared& graph) {
  if (search.max_edges < 2)
    throw InputError("patterns of one edge are counted without a plan; ask for EDGES <= 2 or more to emit plans");
  if (search.max_edges > kMostEdges)
    throw InputError("there are too many shapes of " + std::to_string(search.max_edges) +
                     " edges to write out; ask for EDGES <= " + std::to_string(kMostEdges) + " at the most");
  const codegen::GivenLabels given = labels_of_search(search, graph.view());
  Shape edge;
  edge.add_vertex(0);
  edge.join(0, edge.add_vertex(0), 0);
  std::vector<codegen::Plan> plans;
  std::vector<Shape> shapes{edge};
  for (int edges = 2; edges <= search.max_edges; ++edges) {
    shapes = grown(shapes);
    for (const Shape& shape : shapes) {
      std::set<std::u32string> seen;
      for (int v = 0; v < shape.size; ++v) {
        const RootedShape root = rooted(shape, v);
        if (seen.insert(root.key).second)
          plans.push_back(codegen::image_plan(root.pattern, root.root, given, graph.statistics()));
      }
    }
  }
  return plans;
}

}  // namespace galena::mine::frequent
