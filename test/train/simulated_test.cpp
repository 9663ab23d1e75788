// What only a simulated device counts.

#include "src/nn/models.hpp"
#include "src/train/trainer.hpp"
#include "test/support/catch.hpp"
#include "test/support/simulated_device.hpp"
#include "test/train/support.hpp"

namespace galena::test {

TEST_CASE("an epoch waits for the device once, and a run gives all of its memory back") {
  const SimulatedDevice device;
  for (const std::string model : {"gcn", "sage", "hgnn", "unigin", "alldeepsets"}) {
    CAPTURE(model);
    DataOptions shape;
    shape.hypergraph = nn::hops_of_a_layer(model) == 2;
    const NodeDataset data = random_data(shape);
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
