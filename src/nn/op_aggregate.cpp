// Sums over neighbours of all ranks: y = (A_LL + D) x_local + A_LH E x_halo, where E is the exchange (sampled, coded).
// While rows travel, the local sum is computed. Backward is the adjoint: A_LH^T dy is sent first, A_LL^T dy is computed
// while it travels, and what others send is added by the exchange.

#include "src/nn/op_aggregate.hpp"

#include <algorithm>
#include <cmath>

#include "src/ops/device_packed.hpp"
#include "src/ops/pointwise.hpp"
#include "src/ops/quantize.hpp"

namespace galena::nn {

void check_aggregated(const char* op, const Context& ctx, const Var& x) {
  check_dense(op, "x", x);
  const std::int64_t all = ctx.graph(x.hop()).inner;
  if (x.rows() < ctx.rows(x.hop()) || x.rows() > all) {
    fail(op, "x is " + shape_of(x) + " at hop " + std::to_string(x.hop()) + "; expected " +
                 std::to_string(ctx.rows(x.hop())) + " rows, or all " + std::to_string(all));
  }
}

void check_loops(const char* op, const Context& ctx, bool self_loops) {
  if (self_loops && ctx.is_hypergraph())
    fail(op, "self-loops in a hypergraph, where vertices hear hyperedges and not each other; leave them out");
}

void spmm_with_diagonal(const ops::Csr& csr, const ops::SpmmScale& scale, const Tensor& x, const Tensor& y,
                        bool accumulate) {
  const std::int64_t both = std::min(x.rows(), y.rows());
  // A device's kernel looks at each row itself.
  const bool whole = scale.diagonal == nullptr || both == y.rows() || x.device() == Device::cuda;
  if (whole) return ops::spmm(csr, scale, x, y, accumulate);
  ops::spmm(csr, scale, x, y.head(both), accumulate);
  const ops::Csr rest{csr.rows - both, csr.cols, csr.indptr + both, csr.indices};
  Tensor left;
  if (scale.left != nullptr) left = scale.left->slice(both, scale.left->rows());
  ops::spmm(rest, {or_null(left), scale.right, nullptr}, x, y.slice(both, y.rows()), accumulate);
}

namespace {

void add_halo(const ops::Csr& csr, const Factors& factors, const HaloFactors& halo, const HaloRows& rows,
              const Tensor& y) {
  const Tensor *left = or_null(factors.left), *right = or_null(halo.right);
  if (rows.packed != nullptr)
    ops::spmm_packed(csr, left, right, *rows.packed, y);
  else if (rows.device_packed != nullptr)
    ops::spmm_packed(csr, left, right, *rows.device_packed, y);
  else
    ops::spmm(csr, {left, right, nullptr}, rows.dense, y, true);
}

constexpr double kSliceWork = 4e6;  // multiplications, about a millisecond
constexpr std::int64_t kSlices = 16;

/// One aggregate() of a pass, as both directions see it.
struct Aggregate {
  const GraphView& graph;
  HaloExchange* exchange;
  std::uint32_t call;
  int hop;
  Aggregation how;
  bool savings, bf16;

  [[nodiscard]] const Factors& factors(const Tensor& x) const { return factors_of(graph, how, x.dtype()); }
  /// As the sums read rows: half the bytes, where this is for each neighbour and the rounding for each row.
  [[nodiscard]] Tensor summands(const Tensor& x) const {
    return bf16 && x.device() == Device::cuda && x.dtype() == DType::f32 ? x.to(DType::bf16) : x;
  }

  void forward(const Tensor& x, const Tensor& y) const {
    const Factors& f = factors(x);
    if (exchange == nullptr)
      return ops::spmm(graph.local_view(), {or_null(f.left), or_null(f.right), or_null(f.diagonal)}, summands(x), y);
    exchange->begin_forward(call, hop, x);
    if (!savings) static_cast<void>(exchange->finish_forward(call, x.dtype() == DType::f32));
    sum_while_moving(graph.local_view(), f.left, f.right, f.diagonal, summands(x), y, false);
    const HaloRows rows = exchange->finish_forward(call, x.dtype() == DType::f32);
    const HaloSelection& selection = exchange->selection(call, hop);
    add_halo(selection.csr, f, *halo_factors_of(graph, how, x.dtype(), selection), rows, y);
  }

  /// The local sum in slices of rows, between which transfers go on: an MPI library moves large messages only when it
  /// is called.
  void sum_while_moving(const ops::Csr& csr, const Tensor& left, const Tensor& right, const Tensor& diagonal,
                        const Tensor& x, const Tensor& y, bool accumulate) const {
    const bool queued = x.device() == Device::cuda;  // computed beside the CPU, as a whole
    const bool rounded = x.dtype() == DType::bf16;   // and the diagonal with it
    const double work = queued ? 0 : static_cast<double>(csr.nonzeros()) * static_cast<double>(x.cols());
    const std::int64_t rows = y.rows(), slices = std::clamp<std::int64_t>(std::llround(work / kSliceWork), 1, kSlices);
    for (std::int64_t k = 0; k < slices; ++k) {
      const std::int64_t begin = rows * k / slices, end = rows * (k + 1) / slices;
      const ops::Csr slice{csr.rows - begin, csr.cols, csr.indptr + begin, csr.indices, csr.on_device};
      Tensor scale;
      if (left.defined()) scale = left.slice(begin, end);
      ops::spmm(slice, {or_null(scale), or_null(right), rounded ? or_null(diagonal) : nullptr}, x, y.slice(begin, end),
                accumulate);
      exchange->progress();
    }
    const std::int64_t both = std::min(x.rows(), rows);
    if (diagonal.defined() && !rounded) ops::scale_rows(diagonal.head(both), x.head(both), y.head(both), true);
  }

  void backward(const Tensor& dy, const Var& x) const {
    const Factors& f = factors(dy);
    const Tensor rows = summands(dy);
    if (exchange != nullptr) {
      const HaloSelection& selection = exchange->selection(call, hop);
      const auto halo = halo_factors_of(graph, how, dy.dtype(), selection);
      const Tensor dhalo = Tensor::empty(selection.count, dy.cols(), dy.dtype());
      ops::spmm(selection.csr_t, {or_null(halo->right), or_null(f.left), nullptr}, rows, dhalo);
      exchange->begin_backward(call, dhalo);
    }
    const GradientSlot slot = x.grad_slot();
    if (exchange == nullptr)
      return spmm_with_diagonal(graph.local_transpose(), {or_null(f.right), or_null(f.left), or_null(f.diagonal)}, rows,
                                slot.tensor, slot.accumulate);
    sum_while_moving(graph.local_transpose(), f.right, f.left, f.diagonal, rows, slot.tensor, slot.accumulate);
    exchange->finish_backward(call, slot.tensor);
  }
};

Var aggregate_sum(Context& ctx, const Var& x, Aggregation how) {
  const bool bf16 = ctx.bf16_sums() && !ctx.is_hypergraph();
  const Aggregate op{ctx.graph(x.hop()), ctx.exchange(), ctx.next_exchange(), x.hop(), how, ctx.savings(), bf16};
  const Tensor y = Tensor::empty(ctx.rows(x.hop() + 1), x.cols(), x.dtype());
  op.forward(x.value(), y);
  return make_op(
      "aggregate", y, {x}, [op, x = x.gradient_only()](const Tensor& dy) { op.backward(dy, x); }, x.hop() + 1);
}

// --- unchanged features

constexpr std::size_t kAggregatedKept = 8;

/// The sum (or maximum) over neighbours of all rows, without an exchange's sampling and coding.
class FullExchange : public HaloExchange {
 public:
  FullExchange(const GraphView& graph, HaloExchange& exchange) : exchange_(exchange) {
    selection_.csr = graph.outer.view();
    selection_.csr_t = graph.outer_t.view();
    selection_.count = graph.halo;
    selection_.version = next_selection_version();
  }
  const HaloSelection& selection(std::uint32_t, int) override { return selection_; }
  void begin_forward(std::uint32_t, int hop, const Tensor& x) override { rows_ = exchange_.gather_full(x, hop); }
  HaloRows finish_forward(std::uint32_t, bool) override { return {rows_, nullptr, nullptr}; }
  void begin_backward(std::uint32_t, const Tensor&) override {}
  void finish_backward(std::uint32_t, const Tensor&) override {}
  Tensor gather_full(const Tensor& x, int hop) override { return exchange_.gather_full(x, hop); }

 private:
  HaloExchange& exchange_;
  HaloSelection selection_;
  Tensor rows_;
};

const std::shared_ptr<Var::Value>& constant_of(const Var& x) {
  const auto& value = x.value_holder();
  return value->whole ? value->whole : value;
}

Tensor aggregate_all(const Context& ctx, const Tensor& features, Aggregation how) {
  const NoGrad guard;
  std::unique_ptr<FullExchange> exchange;
  if (ctx.exchange() != nullptr) exchange = std::make_unique<FullExchange>(ctx.graph(), *ctx.exchange());
  Context whole(ctx.graph(), exchange.get(), {});
  const Var x(features);
  return how.kind == Aggregation::Kind::max ? aggregate_max(whole, x, how).value()
                                            : aggregate_sum(whole, x, how).value();
}

Var aggregate_constant(Context& ctx, const Var& x, Aggregation how) {
  auto& kept = cache_of(ctx.graph()).aggregated;
  const auto& features = constant_of(x);
  auto found = std::find_if(kept.begin(), kept.end(), [&](const auto& a) {
    return a.features == features && a.kind == how.kind && a.self_loops == how.self_loops;
  });
  if (found == kept.end()) {
    kept.push_back({features, how.kind, how.self_loops, aggregate_all(ctx, features->tensor, how)});
    if (kept.size() > kAggregatedKept) kept.pop_front();
    found = kept.end() - 1;
  }
  return make_op("aggregate", found->result.head(ctx.rows(x.hop() + 1)), {}, {}, x.hop() + 1);
}

}  // namespace

bool is_constant(const Context& ctx, const Var& x) {
  return ctx.savings() && x.sparse() == nullptr && !x.requires_grad() && constant_of(x)->constant && x.hop() == 0;
}

bool aggregate_first(const Context& ctx, const Var& x, std::int64_t out) {
  if (x.sparse() != nullptr) return false;
  if (is_constant(ctx, x) || !ctx.savings()) return true;
  // Rows without a gradient need no sum over neighbours going back.
  return x.cols() <= (x.requires_grad() ? out : 2 * out);
}

Var aggregate(Context& ctx, const Var& x, Aggregation how) {
  check_aggregated("aggregate", ctx, x);
  check_loops("aggregate", ctx, how.self_loops);
  if (is_constant(ctx, x) && constant_of(x)->tensor.rows() == ctx.graph().inner) return aggregate_constant(ctx, x, how);
  return how.kind == Aggregation::Kind::max ? aggregate_max(ctx, x, how) : aggregate_sum(ctx, x, how);
}

}  // namespace galena::nn
