// HyperGCN (N. Yadati et al., NeurIPS 2019): GCN's layers on the graph of hyper_extremal.hpp.

#include "src/nn/hyper_extremal.hpp"
#include "src/nn/models.hpp"

namespace galena::nn {
namespace {

class HyperGcn : public Module {
 public:
  HyperGcn(const ModelOptions& options, std::unique_ptr<Module> layers)
      : options_(options), layers_(std::move(layers)) {}

  Var forward(Context& ctx, const Var& x) override {
    check_structure(ctx, options_);
    find_extremes(ctx, x);
    return layers_->forward(ctx, x);
  }

  [[nodiscard]] int hops() const override { return layers_->hops(); }

 private:
  ModelOptions options_;
  std::unique_ptr<Module> layers_;
};

}  // namespace

std::unique_ptr<Module> make_hypergcn(const ModelOptions& options, std::unique_ptr<Module> layers) {
  return std::make_unique<HyperGcn>(options, std::move(layers));
}

}  // namespace galena::nn
