// A tile's hyperedges are made from vertices, go through product and activation, and are taken by vertices, all while
// their rows are in a cache. The gradient makes them again. Sums over hyperedges (gradients of parameters) are made by
// tile and added in the order of tiles, as are vertices' sums.

#include "src/hypergraph/pipeline.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "src/base/threads.hpp"
#include "src/hypergraph/layout_storage.hpp"
#include "src/hypergraph/pipeline_check.hpp"
#include "src/hypergraph/tile_run.hpp"
#include "src/ops/check.hpp"
#include "src/ops/csr_rows.hpp"
#include "src/ops/device_ops.hpp"
#include "src/ops/gemm.hpp"
#include "src/ops/pointwise.hpp"

namespace galena::hyper {
namespace {

template <class T>
const ChoiceTable<T>& choice_table() {
  if constexpr (sizeof(T) == 4) {
    return choice_kernels().f32;
  } else {
    return choice_kernels().f64;
  }
}

/// 1 / nonzeros below `limit` by row, 0 where there are none; times `factor` where there is one.
template <class T>
Tensor inverse_lengths(const ops::Csr& csr, std::int64_t rows, std::int64_t limit, const Tensor* factor) {
  const Tensor result = Tensor::empty(rows, 1, kDType<T>);
  if (ops::on_device(result)) {
    ops::device_ops().inverse_lengths(csr, limit, factor, result);
    return result;
  }
  T* const out = result.data<T>();
  const T* const times = data_of<T>(factor);
  ops::parallel_ranges(rows, 8, [=, &csr](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const ops::RowSpan span = ops::row_span(csr, i, limit);
      const T inverse = span.last > span.first ? T{1} / static_cast<T>(span.last - span.first) : T{0};
      out[i] = times != nullptr ? inverse * times[i] : inverse;
    }
  });
  return result;
}

/// A thread's rows of hyperedges.
struct Tile {
  Tensor rows;            ///< reduced from vertices [slots x k]
  Tensor arg;             ///< max: which vertex, i32
  Tensor values;          ///< after product and activation [slots x width]; `rows` where there is no product
  Tensor scaled;          ///< times the hyperedge's factor; `values` where those are not asked for again
  Tensor scores, slopes;  ///< softmax [slots x heads]
  Tensor d_values, d_rows;
  Tensor d_weight, d_bias, d_attention;  ///< of a tile
};

template <class T>
class Runner {
 public:
  Runner(const Layout& layout, const Pipeline& pipeline, const Scale& scale, const Tensor& x, const Tensor& y)
      : layout_(layout),
        program_(layout.storage().plain_program()),
        pipeline_(pipeline),
        x_(x),
        y_(y),
        width_(y.cols()),
        right_(data_of<T>(scale.right)),
        edge_(data_of<T>(scale.edge)),
        left_(data_of<T>(scale.left)),
        turns_(kStripes + 1) {
    if (pipeline.to_edges == Reduce::mean) {
      edge_means_ = inverse_lengths<T>(layout.by_edge(), layout.edges(), layout.cols(), nullptr);
    }
    if (pipeline.to_vertices == Reduce::mean) {
      vertex_means_ = inverse_lengths<T>(layout.by_vertex(), layout.rows(), layout.edges(), scale.left);
      left_ = vertex_means_.template data<T>();
    }
  }

  PipelineState forward() {
    PipelineState state;
    if (pipeline_.to_vertices == Reduce::max) state.arg = Tensor::empty(layout_.rows(), width_, DType::i32);
    if (softmax()) {
      largest_ = Tensor::empty(layout_.rows(), pipeline_.heads, kDType<T>);
      state.log_sum = Tensor::empty(layout_.rows(), pipeline_.heads, kDType<T>);
    }
    run_tiles(false, [&](std::int64_t t, const Tile& tile) {
      make_values(t, tile);
      make_scaled(t, tile);
      take_values(t, tile, state);
    });
    finish_vertices(state);
    return state;
  }

  void backward(const PipelineState& state, const Tensor& dy, const PipelineGradients& gradients) {
    if (softmax()) make_means(dy);
    for (const Tensor* sum : {&gradients.weight, &gradients.bias, &gradients.attention}) {
      if (sum->defined()) sum->fill(0);
    }
    run_tiles(true, [&](std::int64_t t, const Tile& tile) {
      make_values(t, tile);
      if (softmax()) make_scaled(t, tile);
      gather_gradients(t, tile, state, dy);
      if (gradients.edge.defined()) dot_edges(t, tile, gradients.edge);
      scale_rows(t, edge_, tile.d_values);
      if (pipeline_.relu) mask(t, tile);
      parameter_gradients(t, tile, gradients);
      if (gradients.x.defined()) input_gradients(t, tile, gradients.x);
    });
  }

 private:
  [[nodiscard]] bool softmax() const { return pipeline_.to_vertices == Reduce::softmax; }
  [[nodiscard]] std::int64_t edges_of(std::int64_t t) const {
    const auto at = static_cast<std::size_t>(t);
    return static_cast<std::int64_t>(program_.first_edge[at + 1] - program_.first_edge[at]);
  }
  [[nodiscard]] const std::uint32_t* numbers_of(std::int64_t t) const {
    return program_.slot_edge.data() + program_.first_edge[static_cast<std::size_t>(t)];
  }

  [[nodiscard]] Tile make_tile(bool backward) const {
    const std::int64_t slots = program_.most_slots, k = x_.cols();
    const DType dtype = kDType<T>;
    Tile tile;
    tile.rows = Tensor::empty(slots, k, dtype);
    if (pipeline_.to_edges == Reduce::max) tile.arg = Tensor::empty(slots, k, DType::i32);
    tile.values = pipeline_.weight != nullptr ? Tensor::empty(slots, width_, dtype) : tile.rows;
    tile.scaled = backward && softmax() ? Tensor::empty(slots, width_, dtype) : tile.values;
    if (softmax()) tile.scores = Tensor::empty(slots, pipeline_.heads, dtype);
    if (!backward) return tile;
    if (softmax()) tile.slopes = Tensor::empty(slots, pipeline_.heads, dtype);
    tile.d_values = Tensor::empty(slots, width_, dtype);
    tile.d_rows = pipeline_.weight != nullptr ? Tensor::empty(slots, k, dtype) : tile.d_values;
    if (pipeline_.weight != nullptr) tile.d_weight = Tensor::empty(k, width_, dtype);
    tile.d_bias = Tensor::empty(1, width_, dtype);
    tile.d_attention = Tensor::empty(1, width_, dtype);
    return tile;
  }

  /// f(tile's number, thread's memory) for all tiles, begun in order.
  template <class F>
  void run_tiles(bool backward, const F& f) {
    const std::uint64_t work = program_.input.down.source.size() * static_cast<std::uint64_t>(x_.cols() + width_);
    const auto most = static_cast<std::uint64_t>(program_.tiles);
    const int threads = static_cast<int>(
        std::min<std::uint64_t>(most, static_cast<std::uint64_t>(base::threads_for(work, ops::kElementGrain, 0))));
    std::vector<Tile> tiles;
    for (int i = 0; i < threads; ++i) tiles.push_back(make_tile(backward));
    std::atomic<std::int64_t> next{0};
#pragma omp parallel num_threads(threads) if (threads > 1)
    {
      const Tile& tile = tiles[static_cast<std::size_t>(omp_get_thread_num())];
      for (std::int64_t t = next++; t < program_.tiles; t = next++) f(t, tile);
    }
  }

  /// A part's rows for the kernels of choice_kernels.hpp.
  [[nodiscard]] RowSet<T> rows_of(const RowSums<T>& g, const T* from, T* to, std::int64_t width, bool merged) const {
    return {g.groups, g.group_count, g.target, g.source, from, to, width, merged};
  }

  void make_values(std::int64_t t, const Tile& tile) const {
    RowSums<T> g = sums_of<T>(program_.input.down, static_cast<std::size_t>(t));
    if (pipeline_.to_edges == Reduce::max) {
      const RowSet<T> rows = rows_of(g, x_.data<T>(), tile.rows.data<T>(), x_.cols(), false);
      choice_table<T>().maxima({rows, right_, nullptr, tile.arg.data<std::int32_t>()});
    } else {
      g.from = x_.data<T>();
      g.to = tile.rows.data<T>();
      g.from_stride = g.to_stride = g.width = x_.cols();
      g.weight = right_;
      g.factor = edge_means_.defined() ? edge_means_.template data<T>() : nullptr;
      g.far = Far::from;
      if (g.width > 0) run(g);
    }
    const std::int64_t count = edges_of(t);
    if (pipeline_.weight != nullptr) ops::matmul(tile.rows.head(count), *pipeline_.weight, tile.values.head(count));
    T* const values = tile.values.data<T>();
    const T* const bias = data_of<T>(pipeline_.bias);
    for (std::int64_t i = 0; i < count && (bias != nullptr || pipeline_.relu); ++i) {
      for (std::int64_t c = 0; c < width_; ++c) {
        const T value = values[i * width_ + c] + (bias != nullptr ? bias[c] : T{0});
        values[i * width_ + c] = pipeline_.relu && !(value > 0) ? T{0} : value;
      }
    }
  }

  /// rows[i] *= factors[hyperedge]; of `from` where they are others.
  void scale_rows(std::int64_t t, const T* factors, const Tensor& rows, const T* from = nullptr) const {
    T* const to = rows.data<T>();
    if (factors == nullptr && from == nullptr) return;
    for (std::int64_t i = 0; i < edges_of(t); ++i) {
      const T factor = factors != nullptr ? factors[numbers_of(t)[i]] : T{1};
      const T* const in = (from != nullptr ? from : to) + i * rows.cols();
      for (std::int64_t c = 0; c < rows.cols(); ++c) to[i * rows.cols() + c] = factor * in[c];
    }
  }

  void make_scaled(std::int64_t t, const Tile& tile) const {
    const bool apart = !tile.scaled.same_memory(tile.values);
    scale_rows(t, edge_, tile.scaled, apart ? tile.values.data<T>() : nullptr);
    if (!softmax()) return;
    const T* const a = pipeline_.attention->data<T>();
    const std::int64_t heads = pipeline_.heads, slice = width_ / heads;
    for (std::int64_t i = 0; i < edges_of(t); ++i) {
      for (std::int64_t head = 0; head < heads; ++head) {
        T score{};
        for (std::int64_t c = head * slice; c < (head + 1) * slice; ++c) score += a[c] * tile.scaled.at<T>(i, c);
        tile.scores.at<T>(i, head) = score > 0 ? score : static_cast<T>(pipeline_.slope) * score;
      }
    }
  }

  /// Vertices' part of a tile: f(part, whether it comes on top of what is there), the latter in turn.
  template <class F>
  void for_vertices(const Side& side, std::int64_t t, const F& f) {
    const auto at = static_cast<std::size_t>(t);
    f(sums_of<T>(side.inner, at), false);
    for (std::uint32_t stripe = 0; stripe < kStripes; ++stripe) {
      turns_.take(stripe, t, [&] {
        const RowSums<T> part = sums_of<T>(side.shared, at * kStripes + stripe);
        if (part.group_count > 0) f(part, true);
      });
    }
  }

  void sum_vertices(RowSums<T> g, bool merged, const Tensor& rows, const T* factor, const Tensor& out) const {
    g.from = rows.data<T>();
    g.to = out.data<T>();
    g.from_stride = g.to_stride = g.width = out.cols();
    g.factor = factor;
    g.held = merged ? Held::added_to : Held::dropped;
    g.far = Far::to;
    if (g.width > 0) run(g);
  }

  void take_values(std::int64_t t, const Tile& tile, const PipelineState& state) {
    for_vertices(program_.output_side(), t, [&](const RowSums<T>& g, bool merged) {
      const RowSet<T> rows = rows_of(g, tile.scaled.data<T>(), y_.data<T>(), width_, merged);
      if (pipeline_.to_vertices == Reduce::max) {
        choice_table<T>().maxima({rows, nullptr, numbers_of(t), state.arg.data<std::int32_t>()});
      } else if (softmax()) {
        choice_table<T>().softmax(
            {rows, pipeline_.heads, tile.scores.data<T>(), largest_.template data<T>(), state.log_sum.data<T>()});
      } else {
        sum_vertices(g, merged, tile.scaled, left_, y_);
      }
    });
  }

  /// What is left to do when a vertex has met all its hyperedges.
  void finish_vertices(const PipelineState& state) const {
    if (!softmax() && (pipeline_.to_vertices != Reduce::max || left_ == nullptr)) return;
    const std::int64_t heads = softmax() ? pipeline_.heads : 1, slice = width_ / heads;
    ops::parallel_ranges(layout_.rows(), width_, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        for (std::int64_t head = 0; head < heads; ++head) {
          T factor = left_ != nullptr ? left_[i] : T{1};
          if (softmax()) {
            T& total = state.log_sum.at<T>(i, head);
            factor = total > 0 ? factor / total : T{0};
            total = total > 0 ? largest_.template at<T>(i, head) + std::log(total) : T{0};
          }
          for (std::int64_t c = head * slice; c < (head + 1) * slice; ++c) y_.at<T>(i, c) *= factor;
        }
      }
    });
  }

  /// <dy, y> by vertex and head: what the softmax takes off its scores' gradients.
  void make_means(const Tensor& dy) {
    const std::int64_t heads = pipeline_.heads, slice = width_ / heads;
    means_ = Tensor::zeros(layout_.rows(), heads, kDType<T>);
    ops::parallel_ranges(layout_.rows(), width_, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        for (std::int64_t c = 0; c < width_; ++c) {
          means_.template at<T>(i, c / slice) += dy.at<T>(i, c) * y_.at<T>(i, c);
        }
      }
    });
  }

  /// The gradient of `scaled`.
  void gather_gradients(std::int64_t t, const Tile& tile, const PipelineState& state, const Tensor& dy) const {
    RowSums<T> g = sums_of<T>(program_.output_side().down, static_cast<std::size_t>(t));
    const RowSet<T> rows = rows_of(g, dy.data<T>(), tile.d_values.data<T>(), width_, false);
    if (pipeline_.to_vertices == Reduce::max) {
      choice_table<T>().choices({rows, left_, nullptr, g.factor_at, state.arg.data<std::int32_t>()});
    } else if (softmax()) {
      choice_table<T>().softmax_gradient({rows, pipeline_.heads, left_, tile.scores.data<T>(), tile.scaled.data<T>(),
                                          state.log_sum.data<T>(), means_.template data<T>(), tile.slopes.data<T>()});
      score_gradients(t, tile);
    } else {
      g.from = dy.data<T>();
      g.to = tile.d_values.data<T>();
      g.from_stride = g.to_stride = g.width = width_;
      g.weight = left_;
      g.far = Far::from;
      if (g.width > 0) run(g);
    }
  }

  /// Through LeakyReLU and <a, h_e>.
  void score_gradients(std::int64_t t, const Tile& tile) const {
    const T* const a = pipeline_.attention->data<T>();
    const std::int64_t slice = width_ / pipeline_.heads;
    tile.d_attention.fill(0);
    for (std::int64_t i = 0; i < edges_of(t); ++i) {
      for (std::int64_t c = 0; c < width_; ++c) {
        const std::int64_t head = c / slice;
        const T slope = tile.scores.at<T>(i, head) > 0 ? T{1} : static_cast<T>(pipeline_.slope);
        const T d_score = slope * tile.slopes.at<T>(i, head);
        tile.d_attention.at<T>(0, c) += d_score * tile.scaled.at<T>(i, c);
        tile.d_values.at<T>(i, c) += d_score * a[c];
      }
    }
  }

  void dot_edges(std::int64_t t, const Tile& tile, const Tensor& d_edge) const {
    RowDots<T> g;
    g.a = tile.values.data<T>();
    g.b = tile.d_values.data<T>();
    g.rows = edges_of(t);
    g.stride = g.width = width_;
    g.at = numbers_of(t);
    g.out = d_edge.data<T>();
    run(g);
  }

  void mask(std::int64_t t, const Tile& tile) const {
    const T* const values = tile.values.data<T>();
    T* const gradients = tile.d_values.data<T>();
    for (std::int64_t i = 0; i < edges_of(t) * width_; ++i) gradients[i] = values[i] > 0 ? gradients[i] : T{0};
  }

  static void add(const Tensor& part, const Tensor& sum) {
    for (std::int64_t i = 0; i < sum.size(); ++i) sum.data<T>()[i] += part.data<T>()[i];
  }

  void parameter_gradients(std::int64_t t, const Tile& tile, const PipelineGradients& gradients) {
    const std::int64_t count = edges_of(t);
    const Tensor d_values = tile.d_values.head(count);
    if (gradients.weight.defined()) ops::matmul_tn(tile.rows.head(count), d_values, tile.d_weight);
    if (gradients.bias.defined()) {
      tile.d_bias.fill(0);
      for (std::int64_t i = 0; i < count; ++i) add(d_values.slice(i, i + 1), tile.d_bias);
    }
    turns_.take(kStripes, t, [&] {
      if (gradients.weight.defined()) add(tile.d_weight, gradients.weight);
      if (gradients.bias.defined()) add(tile.d_bias, gradients.bias);
      if (gradients.attention.defined()) add(tile.d_attention, gradients.attention);
    });
  }

  void input_gradients(std::int64_t t, const Tile& tile, const Tensor& dx) {
    const std::int64_t count = edges_of(t);
    if (pipeline_.weight != nullptr) {
      ops::matmul_nt(tile.d_values.head(count), *pipeline_.weight, tile.d_rows.head(count));
    }
    if (edge_means_.defined()) scale_rows(t, edge_means_.template data<T>(), tile.d_rows);
    for_vertices(program_.input, t, [&](const RowSums<T>& g, bool merged) {
      if (pipeline_.to_edges == Reduce::max) {
        const RowSet<T> rows = rows_of(g, tile.d_rows.data<T>(), dx.data<T>(), dx.cols(), merged);
        choice_table<T>().choices({rows, nullptr, right_, g.target, tile.arg.data<std::int32_t>()});
      } else {
        sum_vertices(g, merged, tile.d_rows, right_, dx);
      }
    });
  }

  const Layout& layout_;
  const Program& program_;
  const Pipeline& pipeline_;
  const Tensor &x_, &y_;
  std::int64_t width_;
  const T *right_, *edge_, *left_;
  Tensor edge_means_, vertex_means_;  ///< 1 / length; the latter times `left`
  Tensor largest_, means_;            ///< softmax, by vertex and head
  Turns turns_;
};

/// Whether all steps are linear, so that aggregate() does it.
bool is_linear(const Pipeline& p) {
  const auto sums = [](Reduce r) { return r == Reduce::sum || r == Reduce::mean; };
  return sums(p.to_edges) && sums(p.to_vertices) && p.weight == nullptr && p.bias == nullptr && !p.relu;
}

/// Means as factors of sums.
template <class T>
struct MeanScale {
  Tensor left, edge;
  Scale scale;
  MeanScale(const Layout& layout, const Pipeline& pipeline, const Scale& given) : scale(given) {
    if (pipeline.to_edges == Reduce::mean) {
      edge = inverse_lengths<T>(layout.by_edge(), layout.edges(), layout.cols(), given.edge);
      scale.edge = &edge;
    }
    if (pipeline.to_vertices == Reduce::mean) {
      left = inverse_lengths<T>(layout.by_vertex(), layout.rows(), layout.edges(), given.left);
      scale.left = &left;
    }
  }
};

template <class T>
void linear_backward(const Layout& layout, const Pipeline& pipeline, const Scale& scale, const Tensor& x,
                     const Tensor& dy, const PipelineGradients& gradients) {
  const MeanScale<T> means(layout, pipeline, scale);
  aggregate_backward(layout, means.scale, x, dy, gradients.x, gradients.edge);
  if (pipeline.to_edges != Reduce::mean || !gradients.edge.defined()) return;
  const Tensor inverse = inverse_lengths<T>(layout.by_edge(), layout.edges(), layout.cols(), nullptr);
  ops::multiply(gradients.edge, inverse, gradients.edge);
}

}  // namespace

PipelineState run_pipeline(const Layout& layout, const Pipeline& pipeline, const Scale& scale, const Tensor& x,
                           const Tensor& y) {
  constexpr const char* kOp = "run_pipeline";
  check_pipeline(kOp, layout, pipeline, scale, x, y);
  return ops::with_float(kOp, x.dtype(), [&](auto type) -> PipelineState {
    using T = decltype(type);
    if (!is_linear(pipeline)) return Runner<T>(layout, pipeline, scale, x, y).forward();
    const MeanScale<T> means(layout, pipeline, scale);
    aggregate(layout, means.scale, x, y);
    return {};
  });
}

void pipeline_backward(const Layout& layout, const Pipeline& pipeline, const Scale& scale, const Tensor& x,
                       const Tensor& y, const PipelineState& state, const Tensor& dy,
                       const PipelineGradients& gradients) {
  constexpr const char* kOp = "pipeline_backward";
  check_pipeline(kOp, layout, pipeline, scale, x, y);
  check_gradients(pipeline, layout, x, y, state, dy, gradients);
  ops::with_float(kOp, x.dtype(), [&](auto type) {
    using T = decltype(type);
    if (!is_linear(pipeline)) return Runner<T>(layout, pipeline, scale, x, y).backward(state, dy, gradients);
    linear_backward<T>(layout, pipeline, scale, x, dy, gradients);
  });
}

}  // namespace galena::hyper
