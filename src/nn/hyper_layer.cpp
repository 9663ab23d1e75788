#include "src/nn/hyper_layer.hpp"

#include "src/nn/hyper_extremal.hpp"
#include "src/nn/hyper_factors.hpp"
#include "src/nn/op_aggregate.hpp"

namespace galena::nn {
namespace {

/// A linear map of rows over the hypergraph.
using Smooth = std::function<Var(Context&, const Var&)>;
using MakeStep = HyperedgeStep (*)(const Context&, DType);

Smooth smooth_by(MakeStep make) {
  return [make](Context& ctx, const Var& x) { return through_hyperedges(ctx, x, make(ctx, x.dtype())); };
}

/// (A X) W + b.
Layer smoothing_layer(ParameterStore& store, const std::string& name, std::int64_t in, std::int64_t out,
                      const Smooth& smooth) {
  return [smooth, map = Linear(store, name, in, out)](Context& ctx, Var x) {
    return smooth_and_multiply(ctx, std::move(x), map.weight, map.bias, smooth);
  };
}

/// J. Huang and J. Yang (IJCAI 2021), UniSAGE: (X + H D_e^-1 H^T X) W + b.
Var unisage(Context& ctx, const Var& x) {
  return add(through_hyperedges(ctx, x, mean_step(ctx, x.dtype())), self_rows(ctx, x));
}

/// The same, UniGIN: ((1 + eps) X + H D_e^-1 H^T X) W + b, eps learnt.
Layer unigin_layer(ParameterStore& store, const std::string& name, std::int64_t in, std::int64_t out) {
  const Var eps = store.add(name + ".eps", 1, 1, Initializer::zeros);
  const Smooth smooth = [eps](Context& ctx, const Var& x) {
    return add(unisage(ctx, x), scale_by(self_rows(ctx, x), eps));
  };
  return smoothing_layer(store, name, in, out, smooth);
}

/// The same, UniGAT: hyperedges' means of X W, h_e, weighted by softmax of LeakyReLU(a.h_e) over a vertex's hyperedges.
/// Heads side by side, or averaged in the last layer; + b.
Layer unigat_layer(const ModelOptions& options, ParameterStore& store, const std::string& name, std::int64_t in,
                   std::int64_t out, bool last) {
  const int heads = last ? options.output_heads : options.heads;
  const std::int64_t width = last ? out : options.hidden;
  const Var weight = store.add(name + ".weight", in, heads * width, Initializer::glorot_uniform);
  const Var a = store.add(name + ".a", heads, width, Initializer::glorot_uniform);
  const Var bias = store.add(name + ".bias", 1, out, Initializer::zeros);
  const SoftmaxSum how{.heads = heads, .dropout = options.attention_dropout};
  return [=](Context& ctx, Var x) {
    if ((how.dropout == 0 || !ctx.training()) && !aggregate_first(ctx, x, weight.cols())) {
      HyperedgeStep step;
      step.to_edges = HyperedgeStep::Reduce::mean;
      step.to_vertices = HyperedgeStep::Reduce::softmax;
      step.attention = a;
      step.heads = heads;
      x = through_hyperedges(ctx, linear(needed_rows(ctx, x), weight), step);
    } else {
      const auto mean = [](Context& c, const Var& rows) { return aggregate(c, rows, Aggregation::mean()); };
      x = smooth_and_multiply(ctx, std::move(x), weight, {}, mean);
      x = softmax_sum(ctx, x, a, how);
    }
    return add_row(last ? mean_of_heads(x, heads) : std::move(x), bias);
  };
}

/// Y. Dong et al. (2020), HNHN: X_E = relu(B_E X W_E + b_E), B_V X_E W_V + b_V, where B_E and B_V are weighted means.
Layer hnhn_layer(const ModelOptions& options, ParameterStore& store, const std::string& name, std::int64_t in,
                 std::int64_t out) {
  const Linear edges(store, name + ".edges", in, options.hidden), vertices(store, name, options.hidden, out);
  const auto mean = [](double exponent) {
    return [exponent](Context& ctx, const Var& x) {
      return to_other_side(ctx, x, hnhn_step(ctx, x.hop(), exponent, x.dtype()));
    };
  };
  return [=, by_degree = mean(options.hnhn_beta), by_size = mean(options.hnhn_alpha)](Context& ctx, Var x) {
    x = relu(smooth_and_multiply(ctx, std::move(x), edges.weight, edges.bias, by_degree));
    return smooth_and_multiply(ctx, std::move(x), vertices.weight, vertices.bias, by_size);
  };
}

}  // namespace

Layer make_hyper_layer(const ModelOptions& options, ParameterStore& store, const std::string& name, std::int64_t in,
                       std::int64_t out, bool last) {
  if (options.name == "unigin") return unigin_layer(store, name, in, out);
  if (options.name == "unigat") return unigat_layer(options, store, name, in, out, last);
  if (options.name == "hnhn") return hnhn_layer(options, store, name, in, out);
  if (options.name == "unisage") return smoothing_layer(store, name, in, out, unisage);
  if (options.name == "hypergcn") return smoothing_layer(store, name, in, out, hypergcn_smooth);
  const MakeStep step = options.name == "hgnn" ? hgnn_step : options.name == "hgnnp" ? hgnnp_step : unigcn_step;
  return smoothing_layer(store, name, in, out, smooth_by(step));
}

}  // namespace galena::nn
