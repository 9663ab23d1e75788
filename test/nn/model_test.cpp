// Layers and models: gradients of all parameters, pruned passes equal to whole ones, options.

#include <algorithm>

#include "galena/error.hpp"
#include "test/nn/support.hpp"

using namespace galena;
using namespace galena::test;

namespace {

constexpr int kVertices = 16, kFeatures = 5, kClasses = 3;

/// A graph whose vertices come by their distance to the first three, as far as `hops`.
struct Layered {
  nn::GraphView view;
  std::vector<std::int64_t> rows;  ///< by hop
  std::vector<VertexId> order;     ///< old number of each

  Layered(int hops, bool directed) {
    const Edges edges = random_edges(kVertices, 18, 8, directed);
    std::vector<int> distance(kVertices, hops + 1);
    for (int v = 0; v < 3; ++v) distance[static_cast<std::size_t>(v)] = 0;
    for (int hop = 0; hop < hops; ++hop)
      for (const auto& [from, to] : edges) {
        const auto reach = [&](int a, int b) {
          auto& far = distance[static_cast<std::size_t>(b)];
          if (distance[static_cast<std::size_t>(a)] == hop) far = std::min(far, hop + 1);
        };
        reach(to, from);
        if (!directed) reach(from, to);
      }
    for (VertexId v = 0; v < kVertices; ++v) order.push_back(v);
    std::stable_sort(order.begin(), order.end(), [&](VertexId a, VertexId b) { return distance[a] < distance[b]; });
    std::vector<int> place(kVertices);
    for (std::size_t k = 0; k < order.size(); ++k) place[order[k]] = static_cast<int>(k);
    Edges renamed;
    for (const auto& [from, to] : edges)
      renamed.emplace_back(place[static_cast<std::size_t>(from)], place[static_cast<std::size_t>(to)]);
    view = one_rank(kVertices, renamed, directed);
    for (std::size_t k = 0; k < order.size(); ++k) view.ids[k] = order[k];
    for (int hop = 0; hop <= hops; ++hop)
      rows.push_back(std::count_if(distance.begin(), distance.end(), [&](int d) { return d <= hops - hop; }));
  }
};

nn::ModelOptions options_of(const std::string& name) {
  nn::ModelOptions options = small_model(name);
  options.layers = 3;
  return options;
}

struct Model : RandomModel {
  explicit Model(const nn::ModelOptions& options) : RandomModel(options, kFeatures, kClasses) {}
  nn::Var loss(const nn::GraphView& view, const nn::Var& x, const std::vector<std::int64_t>& rows) const {
    nn::Context::Settings settings;
    settings.training = true;
    settings.seed = 5;
    settings.hop_rows = rows;
    nn::Context ctx(view, nullptr, settings);
    const std::vector<std::int32_t> labels{0, 1, 2};
    return nn::cross_entropy(module->forward(ctx, x), labels, std::vector<VertexId>{0, 1, 2}, 1.0 / 3);
  }
};

nn::Var features(const Layered& graph, bool sparse) {
  const SparseMatrix rows = random_sparse(kVertices, kFeatures, 4).gather_rows(graph.order);
  return sparse ? nn::Var(rows) : nn::Var(rows.dense());
}

const std::vector<std::string> kNames{"gcn", "sage", "gat", "gatv2", "gin", "gcnii", "mlp"};

}  // namespace

TEST_CASE("gradients of all parameters of all models") {
  nn::ModelOptions options = options_of(GENERATE(from_range(kNames)));
  options.norm = GENERATE(nn::NormKind::none, nn::NormKind::layer, nn::NormKind::batch, nn::NormKind::l2);
  options.residual = GENERATE(false, true);
  const bool directed = GENERATE(false, true), sparse = GENERATE(false, true);
  CAPTURE(options.name, static_cast<int>(options.norm), options.residual, directed, sparse);
  const Layered graph(3, directed);
  const Model model(options);
  const nn::Var x = features(graph, sparse);
  check_gradients(model.parameters(), [&] { return model.loss(graph.view, x, {}); });
}

TEST_CASE("gradients of all parameters of residual blocks") {
  nn::ModelOptions options = options_of(GENERATE("gcn", "sage", "gat", "gatv2", "gin", "mlp"));
  options.block = "residual-ffn";
  options.norm = GENERATE(nn::NormKind::none, nn::NormKind::layer, nn::NormKind::l2);
  const bool sparse = GENERATE(false, true);
  CAPTURE(options.name, static_cast<int>(options.norm), sparse);
  const Layered graph(3, false);
  const Model model(options);
  const nn::Var x = features(graph, sparse);
  check_gradients(model.parameters(), [&] { return model.loss(graph.view, x, {}); });
}

TEST_CASE("a residual block is x + W_2 gelu(W_1 A norm(x))") {
  nn::ModelOptions options = options_of("gcn");
  options.block = "residual-ffn";
  options.norm = nn::NormKind::layer;
  options.layers = 1;
  const Model model(options);
  const Layered graph(1, false);
  nn::Context ctx(graph.view, nullptr, {});
  const nn::Var x = features(graph, false);
  const auto p = [&](const std::string& name) {
    const auto& all = model.store.parameters();
    return std::find_if(all.begin(), all.end(), [&](const auto& e) { return e.name == name; })->var;
  };
  const auto map = [&](const nn::Var& rows, const std::string& name) {
    return nn::linear(rows, p(name + ".weight"), p(name + ".bias"));
  };
  const auto gelu = [](const nn::Var& rows) { return nn::activate(nn::Activation::gelu, rows); };
  const auto norm = [&](const nn::Var& rows, const std::string& name) {
    return nn::layer_norm(rows, p(name + ".gamma"), p(name + ".beta"));
  };
  const nn::Var h = gelu(map(x, "first"));
  const nn::Var sum = nn::aggregate(ctx, norm(h, "layer0.pre_norm"), nn::Aggregation::symmetric());
  const nn::Var block = nn::add(map(gelu(map(sum, "layer0")), "layer0.outer"), h);
  CHECK(largest_difference(model.module->forward(ctx, x).value(), map(norm(block, "last.norm"), "last").value()) <
        1e-14);
}

TEST_CASE("gradients of SAGE with other sums, and without dropout of the features") {
  nn::ModelOptions options = options_of("sage");
  options.sage_aggregation = GENERATE("sum", "max", "mean");
  options.input_dropout = 0;
  const bool sparse = GENERATE(false, true);
  const Layered graph(3, false);
  const Model model(options);
  const nn::Var x = features(graph, sparse);
  check_gradients(model.parameters(), [&] { return model.loss(graph.view, x, {}); });
}

TEST_CASE("a pass over the rows that reach the loss gives the loss and gradients of a pass over all") {
  nn::ModelOptions options = options_of(GENERATE(from_range(kNames)));
  options.residual = GENERATE(false, true);
  if (options.name != "gcnii") options.block = GENERATE("plain", "residual-ffn");
  options.input_dropout = GENERATE(-1.0, 0.0);
  const bool directed = GENERATE(false, true), sparse = GENERATE(false, true);
  Model model(options);
  const int hops = model.module->hops();
  CHECK(hops == (options.name == "mlp" ? 0 : 3));
  const Layered graph(hops, directed);
  if (hops > 0) {
    REQUIRE(graph.rows.back() == 3);
    REQUIRE(graph.rows.front() < kVertices);
  }
  const nn::Var x = features(graph, sparse);
  const nn::Var whole = model.loss(graph.view, x, {});
  nn::backward(whole);
  const Tensor expected = model.store.flat_gradients().clone();
  model.store.zero_gradients();
  const nn::Var pruned = model.loss(graph.view, x, graph.rows);
  nn::backward(pruned);
  CHECK(pruned.value().item() == Approx(whole.value().item()).epsilon(1e-13));
  CHECK(largest_difference(model.store.flat_gradients(), expected) < 1e-14);
}

TEST_CASE("sparse and dense features give the same") {
  nn::ModelOptions options = options_of(GENERATE(from_range(kNames)));
  const Layered graph(3, false);
  Model model(options);
  nn::backward(model.loss(graph.view, features(graph, true), {}));
  const Tensor expected = model.store.flat_gradients().clone();
  model.store.zero_gradients();
  nn::backward(model.loss(graph.view, features(graph, false), {}));
  CHECK(largest_difference(model.store.flat_gradients(), expected) < 1e-13);
}

TEST_CASE("GCN is D^-1/2 (A + I) D^-1/2 X W + b in either order") {
  nn::ParameterStore store(1, DType::f64);
  const nn::GcnConv wide(store, "wide", 3, 8), narrow(store, "narrow", 3, 2);
  store.seal();
  const nn::GraphView view = one_rank(9, random_edges(9, 14, 3));
  const nn::Var x = leaf(9, 3, 1);
  for (const auto* conv : {&wide, &narrow}) {
    const std::string name = conv == &wide ? "wide" : "narrow";
    const auto parameter = [&](const std::string& part) {
      const auto found = std::find_if(store.parameters().begin(), store.parameters().end(),
                                      [&](const auto& e) { return e.name == name + part; });
      return found->var;
    };
    nn::Context ctx(view, nullptr, {});
    const nn::Var expected =
        nn::linear(nn::aggregate(ctx, x, nn::Aggregation::symmetric()), parameter(".weight"), parameter(".bias"));
    CHECK(largest_difference((*conv)(ctx, x).value(), expected.value()) < 1e-14);
  }
}

TEST_CASE("parameter groups are the ends of GCNII and the first layers of GCN and GAT") {
  const auto groups = [](const std::string& name) {
    nn::ParameterStore store(1);
    nn::make_model(options_of(name), kFeatures, kClasses, store);
    std::vector<std::string> first;
    for (const auto& entry : store.parameters())
      if (entry.group == "first") first.push_back(entry.name);
    return first;
  };
  CHECK(groups("gcn") == std::vector<std::string>{"layer0.weight", "layer0.bias"});
  CHECK(groups("gat").size() == 4);
  CHECK(groups("gcnii") == std::vector<std::string>{"first.weight", "first.bias", "last.weight", "last.bias"});
  CHECK(groups("sage").empty());
}

TEST_CASE("batch norm keeps every row") {
  nn::ModelOptions options = options_of("gcn");
  options.norm = nn::NormKind::batch;
  CHECK(Model(options).module->hops() == -1);
}

TEST_CASE("model options that make no sense are refused") {
  const auto make = [](const std::function<void(nn::ModelOptions&)>& change) {
    nn::ModelOptions options;
    change(options);
    nn::ParameterStore store(1);
    nn::make_model(options, kFeatures, kClasses, store);
  };
  CHECK_NOTHROW(make([](auto&) {}));
  CHECK_THROWS_WITH(make([](auto& o) { o.name = "gcm"; }), contains("did you mean 'gcn'"));
  CHECK_THROWS_WITH(make([](auto& o) { o.sage_aggregation = "maen"; }), contains("did you mean 'mean'"));
  CHECK_THROWS_WITH(make([](auto& o) { o.block = "residual-fnn"; }), contains("did you mean 'residual-ffn'"));
  CHECK_THROWS_WITH(make([](auto& o) { o.name = "gcnii", o.block = "residual-ffn"; }), contains("block plain"));
  CHECK_THROWS_WITH(make([](auto& o) { o.layers = 0; }), contains("layers is 0"));
  CHECK_THROWS_WITH(make([](auto& o) { o.hidden = 0; }), contains("hidden is 0"));
  CHECK_THROWS_WITH(make([](auto& o) { o.dropout = 1; }), contains("dropout is 1"));
  CHECK_THROWS_WITH(make([](auto& o) { o.input_dropout = -0.5; }), contains("input_dropout"));
  CHECK_THROWS_WITH(make([](auto& o) { o.alpha = 2; }), contains("alpha is 2"));
  CHECK_THROWS_WITH(make([](auto& o) { o.theta = -1; }), contains("theta"));
  nn::ParameterStore store(1);
  CHECK_THROWS_WITH(nn::make_model({}, 0, 3, store), contains("features"));
}
