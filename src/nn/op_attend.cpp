// Attention over neighbours of all ranks. Rows of other ranks merge into the running softmax when they arrive, so that
// local neighbours are attended to while they travel. GAT's scores are sums of a target's and a source's term; those of
// rows that arrived are computed from the rows.

#include <algorithm>

#include "src/nn/op_aggregate.hpp"
#include "src/ops/attention.hpp"
#include "src/ops/check.hpp"
#include "src/ops/gemm.hpp"
#include "src/ops/pointwise.hpp"
#include "src/ops/random_key.hpp"

namespace galena::nn {
namespace {

/// [heads*w x heads] with head h's vector in column h: multiplying by it gives <a_h, x_h> for each head.
Tensor by_head(const Tensor& a, int heads) {
  const std::int64_t width = a.size() / heads;
  if (a.device() == Device::cuda) {
    const Tensor mask = ops::block_mask(a.size(), heads, width, a.dtype());
    ops::scale_rows(a.reshape(a.size(), 1), mask, mask);
    return mask;
  }
  const Tensor result = Tensor::zeros(a.size(), heads, a.dtype());
  ops::with_float("attend", a.dtype(), [&]<class T>(T) {
    for (std::int64_t k = 0; k < a.size(); ++k) result.at<T>(k, k / width) = a.data<T>()[k];
  });
  return result;
}

/// What by_head() takes from a gradient of its shape: adds the columns' own parts to `to`.
void add_by_head(const Tensor& gradient, const Tensor& to) {
  const std::int64_t heads = gradient.cols(), width = gradient.rows() / heads;
  if (gradient.device() == Device::cuda) {
    const Tensor mask = ops::block_mask(gradient.rows(), heads, width, gradient.dtype());
    ops::multiply(gradient, mask, mask);
    const ops::Tf32Products exact(false);  // a sum
    ops::matmul(mask, Tensor::full(heads, 1, 1, gradient.dtype()), to.reshape(to.size(), 1), true);
    return;
  }
  ops::with_float("attend", to.dtype(), [&]<class T>(T) {
    for (std::int64_t k = 0; k < to.size(); ++k) to.data<T>()[k] += gradient.at<T>(k, k / width);
  });
}

Tensor product(const Tensor& a, const Tensor& b) {
  Tensor result = Tensor::empty(a.rows(), b.cols(), a.dtype());
  ops::matmul(a, b, result);
  return result;
}

Tensor gradient_to_add_to(const Var& x) {
  const GradientSlot slot = x.grad_slot();
  if (!slot.accumulate) slot.tensor.fill(0);
  return slot.tensor;
}

/// One attend() of a pass, as both directions see it.
struct Attend {
  const GraphView& graph;
  const VertexId* row_ids;
  HaloExchange* exchange;
  std::uint32_t call;
  int hop;
  Attention how;
  ops::RandomKey dropout_key{};
  double dropout = 0;
  Tensor target;                      ///< [n x heads] terms (GAT), or rows (v2)
  Tensor a;                           ///< v2: [1 x heads*w]
  Tensor source_heads, target_heads;  ///< GAT: by_head() of both vectors

  [[nodiscard]] ops::AttentionKind kind() const {
    return how.v2 ? ops::AttentionKind::gat_v2 : ops::AttentionKind::gat;
  }
  [[nodiscard]] ops::AttentionBlock block(const ops::Csr& csr, const Tensor& rows, const VertexId* column_ids) const {
    ops::AttentionBlock b;
    b.csr = csr;
    b.value = rows;
    b.source = how.v2 ? rows : product(rows, source_heads);
    b.dropout = dropout;
    b.dropout_key = dropout_key;
    b.row_ids = row_ids;
    b.column_ids = column_ids;
    return b;
  }
  [[nodiscard]] ops::AttentionBlock local_block(const Tensor& rows) const {
    ops::AttentionBlock b = block(graph.local_view(), rows, graph.ids_on(rows.device()));
    b.self_loops = how.self_loops;
    return b;
  }
  [[nodiscard]] std::shared_ptr<const HaloFactors> halo_factors(const HaloSelection& selection) const {
    return halo_factors_of(graph, Aggregation::sum(), target.dtype(), selection);
  }
  [[nodiscard]] ops::AttentionBlock halo_block(const HaloSelection& selection, const HaloFactors& halo,
                                               const Tensor& rows) const {
    ops::AttentionBlock b = block(selection.csr, rows, halo.ids_on(rows.device()));
    b.log_weight = halo.log_weight;
    return b;
  }
  void accumulate(const ops::AttentionBlock& b, const ops::AttentionState& state) const {
    ops::attention_accumulate(kind(), b, target, a, how.slope, state);
  }
  /// Gradient of a block's rows, written to `drows`; its parts of the vectors' gradients are added.
  void block_backward(const ops::AttentionBlock& b, const ops::Csr& csr_t, const ops::AttentionState& state,
                      const Tensor& dy, const Tensor& dtarget, const Tensor& da, const Tensor& drows) const {
    if (how.v2) {
      ops::attention_backward(kind(), b, csr_t, target, a, how.slope, state, dy, dtarget, da, drows, {});
      return;
    }
    const Tensor dterms = Tensor::empty(b.source.rows(), b.source.cols(), dy.dtype());
    ops::attention_backward(kind(), b, csr_t, target, a, how.slope, state, dy, dtarget, {}, dterms, drows);
    ops::matmul_nt(dterms, source_heads, drows, true);
    const Tensor gradient = Tensor::empty(source_heads.rows(), source_heads.cols(), dy.dtype());
    ops::matmul_tn(b.value, dterms, gradient);
    add_by_head(gradient, da);
  }
};

void check_attend(const Context& ctx, const Var& source, const Var& target, const Var& a_source, const Var& a_target,
                  const Attention& how) {
  check_aggregated("attend", ctx, source);
  if (how.heads < 1 || source.cols() % how.heads != 0) {
    fail("attend", "the source is " + shape_of(source) + "; expected columns that " + std::to_string(how.heads) +
                       " heads divide");
  }
  if (!(how.dropout >= 0 && how.dropout < 1)) {
    fail("attend", "the dropout rate is " + std::to_string(how.dropout) + "; expected 0 <= p < 1");
  }
  const bool alone = !target.defined() && !how.v2;
  if (!alone) check_shape("attend", "target", target, -1, source.cols(), source.dtype());
  if (!alone && target.rows() < ctx.rows(source.hop() + 1)) {
    fail("attend", "the target is " + shape_of(target) + "; expected " + std::to_string(ctx.rows(source.hop() + 1)) +
                       " rows or more");
  }
  check_loops("attend", ctx, how.self_loops);
  const auto check_vector = [&](const char* name, const Var& a) {
    check_dense("attend", name, a);
    if (a.rows() * a.cols() == source.cols() && a.dtype() == source.dtype()) return;
    fail("attend", std::string(name) + " is " + shape_of(a) + "; expected a number for each of the source's " +
                       std::to_string(source.cols()) + " columns");
  };
  check_vector("a_source", a_source);
  if (!how.v2 && !alone) check_vector("a_target", a_target);
}

Attend make_attend(Context& ctx, const Var& source, const Var& target, const Var& a_source, const Var& a_target,
                   const Attention& how) {
  Attend op{.graph = ctx.graph(source.hop()),
            .row_ids = ctx.graph(source.hop() + 1).ids_on(source.value().device()),
            .exchange = ctx.exchange(),
            .call = ctx.next_exchange(),
            .hop = source.hop(),
            .how = how,
            .target = {},
            .a = {},
            .source_heads = {},
            .target_heads = {}};
  if (ctx.training() && how.dropout > 0) {
    op.dropout = how.dropout;
    op.dropout_key = {ctx.seed(), ctx.epoch(), ops::RandomKey::make_stream(ctx.next_stream(), ops::Purpose::dropout)};
  }
  const std::int64_t n = ctx.rows(source.hop() + 1);
  if (how.v2) {
    op.target = target.value().head(n);
    op.a = a_source.value().reshape(1, source.cols());
    return op;
  }
  op.source_heads = by_head(a_source.value(), how.heads);
  if (!target.defined()) {
    op.target = Tensor::zeros(n, how.heads, source.dtype());
    return op;
  }
  op.target_heads = by_head(a_target.value(), how.heads);
  op.target = product(target.value().head(n), op.target_heads);
  return op;
}

/// d target, from the gradient of its terms (GAT) or of itself (v2).
void target_backward(const Attend& op, const Var& target, const Var& a_target, const Tensor& dterms) {
  if (!op.how.v2 && a_target.requires_grad()) {
    const Tensor gradient = Tensor::empty(op.target_heads.rows(), op.target_heads.cols(), dterms.dtype());
    ops::matmul_tn(target.value().head(dterms.rows()), dterms, gradient);
    const Tensor da = gradient_to_add_to(a_target);
    add_by_head(gradient, da);
  }
  if (!target.requires_grad()) return;
  if (op.how.v2) return pass_on_rows(target, dterms);
  const GradientSlot slot = target.grad_slot();
  const std::int64_t n = dterms.rows(), all = slot.tensor.rows();
  ops::matmul_nt(dterms, op.target_heads, slot.tensor.head(n), slot.accumulate);
  if (!slot.accumulate && n < all) slot.tensor.slice(n, all).fill(0);
}

}  // namespace

Var attend(Context& ctx, const Var& source, const Var& target, const Var& a_source, const Var& a_target,
           Attention how) {
  check_attend(ctx, source, target, a_source, a_target, how);
  const Attend op = make_attend(ctx, source, target, a_source, a_target, how);
  HaloExchange* const exchange = op.exchange;
  const std::int64_t width = source.cols() / how.heads;
  const auto state = ops::attention_begin(op.target.rows(), how.heads, width, source.dtype());
  Tensor halo_rows;
  if (exchange != nullptr) exchange->begin_forward(op.call, op.hop, source.value());
  op.accumulate(op.local_block(source.value()), state);
  if (exchange != nullptr) {
    halo_rows = exchange->finish_forward(op.call, false).dense;
    const HaloSelection& selection = exchange->selection(op.call, op.hop);
    op.accumulate(op.halo_block(selection, *op.halo_factors(selection), halo_rows), state);
  }
  ops::attention_finish(state);
  const auto backward = [=](const Tensor& dy) {
    const Tensor da = Tensor::zeros(1, source.cols(), dy.dtype());
    const Tensor dtarget = Tensor::zeros(op.target.rows(), op.target.cols(), dy.dtype());
    if (exchange != nullptr) {
      const HaloSelection& selection = exchange->selection(op.call, op.hop);
      const auto halo = op.halo_factors(selection);
      const Tensor drows = Tensor::empty(selection.count, source.cols(), dy.dtype());
      op.block_backward(op.halo_block(selection, *halo, halo_rows), selection.csr_t, state, dy, dtarget, da, drows);
      exchange->begin_backward(op.call, drows);
    }
    const Tensor dlocal = Tensor::empty(source.rows(), source.cols(), dy.dtype());
    op.block_backward(op.local_block(source.value()), op.graph.local_transpose(), state, dy, dtarget, da, dlocal);
    if (exchange != nullptr) exchange->finish_backward(op.call, dlocal);
    if (source.requires_grad()) pass_on(source, dlocal);
    if (target.defined()) target_backward(op, target, a_target, dtarget);
    if (a_source.requires_grad()) add_rows(a_source, da.reshape(a_source.rows(), a_source.cols()));
  };
  return make_op("attend", state.y, {source, target, a_source, a_target}, backward, op.hop + 1);
}

}  // namespace galena::nn
