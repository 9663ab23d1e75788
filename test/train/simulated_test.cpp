// What only a simulated device counts.

#include <algorithm>
#include <atomic>

#include "galena/error.hpp"
#include "src/base/random.hpp"
#include "src/nn/models.hpp"
#include "src/ops/device_graph.hpp"
#include "src/ops/device_memory.hpp"
#include "src/train/trainer.hpp"
#include "test/support/catch.hpp"
#include "test/support/data.hpp"
#include "test/support/simulated_device.hpp"
#include "test/train/host_links.hpp"
#include "test/train/support.hpp"

namespace galena::test {

namespace {

/// What a model of graphs or of hypergraphs learns from.
NodeDataset data_for(const std::string& model) {
  DataOptions shape;
  shape.hypergraph = nn::hops_of_a_layer(model) == 2;
  return random_data(shape);
}

void check_same_bits(const TrainResult& got, const TrainResult& want) {
  REQUIRE(got.records.size() == want.records.size());
  for (std::size_t k = 0; k < got.records.size(); ++k) CHECK(got.records[k].loss == want.records[k].loss);
  for (std::int64_t i = 0; i < want.logits.rows(); ++i)
    for (std::int64_t c = 0; c < want.logits.cols(); ++c) CHECK(got.logits.item(i, c) == want.logits.item(i, c));
}

/// The parts' run with replayed passes, which gives the bits, sends the bytes and gives back the memory of that without.
TrainResult check_replayed(const NodeDataset& data, TrainOptions options) {
  options.replay = false;
  const TrainResult want = train_network(data, options);
  options.replay = true;
  TrainResult got = train_network(data, options);
  check_same_bits(got, want);
  CHECK(got.bytes_per_epoch.payload == want.bytes_per_epoch.payload);
  CHECK(got.bytes_per_epoch.parameters == want.bytes_per_epoch.parameters);
  CHECK(SimulatedDevice::live_bytes() == 0);
  CHECK(SimulatedDevice::pinned_bytes() == 0);
  return got;
}

}  // namespace

TEST_CASE("an epoch waits for the device once, and a run gives all of its memory back") {
  const SimulatedDevice device;
  for (const std::string model : {"gcn", "sage", "hgnn", "unigin", "alldeepsets"}) {
    CAPTURE(model);
    const NodeDataset data = data_for(model);
    TrainOptions options = options_for(model, DType::f32);
    options.model.norm = nn::NormKind::batch;
    options.device = Device::cuda;
    options.model.dropout = 0.5;
    options.eval_every = 1000;
    std::vector<std::uint64_t> waits;
    for (const int epochs : {3, 13}) {
      options.epochs = epochs;
      const std::uint64_t before = SimulatedDevice::waits();
      static_cast<void>(train_network(data, options));
      waits.push_back(SimulatedDevice::waits() - before);
    }
    CHECK(waits[1] - waits[0] == 10);
    CHECK(SimulatedDevice::live_bytes() == 0);
  }
}

TEST_CASE("from the fourth epoch on a pass is one launch, and gives the bits it gave before") {
  for (const std::string model : {"gcn", "sage", "gin", "gcnii", "gat", "gatv2", "hgnn", "unigin", "unigat", "hnhn",
                                  "hypergcn", "alldeepsets", "allsettransformer"}) {
    CAPTURE(model);
    DataOptions shape;
    shape.hypergraph = nn::hops_of_a_layer(model) == 2;
    shape.sparse = model == "gat" || model == "alldeepsets";
    const NodeDataset data = random_data(shape);
    TrainOptions options = options_for(model, DType::f32);
    options.model.hidden = 6;
    options.model.attention_dropout = 0.3;
    options.model.norm = model == "gcn" || model == "alldeepsets" ? nn::NormKind::batch : nn::NormKind::layer;
    options.eval_every = model == "sage" ? 1 : 7;  // what is kept for evaluations comes after the recording
    options.device = Device::cuda;
    options.replay = false;
    options.epochs = 14;
    const SimulatedDevice device;
    const TrainResult want = train_network(data, options);
    options.replay = true;
    const TrainResult got = train_network(data, options);
    check_same_bits(got, want);
    CHECK_THAT(got.notes.back(), contains("From epoch 3 on"));
    options.eval_every = 1000;
    std::vector<std::uint64_t> launches;
    for (const int epochs : {14, 24}) {
      options.epochs = epochs;
      const std::uint64_t before = SimulatedDevice::launches();
      static_cast<void>(train_network(data, options));
      launches.push_back(SimulatedDevice::launches() - before);
    }
    CHECK(launches[1] - launches[0] <= 10 * 5);  // the epoch's number, the graph, and steps of three groups at most
    CHECK(SimulatedDevice::live_bytes() == 0);
  }
}

TEST_CASE("parts with a GPU each replay what is between two exchanges, and give the bits and bytes they gave before") {
  const SimulatedDevice device(0, false, 4);
  for (const std::string model : {"gcn", "sage", "gat", "unigin"})
    for (const int bits : {32, 4}) {
      const int parts = model == "sage" || bits == 4 ? 3 : 2;
      CAPTURE(model, bits, parts);
      const NodeDataset data = data_for(model);
      TrainOptions options = options_for(model, DType::f32);
      options.model.norm = model == "sage" || model == "unigin" ? nn::NormKind::batch : nn::NormKind::layer;
      options.eval_every = model == "sage" ? 2 : 1000;
      options.device = Device::cuda;
      options.partition.parts = parts;
      options.partition.method = PartitionMethod::random;
      options.messages.bits = bits;
      options.epochs = 7;
      const TrainResult got = check_replayed(data, options);
      CHECK_THAT(got.notes.back(), contains("From epoch 3 on") && contains("between which ranks exchange"));
    }
}

namespace {

/// What epochs with evaluations launch each, once all that can be is replayed.
std::uint64_t launches_of_an_epoch(const NodeDataset& data, TrainOptions options) {
  std::vector<std::uint64_t> launches;
  for (const int epochs : {18, 36}) {
    options.epochs = epochs;
    const std::uint64_t before = SimulatedDevice::launches();
    static_cast<void>(train_network(data, options));
    launches.push_back(SimulatedDevice::launches() - before);
  }
  return (launches[1] - launches[0]) / 18;
}

void check_same_evaluations(const TrainResult& got, const TrainResult& want) {
  check_same_bits(got, want);
  for (std::size_t k = 0; k < got.records.size(); ++k) {
    REQUIRE(got.records[k].scores.has_value() == want.records[k].scores.has_value());
    if (!got.records[k].scores) continue;
    CHECK(got.records[k].scores->train == want.records[k].scores->train);
    CHECK(got.records[k].scores->valid == want.records[k].scores->valid);
    CHECK(got.records[k].scores->valid_loss == want.records[k].scores->valid_loss);
  }
}

}  // namespace

TEST_CASE("evaluations are replayed too: every epoch, every third, and after a checkpoint, to the same bits") {
  const SimulatedDevice device(0, false, 2);
  for (const std::string model : {"gcn", "sage", "gat"})
    for (const int parts : {1, 2})
      for (const int eval_every : {1, 3}) {
        CAPTURE(model, parts, eval_every);
        const NodeDataset data = random_data({});
        TrainOptions options = options_for(model, DType::f32);
        options.model.norm = model == "sage" ? nn::NormKind::batch : nn::NormKind::none;
        options.device = Device::cuda;
        options.partition.parts = parts;
        options.partition.method = PartitionMethod::random;
        options.inductive = model == "gcn" && eval_every == 3;
        options.select = "loss";  // of the logits' last bits
        options.eval_every = eval_every;
        options.epochs = 16;
        options.replay = false;
        const TrainResult want = train_network(data, options);
        const std::uint64_t plain = launches_of_an_epoch(data, options);
        options.replay = true;
        check_same_evaluations(train_network(data, options), want);
        const std::uint64_t replayed = launches_of_an_epoch(data, options);
        if (parts == 1) CHECK(replayed <= 12);  // both passes, the step, the scores' classes and loss
        CHECK(replayed < plain / 2);

        const TemporaryFolder folder;
        options.checkpoint = folder.path() / "run";
        options.epochs = 7;
        static_cast<void>(train_network(data, options));
        options.resume = options.checkpoint;
        options.epochs = 16;
        TrainResult rest = want;
        rest.records.erase(rest.records.begin(), rest.records.begin() + 7);
        check_same_evaluations(train_network(data, options), rest);
        CHECK(SimulatedDevice::live_bytes() == 0);
      }
}

TEST_CASE("evaluations are replayed where passes change too often to be") {
  const SimulatedDevice device;
  TrainOptions options = options_for("gcn", DType::f32);
  options.device = Device::cuda;
  options.partition.parts = 2;
  options.partition.method = PartitionMethod::random;
  options.messages.bits = 0;
  options.messages.period = 2;
  options.select = "loss";
  options.epochs = 30;
  const auto launches = [&](TrainResult& result) {
    const std::uint64_t before = SimulatedDevice::launches();
    result = train_network(random_data({}), options);
    return SimulatedDevice::launches() - before;
  };
  TrainResult want, got;
  options.replay = false;
  const std::uint64_t plain = launches(want);
  options.replay = true;
  CHECK(launches(got) < plain);
  check_same_evaluations(got, want);
}

TEST_CASE("evaluations of parts whose passes mix epochs' rows are replayed to the same bits") {
  const SimulatedDevice device;
  for (const std::string model : {"gcn", "gat"}) {
    CAPTURE(model);
    TrainOptions options = options_for(model, DType::f32);
    options.device = Device::cuda;
    options.partition.parts = 2;
    options.partition.method = PartitionMethod::random;
    options.messages.stale = true;
    options.messages.bits = 8;
    options.epochs = 9;
    options.select = "loss";
    options.replay = false;
    const TrainResult want = train_network(random_data({}), options);
    const std::uint64_t plain = launches_of_an_epoch(random_data({}), options);
    options.replay = true;
    check_same_evaluations(train_network(random_data({}), options), want);
    CHECK(launches_of_an_epoch(random_data({}), options) < plain);
    CHECK(SimulatedDevice::live_bytes() == 0);
  }
}

namespace {

/// Each with other rows or widths in every epoch, or in every period.
const std::vector<std::pair<std::string, MessageOptions>>& varied_messages() {
  static const auto make = [](double rate, bool by_importance, int bits, double budget) {
    MessageOptions m;
    m.rate = rate;
    m.by_importance = by_importance;
    m.bits = bits;
    m.byte_budget = budget;
    m.period = 12;
    return m;
  };
  static const std::vector<std::pair<std::string, MessageOptions>> all{
      {"uniform", make(0.5, false, 32, 0)},          {"few rows", make(0.03, false, 32, 0)},
      {"importance", make(0.4, true, 32, 0)},        {"uniform, coded", make(0.5, false, 4, 0)},
      {"importance, coded", make(0.3, true, 16, 0)}, {"adaptive", make(1, false, 0, 0)},
      {"uniform, adaptive", make(0.6, false, 0, 0)}, {"budget", make(1, false, 32, 0.1)}};
  return all;
}

}  // namespace

TEST_CASE("parts that send other rows or widths in every epoch replay their passes, to the same bits and bytes") {
  const SimulatedDevice device(0, false, 2);  // the third part shares the first's
  for (const std::string model : {"gcn", "sage", "gat", "gatv2", "gcnii", "unigin", "unigat", "hypergcn"})
    for (const auto& [name, messages] : varied_messages()) {
      CAPTURE(model, name);
      const NodeDataset data = data_for(model);
      TrainOptions options = options_for(model, DType::f32);
      options.model.norm = nn::NormKind::layer;
      options.eval_every = model == "sage" ? 2 : 1000;
      options.prune = model != "gat";
      options.device = Device::cuda;
      options.partition.parts = model == "sage" ? 2 : 3;
      options.partition.method = PartitionMethod::random;
      options.messages = messages;
      options.epochs = messages.period + 8;
      const TrainResult got = check_replayed(data, options);
      if (model == "hypergcn" && name != "adaptive") {
        CHECK_THAT(got.notes.back(), contains("not replayed") && contains("extremal vertices by this epoch's sample"));
        continue;
      }
      CHECK_THAT(got.notes.back(), contains("passes were replayed as") && !contains("no more"));
      if (messages.bits == 0 || messages.byte_budget > 0) CHECK_THAT(got.notes.back(), contains("recorded 2 times"));
    }
}

namespace {

/// Four classes, neighbours mostly of one, features that hint at it.
NodeDataset communities(VertexId n) {
  base::RandomStream random(5, 78);
  NodeDataset set = random_data({.vertices = n, .degree = 0, .features = 24, .classes = 4, .isolated = 0, .train = 0});
  std::vector<std::vector<VertexId>> rows(n);
  for (VertexId u = 0; u < n; ++u)
    for (int k = 0; k < 3; ++k) {
      auto v = static_cast<VertexId>(random.below(n));
      if (random.below(10) < 8) v = v / 4 * 4 + u % 4;
      if (v >= n || u == v) continue;
      rows[u].push_back(v);
      rows[v].push_back(u);
    }
  GraphArrays arrays;
  for (auto& row : rows) {
    std::sort(row.begin(), row.end());
    row.erase(std::unique(row.begin(), row.end()), row.end());
    arrays.indices.insert(arrays.indices.end(), row.begin(), row.end());
    arrays.indptr.push_back(arrays.indices.size());
  }
  set.graph = Graph::from_arrays(std::move(arrays));
  set.data.train.clear();
  set.data.valid.clear();
  set.data.test.clear();
  for (VertexId v = 0; v < n; ++v) {
    set.data.labels[v] = static_cast<std::int32_t>(v % 4);
    set.data.features.dense[v * 24 + v % 4] += 0.7F;
    (v % 3 == 0 ? set.data.train : v % 3 == 1 ? set.data.valid : set.data.test).push_back(v);
  }
  return set;
}

}  // namespace

TEST_CASE("in each precision a training comes to the same loss and scores, on parts too") {
  const SimulatedDevice device(0, false, 2);
  const NodeDataset data = communities(600);
  for (const std::string model : {"gcn", "sage"})
    for (const int parts : {1, 2}) {
      TrainOptions options = options_for(model, DType::f32);
      options.model.hidden = 16;
      options.optimizer.lr = 0.02;
      options.epochs = 40;
      options.eval_every = 5;
      options.device = Device::cuda;
      options.partition.parts = parts;
      options.partition.method = PartitionMethod::random;
      const TrainResult want = train_network(data, options);
      CHECK(want.best.test > 0.7);
      for (const Precision precision : {Precision::tf32, Precision::bf16}) {
        CAPTURE(model, parts, name_of(precision));
        options.precision = precision;
        const TrainResult got = check_replayed(data, options);
        CHECK_THAT(got.notes.back(), contains("From epoch 3 on"));
        CHECK(got.records.back().loss != want.records.back().loss);
        CHECK(got.records.back().loss == Approx(want.records.back().loss).epsilon(0.03));
        CHECK(got.records.back().scores->test == Approx(want.records.back().scores->test).margin(0.01));
        CHECK(got.best.test == Approx(want.best.test).margin(0.01));
        check_same_bits(train_network(data, options), got);
      }
    }
}

TEST_CASE("a run goes on in the precision that it was begun in") {
  const SimulatedDevice device;
  const NodeDataset data = random_data({});
  for (const int parts : {1, 2}) {
    TrainOptions options = options_for("sage", DType::f32);
    options.device = Device::cuda;
    options.partition.parts = parts;
    options.partition.method = PartitionMethod::random;
    options.precision = Precision::bf16;
    options.select = "loss";
    options.epochs = 11;
    TrainResult rest = train_network(data, options);
    rest.records.erase(rest.records.begin(), rest.records.begin() + 6);
    const TemporaryFolder folder;
    options.checkpoint = folder.path() / "run";
    options.epochs = 6;
    static_cast<void>(train_network(data, options));
    options.resume = options.checkpoint;
    options.epochs = 11;
    for (const Precision other : {Precision::f32, Precision::tf32}) {
      options.precision = other;
      CHECK_THROWS_WITH(train_network(data, options), contains("precision bf16 (here "));
    }
    options.precision = Precision::bf16;
    check_same_evaluations(train_network(data, options), rest);
  }
}

TEST_CASE("passes of parts that mix epochs' rows are not replayed, and the run says why") {
  TrainOptions options = options_for("gcn", DType::f32);
  options.device = Device::cuda;
  options.partition.parts = 2;
  options.epochs = 6;
  const auto note = [&](int devices, const auto& change) {
    const SimulatedDevice device(0, false, devices);
    TrainOptions changed = options;
    change(changed);
    return train_network(random_data({}), changed).notes.back();
  };
  CHECK_THAT(note(1, [](TrainOptions&) {}), contains("From epoch 3 on"));
  CHECK_THAT(note(2, [](TrainOptions&) {}), contains("From epoch 3 on"));
  CHECK_THAT(note(2, [](TrainOptions& o) { o.messages.stale = true; }), contains("the epoch before"));
  CHECK_THAT(note(2, [](TrainOptions& o) { o.model.norm = nn::NormKind::batch; }), contains("From epoch 3 on"));
}

TEST_CASE("over links from device to device a training gives the bits that it gives by way of the CPU") {
  const SimulatedDevice device(0, false, 3);
  for (const std::string model : {"gcn", "sage", "unigin"})
    for (const auto& [name, messages] : varied_messages())
      for (const bool replay : {false, true}) {
        CAPTURE(model, name, replay);
        const NodeDataset data = data_for(model);
        TrainOptions options = options_for(model, DType::f32);
        options.model.norm = nn::NormKind::batch;
        options.device = Device::cuda;
        options.partition.parts = 3;
        options.messages = messages;
        options.replay = replay;
        const Partition partition = striped(data, 3);
        const EpochOutcome want = run_epochs(data, options, partition, 7);
        const ModelFactory make;
        const EpochOutcome got =
            run_epochs({data, options, make, partition,
                        [](comm::Communicator& comm) { return std::make_unique<HostLinks>(comm); }},
                       7);
        CHECK(got.loss == want.loss);
        CHECK(got.gradients == want.gradients);
        CHECK(got.logits == want.logits);
        CHECK(SimulatedDevice::live_bytes() == 0);
      }
}

TEST_CASE("parts on a device that send what few bits cannot hold end with the vertex") {
  const SimulatedDevice device;
  TrainOptions options = options_for("sage", DType::f32);
  options.device = Device::cuda;
  options.partition.parts = 2;
  options.partition.method = PartitionMethod::random;
  options.messages.bits = 8;
  options.optimizer.lr = 1e30;
  options.epochs = 12;
  CHECK_THROWS_WITH(train_network(random_data({}), options), contains("a feature of vertex") && contains("diverging"));
}

namespace {

/// Asks for a number in the middle of a pass.
class Curious : public nn::Module {
 public:
  Curious(nn::ParameterStore& store, std::int64_t in, std::int64_t out) : map_(store, "map", in, out) {}
  nn::Var forward(nn::Context& ctx, const nn::Var& x) override {
    static_cast<void>(map_.weight.value().item(0, 0));
    return aggregate(ctx, map_(x), nn::Aggregation::mean());
  }
  [[nodiscard]] int hops() const override { return 1; }

 private:
  nn::Linear map_;
};

}  // namespace

TEST_CASE("a pass that cannot be recorded runs as it is, and the run says why") {
  const SimulatedDevice device;
  const auto make = [](nn::ParameterStore& store, std::int64_t in, std::int64_t out) {
    return std::make_unique<Curious>(store, in, out);
  };
  TrainOptions options = options_for("gcn", DType::f32);
  options.device = Device::cuda;
  options.epochs = 8;
  options.replay = false;
  const TrainResult want = train_network(random_data({}), options, {}, make);
  options.replay = options.replay_own = true;
  const TrainResult got = train_network(random_data({}), options, {}, make);
  for (std::size_t k = 0; k < got.records.size(); ++k) CHECK(got.records[k].loss == want.records[k].loss);
  CHECK_THAT(got.notes.back(), contains("not replayed") && contains("a copy to the CPU's memory"));
}

namespace {

enum class Fails { never, rehearsed, recorded };

/// Runs out of memory at its end, where it is replayed and has come that far.
class Failing : public nn::Module {
 public:
  Failing(nn::ParameterStore& store, std::int64_t in, std::int64_t out, Fails when)
      : norm_(store, "norm", nn::NormKind::batch, in), map_(store, "map", in, out), when_(when) {}
  nn::Var forward(nn::Context& ctx, const nn::Var& x) override {
    nn::Var y = map_(norm_(ctx, aggregate(ctx, x, nn::Aggregation::mean())));
    const bool graphs = ops::GraphMemory::in_use() != nullptr;
    if (graphs && when_ == (ops::recording() ? Fails::recorded : Fails::rehearsed))
      throw EnvironmentError("out of GPU memory: here it ends");
    return y;
  }
  [[nodiscard]] int hops() const override { return 1; }

 private:
  nn::Norm norm_;
  nn::Linear map_;
  Fails when_;
};

}  // namespace

TEST_CASE("a pass that fails while it is rehearsed or recorded leaves what none leaves") {
  const SimulatedDevice device;
  TrainOptions options = options_for("gcn", DType::f32);
  options.device = Device::cuda;
  options.epochs = 6;
  options.eval_every = 1000;  // what the last epoch leaves
  options.replay_own = true;
  const auto train = [&](Fails when) {
    return train_network(random_data({}), options, {},
                         [when](nn::ParameterStore& store, std::int64_t in, std::int64_t out) {
                           return std::make_unique<Failing>(store, in, out, when);
                         });
  };
  options.replay = false;
  const TrainResult want = train(Fails::never);
  options.replay = true;
  for (const Fails when : {Fails::rehearsed, Fails::recorded}) {
    CAPTURE(static_cast<int>(when));
    const TrainResult got = train(when);
    CHECK_THAT(got.notes.back(), contains("not replayed") && contains("here it ends"));
    check_same_bits(got, want);
    for (std::size_t k = 0; k < want.weights.size(); ++k) {
      CAPTURE(want.weights[k].first);
      for (std::int64_t c = 0; c < want.weights[k].second.cols(); ++c)
        CHECK(got.weights[k].second.item(0, c) == want.weights[k].second.item(0, c));
    }
    CHECK(SimulatedDevice::live_bytes() == 0);
  }
}

TEST_CASE("where one rank cannot record, no rank replays") {
  const SimulatedDevice device;
  TrainOptions options = options_for("gcn", DType::f32);
  options.device = Device::cuda;
  options.partition.parts = 3;
  options.partition.method = PartitionMethod::random;
  options.eval_every = 2;
  options.epochs = 9;
  options.replay_own = true;
  const auto train = [&] {
    std::atomic<int> made = 0;
    return train_network(
        random_data({}), options, {}, [&](nn::ParameterStore& store, std::int64_t in, std::int64_t out) {
          return std::make_unique<Failing>(store, in, out, made++ == 1 ? Fails::recorded : Fails::never);
        });
  };
  options.replay = false;
  const TrainResult want = train();
  options.replay = true;
  const TrainResult got = train();
  check_same_bits(got, want);
  CHECK_THAT(got.notes.back(), contains("not replayed") && (contains("here it ends") || contains("another rank")));
  CHECK(SimulatedDevice::live_bytes() == 0);
}

TEST_CASE("a run that fits into a device's memory without graphs fits with them, in one part and in several") {
  DataOptions shape;
  shape.vertices = 150;
  shape.train = 100;
  shape.features = 40;
  const NodeDataset data = random_data(shape);
  for (const std::string model : {"sage", "gat"})
    for (const int parts : {1, 2})
      for (const int eval_every : {1, 5}) {
        CAPTURE(model, parts, eval_every);
        TrainOptions options = options_for(model, DType::f32);
        options.model.hidden = 12;
        options.model.norm = nn::NormKind::batch;
        options.device = Device::cuda;
        options.partition.parts = parts;
        options.eval_every = eval_every;
        options.epochs = 11;
        options.replay = false;
        std::uint64_t most = 0;
        TrainResult want;
        {
          const SimulatedDevice device;
          static_cast<void>(SimulatedDevice::most_live_bytes());
          want = train_network(data, options);
          most = SimulatedDevice::most_live_bytes();
        }
        options.replay = true;
        int replayed = 0;
        for (double share = parts > 1 ? 1.2 : 1; share < 4; share *= 1.2) {  // ranks that share it may peak together
          CAPTURE(share);
          const SimulatedDevice device(static_cast<std::uint64_t>(share * static_cast<double>(most)));
          const TrainResult got = train_network(data, options);
          check_same_bits(got, want);
          replayed += got.notes.back().find("passes were replayed") != std::string::npos ? 1 : 0;
          CHECK(SimulatedDevice::live_bytes() == 0);
        }
        CHECK(replayed >= 2);
      }
}

namespace {

/// Bytes that an epoch copies between the memories, and that ranks send each other.
struct EpochBytes {
  std::uint64_t copied = 0, payload = 0, gradients = 0;
};
EpochBytes bytes_of_an_epoch(const NodeDataset& data, TrainOptions options) {
  EpochBytes bytes;
  std::uint64_t copied = 0;
  for (const int epochs : {5, 15}) {
    options.epochs = epochs;
    const std::uint64_t before = SimulatedDevice::copied_bytes();
    const TrainResult result = train_network(data, options);
    bytes.copied = (SimulatedDevice::copied_bytes() - before - copied) / 10;
    copied = SimulatedDevice::copied_bytes() - before;
    bytes.payload = result.bytes_per_epoch.payload;
    bytes.gradients = 0;
    for (const auto& [name, weight] : result.weights)
      bytes.gradients += (weight.bytes() + 63) / 64 * 64;  // each begins at a multiple
  }
  return bytes;
}

}  // namespace

TEST_CASE("parts on a device copy the rows that travel and the gradients of parameters, nothing else") {
  const SimulatedDevice device;
  DataOptions shape;
  shape.vertices = 400;
  shape.train = 300;
  shape.features = 64;
  const NodeDataset data = random_data(shape);
  for (const int parts : {2, 3}) {
    TrainOptions options = options_for("sage", DType::f32);
    options.device = Device::cuda;
    options.model.hidden = 64;
    options.partition.parts = parts;
    options.eval_every = 1000;
    const EpochBytes whole = bytes_of_an_epoch(data, options);
    // Down and up again; a rank's loss is a double.
    const auto ranks = static_cast<std::uint64_t>(parts);
    CHECK(whole.copied == 2 * whole.payload + ranks * (2 * whole.gradients + sizeof(double)));
    options.messages.bits = 2;
    const EpochBytes coded = bytes_of_an_epoch(data, options);
    CHECK(coded.copied < whole.copied - whole.payload * 3 / 2);
  }
}

TEST_CASE("ranks take the machine's devices in turn, and none touches another's memory") {
  for (const std::string model : {"sage", "gat", "unigin"}) {
    CAPTURE(model);
    DataOptions shape;
    shape.hypergraph = model == "unigin";
    const NodeDataset data = random_data(shape);
    TrainOptions options = options_for(model, DType::f32);
    options.device = Device::cuda;
    options.epochs = 4;
    options.partition.parts = 3;
    options.partition.method = PartitionMethod::random;
    options.messages.bits = 8;
    options.model.norm = nn::NormKind::batch;
    std::vector<double> losses;
    for (const int devices : {1, 2, 4}) {
      const SimulatedDevice device(0, false, devices);
      std::vector<std::uint64_t> before;
      for (int k = 0; k < 4; ++k) before.push_back(SimulatedDevice::launches_on(k));
      losses.push_back(train_network(data, options).records.back().loss);
      for (int k = 0; k < 4; ++k) {
        CAPTURE(devices, k);
        const bool used = SimulatedDevice::launches_on(k) > before[static_cast<std::size_t>(k)];
        CHECK(used == (k < std::min(devices, 3)));
      }
      CHECK(SimulatedDevice::live_bytes() == 0);
    }
    CHECK(losses[1] == losses[0]);
    CHECK(losses[2] == losses[0]);
  }
}

TEST_CASE("a model that does not fit ends with what it needed") {
  const SimulatedDevice device(1 << 16);
  DataOptions shape;
  shape.vertices = 400;
  TrainOptions options = options_for("gcn", DType::f32);
  options.device = Device::cuda;
  options.model.hidden = 256;
  CHECK_THROWS_WITH(train_network(random_data(shape), options), contains("out of GPU memory: a tensor of"));
}

}  // namespace galena::test
