// Hypergraph models: logits are those of a dense reference, gradients of all parameters those of finite differences.

#include <algorithm>
#include <cmath>

#include "src/nn/hyper_extremal.hpp"
#include "test/nn/hyper_reference.hpp"

using namespace galena;
using namespace galena::test;

namespace {

constexpr int kVertices = 12, kFeatures = 5, kClasses = 3;
constexpr std::uint64_t kSeed = 6;  // one whose dropout leaves no row at a kink of relu

struct Model : RandomModel {
  explicit Model(const nn::ModelOptions& options) : RandomModel(options, kFeatures, kClasses) {}
  [[nodiscard]] Values values() const {
    return [this](const std::string& name) {
      const auto found = std::find_if(store.parameters().begin(), store.parameters().end(),
                                      [&](const auto& entry) { return entry.name == name; });
      CAPTURE(name);
      REQUIRE(found != store.parameters().end());
      return matrix_of(found->var.value());
    };
  }
  [[nodiscard]] nn::Var logits(const nn::GraphView& view, const nn::Var& x, bool training) const {
    nn::Context::Settings settings;
    settings.training = training;
    settings.seed = kSeed;
    nn::Context ctx(view, nullptr, settings);
    return module->forward(ctx, x);
  }
};

nn::Var features(bool sparse) {
  const SparseMatrix rows = random_sparse(kVertices, kFeatures, 4);
  return sparse ? nn::Var(rows) : nn::Var(rows.dense());
}

const std::vector<float> kWeights{1, 2, 0.5, 1.5, 0.25, 1, 3, 0, 1};

}  // namespace

TEST_CASE("hypergraph models are what their formulas say") {
  nn::ModelOptions options = small_model(GENERATE(from_range(nn::hypergraph_model_names())));
  options.layers = GENERATE(1, 2, 3);
  const bool sparse = GENERATE(false, true), weighted = GENERATE(false, true);
  CAPTURE(options.name, options.layers, sparse, weighted);
  const std::vector<float> weights = weighted ? kWeights : std::vector<float>{};
  const nn::GraphView view = hypergraph_view(kVertices, odd_hyperedges(), weights);
  const Model model(options);
  const nn::Var x = features(sparse);
  const Matrix expected = reference_logits(options, DenseHypergraph(kVertices, odd_hyperedges(), weights),
                                           matrix_of(sparse ? x.sparse()->dense() : x.value()), model.values(),
                                           nn::extremal_direction(kSeed, kFeatures));
  const nn::Var y = model.logits(view, x, false);
  CHECK(y.hop() == model.module->hops());
  CHECK(largest_difference(y.value(), expected) < 1e-12);
}

TEST_CASE("gradients of all parameters of hypergraph models") {
  nn::ModelOptions options = small_model(GENERATE(from_range(nn::hypergraph_model_names())));
  options.norm = GENERATE(nn::NormKind::none, nn::NormKind::layer, nn::NormKind::batch);
  options.residual = GENERATE(false, true);
  const bool sparse = GENERATE(false, true);
  CAPTURE(options.name, static_cast<int>(options.norm), options.residual, sparse);
  const nn::GraphView view = hypergraph_view(kVertices, odd_hyperedges(), kWeights);
  const Model model(options);
  const nn::Var x = features(sparse);
  check_gradients(model.parameters(), [&] { return weighted_sum(model.logits(view, x, true)); });
}

TEST_CASE("gradients of hypergraph models in residual blocks") {
  nn::ModelOptions options =
      small_model(GENERATE("hgnn", "hgnnp", "unigcn", "unigin", "unisage", "unigat", "hypergcn", "hnhn"));
  options.block = "residual-ffn";
  CAPTURE(options.name);
  const nn::GraphView view = hypergraph_view(kVertices, odd_hyperedges());
  const Model model(options);
  check_gradients(model.parameters(), [&] { return weighted_sum(model.logits(view, features(false), true)); });
}

TEST_CASE("a hypergraph without hyperedges, or with empty ones only, gives numbers") {
  const Model model(small_model(GENERATE(from_range(nn::hypergraph_model_names()))));
  const nn::GraphView view = hypergraph_view(kVertices, GENERATE(Members{}, Members{{}, {}}));
  const Tensor y = model.logits(view, features(false), false).value();
  REQUIRE(y.rows() == kVertices);
  for (const double value : y.span<double>()) CHECK(std::isfinite(value));
}

// A kernel that is written for y = L H S H^T R x with L = R and run again on gradients looks right as long as L and R
// are the same; with one of them left out, as in HGNN+, its gradients are wrong.
TEST_CASE("the gradient goes back along the adjoint, with left and right factors swapped") {
  const bool two_sided = GENERATE(false, true);
  CAPTURE(two_sided);
  nn::ModelOptions options = small_model(two_sided ? "hgnn" : "hgnnp");
  options.layers = 1;
  const nn::GraphView view = hypergraph_view(kVertices, odd_hyperedges(), kWeights);
  const DenseHypergraph dense(kVertices, odd_hyperedges(), kWeights);
  const Model model(options);
  const Tensor weights = random_tensor(kVertices, kClasses, 31);
  nn::backward(weighted_sum(model.logits(view, features(false), false), weights));
  // Y = A X W + b: dW = X^T A^T dY.
  const Matrix a = two_sided ? hgnn_operator(dense) : hgnnp_operator(dense);
  const Matrix x = matrix_of(features(false).value()), dy = matrix_of(weights);
  const Tensor gradient = model.parameters()[0].grad();
  CHECK(largest_difference(gradient, product(transposed(x), product(transposed(a), dy))) < 1e-13);
  const double wrong = largest_difference(gradient, product(transposed(x), product(a, dy)));
  CHECK((wrong > 0.01) == !two_sided);
}

TEST_CASE("models of hypergraphs refuse graphs, and those of graphs hypergraphs") {
  const nn::GraphView graph = one_rank(kVertices, {{0, 1}}), hypergraph = hypergraph_view(kVertices, {{0, 1}});
  const nn::Var x = features(false);
  for (const auto& name : nn::hypergraph_model_names())
    CHECK_THROWS_WITH(Model(small_model(name)).logits(graph, x, false), contains("model of hypergraphs"));
  for (const std::string name : {"gcn", "sage", "gat", "gatv2", "gin", "gcnii"})
    CHECK_THROWS_WITH(Model(small_model(name)).logits(hypergraph, x, false), contains("model of graphs"));
  CHECK_NOTHROW(Model(small_model("mlp")).logits(hypergraph, x, false));
}

TEST_CASE("options of hypergraph models that make no sense are refused") {
  const auto make = [](const std::string& name, const std::function<void(nn::ModelOptions&)>& change) {
    nn::ModelOptions options = small_model(name);
    change(options);
    const Model model(options);
  };
  CHECK_THROWS_WITH(make("allsettransformer", [](auto& o) { o.heads = 3; }), contains("heads that divide"));
  CHECK_THROWS_WITH(make("hnhn", [](auto& o) { o.hnhn_alpha = NAN; }), contains("finite exponents"));
  CHECK_THROWS_WITH(make("hgnm", [](auto&) {}), contains("did you mean 'hgnn'"));
  for (const std::string name : {"unigcnii", "alldeepsets", "allsettransformer"})
    CHECK_THROWS_WITH(make(name, [](auto& o) { o.block = "residual-ffn"; }), contains("blocks of its own"));
}
