// Mistakes that systems of this kind have made, each with a test that would find it here.

#include <algorithm>
#include <cmath>
#include <mutex>

#include "test/support/catch.hpp"
#include "test/train/support.hpp"

namespace galena::test {
namespace {

// Calls `body` in forward and hands out what it made, by vertex.
class Watched : public nn::Module {
 public:
  using Body = std::function<nn::Var(nn::Context&, const nn::Var&)>;
  using Sink = std::function<void(nn::Context&, const Tensor&)>;
  Watched(Body body, Sink sink, int hops) : body_(std::move(body)), sink_(std::move(sink)), hops_(hops) {}
  nn::Var forward(nn::Context& ctx, const nn::Var& x) override {
    nn::Var y = body_(ctx, x);
    if (ctx.training()) sink_(ctx, y.value());
    return y;
  }
  [[nodiscard]] int hops() const override { return hops_; }

 private:
  Body body_;
  Sink sink_;
  int hops_;
};

// Sums over epochs of the rows of all vertices that training computes.
struct Sums {
  std::mutex mutex;
  std::vector<std::vector<double>> rows, squares;
  std::vector<int> times;
};

// A sink that adds to `sums`; GraphView::ids tells whose rows they are.
Watched::Sink into(Sums& sums, std::size_t vertices) {
  sums.rows.assign(vertices, {});
  sums.squares.assign(vertices, {});
  sums.times.assign(vertices, 0);
  return [&sums](nn::Context& ctx, const Tensor& value) {
    const std::scoped_lock lock(sums.mutex);
    for (std::int64_t i = 0; i < value.rows(); ++i) {
      const VertexId v = ctx.graph().ids[static_cast<std::size_t>(i)];
      sums.rows[v].resize(static_cast<std::size_t>(value.cols()));
      sums.squares[v].resize(static_cast<std::size_t>(value.cols()));
      ++sums.times[v];
      for (std::int64_t c = 0; c < value.cols(); ++c) {
        sums.rows[v][static_cast<std::size_t>(c)] += value.item(i, c);
        sums.squares[v][static_cast<std::size_t>(c)] += value.item(i, c) * value.item(i, c);
      }
    }
  };
}

TrainOptions still(double rate, int bits) {
  TrainOptions options = options_for("gcn", DType::f32);
  options.model.dropout = 0;
  options.optimizer.name = "sgd";
  options.optimizer.lr = 0;  // weights stay
  options.messages.rate = rate;
  options.messages.bits = bits;
  return options;
}

ModelFactory watching(nn::Aggregation how, Sums& sums, std::size_t vertices) {
  const auto sink = into(sums, vertices);
  return [how, sink](nn::ParameterStore& store, std::int64_t in, std::int64_t out) {
    auto linear = std::make_shared<nn::Linear>(store, "w", in, out);
    return std::make_unique<Watched>(
        [linear, how](nn::Context& ctx, const nn::Var& x) {
          return nn::aggregate(ctx, (*linear)(nn::needed_rows(ctx, x)), how);
        },
        sink, 1);
  };
}

}  // namespace

TEST_CASE("sums and means of samples are unbiased: by the full degree, not the sampled one") {
  const NodeDataset data = random_data({});
  constexpr int kEpochs = 4000;
  for (const auto how : {nn::Aggregation::mean(), nn::Aggregation::sum(), nn::Aggregation::symmetric()})
    for (const int bits : {32, 2}) {
      Sums full, sampled;
      run_epochs(data, still(1, 32), striped(data.graph, 3), 1, watching(how, full, 60));
      run_epochs(data, still(0.3, bits), striped(data.graph, 3), kEpochs, watching(how, sampled, 60));
      int checked = 0;
      for (std::size_t v = 0; v < 60; ++v)
        for (std::size_t c = 0; c < full.rows[v].size() && full.times[v] > 0 && sampled.times[v] > 0; ++c) {
          const double mean = sampled.rows[v][c] / kEpochs;
          const double variance = sampled.squares[v][c] / kEpochs - mean * mean;
          INFO("vertex " << v << " column " << c << ", " << bits << " bits");
          CHECK(std::abs(mean - full.rows[v][c]) <= 4.5 * std::sqrt(std::max(variance, 0.0) / kEpochs) + 1e-5);
          ++checked;
        }
      CHECK(checked > 20);
    }
}

TEST_CASE("sampled attention weighs scores, never scales features: equal rows stay what they are") {
  // BNS-GCN divides GAT's features by the rate, and its softmax then favours what was sampled.
  NodeDataset data = random_data({});
  std::fill(data.data.features.dense.begin(), data.data.features.dense.end(), 1.0F);
  Sums sums;
  const auto sink = into(sums, 60);
  const ModelFactory make = [&sink](nn::ParameterStore& store, std::int64_t in, std::int64_t out) {
    nn::Attention how;
    how.heads = 1;
    auto conv = std::make_shared<nn::GatConv>(store, "gat", in, out, how, true);
    return std::make_unique<Watched>([conv](nn::Context& ctx, const nn::Var& x) { return (*conv)(ctx, x); }, sink, 1);
  };
  run_epochs(data, still(0.3, 32), striped(data.graph, 3), 5, make);
  std::vector<double> first;
  for (std::size_t v = 0; v < 60; ++v) {
    if (sums.times[v] == 0) continue;
    if (first.empty()) first = sums.rows[v];
    for (std::size_t c = 0; c < first.size(); ++c) CHECK(sums.rows[v][c] == Approx(first[c]).epsilon(1e-5));
  }
  REQUIRE(!first.empty());
}

TEST_CASE("evaluation is at full rate and in full precision, whatever training sends") {
  const NodeDataset data = random_data({});
  const EpochOutcome exact = run_epochs(data, still(1, 32), striped(data.graph, 3), 2);
  const EpochOutcome lossy = run_epochs(data, still(0.2, 2), striped(data.graph, 3), 2);
  CHECK(lossy.logits == exact.logits);
  CHECK(lossy.gradients != exact.gradients);
}

TEST_CASE("an inductive run sees nothing of the vertices outside training") {
  NodeDataset data = random_data({});
  TrainOptions options = options_for("sage", DType::f64);
  options.inductive = true;
  const EpochOutcome before = run_epochs(data, options, striped(data.graph, 2), 3);
  std::vector<bool> training(60, false);
  for (const VertexId v : data.data.train) training[v] = true;
  for (VertexId v = 0; v < 60; ++v)
    for (std::uint64_t c = 0; c < data.data.features.cols && !training[v]; ++c)
      data.data.features.dense[v * data.data.features.cols + c] = 100;
  const EpochOutcome after = run_epochs(data, options, striped(data.graph, 2), 3);
  CHECK(after.gradients == before.gradients);
  CHECK(after.logits != before.logits);
}

TEST_CASE("features aggregated once are not used where dropout changes them every epoch") {
  const NodeDataset data = random_data({});
  TrainOptions options = still(1, 32);
  options.model.name = "sage";
  const auto gradients = [&](int epochs) {
    return run_epochs(data, options, striped(data.graph, 2), epochs).gradients;
  };
  options.model.input_dropout = 0;
  CHECK(gradients(1) == gradients(2));  // nothing is random: the weights stand still
  options.model.input_dropout = 0.5;
  CHECK(gradients(1) != gradients(2));
}

TEST_CASE("batch norm counts the rows of all ranks once, and its gradients are summed once") {
  // Uneven parts: dividing by a rank's rows, by the training rows, or reducing gamma's gradient twice would show.
  const NodeDataset data = random_data({});
  TrainOptions options = options_for("gcn", DType::f64);
  options.model.norm = nn::NormKind::batch;
  Partition uneven = striped(data.graph, 3);
  for (VertexId v = 0; v < 60; ++v) uneven.part_of[v] = v < 5 ? 0 : v < 50 ? 1 : 2;
  const EpochOutcome one = run_epochs(data, options, striped(data.graph, 1), 3);
  const EpochOutcome many = run_epochs(data, options, uneven, 3);
  CHECK(relative_difference(many.gradients, one.gradients) < 1e-10);
  CHECK(relative_difference(many.logits, one.logits) < 1e-5);
}

TEST_CASE("exchanges of different widths and layers do not share buffers") {
  const NodeDataset data = random_data({});
  TrainOptions options = options_for("sage", DType::f64);
  options.model.layers = 4;
  options.model.hidden = 11;  // features 7, hidden 11, classes 3
  options.model.dropout = 0.3;
  const EpochOutcome one = run_epochs(data, options, striped(data.graph, 1), 2);
  const EpochOutcome many = run_epochs(data, options, striped(data.graph, 4), 2);
  CHECK(relative_difference(many.gradients, one.gradients) < 1e-10);
}

TEST_CASE("vertex ids and parts in any order: rows of features follow their vertices") {
  const NodeDataset data = random_data({});
  const TrainOptions options = options_for("gcn", DType::f64);
  Partition shuffled = striped(data.graph, 3);
  for (VertexId v = 0; v < 60; ++v) shuffled.part_of[v] = (v * 37 % 60) / 20;
  const EpochOutcome one = run_epochs(data, options, striped(data.graph, 1), 2);
  const EpochOutcome many = run_epochs(data, options, shuffled, 2);
  CHECK(relative_difference(many.gradients, one.gradients) < 1e-10);
}

}  // namespace galena::test
