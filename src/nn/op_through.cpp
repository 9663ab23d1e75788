// From vertices through hyperedges to vertices. On one rank by src/hypergraph's aggregate, whose layouts are kept with
// the view; on many, where hyperedges' rows must travel, in two steps.

#include "src/nn/op_through.hpp"

#include <fmt/format.h>

#include "src/hypergraph/aggregate.hpp"
#include "src/hypergraph/cost.hpp"
#include "src/hypergraph/pipeline.hpp"
#include "src/nn/hyper_step.hpp"
#include "src/nn/op_aggregate.hpp"
#include "src/nn/reshape.hpp"
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

Var reduced(Context& ctx, const Var& x, HyperedgeStep::Reduce how) {
  using Reduce = HyperedgeStep::Reduce;
  if (how == Reduce::max) return aggregate(ctx, x, Aggregation::max());
  return aggregate(ctx, x, how == Reduce::mean ? Aggregation::mean() : Aggregation::sum());
}

Var in_steps(Context& ctx, const Var& x, const HyperedgeStep& step) {
  Var rows = reduced(ctx, scale_by_rows(needed_rows(ctx, x), step.right), step.to_edges);
  if (step.transform.defined()) rows = linear(rows, step.transform);
  if (step.bias.defined()) rows = add_row(std::move(rows), step.bias);
  if (step.relu) rows = relu(std::move(rows));
  rows = scale_by_rows(rows, step.edge);
  if (step.weight.defined()) rows = scale_rows(rows, step.weight);
  const SoftmaxSum softmax{.heads = step.heads, .slope = step.slope};
  rows = step.to_vertices == HyperedgeStep::Reduce::softmax ? softmax_sum(ctx, rows, step.attention, softmax)
                                                            : reduced(ctx, rows, step.to_vertices);
  return scale_by_rows(rows, step.left);
}

/// Sums and means alone, which are all that a GPU has one kernel for.
bool is_linear(const HyperedgeStep& step) {
  const auto sums = [](HyperedgeStep::Reduce how) {
    return how == HyperedgeStep::Reduce::sum || how == HyperedgeStep::Reduce::mean;
  };
  return sums(step.to_edges) && sums(step.to_vertices) && !step.transform.defined() && !step.bias.defined() &&
         !step.relu;
}

hyper::Reduce kernel_reduce(HyperedgeStep::Reduce how) {
  switch (how) {
    case HyperedgeStep::Reduce::mean: return hyper::Reduce::mean;
    case HyperedgeStep::Reduce::max: return hyper::Reduce::max;
    case HyperedgeStep::Reduce::softmax: return hyper::Reduce::softmax;
    default: return hyper::Reduce::sum;
  }
}

/// One through_hyperedges() of a pass.
struct Through {
  const hyper::Layout& layout;
  HyperedgeStep step;
  Tensor edge{};                 ///< the product of both factors of a hyperedge
  hyper::PipelineState state{};  ///< of what is not sums alone

  [[nodiscard]] bool sums_alone() const {
    return step.to_edges == HyperedgeStep::Reduce::sum && step.to_vertices == HyperedgeStep::Reduce::sum &&
           !step.transform.defined() && !step.bias.defined() && !step.relu;
  }
  [[nodiscard]] hyper::Scale scale() const { return {or_null(step.left), or_null(edge), or_null(step.right)}; }
  [[nodiscard]] hyper::Pipeline pipeline() const {
    const auto value = [](const Var& v) { return v.defined() ? &v.value() : nullptr; };
    return {kernel_reduce(step.to_edges),
            kernel_reduce(step.to_vertices),
            value(step.transform),
            value(step.bias),
            step.relu,
            value(step.attention),
            step.heads,
            step.slope};
  }
  [[nodiscard]] Tensor forward(const Tensor& x) {
    const std::int64_t width = step.transform.defined() ? step.transform.cols() : x.cols();
    const Tensor y = Tensor::empty(layout.rows(), width, x.dtype());
    if (sums_alone()) {
      hyper::aggregate(layout, scale(), x, y);
    } else {
      state = hyper::run_pipeline(layout, pipeline(), scale(), x, y);
    }
    return y;
  }

  void backward(const Var& x, const Tensor& saved, const Tensor& y, const Tensor& dy) const {
    const auto gradient_of = [&](const Var& v) {
      return v.requires_grad() ? Tensor::empty(v.rows(), v.cols(), dy.dtype()) : Tensor{};
    };
    hyper::PipelineGradients d{
        gradient_of(x), {}, gradient_of(step.transform), gradient_of(step.bias), gradient_of(step.attention)};
    if (step.weight.requires_grad()) d.edge = Tensor::empty(layout.edges(), 1, dy.dtype());
    if (sums_alone()) {
      hyper::aggregate_backward(layout, scale(), saved, dy, d.x, d.edge);
    } else {
      hyper::pipeline_backward(layout, pipeline(), scale(), saved, y, state, dy, d);
    }
    if (d.edge.defined()) {
      if (step.edge.defined()) ops::multiply(d.edge, step.edge.head(d.edge.rows()), d.edge);
      pass_on_rows(step.weight, d.edge);
    }
    const std::pair<const Var*, const Tensor*> whole[] = {
        {&x, &d.x}, {&step.transform, &d.weight}, {&step.bias, &d.bias}, {&step.attention, &d.attention}};
    for (const auto& [input, gradient] : whole) {
      if (gradient->defined()) pass_on(*input, *gradient);
    }
  }
};

/// The attention vector as the kernel takes it, [1 x as many numbers].
HyperedgeStep with_flat_attention(HyperedgeStep step) {
  if (step.attention.defined() && step.attention.rows() != 1) {
    step.attention = reshape(step.attention, 1, step.attention.rows() * step.attention.cols());
  }
  return step;
}

}  // namespace

Var through_hyperedges(Context& ctx, const Var& x, const HyperedgeStep& given) {
  constexpr const char* kOp = "through_hyperedges";
  if (!ctx.is_hypergraph()) fail(kOp, "a graph, without hyperedges; expected a hypergraph");
  check_aggregated(kOp, ctx, x);
  if (given.weight.defined()) check_shape(kOp, "weight", given.weight, -1, 1, x.dtype());
  if (given.to_edges == HyperedgeStep::Reduce::softmax) fail(kOp, "softmax is towards vertices only");
  if ((given.to_vertices == HyperedgeStep::Reduce::softmax) != given.attention.defined())
    fail(kOp, "softmax and an attention vector go together; expected both or neither");
  const bool on_gpu = x.value().device() == Device::cuda;
  if (ctx.exchange() != nullptr || !ctx.savings() || x.hop() % 2 != 0 || (on_gpu && !is_linear(given)))
    return in_steps(ctx, x, given);
  const Var rows = needed_rows(ctx, x);
  Through op{layout_of(ctx, x.hop(), rows.value()), with_flat_attention(given), given.edge};
  if (given.weight.defined()) {
    op.edge = given.weight.value();
    if (given.edge.defined()) {
      op.edge = Tensor::empty(op.edge.rows(), 1, x.dtype());
      ops::multiply(given.weight.value(), given.edge.head(op.edge.rows()), op.edge);
    }
  }
  const Tensor y = op.forward(rows.value());
  const HyperedgeStep& step = op.step;
  const bool keep = !op.sums_alone() || step.weight.requires_grad();
  return make_op(
      kOp, y, {rows, step.weight, step.transform, step.bias, step.attention},
      [op, saved = keep ? rows.value() : Tensor{}, y = keep ? y : Tensor{},
       rows = rows.gradient_only()](const Tensor& dy) { op.backward(rows, saved, y, dy); },
      x.hop() + 2);
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
