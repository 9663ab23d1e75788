// The largest neighbour by feature, over local rows, halo rows that arrived, and the row itself where asked. Sampling
// has no unbiased form here: a sampled maximum is the maximum of the sample.

#include "src/nn/op_aggregate.hpp"

namespace galena::nn {
namespace {

// Where a maximum is from: a local column, -1 where there is none, or one of these.
constexpr std::int32_t kSelf = -2;
constexpr std::int32_t kHalo = -3;

}  // namespace

Var aggregate_max(Context& ctx, const Var& x, Aggregation how) {
  const GraphView& graph = ctx.graph(x.hop());
  HaloExchange* const exchange = ctx.exchange();
  const std::uint32_t call = ctx.next_exchange();
  const int hop = x.hop();
  const std::int64_t n = ctx.rows(hop + 1), d = x.cols();
  const Tensor y = Tensor::empty(n, d, x.dtype());
  const Tensor from = Tensor::empty(n, d, DType::i32);
  Tensor halo_from;
  if (exchange != nullptr) exchange->begin_forward(call, hop, x.value());
  ops::spmm_max(graph.local_view(), x.value(), y, from);
  if (how.self_loops) ops::merge_max(x.value().head(n), {}, kSelf, y, from);
  if (exchange != nullptr) {
    const HaloRows rows = exchange->finish_forward(call, false);
    const Tensor halo = Tensor::empty(n, d, x.dtype());
    halo_from = Tensor::empty(n, d, DType::i32);
    ops::spmm_max(exchange->selection(call, hop).csr, rows.dense, halo, halo_from);
    ops::merge_max(halo, halo_from, kHalo, y, from);
  }
  const auto backward = [=, &graph, x = x.gradient_only()](const Tensor& dy) {
    if (exchange != nullptr) {
      const HaloSelection& selection = exchange->selection(call, hop);
      const Tensor dhalo = Tensor::zeros(selection.count, d, dy.dtype());
      ops::spmm_max_backward(selection.csr_t, halo_from, dy, dhalo);
      exchange->begin_backward(call, dhalo);
    }
    const GradientSlot slot = x.grad_slot();
    if (!slot.accumulate) slot.tensor.fill(0);
    ops::spmm_max_backward(graph.local_transpose(), from, dy, slot.tensor);
    if (how.self_loops) ops::add_where(from, kSelf, dy, slot.tensor);
    if (exchange != nullptr) exchange->finish_backward(call, slot.tensor);
  };
  return make_op("aggregate", y, {x}, backward, hop + 1);
}

}  // namespace galena::nn
