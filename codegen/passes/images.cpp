#include "codegen/passes/images.hpp"

#include <algorithm>

#include "codegen/passes/planner.hpp"
#include "galena/error.hpp"

namespace galena::codegen {

namespace {

LabelSet numbered(int i) { return {LabelSet::Kind::one_of, {static_cast<Label>(i)}}; }

Pattern with_numbers(const Pattern& shape, const GivenLabels& given) {
  Pattern pattern(shape.size(), {});
  for (int v = 0; v < shape.size() && given.vertices; ++v) pattern.set_label(v, numbered(v));
  for (std::size_t e = 0; e < shape.edges().size(); ++e) {
    const Pattern::Edge& edge = shape.edges()[e];
    pattern.add_edge(edge.u, edge.v, given.edges ? numbered(edge_label_number(shape, e)) : LabelSet{});
  }
  return pattern;
}

/// Where nothing is known of the labels to come, each has the average share.
GraphStatistics with_shares(const GraphStatistics& statistics, const Pattern& shape) {
  GraphStatistics result = statistics;
  const auto share = [](const auto& labels) { return 1 / std::max(1.0, static_cast<double>(labels.size())); };
  result.vertex_labels.clear();
  result.edge_labels.clear();
  for (int v = 0; v < shape.size(); ++v) result.vertex_labels[static_cast<Label>(v)] = share(statistics.vertex_labels);
  for (std::size_t e = 0; e < shape.edges().size(); ++e)
    result.edge_labels[static_cast<Label>(edge_label_number(shape, e))] = share(statistics.edge_labels);
  return result;
}

}  // namespace

Plan image_plan(const Pattern& shape, int root, const GivenLabels& given, const GraphStatistics& statistics) {
  if (!shape.plain() || !shape.connected()) throw InternalError("a plan of images is for connected plain patterns");
  PlanRequest request;
  request.kind = Output::Kind::image;
  request.name = shape.to_string() + " of " + shape.vertex(root).name;
  request.by = root;
  request.labels_given = given.vertices || given.edges;
  request.keep = 1;
  return make_plans(with_numbers(shape, given), with_shares(statistics, shape), request).front().plan;
}

}  // namespace galena::codegen
