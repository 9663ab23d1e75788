// The network of galena/nn.hpp's example, trained on Zachary's karate club.

#include "galena/dataset.hpp"
#include "galena/node_dataset.hpp"
#include "test/nn/support.hpp"

using namespace galena;
using namespace galena::test;

namespace {

class TwoHops : public nn::Module {
 public:
  TwoHops(nn::ParameterStore& store, std::int64_t in, std::int64_t out)
      : first_(store, "first", in, 64), second_(store, "second", 64, out) {}
  nn::Var forward(nn::Context& ctx, const nn::Var& x) override {
    nn::Var h = nn::relu(nn::aggregate(ctx, first_(x), nn::Aggregation::mean(true)));
    return nn::aggregate(ctx, second_(nn::dropout(ctx, h, 0.5)), nn::Aggregation::mean(true));
  }
  [[nodiscard]] int hops() const override { return 2; }

 private:
  nn::Linear first_, second_;
};

nn::GraphView view_of(const Graph& graph) {
  Edges edges;
  for (VertexId v = 0; v < graph.num_vertices(); ++v)
    for (const VertexId u : graph.neighbors(v)) edges.emplace_back(v, u);
  return one_rank(static_cast<int>(graph.num_vertices()), edges);
}

std::size_t correct(const Tensor& logits, const std::vector<std::int32_t>& labels, const std::vector<VertexId>& rows) {
  std::size_t count = 0;
  for (const VertexId v : rows) {
    std::int64_t best = 0;
    for (std::int64_t c = 1; c < logits.cols(); ++c)
      if (logits.item(v, c) > logits.item(v, best)) best = c;
    count += best == labels[v] ? 1 : 0;
  }
  return count;
}

}  // namespace

TEST_CASE("a network of one's own learns karate") {
  const NodeDataset karate = load_node_dataset("karate");
  const nn::GraphView view = view_of(karate.graph);
  const auto n = static_cast<std::int64_t>(view.inner);
  std::vector<EdgeOffset> indptr{0};
  std::vector<std::uint32_t> indices;
  for (std::uint32_t v = 0; v < n; ++v) {
    indices.push_back(v);
    indptr.push_back(v + 1U);
  }
  const nn::Var x(SparseMatrix::from_csr(n, n, indptr, indices, Tensor::full(n, 1, 1)));
  nn::ParameterStore store(1);
  TwoHops network(store, n, karate.data.num_classes);
  store.seal();
  nn::Optimizer optimizer({}, store, 100);
  const auto& data = karate.data;
  double first_loss = 0, last_loss = 0;
  for (int epoch = 0; epoch < 100; ++epoch) {
    nn::Context::Settings settings;
    settings.training = true;
    settings.epoch = static_cast<std::uint32_t>(epoch);
    nn::Context ctx(view, nullptr, settings);
    store.zero_gradients();
    const nn::Var loss = nn::cross_entropy(network.forward(ctx, x), data.labels, data.train,
                                           1.0 / static_cast<double>(data.train.size()));
    nn::backward(loss);
    optimizer.step(epoch);
    (epoch == 0 ? first_loss : last_loss) = loss.value().item();
  }
  CHECK(last_loss < 0.3 * first_loss);
  const nn::NoGrad guard;
  nn::Context ctx(view, nullptr, {});
  const Tensor logits = network.forward(ctx, x).value();
  CHECK(correct(logits, data.labels, data.train) == data.train.size());
}
