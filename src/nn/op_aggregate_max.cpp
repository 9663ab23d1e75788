// The largest neighbour by feature, over local rows, halo rows that arrived, and the row itself where asked. Sampling
// has no unbiased form here: a sampled maximum is the maximum of the sample.

#include "src/nn/op_aggregate.hpp"
#include "src/ops/check.hpp"
#include "src/ops/parallel.hpp"

namespace galena::nn {
namespace {

// Where a maximum is from: a local column, or one of these.
constexpr std::int32_t kNone = -1;  // as in ops::spmm_max
constexpr std::int32_t kSelf = -2;
constexpr std::int32_t kHalo = -3;

/// Takes `other` where there is one and y has none or a smaller one: `from` becomes `code` there, and `other_from`
/// kNone elsewhere. Undefined other_from: there is one everywhere.
void merge_larger(const Tensor& other, const Tensor& other_from, std::int32_t code, const Tensor& y,
                  const Tensor& from) {
  std::int32_t* const origin = from.data<std::int32_t>();
  std::int32_t* const other_origin = other_from.defined() ? other_from.data<std::int32_t>() : nullptr;
  ops::with_float("aggregate", y.dtype(), [&]<class T>(T) {
    const T* const candidate = other.data<T>();
    T* const best = y.data<T>();
    ops::parallel_ranges(y.size(), 1, [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t k = begin; k < end; ++k) {
        const bool present = other_origin == nullptr || other_origin[k] != kNone;
        const bool taken = present && (origin[k] == kNone || candidate[k] > best[k]);
        if (taken) best[k] = candidate[k];
        if (taken) origin[k] = code;
        if (!taken && other_origin != nullptr) other_origin[k] = kNone;
      }
    });
  });
}

void add_self(const Tensor& from, const Tensor& dy, const Tensor& dx) {
  ops::with_float("aggregate", dy.dtype(), [&]<class T>(T) {
    ops::parallel_ranges(dy.size(), 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t k = begin; k < end; ++k) {
        if (from.data<std::int32_t>()[k] == kSelf) dx.data<T>()[k] += dy.data<T>()[k];
      }
    });
  });
}

}  // namespace

Var aggregate_max(Context& ctx, const Var& x, Aggregation how) {
  const GraphView& graph = ctx.graph(x.hop());
  HaloExchange* const exchange = ctx.exchange();
  const std::uint32_t call = ctx.next_exchange();
  const int hop = x.hop();
  const std::int64_t n = ctx.rows(hop + 1), d = x.cols();
  if ((how.self_loops || exchange != nullptr) && x.value().device() == Device::cuda)
    fail("aggregate",
         "the maximum with self-loops or over several parts is not computed on GPUs; use --parts 1, or --device cpu");
  const Tensor y = Tensor::empty(n, d, x.dtype());
  const Tensor from = Tensor::empty(n, d, DType::i32);
  Tensor halo_from;
  if (exchange != nullptr) exchange->begin_forward(call, hop, x.value());
  ops::spmm_max(graph.local_view(), x.value(), y, from);
  if (how.self_loops) merge_larger(x.value().head(n), {}, kSelf, y, from);
  if (exchange != nullptr) {
    const HaloRows rows = exchange->finish_forward(call, false);
    const Tensor halo = Tensor::empty(n, d, x.dtype());
    halo_from = Tensor::empty(n, d, DType::i32);
    ops::spmm_max(exchange->selection(call, hop).csr, rows.dense, halo, halo_from);
    merge_larger(halo, halo_from, kHalo, y, from);
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
    if (how.self_loops) add_self(from, dy, slot.tensor);
    if (exchange != nullptr) exchange->finish_backward(call, slot.tensor);
  };
  return make_op("aggregate", y, {x}, backward, hop + 1);
}

}  // namespace galena::nn
