// Training on a device is training on the CPU, up to the rounding of sums: same draws, same losses, same epochs.

#include <algorithm>

#include "galena/error.hpp"
#include "src/nn/cache.hpp"
#include "src/nn/models.hpp"
#include "src/ops/pointwise.hpp"
#include "src/train/trainer.hpp"
#include "test/ops/op_support.hpp"
#include "test/support/catch.hpp"
#include "test/support/data.hpp"
#include "test/support/device_under_test.hpp"
#include "test/train/support.hpp"

namespace galena::test {
namespace {

TrainResult train_on(Device device, const NodeDataset& data, TrainOptions options) {
  options.device = device;
  return train_network(data, options);
}

/// That an epoch's exchanges sent.
std::uint64_t boundary_bytes(const EpochRecord& record) {
  std::uint64_t bytes = 0;
  for (const TrafficRow& row : record.traffic)
    if (row.kind == "payload" || row.kind == "parameters") bytes += row.bytes;
  return bytes;
}

void check_same_run(const NodeDataset& data, const TrainOptions& options, double tolerance) {
  const TrainResult want = train_on(Device::cpu, data, options), got = train_on(Device::cuda, data, options);
  REQUIRE(got.records.size() == want.records.size());
  for (std::size_t k = 0; k < got.records.size(); ++k) {
    CAPTURE(k);
    CHECK(got.records[k].loss == Approx(want.records[k].loss).epsilon(tolerance));
    if (options.messages.byte_budget == 0) CHECK(boundary_bytes(got.records[k]) == boundary_bytes(want.records[k]));
  }
  CHECK(got.device == "cuda");
  REQUIRE(got.logits.device() == Device::cpu);
  CHECK(relative_difference(elements(got.logits), elements(want.logits)) <= 10 * tolerance);
}

TrainOptions options_of(const std::string& model, DType dtype) {
  TrainOptions options = options_for(model, dtype);
  options.epochs = 6;
  options.model.dropout = 0.4;
  return options;
}

}  // namespace

TEST_CASE("models train on a device as on the CPU") {
  GALENA_NEEDS_DEVICE();
  for (const std::string model : {"gcn", "sage", "gin", "gcnii", "gat", "gatv2"})
    for (const bool sparse : {false, true})
      for (const bool directed : {false, true}) {
        CAPTURE(model, sparse, directed);
        DataOptions shape;
        shape.sparse = sparse;
        shape.directed = directed;
        TrainOptions options = options_of(model, DType::f64);
        options.model.attention_dropout = 0.3;
        check_same_run(random_data(shape), options, 1e-9);
      }
}

TEST_CASE("labels and splits that losses cannot index by are refused before they get there") {
  GALENA_NEEDS_DEVICE();
  const Device device = GENERATE(Device::cpu, Device::cuda);
  const TrainOptions options = options_of("gcn", DType::f32);
  const NodeDataset good = random_data({});
  const VertexId v = good.data.valid.front();
  const std::string classes = "of " + std::to_string(good.data.num_classes) + " classes";
  for (const std::int32_t label : {static_cast<std::int32_t>(good.data.num_classes), -1}) {
    NodeDataset bad = good;
    bad.data.labels[v] = label;
    CHECK_THROWS_WITH(
        train_on(device, bad, options),
        contains("vertex " + std::to_string(v) + " has label " + std::to_string(label)) && contains(classes));
  }
  NodeDataset bad = good;
  bad.data.train.push_back(good.num_vertices());
  CHECK_THROWS_WITH(train_on(device, bad, options), contains("vertex " + std::to_string(good.num_vertices())));
  bad = good;
  bad.data.labels.pop_back();
  CHECK_THROWS_WITH(train_on(device, bad, options), contains("labels of"));
}

TEST_CASE("hypergraph models train on a device as on the CPU") {
  GALENA_NEEDS_DEVICE();
  for (const std::string& model : nn::hypergraph_model_names())
    for (const bool sparse : {false, true})
      for (const bool weighted : {false, true}) {
        CAPTURE(model, sparse, weighted);
        DataOptions shape;
        shape.hypergraph = true;
        shape.sparse = sparse;
        shape.weighted = weighted;
        shape.giant = weighted;
        TrainOptions options = options_of(model, DType::f64);
        options.model.hidden = 6;  // two heads share them
        options.model.attention_dropout = 0.3;
        options.optimizer.name = "sgd";  // Adam makes of rounding in tiny gradients a step of full size
        options.epochs = 3;              // and layer norm of nearly equal rows 40 times as much of it each epoch
        check_same_run(random_data(shape), options, 1e-9);
      }
}

TEST_CASE("several parts on a device are those of the CPU: whole, sampled, coded, stale, inductive") {
  GALENA_NEEDS_DEVICE();
  for (const std::string model : {"gcn", "sage", "gat", "hgnn", "unigat", "alldeepsets", "hypergcn"})
    for (const int parts : {2, 3}) {
      CAPTURE(model, parts);
      DataOptions shape;
      shape.hypergraph = nn::hops_of_a_layer(model) == 2;
      shape.sparse = parts == 3;
      const NodeDataset data = random_data(shape);
      TrainOptions options = options_of(model, DType::f64);
      options.model.hidden = 6;
      options.model.attention_dropout = 0.3;
      options.optimizer.name = "sgd";
      options.epochs = 3;
      options.partition.parts = parts;
      options.partition.method = PartitionMethod::random;
      check_same_run(data, options, 1e-9);
      options.messages.rate = 0.5;
      check_same_run(data, options, 1e-9);
      options.messages.bits = 8;
      options.messages.rate = 1;
      check_same_run(data, options, 1e-9);
      options.messages.bits = 32;
      options.messages.byte_budget = 0.1;
      check_same_run(data, options, 1e-7);  // rows of 32 bits travel as floats
      options.messages.byte_budget = 0;
      options.messages.bits = 8;
      options.messages.stale = true;
      options.inductive = true;
      check_same_run(data, options, 1e-9);
    }
}

TEST_CASE("a run of a hypergraph on a device says which way its sums went") {
  GALENA_NEEDS_DEVICE();
  DataOptions shape;
  shape.hypergraph = true;
  const TrainResult result = train_on(Device::cuda, random_data(shape), options_of("hgnn", DType::f32));
  CHECK(std::ranges::any_of(result.kernels, [](const std::string& note) {
    return note.starts_with("Through ") && note.find(" ms on the GPU") != std::string::npos;
  }));
}

TEST_CASE("batch normalisation on a device, its running statistics selected, saved and resumed") {
  GALENA_NEEDS_DEVICE();
  DataOptions shape;
  const NodeDataset graph = random_data(shape);
  shape.hypergraph = true;
  const NodeDataset hypergraph = random_data(shape);
  for (const std::string model : {"gcn", "sage", "gin", "hgnn", "alldeepsets"}) {
    CAPTURE(model);
    TrainOptions options = options_of(model, DType::f64);
    options.optimizer.name = "sgd";
    options.model.norm = nn::NormKind::batch;
    const NodeDataset& data = nn::hops_of_a_layer(model) == 2 ? hypergraph : graph;
    check_same_run(data, options, 1e-8);
    const TrainResult want = train_on(Device::cpu, data, options), got = train_on(Device::cuda, data, options);
    REQUIRE(got.weights.size() == want.weights.size());
    for (std::size_t k = 0; k < got.weights.size(); ++k) {
      if (got.weights[k].first.find(".running_") == std::string::npos)
        continue;  // biases have no gradient but rounding
      CAPTURE(got.weights[k].first);
      CHECK(relative_difference(elements(got.weights[k].second), elements(want.weights[k].second)) < 1e-8);
    }
    const TemporaryFolder folder;
    options.checkpoint = folder.path() / "run";
    options.epochs = 3;
    static_cast<void>(train_on(Device::cuda, data, options));
    options.resume = options.checkpoint;
    options.epochs = 6;
    CHECK(train_on(Device::cuda, data, options).records.back().loss == got.records.back().loss);
  }
}

TEST_CASE("single precision, many labels, maxima, layer norms, selection by loss, inductive training") {
  GALENA_NEEDS_DEVICE();
  DataOptions shape;
  check_same_run(random_data(shape), options_of("gcn", DType::f32), 2e-4);
  TrainOptions options = options_of("sage", DType::f64);
  options.model.norm = nn::NormKind::layer;
  options.select = "loss";
  check_same_run(random_data(shape), options, 1e-9);
  options.model.norm = nn::NormKind::none;
  options.model.sage_aggregation = "max";
  check_same_run(random_data(shape), options, 1e-9);
  options.model.sage_aggregation = "mean";
  options.model.norm = nn::NormKind::l2;
  options.inductive = true;
  check_same_run(random_data(shape), options, 1e-9);
  shape.multi_label = true;
  check_same_run(random_data(shape), options_of("gcn", DType::f64), 1e-9);
}

TEST_CASE("a run on a device repeats itself bit for bit, and resumes") {
  GALENA_NEEDS_DEVICE();
  const NodeDataset data = random_data({});
  TrainOptions options = options_of("sage", DType::f32);
  const TrainResult first = train_on(Device::cuda, data, options), second = train_on(Device::cuda, data, options);
  for (std::size_t k = 0; k < first.records.size(); ++k) CHECK(first.records[k].loss == second.records[k].loss);
  const TemporaryFolder folder;
  options.checkpoint = folder.path() / "run";
  options.epochs = 3;
  static_cast<void>(train_on(Device::cuda, data, options));
  options.resume = options.checkpoint;
  options.epochs = 6;
  const TrainResult resumed = train_on(Device::cuda, data, options);
  REQUIRE(resumed.records.size() == 3);
  CHECK(resumed.records.back().loss == first.records.back().loss);
}

TEST_CASE("an ordinary run's passes are replayed as one CUDA graph, to the bits of those that are not") {
  GALENA_NEEDS_DEVICE();
  for (const std::string model : {"gcn", "sage", "gat", "hgnn", "unigcn"}) {
    CAPTURE(model);
    DataOptions shape;
    shape.hypergraph = nn::hops_of_a_layer(model) == 2;
    const NodeDataset data = random_data(shape);
    TrainOptions options = options_of(model, DType::f32);
    const TrainResult replayed = train_on(Device::cuda, data, options);
    CHECK_THAT(replayed.notes.back(), contains("From epoch 3 on") && contains("replayed as one CUDA graph"));
    options.replay = false;
    const TrainResult plain = train_on(Device::cuda, data, options);
    for (std::size_t k = 0; k < plain.records.size(); ++k) CHECK(replayed.records[k].loss == plain.records[k].loss);
  }
}

namespace {

/// <x, weights>, as far as gradients ask.
nn::Var weighted(const nn::Var& x, const Tensor& weights) {
  return nn::make_op("weighted", Tensor::full(1, 1, 0, x.dtype()), {x}, [x, weights](const Tensor&) {
    const nn::GradientSlot slot = x.grad_slot();
    ops::axpby(1, weights, slot.accumulate ? 1 : 0, slot.tensor);
  });
}

/// The rows that other ranks would send, and what they would be sent back.
class HeldRows : public nn::HaloExchange {
 public:
  HeldRows(const nn::GraphView& view, Tensor rows) : rows_(std::move(rows)) {
    selection_.csr = view.outer.view();
    selection_.csr_t = view.outer_t.view();
    selection_.count = view.halo;
    selection_.version = nn::next_selection_version();
  }
  const nn::HaloSelection& selection(std::uint32_t, int) override { return selection_; }
  void begin_forward(std::uint32_t, int, const Tensor&) override {}
  nn::HaloRows finish_forward(std::uint32_t, bool) override { return {rows_, nullptr, nullptr}; }
  void begin_backward(std::uint32_t, const Tensor& d) override { gradient = d; }
  void finish_backward(std::uint32_t, const Tensor&) override {}
  Tensor gather_full(const Tensor&, int) override { return rows_; }
  Tensor gradient;

 private:
  nn::HaloSelection selection_;
  Tensor rows_;
};

/// A sum over neighbours, and what its adjoint makes of dy.
struct NeighbourSums {
  std::vector<double> y, dx, dhalo;
};
NeighbourSums sums_of(const NodeDataset& data, int parts, nn::Aggregation how,
                      const std::vector<std::int64_t>& hop_rows, const Tensor& x, const Tensor& halo, const Tensor& dy,
                      bool bf16, Device device) {
  std::vector<std::uint32_t> part_of(data.num_vertices());
  for (std::size_t v = 0; v < part_of.size(); ++v) part_of[v] = static_cast<std::uint32_t>(v % parts);
  train::Share share = train::share_of(data, false, part_of, parts, 0, {});
  if (device == Device::cuda) nn::to_device(share.view);
  const OnDevice here(device);
  HeldRows rows(share.view, halo.head(share.view.halo).to(device));
  nn::Context::Settings settings;
  settings.hop_rows = hop_rows;
  settings.bf16_sums = bf16;
  nn::Context ctx(share.view, parts > 1 ? &rows : nullptr, settings);
  const std::int64_t in = ctx.rows(0), out = ctx.rows(1);
  const nn::Var from(x.head(in).to(device), true);
  const nn::Var y = nn::aggregate(ctx, from, how);
  nn::backward(weighted(y, dy.head(out).to(device)));
  NeighbourSums sums{elements(y.value().to(Device::cpu)), elements(from.grad().to(Device::cpu)), {}};
  if (parts > 1) sums.dhalo = elements(rows.gradient.to(Device::cpu));
  return sums;
}

}  // namespace

TEST_CASE("in bf16 sums over neighbours are those of rounded rows, and their gradients of rounded gradients") {
  GALENA_NEEDS_DEVICE();
  using Aggregation = nn::Aggregation;
  for (const bool directed : {false, true})
    for (const Aggregation how : {Aggregation::sum(), Aggregation::mean(true), Aggregation::symmetric()})
      for (const int parts : {1, 2})
        for (const bool pruned : {false, true}) {
          const std::int64_t width = pruned ? 8 : 5;
          CAPTURE(directed, static_cast<int>(how.kind), parts, pruned);
          DataOptions shape;
          shape.directed = directed;
          const NodeDataset data = random_data(shape);
          const std::vector<std::int64_t> hop_rows =
              pruned ? std::vector<std::int64_t>{27, 14} : std::vector<std::int64_t>{};
          const Tensor x = random_tensor(60, width, DType::f32, 1), halo = random_tensor(60, width, DType::f32, 2),
                       dy = random_tensor(60, width, DType::f32, 3);
          const auto wide = [](const Tensor& t) { return t.to(DType::bf16).to(DType::f64); };
          const NeighbourSums got = sums_of(data, parts, how, hop_rows, x, halo, dy, true, Device::cuda),
                              want = sums_of(data, parts, how, hop_rows, wide(x), halo.to(DType::f64), wide(dy), false,
                                             Device::cpu),
                              whole = sums_of(data, parts, how, hop_rows, x, halo, dy, false, Device::cuda);
          CHECK(relative_difference(got.y, want.y) < 1e-5);
          CHECK(relative_difference(got.dx, want.dx) < 1e-5);
          CHECK(relative_difference(whole.y, want.y) > 1e-4);  // rounding is seen
          CHECK(relative_difference(whole.dx, want.dx) > 1e-4);
          if (parts == 1) continue;
          CHECK(relative_difference(got.dhalo, want.dhalo) < 1e-5);
          CHECK(relative_difference(whole.dhalo, want.dhalo) > 1e-4);
        }
}

TEST_CASE("in bf16 the sums of features that are kept, and maxima, are not rounded") {
  GALENA_NEEDS_DEVICE();
  const NodeDataset data = random_data({});
  const std::vector<std::uint32_t> part_of(data.num_vertices(), 0);
  train::Share share = train::share_of(data, false, part_of, 1, 0, {});
  nn::to_device(share.view);
  const OnDevice here(Device::cuda);
  const Tensor x = random_tensor(60, 6, DType::f32, 1).to(Device::cuda);
  const auto sum = [&](bool bf16, const nn::Var& rows, nn::Aggregation how) {
    nn::Context::Settings settings;
    settings.bf16_sums = bf16;
    nn::Context ctx(share.view, nullptr, settings);
    return elements(nn::aggregate(ctx, rows, how).value().to(Device::cpu));
  };
  CHECK(sum(true, nn::Var(x), nn::Aggregation::sum()) == sum(false, nn::Var(x), nn::Aggregation::sum()));
  CHECK(sum(true, nn::Var(x, true), nn::Aggregation::max()) == sum(false, nn::Var(x, true), nn::Aggregation::max()));
  CHECK(sum(true, nn::Var(x, true), nn::Aggregation::sum()) != sum(false, nn::Var(x, true), nn::Aggregation::sum()));
}

TEST_CASE("a training's precision is seen, repeats itself, and is the same where its passes are replayed") {
  GALENA_NEEDS_DEVICE();
  for (const std::string model : {"gcn", "gat", "hgnn"}) {
    DataOptions shape;
    shape.hypergraph = nn::hops_of_a_layer(model) == 2;
    const NodeDataset data = random_data(shape);
    TrainOptions options = options_of(model, DType::f32);
    options.model.hidden = 8;
    const auto losses = [&](Precision precision, bool replay) {
      options.precision = precision;
      options.replay = replay;
      const TrainResult result = train_on(Device::cuda, data, options);
      std::vector<double> all;
      for (const EpochRecord& record : result.records) all.push_back(record.loss);
      return all;
    };
    const auto f32 = losses(Precision::f32, true), tf32 = losses(Precision::tf32, true),
               bf16 = losses(Precision::bf16, true);
    CAPTURE(model, f32, tf32, bf16);
    CHECK(tf32 != f32);
    CHECK((bf16 != tf32) == (model == "gcn"));  // of sums over a graph's neighbours alone
    CHECK(relative_difference(tf32, f32) < 0.01);
    CHECK(relative_difference(bf16, f32) < 0.03);
    for (const Precision precision : {Precision::tf32, Precision::bf16}) {
      const auto& want = precision == Precision::tf32 ? tf32 : bf16;
      CHECK(losses(precision, true) == want);
      CHECK(losses(precision, false) == want);
    }
  }
}

TEST_CASE("a precision is for GPUs and f32") {
  GALENA_NEEDS_DEVICE();
  TrainOptions options = options_of("gcn", DType::f32);
  options.precision = Precision::bf16;
  CHECK_THROWS_WITH(train_on(Device::cpu, random_data({}), options),
                    contains("--precision bf16 is for GPUs (--device cuda)"));
  options.precision = Precision::tf32;
  options.dtype = DType::f64;
  CHECK_THROWS_WITH(train_on(Device::cuda, random_data({}), options), contains("--precision tf32") && contains("f64"));
}

TEST_CASE("linked GPUs need a GPU each, parts and no simulated links") {
  GALENA_NEEDS_DEVICE();
  TrainOptions options = options_of("gcn", DType::f32);
  options.transport = Transport::nccl;
  const NodeDataset data = random_data({});
  CHECK_THROWS_WITH(train_on(Device::cpu, data, options), contains("--device cuda"));
  CHECK_THROWS_WITH(train_on(Device::cuda, data, options), contains("--parts"));
  options.partition.parts = 60;  // more than a machine has GPUs
  options.link.bytes_per_second = 1e6;
  CHECK_THROWS_WITH(train_on(Device::cuda, data, options), contains("--link-mbit"));
  options.link.bytes_per_second = 0;
  CHECK_THROWS_WITH(train_on(Device::cuda, data, options), contains("--transport threads"));
}

TEST_CASE("batch normalisation and maxima over several parts on a device are those of the CPU") {
  GALENA_NEEDS_DEVICE();
  for (const int parts : {2, 3})
    for (const std::string model : {"gcn", "sage", "gin", "hgnn"})
      for (const bool inductive : {false, true}) {
        CAPTURE(parts, model, inductive);
        DataOptions shape;
        shape.hypergraph = model == "hgnn";
        TrainOptions options = options_of(model, DType::f64);
        options.partition.parts = parts;
        options.partition.method = PartitionMethod::random;
        options.optimizer.name = "sgd";
        options.inductive = inductive;
        options.model.norm = nn::NormKind::batch;
        options.model.sage_aggregation = "max";
        check_same_run(random_data(shape), options, 1e-8);
        options.model.norm = nn::NormKind::none;
        options.messages.rate = 0.5;
        options.messages.bits = 8;
        check_same_run(random_data(shape), options, 1e-8);
      }
}

}  // namespace galena::test
