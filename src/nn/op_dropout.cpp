#include "src/nn/gradient.hpp"
#include "src/nn/graph_view.hpp"
#include "src/ops/pointwise.hpp"

namespace galena::nn {
namespace {

void check_rate(const char* op, double p) {
  if (!(p >= 0 && p < 1)) fail(op, "the rate is " + std::to_string(p) + "; expected 0 <= p < 1");
}

void check_rows(const char* op, const Context& ctx, const Var& x) {
  const std::int64_t all = ctx.graph(x.hop()).inner;
  if (x.rows() <= all) return;
  fail(op, "x is " + shape_of(x) + "; expected a row for each of at most " + std::to_string(all) + " vertices");
}

ops::RandomKey next_key(Context& ctx) {
  return {ctx.seed(), ctx.epoch(), ops::RandomKey::make_stream(ctx.next_stream(), ops::Purpose::dropout)};
}

/// Global ids of the rows of x, where x lies.
const VertexId* ids_of(const Context& ctx, const Var& x) {
  return ctx.graph(x.hop()).ids_on(x.sparse() != nullptr ? x.sparse()->device() : x.value().device());
}

Var sparse_dropout(const Var& x, double p, const ops::RandomKey& key, const VertexId* ids) {
  auto value = Tape::view(x, x.rows(), x.hop());
  value->sparse = ops::dropout(*x.sparse(), p, key, ids, x.rows());
  return Tape::make(std::move(value), nullptr);
}

}  // namespace

Var dropout(Context& ctx, Var x, double p) {
  check_rate("dropout", p);
  check_rows("dropout", ctx, x);
  if (!ctx.training() || p == 0) return x;
  const ops::RandomKey key = next_key(ctx);
  const VertexId* const ids = ids_of(ctx, x);
  if (x.sparse() != nullptr) return sparse_dropout(x, p, key, ids);
  const Tensor y = memory_for_result(x);
  ops::dropout(x.value(), p, key, ids, y);
  return make_op("dropout", y, {x}, [=, x = x.gradient_only()](const Tensor& dy) {
    const GradientSlot slot = slot_over(x, dy);
    ops::dropout(dy, p, key, ids, slot.tensor, slot.accumulate);
  });
}

Var relu_dropout(Context& ctx, Var x, double p) {
  check_rate("relu_dropout", p);
  check_dense("relu_dropout", "x", x);
  check_rows("relu_dropout", ctx, x);
  if (!ctx.training() || p == 0) return relu(std::move(x));
  const Tensor y = memory_for_result(x);
  ops::relu_dropout(x.value(), p, next_key(ctx), ids_of(ctx, x), y);
  return make_op("relu_dropout", y, {x}, [=, x = x.gradient_only()](const Tensor& dy) {
    const GradientSlot slot = slot_over(x, dy);
    ops::relu_dropout_backward(y, p, dy, slot.tensor, slot.accumulate);
  });
}

}  // namespace galena::nn
