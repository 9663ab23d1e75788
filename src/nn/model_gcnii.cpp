// GCNII (M. Chen et al., "Simple and Deep Graph Convolutional Networks", ICML 2020): a linear map, `layers` of Gcn2Conv
// with beta_l = ln(theta / l + 1), a linear map. Both ends are the parameter group "first": the paper decays their
// weights less. UniGCNII (J. Huang and J. Yang, IJCAI 2021) is the same with UniGCN's map in the place of GCN's.

#include <cmath>

#include "src/nn/hyper_factors.hpp"
#include "src/nn/models.hpp"

namespace galena::nn {
namespace {

class Gcnii : public Module {
 public:
  Gcnii(const ModelOptions& options, std::int64_t in, std::int64_t out, ParameterStore& store)
      : options_(options), first_(store, "first", in, options.hidden, true, "first") {
    for (int k = 1; k <= options.layers; ++k) {
      const std::string name = "layer" + std::to_string(k - 1);
      layers_.emplace_back(store, name, options.hidden, options.alpha, std::log(options.theta / k + 1));
      norms_.emplace_back(store, name + ".norm", options.norm, options.hidden);
    }
    last_ = Linear(store, "last", options.hidden, out, true, "first");
  }

  Var forward(Context& ctx, const Var& x) override {
    check_structure(ctx, options_);
    const Var x0 = relu(first_(dropout(ctx, needed_rows(ctx, x), options_.input_dropout)));
    Var h = dropout(ctx, x0, options_.dropout);
    for (std::size_t k = 0; k < layers_.size(); ++k) {
      Var skip;
      if (options_.residual) skip = self_rows(ctx, h);
      h = layers_[k].mix(smooth(ctx, h), x0);
      h = norms_[k](ctx, std::move(h));
      if (options_.residual) h = add(std::move(h), skip);
      h = relu_dropout(ctx, std::move(h), options_.dropout);
    }
    ctx.keep_embeddings(h);
    return last_(h);
  }

  [[nodiscard]] int hops() const override {
    return options_.norm == NormKind::batch ? -1 : options_.layers * hops_of_a_layer(options_.name);
  }

 private:
  [[nodiscard]] Var smooth(Context& ctx, const Var& x) const {
    if (options_.name == "gcnii") return aggregate(ctx, x, Aggregation::symmetric());
    return through_hyperedges(ctx, x, unigcn_step(ctx, x.dtype()));
  }

  ModelOptions options_;
  Linear first_, last_;
  std::vector<Gcn2Conv> layers_;
  std::vector<Norm> norms_;
};

}  // namespace

std::unique_ptr<Module> make_gcnii(const ModelOptions& options, std::int64_t in, std::int64_t out,
                                   ParameterStore& store) {
  return std::make_unique<Gcnii>(options, in, out, store);
}

}  // namespace galena::nn
