// Whole runs: resuming, early stopping, what is refused, and that each lossy mode learns.

#include <cmath>

#include "galena/error.hpp"
#include "galena/plan.hpp"
#include "test/support/catch.hpp"
#include "test/support/data.hpp"
#include "test/train/support.hpp"

namespace galena::test {
namespace {

TrainOptions small(const TemporaryFolder& folder, int parts) {
  TrainOptions options = options_for("gcn", DType::f32);
  options.epochs = 24;
  options.partition.parts = parts;
  options.partition.balance_train = false;
  options.partition_cache = folder.path() / "partitions";
  options.messages.period = 6;
  return options;
}

std::vector<float> weights_of(const TrainResult& result) {
  std::vector<float> all;
  for (const auto& [name, tensor] : result.weights)
    for (const float v : tensor.span<float>()) all.push_back(v);
  return all;
}

std::vector<float> logits_of(const TrainResult& result) {
  const auto values = result.logits.span<float>();
  return {values.begin(), values.end()};
}

struct Mode {
  std::string name;
  std::function<void(TrainOptions&)> change;
};

std::vector<Mode> modes() {
  return {{"full rate", [](TrainOptions&) {}},
          {"sampled", [](TrainOptions& o) { o.messages.rate = 0.3; }},
          {"by importance",
           [](TrainOptions& o) {
             o.messages.rate = 0.3;
             o.messages.by_importance = true;
           }},
          {"4 bits", [](TrainOptions& o) { o.messages.bits = 4; }},
          {"adaptive", [](TrainOptions& o) { o.messages.bits = 0; }},
          {"byte budget", [](TrainOptions& o) { o.messages.byte_budget = 0.06; }},
          {"stale", [](TrainOptions& o) { o.messages.stale = true; }},
          {"stale, sampled, 8 bits", [](TrainOptions& o) {
             o.messages.stale = true;
             o.messages.rate = 0.5;
             o.messages.bits = 8;
           }}};
}

}  // namespace

TEST_CASE("a run cut anywhere and resumed ends with the weights of an unbroken one") {
  const NodeDataset data = random_data({});
  for (const Mode& mode : modes())
    for (const int cut : {1, 9, 15}) {
      INFO(mode.name << ", cut after epoch " << cut);
      const TemporaryFolder folder;
      TrainOptions options = small(folder, 3);
      mode.change(options);
      const TrainResult unbroken = train_network(data, options);
      int stop = 0;
      options.stop = &stop;
      options.checkpoint = options.resume = folder.path() / "run.ckpt";
      const TrainResult first = train_network(data, options, [&](const EpochRecord& record) {
        __atomic_store_n(&stop, record.epoch + 1 == cut ? 1 : 0, __ATOMIC_RELAXED);
      });
      CHECK(first.interrupted);
      CHECK(first.epochs == cut);
      stop = 0;
      const TrainResult second = train_network(data, options);
      CHECK(second.epochs == 24);
      CHECK(weights_of(second) == weights_of(unbroken));
      CHECK(logits_of(second) == logits_of(unbroken));
      CHECK(second.best_epoch == unbroken.best_epoch);
    }
}

TEST_CASE("a checkpoint of another run, a damaged one, and other ranks are refused") {
  const NodeDataset data = random_data({});
  const TemporaryFolder folder;
  TrainOptions options = small(folder, 2);
  options.checkpoint = folder.path() / "run.ckpt";
  options.epochs = 2;
  train_network(data, options);
  options.resume = options.checkpoint;
  TrainOptions other = options;
  other.optimizer.lr = 0.5;
  CHECK_THROWS_WITH(train_network(data, other), contains("another run"));
  other = options;
  other.partition.parts = 3;
  CHECK_THROWS_WITH(train_network(data, other), contains("another run"));
  other = options;
  other.resume = folder.write("bad.ckpt", "GLNTRAINxxxx");
  CHECK_THROWS_WITH(train_network(data, other), contains("bad.ckpt"));
}

TEST_CASE("every mode is finite and learns its training vertices") {
  const NodeDataset data = random_data({});
  for (const Mode& mode : modes()) {
    INFO(mode.name);
    const TemporaryFolder folder;
    TrainOptions options = small(folder, 3);
    mode.change(options);
    options.epochs = 150;
    options.model.dropout = 0;
    options.model.hidden = 16;
    const TrainResult result = train_network(data, options);
    REQUIRE(result.records.size() == 150);
    CHECK(result.records.back().loss < 0.7 * result.records.front().loss);
    CHECK(result.logits.rows() == data.graph.num_vertices());
  }
}

TEST_CASE("a byte budget is kept over the run, with what probes cost") {
  DataOptions sizes;
  sizes.vertices = 500;
  sizes.train = 200;
  const NodeDataset data = random_data(sizes);
  const TemporaryFolder folder;
  TrainOptions options = small(folder, 4);
  options.model.hidden = 32;
  options.epochs = 200;
  options.messages.period = 20;
  options.eval_every = 50;
  const double full = static_cast<double>(train_network(data, options).bytes_per_epoch.payload);
  for (const double share : {0.2, 0.08}) {
    options.messages.byte_budget = share;
    const TrainBytes bytes = train_network(data, options).bytes_per_epoch;
    CHECK(static_cast<double>(bytes.payload + bytes.parameters) / full == Approx(share).epsilon(0.03));
  }
}

TEST_CASE("early stopping keeps the best epoch") {
  const NodeDataset data = random_data({});
  const TemporaryFolder folder;
  TrainOptions options = small(folder, 1);
  options.epochs = 500;
  options.patience = 5;
  const TrainResult result = train_network(data, options);
  REQUIRE(result.epochs < 500);
  CHECK(result.epochs == result.best_epoch + 6);
  double best = 0;
  for (const EpochRecord& record : result.records) best = std::max(best, record.scores->valid);
  CHECK(result.best.valid == best);
}

TEST_CASE("the epoch of least validation loss is kept where asked for, whatever the parts") {
  const NodeDataset data = random_data({});
  for (const int parts : {1, 3}) {
    const TemporaryFolder folder;
    TrainOptions options = small(folder, parts);
    options.epochs = 500;
    options.patience = 5;
    options.select = "loss";
    const TrainResult result = train_network(data, options);
    REQUIRE(result.epochs < 500);
    CHECK(result.epochs == result.best_epoch + 6);
    double least = INFINITY, sum = 0;
    for (const EpochRecord& record : result.records) least = std::min(least, record.scores->valid_loss);
    CHECK(result.best.valid_loss == least);
    for (const VertexId v : data.data.valid) {  // from the logits of the best epoch
      double total = 0;
      for (std::int64_t c = 0; c < result.logits.cols(); ++c) total += std::exp(double{result.logits.at<float>(v, c)});
      sum += std::log(total) - double{result.logits.at<float>(v, data.data.labels[v])};
    }
    CHECK(least == Approx(sum / static_cast<double>(data.data.valid.size())).epsilon(1e-5));
  }
}

TEST_CASE("options that cannot be are refused") {
  const NodeDataset data = random_data({});
  const TemporaryFolder folder;
  const auto refused = [&](const std::function<void(TrainOptions&)>& change, const std::string& why) {
    TrainOptions options = small(folder, 2);
    change(options);
    CHECK_THROWS_WITH(train_network(data, options), contains(why));
  };
  refused([](TrainOptions& o) { o.messages.rate = 1.5; }, "--boundary-rate 1.5");
  refused([](TrainOptions& o) { o.messages.bits = 3; }, "--message-bits 3");
  refused([](TrainOptions& o) { o.messages.byte_budget = 0.1, o.messages.rate = 0.5; }, "leave out");
  refused([](TrainOptions& o) { o.model.name = "gnc"; }, "did you mean 'gcn'");
  refused([](TrainOptions& o) { o.metric = "f1"; }, "unknown metric");
  refused([](TrainOptions& o) { o.select = "f1"; }, "--select f1");
  refused([](TrainOptions& o) { o.optimizer.lr = 1e30; }, "--lr");
  refused([](TrainOptions& o) { o.checkpoint_every = 0; }, "checkpoint_every 0: expected 1 or more");
  refused([](TrainOptions& o) { o.deadline = std::nan(""); }, "deadline nan: expected more than 0 seconds");
  NodeDataset short_features = data;
  short_features.data.features.rows = 5;
  CHECK_THROWS_WITH(train_network(short_features, small(folder, 1)), contains("features of 5 vertices"));
}

TEST_CASE("an error on one rank ends all and names the rank") {
  const NodeDataset data = random_data({});
  const TemporaryFolder folder;
  class Failing : public nn::Module {
   public:
    explicit Failing(nn::ParameterStore& store) : linear_(store, "w", 7, 3) {}
    nn::Var forward(nn::Context& ctx, const nn::Var& x) override {
      if (ctx.epoch() == 2 && ctx.graph().ids[0] == 1) throw EnvironmentError("this rank has had enough");
      return nn::aggregate(ctx, linear_(x), nn::Aggregation::mean(true));
    }

   private:
    nn::Linear linear_;
  };
  TrainOptions options = small(folder, 3);
  options.deadline = 20;
  options.partition_file = folder.path() / "p.part";
  save_partition(striped(data.graph, 3), options.partition_file);
  CHECK_THROWS_WITH(train_network(data, options, {},
                                  [](nn::ParameterStore& store, std::int64_t, std::int64_t) {
                                    return std::make_unique<Failing>(store);
                                  }),
                    contains("rank 1 of 3: this rank has had enough"));
}

TEST_CASE("a stop while the run is prepared ends it before the first epoch") {
  const NodeDataset data = random_data({});
  const TemporaryFolder folder;
  TrainOptions options = small(folder, 2);
  static const int stop = 1;
  options.stop = &stop;
  const TrainResult result = train_network(data, options);
  CHECK(result.interrupted);
  CHECK(result.epochs == 0);
  options.preparing = [](const std::string&, double) { throw std::runtime_error("enough"); };
  CHECK_THROWS_WITH(plan_training(data, options, {2}, {1}, {32}), contains("enough"));
}

}  // namespace galena::test
