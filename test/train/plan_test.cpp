// The planner's bytes are those that training then sends, to the byte.

#include "galena/plan.hpp"
#include "test/support/catch.hpp"
#include "test/support/data.hpp"
#include "test/train/support.hpp"

namespace galena::test {

TEST_CASE("planned bytes are the bytes sent") {
  DataOptions sizes;
  sizes.vertices = 400;
  sizes.train = 120;
  const TemporaryFolder folder;
  for (const bool sparse : {false, true})
    for (const std::string model : {"gcn", "sage", "gat"})
      for (const double dropout : {0.0, 0.5}) {
        sizes.sparse = sparse;
        const NodeDataset data = random_data(sizes);
        TrainOptions options = options_for(model, DType::f32);
        options.model.dropout = dropout;
        options.epochs = 7;
        options.eval_every = 3;
        options.partition_cache = folder.path();
        for (const TrainPlan& plan : plan_training(data, options, {2, 4}, {1, 0.3, 0.1}, {32, 8, 2})) {
          INFO(model << (sparse ? " sparse" : " dense") << " dropout " << dropout << ", " << plan.parts
                     << " parts, rate " << plan.rate << ", " << plan.bits << " bits");
          check_planned_bytes(data, options, plan);
        }
      }
}

TEST_CASE("planned transfers take the time of their bytes; one part sends nothing") {
  const NodeDataset data = random_data({});
  const TemporaryFolder folder;
  TrainOptions options = options_for("gcn", DType::f32);
  options.epochs = 3;
  options.partition_cache = folder.path();
  options.link = {0.001, 1e6};
  const auto plans = plan_training(data, options, {1, 2}, {1}, {32});
  REQUIRE(plans.size() == 2);
  CHECK(plans[0].payload == 0);
  CHECK(plans[0].transfer_seconds == 0);
  CHECK(plans[1].transfer_seconds >= static_cast<double>(plans[1].payload) / 2 / 1e6);
  CHECK(plans[1].memory < plans[0].memory);
}

}  // namespace galena::test
