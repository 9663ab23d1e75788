#include "src/nn/hyper_step.hpp"

namespace galena::nn {
namespace {

Var scaled(const Var& x, const Tensor& factor) { return factor.defined() ? scale_rows(x, Var(factor)) : x; }

}  // namespace

Var through_hyperedges(Context& ctx, const Var& x, const HyperedgeStep& step) {
  Var y = scaled(needed_rows(ctx, x), step.right);
  y = scaled(aggregate(ctx, y, Aggregation::sum()), step.edge);
  return scaled(aggregate(ctx, y, Aggregation::sum()), step.left);
}

}  // namespace galena::nn
