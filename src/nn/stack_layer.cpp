#include "src/nn/stack_layer.hpp"

#include "src/nn/hyper_layer.hpp"
#include "src/nn/models.hpp"

namespace galena::nn {
namespace {

Aggregation sage_aggregation(const std::string& name) {
  if (name == "sum") return Aggregation::sum();
  return name == "max" ? Aggregation::max() : Aggregation::mean();
}

Layer attention_layer(const ModelOptions& options, ParameterStore& store, const std::string& name, std::int64_t in,
                      std::int64_t out, bool last, const std::string& group) {
  Attention how;
  how.v2 = options.name == "gatv2";
  how.dropout = options.attention_dropout;
  how.heads = last ? options.output_heads : options.heads;
  return GatConv(store, name, in, last ? out : options.hidden, how, !last, group);
}

}  // namespace

bool is_attention(const ModelOptions& options) {
  return options.name == "gat" || options.name == "gatv2" || options.name == "unigat";
}

Activation stack_activation(const ModelOptions& options) {
  return options.name == "gat" || options.name == "gatv2" ? Activation::elu : Activation::relu;
}

std::int64_t stack_width(const ModelOptions& options) {
  return options.hidden * (is_attention(options) ? options.heads : 1);
}

int stack_hops(const ModelOptions& options) {
  if (options.norm == NormKind::batch) return -1;
  return options.layers * hops_of_a_layer(options.name);
}

std::string first_group(const ModelOptions& options) {
  return options.name == "gat" || options.name == "gatv2" || options.name == "gcn" ? "first" : "";
}

Layer make_layer(const ModelOptions& options, ParameterStore& store, const std::string& name, std::int64_t in,
                 std::int64_t out, bool last, const std::string& group) {
  if (options.name == "gcn") return GcnConv(store, name, in, out, group);
  if (options.name == "sage") return SageConv(store, name, in, out, sage_aggregation(options.sage_aggregation));
  if (options.name == "gin") return GinConv(store, name, in, out, options.norm);
  if (options.name == "mlp") return [linear = Linear(store, name, in, out)](Context&, Var x) { return linear(x); };
  if (hops_of_a_layer(options.name) == 2) return make_hyper_layer(options, store, name, in, out, last);
  return attention_layer(options, store, name, in, out, last, group);
}

}  // namespace galena::nn
