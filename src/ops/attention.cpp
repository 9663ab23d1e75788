// Attention without a value an edge. Going forward, each row keeps a running maximum, sum and weighted sum (the online
// softmax of M. Milakov and N. Gimelshein, "Online normalizer calculation for softmax", 2018; with the weighted sum as
// in T. Dao et al., "FlashAttention", NeurIPS 2022). Going back, the weights are computed again from the scores'
// terms and the saved log-sum-exp:
//   y_i = sum_j w_ij v_j,  w_ij = f_ij alpha_ij,  alpha = softmax(score), f the dropout factor (0 or 1 / (1 - p))
//   d score_ij = alpha_ij (f_ij <dy_i, v_j> - <dy_i, y_i>)
//   dv_j = sum_i w_ij dy_i
// Gradients of targets are sums over rows, of sources and values over columns: two pulls, no two threads add to one
// place, and the order of additions is that of the indices.

#include "src/ops/attention.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "src/ops/attention_kernels.hpp"
#include "src/ops/check.hpp"
#include "src/ops/csr_rows.hpp"
#include "src/ops/device_ops.hpp"
#include "src/ops/random_lanes.hpp"

namespace galena::ops {
namespace {

/// Draws of attention dropout: 16 bits for each head, eight heads a block of Philox, named by both ends' global ids.
template <class T>
struct Draws {
  const VertexId *row_ids, *other_ids;  ///< of the matrix the kernel walks
  bool transposed;
  std::uint64_t seed;
  int heads;
  std::uint32_t drop_below;  ///< of 65536
  T keep_factor;

  /// factor[k * heads + h] for (row, others[k]).
  static void draw(const void* context, std::int64_t row, const std::uint32_t* others, std::int64_t count, T* factor) {
    const auto& d = *static_cast<const Draws*>(context);
    constexpr std::int64_t kAtOnce = 64;
    for (std::int64_t k = 0; k < count; k += kAtOnce) {
      d.some(d.row_ids[row], others + k, std::min(kAtOnce, count - k), factor + k * d.heads);
    }
  }
  void some(std::uint32_t own_id, const std::uint32_t* others, std::int64_t count, T* factor) const {
    std::uint32_t own[64], other[64];
    std::uint16_t bits[64 * kLanes];
    std::fill_n(own, count, own_id);
    for (std::int64_t k = 0; k < count; ++k) other[k] = other_ids[others[k]];
    for (int first = 0; first < heads; first += kLanes) {
      const RandomKey key{seed, 0, static_cast<std::uint32_t>(first)};
      random_lanes(key, transposed ? other : own, transposed ? own : other, count, bits);
      const std::int64_t width = std::min<std::int64_t>(kLanes, heads - first);
      for (std::int64_t k = 0; k < count; ++k) {
        for (std::int64_t h = 0; h < width; ++h) {
          factor[k * heads + first + h] = bits[k * kLanes + h] < drop_below ? T{0} : keep_factor;
        }
      }
    }
  }
};

template <class T>
Draws<T> draws_of(const AttentionBlock& block, int heads, bool transposed) {
  const auto drop = static_cast<std::uint32_t>(std::lround(block.dropout * 65536));
  const VertexId *rows = block.row_ids, *columns = block.column_ids;
  if (transposed) std::swap(rows, columns);
  return {rows,
          columns,
          transposed,
          mixed_seed(block.dropout_key),
          heads,
          drop,
          static_cast<T>(65536.0 / (65536.0 - drop))};
}

struct Shape {
  std::int64_t n = 0, m = 0, width = 0;
  int heads = 1;
  DType dtype = DType::f32;
};

Shape check_block(const char* op, AttentionKind kind, const AttentionBlock& block, const Tensor& target,
                  const Tensor& a, const AttentionState& state) {
  const Shape s{state.y.rows(), block.source.rows(), state.y.cols() / std::max<std::int64_t>(1, state.maximum.cols()),
                static_cast<int>(state.maximum.cols()), state.y.dtype()};
  const std::int64_t terms = kind == AttentionKind::gat ? s.heads : s.heads * s.width;
  if (s.heads < 1 || s.heads > kAttentionTile || s.heads * s.width != state.y.cols()) {
    fail(op, "state.y is " + shape_of(state.y) + " for " + std::to_string(s.heads) + " heads; expected from 1 to " +
                 std::to_string(kAttentionTile) + " heads of one width (see attention_begin)");
  }
  check_tensor(op, "state.maximum", state.maximum, s.n, s.heads, s.dtype);
  check_tensor(op, "state.sum", state.sum, s.n, s.heads, s.dtype);
  check_tensor(op, "target", target, s.n, terms, s.dtype);
  check_tensor(op, "source", block.source, s.m, terms, s.dtype);
  check_tensor(op, "value", block.value, s.m, s.heads * s.width, s.dtype);
  if (block.log_weight.defined()) check_tensor(op, "log_weight", block.log_weight, s.m, 1, s.dtype);
  if (kind == AttentionKind::gat_v2) check_tensor(op, "a", a, 1, terms, s.dtype);
  if (s.n > block.csr.rows || s.m > block.csr.cols || (block.self_loops && s.m < s.n)) {
    fail(op, std::to_string(s.n) + " targets and " + std::to_string(s.m) + " sources; expected at most the " +
                 std::to_string(block.csr.rows) + " rows and " + std::to_string(block.csr.cols) +
                 " columns of the matrix, and with self-loops a source for each target");
  }
  if (!(block.dropout >= 0 && block.dropout < 1)) {
    fail(op, "dropout is " + std::to_string(block.dropout) + "; expected 0 <= p < 1");
  }
  const bool unnamed = (s.n > 0 && block.row_ids == nullptr) || (s.m > 0 && block.column_ids == nullptr);
  if (block.dropout > 0 && unnamed) {
    fail(op, "dropout needs the global ids of rows and columns, which name its draws");
  }
  return s;
}

/// What both directions have in common, for the walk over targets' rows.
template <class T>
AttentionArgs<T> arguments(AttentionKind kind, const AttentionBlock& block, const Tensor& target, const Tensor& a,
                           double slope, const Shape& s) {
  AttentionArgs<T> g;
  g.indptr = block.csr.indptr;
  g.indices = block.csr.indices;
  g.limit = s.m;
  g.bounded = s.m < block.csr.cols;
  g.loops = block.self_loops ? s.n : 0;
  g.heads = s.heads;
  g.width = s.width;
  g.v2 = kind == AttentionKind::gat_v2;
  g.slope = static_cast<T>(slope);
  g.own = target.data<T>();
  g.other = block.source.data<T>();
  g.a = g.v2 ? a.data<T>() : nullptr;
  g.log_weight = block.log_weight.defined() ? block.log_weight.data<T>() : nullptr;
  g.value = block.value.data<T>();
  return g;
}

template <class T>
void set_draws(AttentionArgs<T>& g, const AttentionBlock& block, const Draws<T>& draws) {
  if (block.dropout <= 0) return;
  g.draw = Draws<T>::draw;
  g.draw_context = &draws;
}

void forward(const AttentionArgs<float>& g, std::int64_t begin, std::int64_t end) {
  attention_kernels().forward_f32(g, begin, end);
}
void forward(const AttentionArgs<double>& g, std::int64_t begin, std::int64_t end) {
  attention_kernels().forward_f64(g, begin, end);
}
void backward(const AttentionArgs<float>& g, std::int64_t begin, std::int64_t end) {
  attention_kernels().backward_f32(g, begin, end);
}
void backward(const AttentionArgs<double>& g, std::int64_t begin, std::int64_t end) {
  attention_kernels().backward_f64(g, begin, end);
}

/// <dy, y> by row and head.
template <class T>
Tensor inner_products(const Tensor& dy, const Tensor& y, const Shape& s) {
  Tensor result = Tensor::empty(s.n, s.heads, s.dtype);
  const T *pd = dy.data<T>(), *py = y.data<T>();
  T* const out = result.data<T>();
  parallel_ranges(s.n, s.heads * s.width, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin * s.heads; i < end * s.heads; ++i) {
      T total{};
      for (std::int64_t c = i * s.width; c < (i + 1) * s.width; ++c) total += pd[c] * py[c];
      out[i] = total;
    }
  });
  return result;
}

/// The pull over targets. d a is summed by chunks of rows, in their order.
template <class T>
void backward_targets(AttentionArgs<T> g, const Csr& csr, const Shape& s, const Tensor& dtarget, const Tensor& da) {
  g.d_own = dtarget.data<T>();
  const std::int64_t d = s.heads * s.width;
  if (!g.v2) {
    parallel_row_ranges(csr, s.n, d, [&](std::int64_t begin, std::int64_t end) { backward(g, begin, end); });
    return;
  }
  const Chunks chunks(s.n, 64, 64);
  std::vector<double> partial(static_cast<std::size_t>(chunks.count * d));
  const auto average = static_cast<std::int64_t>(csr.nonzeros()) / std::max<std::int64_t>(1, csr.rows);
  parallel_chunks(chunks, d * (1 + average), [&](std::int64_t chunk, std::int64_t begin, std::int64_t end) {
    AttentionArgs<T> part = g;
    std::vector<T> row(static_cast<std::size_t>(d));
    part.d_a = partial.data() + chunk * d;
    part.d_a_row = row.data();
    backward(part, begin, end);
  });
  T* const out = da.data<T>();
  for (std::int64_t c = 0; c < d; ++c) {
    double total = 0;
    for (std::int64_t chunk = 0; chunk < chunks.count; ++chunk)
      total += partial[static_cast<std::size_t>(chunk * d + c)];
    out[c] += static_cast<T>(total);
  }
}

/// The pull over sources, whose "others" are the targets.
template <class T>
void backward_sources(AttentionArgs<T> g, const Csr& csr_t, const Shape& s, const Tensor& dsource,
                      const Tensor& dvalue) {
  std::swap(g.own, g.other);
  std::swap(g.own_value, g.value);
  g.indptr = csr_t.indptr;
  g.indices = csr_t.indices;
  g.limit = s.n;
  g.bounded = s.n < csr_t.cols;
  g.columns_are_others = false;
  dsource.fill(0);
  if (!g.v2) dvalue.fill(0);
  g.d_own = dsource.data<T>();
  g.d_value = (g.v2 ? dsource : dvalue).template data<T>();
  parallel_row_ranges(csr_t, s.m, s.heads * s.width,
                      [&](std::int64_t begin, std::int64_t end) { backward(g, begin, end); });
}

}  // namespace

AttentionState attention_begin(std::int64_t rows, int heads, std::int64_t width, DType dtype) {
  return {Tensor::full(rows, heads, -std::numeric_limits<double>::infinity(), dtype), Tensor::zeros(rows, heads, dtype),
          Tensor::zeros(rows, heads * width, dtype)};
}

void attention_accumulate(AttentionKind kind, const AttentionBlock& block, const Tensor& target, const Tensor& a,
                          double slope, const AttentionState& state) {
  const Shape s = check_block("attention_accumulate", kind, block, target, a, state);
  if (on_device(state.y)) return device_ops().attention_accumulate(kind, block, target, a, slope, state);
  with_float("attention_accumulate", s.dtype, [&](auto type) {
    using T = decltype(type);
    AttentionArgs<T> g = arguments<T>(kind, block, target, a, slope, s);
    const Draws<T> draws = draws_of<T>(block, s.heads, false);
    set_draws(g, block, draws);
    g.maximum = state.maximum.data<T>();
    g.sum = state.sum.data<T>();
    g.y = state.y.data<T>();
    parallel_row_ranges(block.csr, s.n, s.heads * s.width,
                        [&](std::int64_t begin, std::int64_t end) { forward(g, begin, end); });
  });
}

void attention_finish(const AttentionState& state) {
  if (on_device(state.y)) return device_ops().attention_finish(state);
  with_float("attention_finish", state.y.dtype(), [&](auto type) {
    using T = decltype(type);
    const std::int64_t heads = state.sum.cols(), width = state.y.cols() / std::max<std::int64_t>(1, heads);
    const T* const maximum = state.maximum.data<T>();
    T *const sum = state.sum.data<T>(), *const y = state.y.data<T>();
    parallel_ranges(state.sum.rows(), state.y.cols(), [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin * heads; i < end * heads; ++i) {
        const T factor = sum[i] > 0 ? 1 / sum[i] : T{0};
        for (std::int64_t c = i * width; c < (i + 1) * width; ++c) y[c] *= factor;
        sum[i] = maximum[i] + std::log(sum[i]);  // -infinity where there are no neighbours
      }
    });
  });
}

void attention_backward(AttentionKind kind, const AttentionBlock& block, const Csr& csr_t, const Tensor& target,
                        const Tensor& a, double slope, const AttentionState& state, const Tensor& dy,
                        const Tensor& dtarget, const Tensor& da, const Tensor& dsource, const Tensor& dvalue) {
  constexpr const char* kOp = "attention_backward";
  const Shape s = check_block(kOp, kind, block, target, a, state);
  check_like(kOp, "dy", dy, state.y);
  check_like(kOp, "dtarget", dtarget, target);
  check_like(kOp, "dsource", dsource, block.source);
  if (kind == AttentionKind::gat) check_like(kOp, "dvalue", dvalue, block.value);
  if (kind == AttentionKind::gat_v2) check_like(kOp, "da", da, a);
  if (csr_t.rows != block.csr.cols || csr_t.cols != block.csr.rows) {
    fail(kOp, "csr_t has " + std::to_string(csr_t.rows) + " rows and " + std::to_string(csr_t.cols) +
                  " columns; expected those of the transpose");
  }
  if (on_device(state.y)) {
    return device_ops().attention_backward(kind, block, csr_t, target, a, slope, state, dy, dtarget, da, dsource,
                                           dvalue);
  }
  with_float(kOp, s.dtype, [&](auto type) {
    using T = decltype(type);
    AttentionArgs<T> g = arguments<T>(kind, block, target, a, slope, s);
    const Draws<T> by_target = draws_of<T>(block, s.heads, false), by_source = draws_of<T>(block, s.heads, true);
    const Tensor inner = inner_products<T>(dy, state.y, s);
    g.log_sum = state.sum.data<T>();
    g.inner = inner.data<T>();
    g.own_value = dy.data<T>();
    set_draws(g, block, by_target);
    backward_targets(g, block.csr, s, dtarget, da);
    set_draws(g, block, by_source);
    backward_sources(g, csr_t, s, dsource, dvalue);
  });
}

}  // namespace galena::ops
