// Layers of one kind, each followed, but the last, by a norm, an activation and dropout, and by the addition of its
// input where asked.

#include "src/nn/models.hpp"
#include "src/nn/stack_layer.hpp"

namespace galena::nn {
namespace {

struct Block {
  Layer layer;
  Norm norm;
  Linear skip;  ///< of the residual where widths differ
  bool residual = false;
};

class Stack : public Module {
 public:
  Stack(const ModelOptions& options, std::int64_t in, std::int64_t out, ParameterStore& store) : options_(options) {
    std::int64_t width = in;
    for (int k = 0; k < options.layers; ++k) {
      const bool last = k + 1 == options.layers;
      const std::int64_t next = last ? out : stack_width(options);
      Block block;
      const std::string name = "layer" + std::to_string(k);
      block.layer = make_layer(options, store, name, width, next, last, k == 0 ? first_group(options) : "");
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
    check_structure(ctx, options_);
    Var h = dropout(ctx, needed_rows(ctx, x), options_.input_dropout);
    for (const Block& block : blocks_) {
      const bool last = &block == &blocks_.back();
      if (last) ctx.keep_embeddings(h);
      h = last ? block.layer(ctx, std::move(h)) : hidden(ctx, block, std::move(h));
    }
    return h;
  }

  [[nodiscard]] int hops() const override { return stack_hops(options_); }

 private:
  Var hidden(Context& ctx, const Block& block, Var x) const {
    Var skip;
    if (block.residual) {
      skip = options_.name == "mlp" ? x : self_rows(ctx, x);
      if (block.skip.weight.defined()) skip = block.skip(skip);
    }
    x = block.layer(ctx, std::move(x));
    x = block.norm(ctx, std::move(x));
    const Activation activation = stack_activation(options_);
    if (activation == Activation::relu && !block.residual) return relu_dropout(ctx, std::move(x), options_.dropout);
    x = activate(activation, std::move(x), 1);
    if (block.residual) x = add(std::move(x), skip);
    return dropout(ctx, std::move(x), options_.dropout);
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
