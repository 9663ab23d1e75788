// Whole runs: resuming, early stopping, what is refused, and that each lossy mode learns.

#include <algorithm>
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

TEST_CASE("a checkpoint goes on with the data it was written of, and says what of them differs") {
  const auto resumed = [](const NodeDataset& first, const NodeDataset& then,
                          const std::function<void(TrainOptions&)>& change = {}) {
    const TemporaryFolder folder;
    TrainOptions options = small(folder, 2);
    options.epochs = 2;
    options.checkpoint = options.resume = folder.path() / "run.ckpt";
    train_network(first, options);
    options.epochs = 3;
    if (change) change(options);
    return train_network(then, options).epochs;
  };
  const auto refused = [&](const NodeDataset& first, const NodeDataset& then, const std::string& what) {
    CAPTURE(what);
    CHECK_THROWS_AS(resumed(first, then), InputError);
    CHECK_THROWS_WITH(resumed(first, then), contains("another run, with " + what + " of digest ") &&
                                                contains("); give the same options and data"));
  };
  for (const bool sparse : {false, true})
    for (const bool multi_label : {false, true}) {
      CAPTURE(sparse, multi_label);
      DataOptions shape;
      shape.sparse = sparse;
      shape.multi_label = multi_label;
      const NodeDataset data = random_data(shape);
      CHECK(resumed(data, random_data(shape)) == 3);
      NodeDataset other = data;
      for (float& value : sparse ? other.data.features.values : other.data.features.dense) value = -value;
      refused(data, other, "values of features");
      other = data;
      if (multi_label)
        std::rotate(other.data.label_matrix.begin(), other.data.label_matrix.begin() + 1,
                    other.data.label_matrix.end());
      else
        std::rotate(other.data.labels.begin(), other.data.labels.begin() + 1, other.data.labels.end());
      refused(data, other, "labels");
    }
  const NodeDataset data = random_data({});
  NodeDataset other = data;
  std::swap(other.data.train.back(), other.data.valid.back());
  refused(data, other, "training vertices");
  other = data;
  std::swap(other.data.test.back(), other.data.valid.back());
  refused(data, other, "test vertices");
  DataOptions sparse;
  sparse.sparse = true;
  const NodeDataset columns = random_data(sparse);
  other = columns;
  auto& features = other.data.features;
  features.indices[0] = features.indices[0] == 0 ? 1 : 0;
  refused(columns, other, "values of features");
  CHECK_THROWS_WITH(resumed(data, data, [](TrainOptions& o) { o.model.hnhn_alpha = 0.5; }),
                    contains("another run, with hnhn alpha -1.5 (here 0.5)"));
  CHECK_THROWS_WITH(resumed(data, data, [](TrainOptions& o) { o.model.hnhn_beta = 0.5; }), contains("hnhn beta"));
}

TEST_CASE("a score that is no number is beaten by any, and where none is defined the last epoch stays") {
  DataOptions shape;
  shape.classes = 2;
  NodeDataset data = random_data(shape);
  std::erase_if(data.data.valid, [&](VertexId v) { return data.data.labels[v] == 1; });
  REQUIRE(!data.data.valid.empty());
  const TemporaryFolder folder;
  TrainOptions options = small(folder, 1);
  options.epochs = 12;
  options.patience = 3;
  options.metric = "roc_auc";
  const TrainResult none = train_network(data, options);
  CHECK(std::isnan(none.best.valid));
  CHECK(none.epochs == 3);  // patience is for none too
  CHECK(none.best_epoch == 2);
  // micro-F1 of vertices without labels, of which nothing is said either, is no number: as it is until the first is.
  shape.multi_label = true;
  NodeDataset many = random_data(shape);
  for (const VertexId v : many.data.valid)
    for (std::uint32_t c = 0; c < 2; ++c) many.data.label_matrix[2 * v + c] = 0;
  class Shy : public nn::Module {
   public:
    explicit Shy(nn::ParameterStore& store) : linear_(store, "w", 7, 2) {}
    nn::Var forward(nn::Context&, const nn::Var& x) override {
      Tensor no = Tensor::zeros(x.rows(), 2);
      const float sign = ++calls_ < 6 ? -1e6F : 1e6F;  // each epoch calls twice
      for (float& value : no.span<float>()) value = sign;
      return nn::add(linear_(x), nn::Var(no));
    }

   private:
    nn::Linear linear_;
    int calls_ = 0;
  };
  options.metric = "micro_f1";
  options.patience = 0;
  options.epochs = 5;
  const TrainResult later = train_network(many, options, {}, [](nn::ParameterStore& store, std::int64_t, std::int64_t) {
    return std::make_unique<Shy>(store);
  });
  CHECK(std::isnan(later.records[1].scores->valid));
  CHECK(later.records[2].scores->valid == 0);
  CHECK(later.best_epoch == 2);
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

TEST_CASE("data that are not as they say are refused before anything reads them") {
  const TemporaryFolder folder;
  const auto refused = [&](const DataOptions& shape, const std::function<void(NodeData&)>& change,
                           const std::string& why) {
    CAPTURE(why);
    NodeDataset data = random_data(shape);
    change(data.data);
    CHECK_THROWS_AS(train_network(data, small(folder, 1)), InputError);
    CHECK_THROWS_WITH(train_network(data, small(folder, 1)), contains(why));
  };
  DataOptions sparse, multi_label;
  sparse.sparse = multi_label.multi_label = true;
  refused(
      {}, [](NodeData& d) { d.features.dense.resize(60); }, "dense has 60 values; expected 420");
  refused(
      {}, [](NodeData& d) { d.features.cols = std::uint64_t{1} << 60; }, "columns; expected fewer than 2^32");
  refused(
      sparse,
      [](NodeData& d) {
        d.features.indptr = {0, 3};
      },
      "of 60 rows: indptr has 2 entries; expected 61");
  refused(
      sparse, [](NodeData& d) { d.features.values.pop_back(); }, "indices, but");
  refused(
      sparse, [](NodeData& d) { ++d.features.indptr.back(); }, "features: indptr runs from 0 to");
  refused(
      sparse, [](NodeData& d) { d.features.indptr[1] = d.features.indptr.back(); }, "indptr[2] is ");
  refused(
      sparse, [](NodeData& d) { d.features.indices[4] = 7; }, "indices[4] is 7, but there are 7 columns");
  refused(
      {}, [](NodeData& d) { d.labels.resize(5); }, "5 labels of 60 vertices; expected 60");
  refused(
      {}, [](NodeData& d) { d.labels[d.test[0]] = 3; }, "has label 3; expected 0 to 2");
  refused(
      {}, [](NodeData& d) { d.valid.push_back(60); }, "vertex 60 is in a split of a graph of 60 vertices");
  refused(
      multi_label, [](NodeData& d) { d.label_matrix.pop_back(); }, "labels of 60 vertices; expected 180");
  refused(
      multi_label, [](NodeData& d) { d.label_matrix[4] = 2; }, "vertex 1 has 2 for class 1; expected 0 or 1");
}

TEST_CASE("logits of a network are a column a class") {
  const NodeDataset data = random_data({});
  const TemporaryFolder folder;
  class Wide : public nn::Module {
   public:
    Wide(nn::ParameterStore& store, std::int64_t columns) : linear_(store, "w", 7, columns) {}
    nn::Var forward(nn::Context&, const nn::Var& x) override { return linear_(x); }

   private:
    nn::Linear linear_;
  };
  for (const std::int64_t columns : {2, 5})
    for (const int parts : {1, 2}) {
      const auto run = [&] {
        train_network(data, small(folder, parts), {}, [&](nn::ParameterStore& store, std::int64_t, std::int64_t) {
          return std::make_unique<Wide>(store, columns);
        });
      };
      CHECK_THROWS_AS(run(), InputError);
      CHECK_THROWS_WITH(run(),
                        contains("logits have " + std::to_string(columns) + " columns; expected 3, one a class"));
    }
}

TEST_CASE("a model of graphs is told that this is a hypergraph, whatever its depth") {
  const TemporaryFolder folder;
  DataOptions shape;
  shape.hypergraph = true;
  const NodeDataset hypergraph = random_data(shape), graph = random_data({});
  for (const int layers : {1, 2, 3}) {
    TrainOptions options = small(folder, 1);
    options.model.layers = layers;
    CHECK_THROWS_WITH(train_network(hypergraph, options),
                      contains("'gcn' is a model of graphs, and this is a hypergraph"));
    options.model.name = "hgnn";
    CHECK_THROWS_WITH(train_network(graph, options), contains("'hgnn' is a model of hypergraphs"));
  }
  TrainOptions options = small(folder, 1);
  options.model.name = "gnc";
  CHECK_THROWS_WITH(train_network(hypergraph, options), contains("did you mean 'gcn'"));
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
