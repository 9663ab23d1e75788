// From vertices through hyperedges to vertices. On one rank by src/hypergraph's aggregate, whose layouts are kept with
// the view; on many, where hyperedges' rows must travel, in two steps.

#include "src/nn/op_through.hpp"

#include <fmt/format.h>

#include "src/hypergraph/aggregate.hpp"
#include "src/hypergraph/cost.hpp"
#include "src/nn/hyper_step.hpp"
#include "src/nn/op_aggregate.hpp"
#include "src/ops/pointwise.hpp"

namespace galena::nn {
namespace {

const hyper::Layout& layout_of(const Context& ctx, int hop, const Tensor& x) {
  const hyper::Extent extent{ctx.rows(hop + 2), ctx.rows(hop + 1), ctx.rows(hop)};
  auto& kept = cache_of(ctx.graph()).layouts;
  const std::array key{extent.rows, extent.edges, extent.cols};
  auto found = kept.find(key);
  if (found == kept.end()) {
    const ops::Csr by_edge = ctx.graph().local_view(), by_vertex = ctx.graph(1).local_view();
    found = kept.emplace(key, GraphView::Cache::KeptLayout{hyper::Layout(by_edge, by_vertex, extent), {}}).first;
  }
  found->second.used.emplace(x.cols(), x.dtype());
  return found->second.layout;
}

Var in_two_steps(Context& ctx, const Var& x, const HyperedgeStep& step) {
  Var edges = to_other_side(ctx, x, {step.edge, step.right});
  if (step.weight.defined()) edges = scale_rows(edges, step.weight);
  return to_other_side(ctx, edges, {step.left, {}});
}

/// One through_hyperedges() of a pass.
struct Through {
  const hyper::Layout& layout;
  HyperedgeStep step;
  Tensor edge;  ///< the product of both factors of a hyperedge

  [[nodiscard]] hyper::Scale scale() const { return {or_null(step.left), or_null(edge), or_null(step.right)}; }
  void backward(const Var& x, const Tensor& saved, const Tensor& dy) const {
    const bool learnt = step.weight.requires_grad();
    const Tensor dx = x.requires_grad() ? Tensor::empty(layout.cols(), dy.cols(), dy.dtype()) : Tensor{};
    const Tensor d_edge = learnt ? Tensor::empty(layout.edges(), 1, dy.dtype()) : Tensor{};
    hyper::aggregate_backward(layout, scale(), saved, dy, dx, d_edge);
    if (learnt) {
      if (step.edge.defined()) ops::multiply(d_edge, step.edge.head(d_edge.rows()), d_edge);
      pass_on_rows(step.weight, d_edge);
    }
    if (x.requires_grad()) pass_on(x, dx);
  }
};

}  // namespace

Var through_hyperedges(Context& ctx, const Var& x, const HyperedgeStep& step) {
  if (!ctx.is_hypergraph()) fail("through_hyperedges", "a graph, without hyperedges; expected a hypergraph");
  check_aggregated("through_hyperedges", ctx, x);
  if (step.weight.defined()) check_shape("through_hyperedges", "weight", step.weight, -1, 1, x.dtype());
  if (ctx.exchange() != nullptr || !ctx.savings() || x.hop() % 2 != 0) return in_two_steps(ctx, x, step);
  const Var rows = needed_rows(ctx, x);
  Through op{layout_of(ctx, x.hop(), rows.value()), step, step.edge};
  if (step.weight.defined()) {
    op.edge = step.weight.value();
    if (step.edge.defined()) {
      op.edge = Tensor::empty(op.edge.rows(), 1, x.dtype());
      ops::multiply(step.weight.value(), step.edge.head(op.edge.rows()), op.edge);
    }
  }
  const Tensor y = Tensor::empty(op.layout.rows(), x.cols(), x.dtype());
  hyper::aggregate(op.layout, op.scale(), rows.value(), y);
  const Tensor saved = step.weight.requires_grad() ? rows.value() : Tensor{};
  return make_op(
      "through_hyperedges", y, {rows, step.weight},
      [op, saved, rows = rows.gradient_only()](const Tensor& dy) { op.backward(rows, saved, dy); }, x.hop() + 2);
}

std::vector<std::string> describe_layouts(const GraphView& graph) {
  std::vector<std::string> notes;
  for (const auto& [extent, kept] : cache_of(graph).layouts)
    for (const auto& [width, dtype] : kept.used) {
      const hyper::LayoutStats& stats = kept.layout.stats();
      notes.push_back(fmt::format("Through {} hyperedges to {} vertices, rows of {}: {}; layout {:.1f} ms, {:.1f} MB",
                                  extent[1], extent[0], width,
                                  hyper::explain(hyper::choose(kept.layout, width, dtype), kept.layout),
                                  1e3 * stats.seconds, 1e-6 * static_cast<double>(stats.bytes)));
    }
  return notes;
}

}  // namespace galena::nn
