#include "src/nn/hyper_step.hpp"

namespace galena::nn {
Var scale_by_rows(const Var& x, const Tensor& factor) { return factor.defined() ? scale_rows(x, Var(factor)) : x; }

Var to_other_side(Context& ctx, const Var& x, const HalfStep& step) {
  const Var sums = aggregate(ctx, scale_by_rows(needed_rows(ctx, x), step.right), Aggregation::sum());
  return scale_by_rows(sums, step.left);
}

Var softmax_sum(Context& ctx, const Var& x, const Var& a, const SoftmaxSum& how) {
  Attention attention;
  attention.heads = how.heads;
  attention.slope = how.slope;
  attention.dropout = how.dropout;
  attention.self_loops = false;
  return attend(ctx, x, {}, a, {}, attention);
}

}  // namespace galena::nn
