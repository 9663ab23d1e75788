#include "src/nn/hyper_layer.hpp"

#include "src/nn/hyper_factors.hpp"
#include "src/nn/op_aggregate.hpp"

namespace galena::nn {
namespace {

/// A linear map of rows over the hypergraph.
using Smooth = std::function<Var(Context&, const Var&)>;

template <class MakeStep>
Smooth smooth_by(MakeStep make) {
  return [make](Context& ctx, const Var& x) { return through_hyperedges(ctx, x, make(ctx, x.dtype())); };
}

Smooth smooth_of(const std::string& model) { return smooth_by(model == "hgnn" ? hgnn_step : hgnnp_step); }

/// (A X) W + b.
Layer smoothing_layer(ParameterStore& store, const std::string& name, std::int64_t in, std::int64_t out,
                      const Smooth& smooth) {
  return [smooth, map = Linear(store, name, in, out)](Context& ctx, Var x) {
    return smooth_and_multiply(ctx, std::move(x), map.weight, map.bias, smooth);
  };
}

}  // namespace

Layer make_hyper_layer(const ModelOptions& options, ParameterStore& store, const std::string& name, std::int64_t in,
                       std::int64_t out, bool /*last*/) {
  return smoothing_layer(store, name, in, out, smooth_of(options.name));
}

}  // namespace galena::nn
