// Models by name.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "src/base/suggest.hpp"
#include "src/nn/models.hpp"
#include "src/nn/node.hpp"

namespace galena::nn {
namespace {

const std::vector<std::string> kAggregations{"mean", "sum", "max"};
const std::vector<std::string> kBlocks{"plain", "residual-ffn"};

void check_known(const char* what, const std::string& name, const std::vector<std::string>& known) {
  if (std::find(known.begin(), known.end(), name) != known.end()) return;
  fail("make_model", fmt::format("unknown {} '{}'{}; expected {}", what, name, base::did_you_mean(name, known),
                                 fmt::join(known, ", ")));
}

void check_least(const char* name, std::int64_t value, std::int64_t least) {
  if (value < least) fail("make_model", fmt::format("{} is {}; expected {} or more", name, value, least));
}

void check_rate(const char* name, double p) {
  if (!(p >= 0 && p < 1)) fail("make_model", fmt::format("{} is {}; expected 0 <= p < 1", name, p));
}

bool has_own_blocks(const std::string& model) {
  const std::vector<std::string> names{"gcnii", "unigcnii", "alldeepsets", "allsettransformer"};
  return std::find(names.begin(), names.end(), model) != names.end();
}

void check(const ModelOptions& o, std::int64_t in, std::int64_t out) {
  check_known("model", o.name, model_names());
  check_known("sage_aggregation", o.sage_aggregation, kAggregations);
  check_known("block", o.block, kBlocks);
  if (o.block != "plain" && has_own_blocks(o.name))
    fail("make_model", fmt::format("{} has blocks of its own; expected block plain", o.name));
  check_least("layers", o.layers, 1);
  check_least("hidden", o.hidden, 1);
  check_least("heads", o.heads, 1);
  check_least("output_heads", o.output_heads, 1);
  check_least("the number of features", in, 1);
  check_least("the number of classes", out, 1);
  check_rate("dropout", o.dropout);
  check_rate("attention_dropout", o.attention_dropout);
  if (o.input_dropout != -1) check_rate("input_dropout", o.input_dropout);
  if (!(o.alpha >= 0 && o.alpha <= 1)) fail("make_model", fmt::format("alpha is {}; expected 0 to 1", o.alpha));
  if (!std::isfinite(o.hnhn_alpha) || !std::isfinite(o.hnhn_beta))
    fail("make_model",
         fmt::format("hnhn_alpha is {}, hnhn_beta {}; expected finite exponents", o.hnhn_alpha, o.hnhn_beta));
  if (!(o.theta >= 0) || !std::isfinite(o.theta))
    fail("make_model", fmt::format("theta is {}; expected 0 or more", o.theta));
}

}  // namespace

const std::vector<std::string>& hypergraph_model_names() {
  static const std::vector<std::string> names{
      "hgnn",     "hgnnp", "unigcn", "unigin", "unisage", "unigat", "unigcnii", "alldeepsets", "allsettransformer",
      "hypergcn", "hnhn"};
  return names;
}

const std::vector<std::string>& model_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all{"gcn", "sage", "gat", "gatv2", "gin", "gcnii", "mlp"};
    all.insert(all.end(), hypergraph_model_names().begin(), hypergraph_model_names().end());
    return all;
  }();
  return names;
}

int hops_of_a_layer(const std::string& model) {
  if (model == "mlp") return 0;
  const auto& names = hypergraph_model_names();
  return std::find(names.begin(), names.end(), model) == names.end() ? 1 : 2;
}

void check_structure(const Context& ctx, const ModelOptions& options) { check_structure(ctx.is_hypergraph(), options); }

void check_structure(bool hypergraph, const ModelOptions& options) {
  if (std::ranges::count(model_names(), options.name) == 0) return;  // make_model() says what there is
  const int hops = hops_of_a_layer(options.name);
  if (hops == 2 && !hypergraph)
    fail("make_model", fmt::format("'{}' is a model of hypergraphs, and this is a graph", options.name));
  if (hops == 1 && hypergraph)
    fail("make_model", fmt::format("'{}' is a model of graphs, and this is a hypergraph; expected {}", options.name,
                                   fmt::join(hypergraph_model_names(), ", ")));
}

std::unique_ptr<Module> make_model(const ModelOptions& options, std::int64_t in, std::int64_t out,
                                   ParameterStore& store) {
  check(options, in, out);
  ModelOptions o = options;
  if (o.input_dropout < 0) o.input_dropout = o.dropout;
  if (o.name == "gcnii" || o.name == "unigcnii") return make_gcnii(o, in, out, store);
  if (o.name == "alldeepsets" || o.name == "allsettransformer") return make_allset(o, in, out, store);
  auto layers = o.block == "residual-ffn" ? make_residual_stack(o, in, out, store) : make_stack(o, in, out, store);
  return o.name == "hypergcn" ? make_hypergcn(o, std::move(layers)) : std::move(layers);
}

}  // namespace galena::nn
