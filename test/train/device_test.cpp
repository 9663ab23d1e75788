// Training on a device is training on the CPU, up to the rounding of sums: same draws, same losses, same epochs.

#include "galena/error.hpp"
#include "src/train/trainer.hpp"
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

void check_same_run(const NodeDataset& data, const TrainOptions& options, double tolerance) {
  const TrainResult want = train_on(Device::cpu, data, options), got = train_on(Device::cuda, data, options);
  REQUIRE(got.records.size() == want.records.size());
  for (std::size_t k = 0; k < got.records.size(); ++k) {
    CAPTURE(k);
    CHECK(got.records[k].loss == Approx(want.records[k].loss).epsilon(tolerance));
  }
  CHECK(got.device == "cuda");
  REQUIRE(got.logits.device() == Device::cpu);
  double difference = 0, largest = 0;
  for (std::int64_t i = 0; i < want.logits.rows(); ++i)
    for (std::int64_t c = 0; c < want.logits.cols(); ++c) {
      difference = std::max(difference, std::abs(want.logits.item(i, c) - got.logits.item(i, c)));
      largest = std::max(largest, std::abs(want.logits.item(i, c)));
    }
  CHECK(difference <= 10 * tolerance * largest);
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

TEST_CASE("single precision, many labels, layer norms, selection by loss, inductive training") {
  GALENA_NEEDS_DEVICE();
  DataOptions shape;
  check_same_run(random_data(shape), options_of("gcn", DType::f32), 2e-4);
  TrainOptions options = options_of("sage", DType::f64);
  options.model.norm = nn::NormKind::layer;
  options.select = "loss";
  check_same_run(random_data(shape), options, 1e-9);
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

TEST_CASE("what a device does not train is refused with the remedy") {
  GALENA_NEEDS_DEVICE();
  TrainOptions options = options_of("sage", DType::f32);
  options.partition.parts = 2;
  CHECK_THROWS_WITH(train_on(Device::cuda, random_data({}), options), contains("--parts"));
  options.partition.parts = 1;
  options.model.norm = nn::NormKind::batch;
  CHECK_THROWS_WITH(train_on(Device::cuda, random_data({}), options), contains("batch normalisation"));
}

}  // namespace galena::test
