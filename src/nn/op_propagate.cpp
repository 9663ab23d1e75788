// Messages of one's own. Forward is a pull over in-neighbours. Backward walks each row of x once, over the edges that
// end there (for the target's gradient) and over those that begin there (for the source's): every row is written by one
// thread, in the order of the indices.

#include <vector>

#include "src/nn/op_aggregate.hpp"
#include "src/ops/parallel.hpp"

namespace galena::nn {
namespace {

// Edges are cheap next to calls of std::function; this makes threads worth waking.
constexpr std::int64_t kCallCost = 64;

template <class T>
struct Rows {
  const T* data = nullptr;
  std::int64_t rows = 0, width = 0;
  explicit Rows(const Tensor& x) : data(x.data<T>()), rows(x.rows()), width(x.cols()) {}
  [[nodiscard]] std::span<const T> operator[](std::int64_t i) const {
    return {data + i * width, static_cast<std::size_t>(width)};
  }
};

template <class T>
std::span<T> row_of(const Tensor& x, std::int64_t i) {
  return {x.data<T>() + i * x.cols(), static_cast<std::size_t>(x.cols())};
}

template <class T>
T weight_of(const Tensor& factor, std::int64_t i) {
  return factor.defined() ? factor.data<T>()[i] : T{1};
}

/// f(j) for the columns of row i below `limit`.
template <class F>
void each_column(const ops::Csr& csr, std::int64_t i, std::int64_t limit, const F& f) {
  for (EdgeOffset k = csr.indptr[i]; k < csr.indptr[i + 1]; ++k)
    if (const std::int64_t j = csr.indices[k]; j < limit) f(j);
}

/// One block of columns: local ones, or those of an exchange.
template <class T>
struct Block {
  ops::Csr csr, csr_t;
  Rows<T> rows;
  Tensor left, right, diagonal;
};

template <class T>
void sum_messages(const MessageFunctionOf<T>& function, const Block<T>& block, const Rows<T>& targets,
                  const Tensor& y) {
  ops::parallel_ranges(y.rows(), kCallCost, [&](std::int64_t begin, std::int64_t end) {
    std::vector<T> message(static_cast<std::size_t>(function.width));
    for (std::int64_t i = begin; i < end; ++i) {
      const std::span<T> sum = row_of<T>(y, i);
      const auto add = [&](std::span<const T> source, T weight) {
        std::fill(message.begin(), message.end(), T{0});
        function.message(targets[i], source, message);
        for (std::size_t c = 0; c < sum.size(); ++c) sum[c] += weight * message[c];
      };
      const T left = weight_of<T>(block.left, i);
      each_column(block.csr, i, block.rows.rows,
                  [&](std::int64_t j) { add(block.rows[j], left * weight_of<T>(block.right, j)); });
      if (block.diagonal.defined()) add(targets[i], weight_of<T>(block.diagonal, i));
    }
  });
}

/// Calls the adjoint for one edge at a time; holds what it needs for that.
template <class T>
class Adjoint {
 public:
  Adjoint(const MessageFunctionOf<T>& function, const Rows<T>& targets, const Rows<T>& gradients)
      : function_(function),
        targets_(targets),
        gradients_(gradients),
        scaled_(static_cast<std::size_t>(gradients.width)) {}
  void operator()(std::int64_t i, std::span<const T> source, T weight, std::span<T> d_target, std::span<T> d_source) {
    for (std::size_t c = 0; c < scaled_.size(); ++c) scaled_[c] = weight * gradients_[i][c];
    function_.adjoint(targets_[i], source, scaled_, d_target, d_source);
  }

 private:
  const MessageFunctionOf<T>& function_;
  const Rows<T>&targets_, &gradients_;
  std::vector<T> scaled_;
};

/// Adds the gradients of a block's rows to `drows`: messages that begin there.
template <class T>
void source_gradients(const MessageFunctionOf<T>& function, const Block<T>& block, const Rows<T>& targets,
                      const Rows<T>& dy, const Tensor& drows) {
  ops::parallel_ranges(drows.rows(), kCallCost, [&](std::int64_t begin, std::int64_t end) {
    Adjoint<T> adjoint(function, targets, dy);
    std::vector<T> unused(static_cast<std::size_t>(targets.width));
    for (std::int64_t j = begin; j < end; ++j) {
      const T right = weight_of<T>(block.right, j);
      each_column(block.csr_t, j, dy.rows, [&](std::int64_t i) {
        adjoint(i, block.rows[j], weight_of<T>(block.left, i) * right, unused, row_of<T>(drows, j));
      });
    }
  });
}

/// Adds the gradients of targets: messages that end there. Self-loops give both of their gradients here.
template <class T>
void target_gradients(const MessageFunctionOf<T>& function, const Block<T>& block, const Rows<T>& targets,
                      const Rows<T>& dy, const Tensor& dx) {
  ops::parallel_ranges(dy.rows, kCallCost, [&](std::int64_t begin, std::int64_t end) {
    Adjoint<T> adjoint(function, targets, dy);
    std::vector<T> unused(static_cast<std::size_t>(targets.width));
    for (std::int64_t i = begin; i < end; ++i) {
      const std::span<T> row = row_of<T>(dx, i);
      const T left = weight_of<T>(block.left, i);
      each_column(block.csr, i, block.rows.rows,
                  [&](std::int64_t j) { adjoint(i, block.rows[j], left * weight_of<T>(block.right, j), row, unused); });
      if (block.diagonal.defined()) adjoint(i, targets[i], weight_of<T>(block.diagonal, i), row, row);
    }
  });
}

template <class T>
struct Propagate {
  const GraphView& graph;
  HaloExchange* exchange;
  std::uint32_t call;
  int hop;
  Aggregation how;
  MessageFunctionOf<T> function;

  [[nodiscard]] Block<T> local_block(const Tensor& x) const {
    const Factors& f = factors_of(graph, how, x.dtype());
    return {graph.local_view(), graph.local_transpose(), Rows<T>(x), f.left, f.right, f.diagonal};
  }
  [[nodiscard]] Block<T> halo_block(const Tensor& rows) const {
    const HaloSelection& selection = exchange->selection(call, hop);
    const Factors& f = factors_of(graph, how, rows.dtype());
    return {selection.csr,
            selection.csr_t,
            Rows<T>(rows),
            f.left,
            halo_factors_of(graph, how, rows.dtype(), selection)->right,
            {}};
  }
  /// Returns the rows that arrived, for the backward pass.
  Tensor forward(const Tensor& x, const Tensor& y) const {
    if (exchange != nullptr) exchange->begin_forward(call, hop, x);
    sum_messages(function, local_block(x), Rows<T>(x), y);
    if (exchange == nullptr) return {};
    Tensor rows = exchange->finish_forward(call, false).dense;
    sum_messages(function, halo_block(rows), Rows<T>(x), y);
    return rows;
  }
  void backward(const Var& x, const Tensor& halo_rows, const Tensor& gradient) const {
    const Rows<T> targets(x.value()), dy(gradient);
    const GradientSlot slot = x.grad_slot();
    if (!slot.accumulate) slot.tensor.fill(0);
    if (exchange != nullptr) {
      const Block<T> halo = halo_block(halo_rows);
      const Tensor drows = Tensor::zeros(halo_rows.rows(), halo_rows.cols(), halo_rows.dtype());
      source_gradients(function, halo, targets, dy, drows);
      exchange->begin_backward(call, drows);
      target_gradients(function, halo, targets, dy, slot.tensor);
    }
    const Block<T> local = local_block(x.value());
    source_gradients(function, local, targets, dy, slot.tensor);
    target_gradients(function, local, targets, dy, slot.tensor);
    if (exchange != nullptr) exchange->finish_backward(call, slot.tensor);
  }
};

}  // namespace

template <class T>
Var propagate(Context& ctx, const Var& x, const MessageFunctionOf<T>& function, Aggregation how) {
  check_aggregated("propagate", ctx, x);
  check_shape("propagate", "x", x, -1, -1, kDType<T>);
  if (ctx.is_hypergraph()) fail("propagate", "messages of one's own in a hypergraph; compose aggregate() and attend()");
  if (how.kind == Aggregation::Kind::max) fail("propagate", "max of messages; expected sum, mean or symmetric");
  if (function.width < 0 || !function.message || (!function.adjoint && Tape::records({x}))) {
    fail("propagate", "the message function needs a width of 0 or more, `message`, and for training `adjoint`");
  }
  const Propagate<T> op{ctx.graph(x.hop()), ctx.exchange(), ctx.next_exchange(), x.hop(), how, function};
  const Tensor y = Tensor::zeros(ctx.rows(x.hop() + 1), function.width, x.dtype());
  const Tensor halo_rows = op.forward(x.value(), y);
  return make_op(
      "propagate", y, {x}, [=](const Tensor& dy) { op.backward(x, halo_rows, dy); }, x.hop() + 1);
}

template Var propagate(Context&, const Var&, const MessageFunctionOf<float>&, Aggregation);
template Var propagate(Context&, const Var&, const MessageFunctionOf<double>&, Aggregation);

}  // namespace galena::nn
