// Many parts train as one does: the same losses, gradients and logits, dropout on.

#include "test/support/catch.hpp"
#include "test/train/support.hpp"

namespace galena::test {
namespace {

// gather_outputs() rounds to f32, so logits are compared as such.
constexpr double kGradients64 = 1e-10, kGradients32 = 1e-4, kLogits = 1e-5;

struct Setting {
  std::string name;
  DataOptions data;
  std::function<void(TrainOptions&)> change = [](TrainOptions&) {};
};

std::vector<Setting> settings() {
  std::vector<Setting> all;
  for (const std::string model : {"gcn", "sage", "gat", "gatv2", "gin", "gcnii", "mlp"}) {
    all.push_back({model + " dense", {}, [model](TrainOptions& o) { o.model.name = model; }});
    DataOptions sparse;
    sparse.sparse = true;
    all.push_back({model + " sparse", sparse, [model](TrainOptions& o) { o.model.name = model; }});
  }
  DataOptions directed, multi;
  directed.directed = true;
  multi.multi_label = true;
  for (const std::string model : {"gcn", "sage", "gat"})
    all.push_back({model + " directed", directed, [model](TrainOptions& o) { o.model.name = model; }});
  all.push_back({"several labels", multi});
  all.push_back({"batch norm", {}, [](TrainOptions& o) { o.model.norm = nn::NormKind::batch; }});
  all.push_back({"layer norm, residual", {}, [](TrainOptions& o) {
                   o.model.norm = nn::NormKind::layer;
                   o.model.residual = true;
                   o.model.layers = 3;
                 }});
  for (const std::string model : {"gcn", "sage", "gat"})
    all.push_back({model + " in residual blocks", {}, [model](TrainOptions& o) {
                     o.model.name = model;
                     o.model.norm = nn::NormKind::l2;
                     o.model.block = "residual-ffn";
                   }});
  all.push_back({"attention dropout", {}, [](TrainOptions& o) {
                   o.model.name = "gat";
                   o.model.attention_dropout = 0.5;
                 }});
  all.push_back({"no dropout, features aggregated once", {}, [](TrainOptions& o) { o.model.dropout = 0; }});
  all.push_back({"sage, no dropout of features", {}, [](TrainOptions& o) {
                   o.model.name = "sage";
                   o.model.input_dropout = 0;
                 }});
  for (const std::string how : {"sum", "max"})
    all.push_back({"sage " + how, {}, [how](TrainOptions& o) {
                     o.model.name = "sage";
                     o.model.sage_aggregation = how;
                   }});
  all.push_back({"inductive", {}, [](TrainOptions& o) { o.inductive = true; }});
  all.push_back({"inductive batch norm", {}, [](TrainOptions& o) {
                   o.inductive = true;
                   o.model.norm = nn::NormKind::batch;
                 }});
  return all;
}

}  // namespace

TEST_CASE("many parts equal one at full rate, in f64") {
  for (const Setting& setting : settings()) {
    const NodeDataset data = random_data(setting.data);
    TrainOptions options = options_for("gcn", DType::f64);
    setting.change(options);
    const EpochOutcome one = run_epochs(data, options, striped(data.graph, 1), 3);
    REQUIRE(std::isfinite(one.loss));
    for (const int parts : {2, 4}) {
      INFO(setting.name << ", " << parts << " parts");
      const EpochOutcome many = run_epochs(data, options, striped(data.graph, parts), 3);
      CHECK(many.loss == Approx(one.loss).epsilon(1e-10));
      CHECK(relative_difference(many.gradients, one.gradients) < kGradients64);
      CHECK(relative_difference(many.logits, one.logits) < kLogits);
    }
  }
}

TEST_CASE("many parts equal one at full rate, in f32") {
  for (const Setting& setting : settings()) {
    const NodeDataset data = random_data(setting.data);
    TrainOptions options = options_for("gcn", DType::f32);
    setting.change(options);
    // One epoch: Adam makes of rounding in tiny gradients a step of full size.
    const EpochOutcome one = run_epochs(data, options, striped(data.graph, 1), 1);
    const EpochOutcome many = run_epochs(data, options, striped(data.graph, 3), 1);
    INFO(setting.name);
    CHECK(relative_difference(many.gradients, one.gradients) < kGradients32);
  }
}

TEST_CASE("leaving out rows that cannot reach the loss changes nothing") {
  for (const Setting& setting : settings()) {
    if (setting.name.find("inductive") != std::string::npos) continue;
    const NodeDataset data = random_data(setting.data);
    TrainOptions options = options_for("gcn", DType::f64);
    setting.change(options);
    for (const int parts : {1, 3}) {
      INFO(setting.name << ", " << parts << " parts");
      options.prune = true;
      const EpochOutcome pruned = run_epochs(data, options, striped(data.graph, parts), 2);
      options.prune = false;
      const EpochOutcome whole = run_epochs(data, options, striped(data.graph, parts), 2);
      CHECK(relative_difference(pruned.gradients, whole.gradients) < kGradients64);
      CHECK(relative_difference(pruned.logits, whole.logits) < kLogits);
    }
  }
}

TEST_CASE("without the savings that change no result, the result is the same") {
  for (const Setting& setting : settings()) {
    const NodeDataset data = random_data(setting.data);
    TrainOptions options = options_for("gcn", DType::f64);
    setting.change(options);
    for (const int parts : {1, 3}) {
      INFO(setting.name << ", " << parts << " parts");
      options.savings = true;
      const EpochOutcome with = run_epochs(data, options, striped(data.graph, parts), 2);
      options.savings = false;
      const EpochOutcome without = run_epochs(data, options, striped(data.graph, parts), 2);
      CHECK(relative_difference(without.gradients, with.gradients) < kGradients64);
      CHECK(relative_difference(without.logits, with.logits) < kLogits);
    }
  }
}

TEST_CASE("parts without vertices or training vertices take part") {
  const NodeDataset data = random_data({});
  for (const auto norm : {nn::NormKind::none, nn::NormKind::batch}) {
    TrainOptions options = options_for("sage", DType::f64);
    options.model.norm = norm;
    const EpochOutcome one = run_epochs(data, options, striped(data.graph, 1), 2);
    CHECK(relative_difference(run_epochs(data, options, striped(data.graph, 4, 2), 2).gradients, one.gradients) <
          kGradients64);
    Partition untrained = striped(data.graph, 3);
    for (VertexId v = 0; v < data.graph.num_vertices(); ++v)
      untrained.part_of[v] = v < 20 ? v % 2 : 2;  // part 2 has no training vertex
    CHECK(relative_difference(run_epochs(data, options, untrained, 2).gradients, one.gradients) < kGradients64);
  }
}

TEST_CASE("training is repeatable bit for bit at a fixed number of parts") {
  const NodeDataset data = random_data({});
  for (const std::string model : {"gcn", "gat"})
    for (const int bits : {32, 4}) {
      TrainOptions options = options_for(model, DType::f32);
      options.messages.bits = bits;
      options.messages.rate = 0.5;
      const EpochOutcome first = run_epochs(data, options, striped(data.graph, 3), 3);
      const EpochOutcome second = run_epochs(data, options, striped(data.graph, 3), 3);
      CHECK(first.gradients == second.gradients);
      CHECK(first.logits == second.logits);
    }
}

}  // namespace galena::test
