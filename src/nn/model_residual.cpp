// Platonov et al. (ICLR 2023): a linear map, then blocks x + dropout(W_2 gelu(dropout(W_1 layer(norm(x))))), then a norm
// and a linear map. Where the layer ends in a linear map of its own, that is W_1.

#include "src/nn/models.hpp"
#include "src/nn/stack_layer.hpp"

namespace galena::nn {
namespace {

struct Block {
  Norm norm;
  Layer layer;
  Linear inner;  ///< of attention, whose map comes before the sum
  Linear outer;
};

class ResidualStack : public Module {
 public:
  ResidualStack(const ModelOptions& options, std::int64_t in, std::int64_t out, ParameterStore& store)
      : options_(options) {
    const std::int64_t width = stack_width(options);
    first_ = Linear(store, "first", in, width, true, first_group(options));
    for (int k = 0; k < options.layers; ++k) {
      Block block;
      const std::string name = "layer" + std::to_string(k);
      block.norm = Norm(store, name + ".pre_norm", options.norm, width);
      block.layer = make_layer(options, store, name, width, width, false, "");
      if (is_attention(options)) block.inner = Linear(store, name + ".inner", width, width);
      block.outer = Linear(store, name + ".outer", width, width);
      blocks_.push_back(std::move(block));
    }
    last_norm_ = Norm(store, "last.norm", options.norm, width);
    last_ = Linear(store, "last", width, out);
  }

  Var forward(Context& ctx, const Var& x) override {
    check_structure(ctx, options_);
    Var h = first_(dropout(ctx, needed_rows(ctx, x), options_.input_dropout));
    h = activated(ctx, std::move(h));
    for (const Block& block : blocks_) {
      const Var skip = options_.name == "mlp" ? h : self_rows(ctx, h);
      h = add(branch(ctx, block, std::move(h)), skip);
    }
    h = last_norm_(ctx, std::move(h));
    ctx.keep_embeddings(h);
    return last_(h);
  }

  [[nodiscard]] int hops() const override { return stack_hops(options_); }

 private:
  [[nodiscard]] Var activated(Context& ctx, Var x) const {
    return activate(Activation::gelu, dropout(ctx, std::move(x), options_.dropout));
  }

  Var branch(Context& ctx, const Block& block, Var x) const {
    x = block.norm(ctx, std::move(x));
    x = block.layer(ctx, std::move(x));
    if (block.inner.weight.defined()) x = block.inner(x);
    x = activated(ctx, std::move(x));
    return dropout(ctx, block.outer(x), options_.dropout);
  }

  ModelOptions options_;
  Linear first_, last_;
  std::vector<Block> blocks_;
  Norm last_norm_;
};

}  // namespace

std::unique_ptr<Module> make_residual_stack(const ModelOptions& options, std::int64_t in, std::int64_t out,
                                            ParameterStore& store) {
  return std::make_unique<ResidualStack>(options, in, out, store);
}

}  // namespace galena::nn
