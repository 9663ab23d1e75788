#include "src/nn/op_aggregate.hpp"

namespace galena::nn {

Linear::Linear(ParameterStore& store, const std::string& name, std::int64_t in, std::int64_t out, bool with_bias,
               const std::string& group, Initializer how)
    : weight(store.add(name + ".weight", in, out, how, group)) {
  if (with_bias) bias = store.add(name + ".bias", 1, out, Initializer::zeros, group);
}

Norm::Norm(ParameterStore& store, const std::string& name, NormKind kind, std::int64_t width) : kind_(kind) {
  if (kind == NormKind::none || kind == NormKind::l2) return;
  gamma_ = store.add(name + ".gamma", 1, width, Initializer::ones);
  beta_ = store.add(name + ".beta", 1, width, Initializer::zeros);
  if (kind == NormKind::layer) return;
  mean_ = store.add_buffer(name + ".running_mean", 1, width, 0);
  var_ = store.add_buffer(name + ".running_var", 1, width, 1);
}

Var Norm::operator()(Context& ctx, Var x) const {
  switch (kind_) {
    case NormKind::none: return x;
    case NormKind::l2: return l2_norm(std::move(x));
    case NormKind::layer: return layer_norm(x, gamma_, beta_);
    case NormKind::batch: return batch_norm(ctx, x, gamma_, beta_, mean_, var_);
  }
  return x;
}

GcnConv::GcnConv(ParameterStore& store, const std::string& name, std::int64_t in, std::int64_t out,
                 const std::string& group)
    : weight_(store.add(name + ".weight", in, out, Initializer::glorot_uniform, group)),
      bias_(store.add(name + ".bias", 1, out, Initializer::zeros, group)) {}

Var GcnConv::operator()(Context& ctx, Var x) const {
  const auto smooth = [](Context& c, const Var& rows) { return aggregate(c, rows, Aggregation::symmetric()); };
  return smooth_and_multiply(ctx, std::move(x), weight_, bias_, smooth);
}

SageConv::SageConv(ParameterStore& store, const std::string& name, std::int64_t in, std::int64_t out, Aggregation how)
    : self_(store.add(name + ".self", in, out, Initializer::glorot_uniform)),
      neighbour_(store.add(name + ".neighbour", in, out, Initializer::glorot_uniform)),
      bias_(store.add(name + ".bias", 1, out, Initializer::zeros)),
      how_(how) {
  if (how.kind == Aggregation::Kind::symmetric) fail("SageConv", "symmetric aggregation; expected mean, sum or max");
}

Var SageConv::operator()(Context& ctx, Var x) const {
  const bool first = how_.kind != Aggregation::Kind::max && aggregate_first(ctx, x, neighbour_.cols());
  Var neighbours = first ? linear(aggregate(ctx, x, how_), neighbour_)
                         : aggregate(ctx, linear(needed_rows(ctx, x), neighbour_), how_);
  return add(std::move(neighbours), linear(self_rows(ctx, x), self_, bias_));
}

GatConv::GatConv(ParameterStore& store, const std::string& name, std::int64_t in, std::int64_t width, Attention how,
                 bool concat, const std::string& group)
    : how_(how), concat_(concat) {
  const std::int64_t all = how.heads * width;
  const auto add = [&](const char* part, std::int64_t rows, std::int64_t cols, Initializer initializer) {
    return store.add(name + part, rows, cols, initializer, group);
  };
  source_ = add(".source", in, all, Initializer::glorot_uniform);
  if (how.v2) target_ = add(".target", in, all, Initializer::glorot_uniform);
  a_source_ = add(".a_source", how.heads, width, Initializer::glorot_uniform);
  if (!how.v2) a_target_ = add(".a_target", how.heads, width, Initializer::glorot_uniform);
  bias_ = add(".bias", 1, concat ? all : width, Initializer::zeros);
}

Var GatConv::operator()(Context& ctx, Var x) const {
  x = needed_rows(ctx, x);
  const Var source = linear(x, source_);
  const Var target = how_.v2 ? linear(self_rows(ctx, x), target_) : source;
  x = {};
  Var y = attend(ctx, source, target, a_source_, a_target_, how_);
  if (!concat_) y = mean_of_heads(y, how_.heads);
  return add_row(std::move(y), bias_);
}

GinConv::GinConv(ParameterStore& store, const std::string& name, std::int64_t in, std::int64_t out, NormKind norm)
    : first_(store, name + ".first", in, out),
      second_(store, name + ".second", out, out),
      norm_(store, name + ".norm", norm, out),
      eps_(store.add(name + ".eps", 1, 1, Initializer::zeros)) {}

Var GinConv::operator()(Context& ctx, Var x) const {
  // The first linear map commutes with the sum.
  const bool sum_first = aggregate_first(ctx, x, first_.out());
  if (!sum_first) x = linear(needed_rows(ctx, x), first_.weight);
  x = add(aggregate(ctx, x, Aggregation::sum(true)), scale_by(self_rows(ctx, x), eps_));
  x = sum_first ? first_(x) : add_row(std::move(x), first_.bias);
  x = norm_(ctx, std::move(x));
  return second_(relu(std::move(x)));
}

Gcn2Conv::Gcn2Conv(ParameterStore& store, const std::string& name, std::int64_t width, double alpha, double beta,
                   const std::string& group)
    : weight_(store.add(name + ".weight", width, width, Initializer::glorot_uniform, group)),
      alpha_(alpha),
      beta_(beta) {}

Var Gcn2Conv::operator()(Context& ctx, Var x, const Var& x0) const {
  return mix(aggregate(ctx, x, Aggregation::symmetric()), x0);
}

Var Gcn2Conv::mix(Var smooth, const Var& x0) const {
  smooth = add(std::move(smooth), x0, 1 - alpha_, alpha_);
  return add(linear(smooth, weight_), smooth, beta_, 1 - beta_);
}

}  // namespace galena::nn
