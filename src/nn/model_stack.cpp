// Layers of one kind, each followed, but the last, by a norm, an activation and dropout, and by the addition of its
// input where asked.

#include <functional>

#include "src/nn/models.hpp"

namespace galena::nn {
namespace {

using Layer = std::function<Var(Context&, Var)>;

struct Block {
  Layer layer;
  Norm norm;
  Linear skip;  ///< of the residual where widths differ
  bool residual = false;
};

Aggregation sage_aggregation(const std::string& name) {
  if (name == "sum") return Aggregation::sum();
  return name == "max" ? Aggregation::max() : Aggregation::mean();
}

class Stack : public Module {
 public:
  Stack(const ModelOptions& options, std::int64_t in, std::int64_t out, ParameterStore& store) : options_(options) {
    std::int64_t width = in;
    for (int k = 0; k < options.layers; ++k) {
      const bool last = k + 1 == options.layers;
      const std::int64_t next = last ? out : output_width();
      Block block;
      const std::string name = "layer" + std::to_string(k);
      block.layer = make_layer(store, name, k, width, next);
      if (!last) {
        if (options.name != "gin") block.norm = Norm(store, name + ".norm", options.norm, next);
        block.residual = options.residual;
        if (block.residual && width != next) block.skip = Linear(store, name + ".skip", width, next);
      }
      blocks_.push_back(std::move(block));
      width = next;
    }
  }

  Var forward(Context& ctx, const Var& x) override {
    Var h = dropout(ctx, needed_rows(ctx, x), options_.input_dropout);
    for (const Block& block : blocks_) {
      const bool last = &block == &blocks_.back();
      if (last) ctx.keep_embeddings(h);
      h = last ? block.layer(ctx, std::move(h)) : hidden(ctx, block, std::move(h));
    }
    return h;
  }

  [[nodiscard]] int hops() const override {
    if (options_.norm == NormKind::batch) return -1;
    return options_.name == "mlp" ? 0 : options_.layers;
  }

 private:
  [[nodiscard]] bool attention() const { return options_.name == "gat" || options_.name == "gatv2"; }
  [[nodiscard]] std::int64_t output_width() const { return options_.hidden * (attention() ? options_.heads : 1); }
  [[nodiscard]] Activation activation() const { return attention() ? Activation::elu : Activation::relu; }

  Var hidden(Context& ctx, const Block& block, Var x) const {
    Var skip;
    if (block.residual) {
      skip = options_.name == "mlp" ? x : self_rows(ctx, x);
      if (block.skip.weight.defined()) skip = block.skip(skip);
    }
    x = block.layer(ctx, std::move(x));
    x = block.norm(ctx, x);
    if (activation() == Activation::relu && !block.residual) return relu_dropout(ctx, std::move(x), options_.dropout);
    x = activate(activation(), std::move(x), 1);
    if (block.residual) x = add(std::move(x), skip);
    return dropout(ctx, std::move(x), options_.dropout);
  }

  Layer make_layer(ParameterStore& store, const std::string& name, int k, std::int64_t in, std::int64_t out) const {
    const std::string group = k == 0 && (attention() || options_.name == "gcn") ? "first" : "";
    if (options_.name == "gcn") return GcnConv(store, name, in, out, group);
    if (options_.name == "sage") return SageConv(store, name, in, out, sage_aggregation(options_.sage_aggregation));
    if (options_.name == "gin") return GinConv(store, name, in, out, options_.norm);
    if (attention()) return attention_layer(store, name, in, out, k + 1 == options_.layers, group);
    return [linear = Linear(store, name, in, out)](Context&, Var x) { return linear(x); };
  }

  Layer attention_layer(ParameterStore& store, const std::string& name, std::int64_t in, std::int64_t out, bool last,
                        const std::string& group) const {
    Attention how;
    how.v2 = options_.name == "gatv2";
    how.dropout = options_.attention_dropout;
    how.heads = last ? options_.output_heads : options_.heads;
    return GatConv(store, name, in, last ? out : options_.hidden, how, !last, group);
  }

  ModelOptions options_;
  std::vector<Block> blocks_;
};

}  // namespace

std::unique_ptr<Module> make_stack(const ModelOptions& options, std::int64_t in, std::int64_t out,
                                   ParameterStore& store) {
  return std::make_unique<Stack>(options, in, out, store);
}

}  // namespace galena::nn
