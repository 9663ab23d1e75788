// On hypergraphs too, many parts train as one does, and the planner's bytes are those sent.

#include "galena/plan.hpp"
#include "test/support/catch.hpp"
#include "test/support/data.hpp"
#include "test/train/support.hpp"

namespace galena::test {
namespace {

// gather_outputs() rounds to f32, so logits are compared as such.
constexpr double kGradients = 1e-10, kLogits = 1e-5;

DataOptions hypergraph_sizes(bool sparse = false, bool weighted = false) {
  DataOptions sizes;
  sizes.hypergraph = true;
  sizes.sparse = sparse;
  sizes.weighted = weighted;
  sizes.vertices = 80;
  sizes.train = 12;
  sizes.degree = 2;
  return sizes;
}

TrainOptions hyper_options(const std::string& model, DType dtype) {
  TrainOptions options = options_for(model, dtype);
  options.model.hidden = 6;  // two heads share them
  // Adam makes of rounding in tiny gradients, which layer norm of relu's zeros has, a step of full size.
  options.optimizer.name = "sgd";
  return options;
}

void check_equal(const EpochOutcome& a, const EpochOutcome& b) {
  CHECK(a.loss == Approx(b.loss).epsilon(1e-10));
  CHECK(relative_difference(a.gradients, b.gradients) < kGradients);
  CHECK(relative_difference(a.logits, b.logits) < kLogits);
}

}  // namespace

TEST_CASE("hypergraph models: many parts equal one, in f64 with dropout") {
  const std::string model = GENERATE(from_range(nn::hypergraph_model_names()));
  const bool sparse = GENERATE(false, true), weighted = GENERATE(false, true);
  CAPTURE(model, sparse, weighted);
  const NodeDataset data = random_data(hypergraph_sizes(sparse, weighted));
  TrainOptions options = hyper_options(model, DType::f64);
  options.model.attention_dropout = 0.3;
  const EpochOutcome one = run_epochs(data, options, striped(data, 1), 3);
  REQUIRE(std::isfinite(one.loss));
  for (const int parts : {2, 4}) {
    CAPTURE(parts);
    check_equal(run_epochs(data, options, striped(data, parts), 3), one);
  }
}

TEST_CASE("weights of hyperedges count in HGNN and HGNN+, and in no other model") {
  const std::string model = GENERATE(from_range(nn::hypergraph_model_names()));
  CAPTURE(model);
  NodeDataset data = random_data(hypergraph_sizes(false, true));
  const TrainOptions options = hyper_options(model, DType::f64);
  const double weighted = run_epochs(data, options, striped(data, 2), 1).loss;
  const auto& h = *data.hypergraph;
  HypergraphArrays arrays;
  arrays.num_vertices = h.num_vertices();
  arrays.indptr.assign(h.edge_indptr().begin(), h.edge_indptr().end());
  arrays.members.assign(h.edge_members().begin(), h.edge_members().end());
  data.hypergraph = Hypergraph::from_arrays(std::move(arrays));
  const double plain = run_epochs(data, options, striped(data, 2), 1).loss;
  CHECK((weighted != plain) == (model == "hgnn" || model == "hgnnp"));
}

TEST_CASE("hypergraph models: settings of any model") {
  const std::string model = GENERATE(from_range(nn::hypergraph_model_names()));
  const NodeDataset data = random_data(hypergraph_sizes());
  TrainOptions options = hyper_options(model, DType::f64);
  SECTION("batch norm") { options.model.norm = nn::NormKind::batch; }
  SECTION("layer norm, residual") {
    options.model.norm = nn::NormKind::layer;
    options.model.residual = true;
    options.model.layers = 3;
  }
  SECTION("no dropout, features aggregated once") { options.model.dropout = 0; }
  SECTION("inductive") { options.inductive = true; }
  CAPTURE(model);
  check_equal(run_epochs(data, options, striped(data, 3), 2), run_epochs(data, options, striped(data, 1), 2));
}

TEST_CASE("hypergraph models: leaving out rows that cannot reach the loss changes nothing") {
  const std::string model = GENERATE(from_range(nn::hypergraph_model_names()));
  const int parts = GENERATE(1, 3);
  CAPTURE(model, parts);
  DataOptions sizes = hypergraph_sizes();
  sizes.giant = GENERATE(false, true);
  sizes.degree = 1;
  NodeDataset data = random_data(sizes);
  data.data.train = {11};
  TrainOptions options = hyper_options(model, DType::f64);
  const train::Share share = train::share_of(data, false, striped(data, 1).part_of, 1, 0, {4, data.data.train});
  CHECK(share.hop_rows[4] == 1);
  CHECK((share.hop_rows[0] < 40) == !sizes.giant);
  options.prune = true;
  const EpochOutcome pruned = run_epochs(data, options, striped(data, parts), 2);
  options.prune = false;
  check_equal(pruned, run_epochs(data, options, striped(data, parts), 2));
}

TEST_CASE("hypergraph models: parts without vertices, hyperedges or training vertices take part") {
  const std::string model = GENERATE(from_range(nn::hypergraph_model_names()));
  CAPTURE(model);
  const NodeDataset data = random_data(hypergraph_sizes());
  const TrainOptions options = hyper_options(model, DType::f64);
  const EpochOutcome one = run_epochs(data, options, striped(data, 1), 2);
  check_equal(run_epochs(data, options, striped(data, 4, 2), 2), one);
  Partition apart = striped(data, 2);
  for (std::size_t k = 0; k < apart.part_of.size(); ++k) apart.part_of[k] = k < data.num_vertices() ? 0 : 1;
  check_equal(run_epochs(data, options, apart, 2), one);
  for (std::size_t k = 0; k < apart.part_of.size(); ++k) apart.part_of[k] = k < 20 ? 0 : 1;
  check_equal(run_epochs(data, options, apart, 2), one);
}

TEST_CASE("hypergraph models: sampled and coded training is repeatable bit for bit") {
  const std::string model = GENERATE(from_range(nn::hypergraph_model_names()));
  CAPTURE(model);
  const NodeDataset data = random_data(hypergraph_sizes());
  TrainOptions options = hyper_options(model, DType::f32);
  options.messages.bits = 4;
  options.messages.rate = 0.5;
  const EpochOutcome first = run_epochs(data, options, striped(data, 3), 3);
  const EpochOutcome second = run_epochs(data, options, striped(data, 3), 3);
  REQUIRE(std::isfinite(first.loss));
  CHECK(first.gradients == second.gradients);
  CHECK(first.logits == second.logits);
}

TEST_CASE("hypergraph models: planned bytes are the bytes sent") {
  const bool sparse = GENERATE(false, true);
  const double dropout = GENERATE(0.0, 0.5);
  const std::string model = GENERATE(from_range(nn::hypergraph_model_names()));
  DataOptions sizes = hypergraph_sizes(sparse);
  sizes.vertices = 300;
  sizes.train = 90;
  const NodeDataset data = random_data(sizes);
  const TemporaryFolder folder;
  TrainOptions options = hyper_options(model, DType::f32);
  options.model.dropout = dropout;
  options.epochs = 5;
  options.eval_every = 3;
  options.partition_cache = folder.path();
  for (const TrainPlan& plan : plan_training(data, options, {2, 3}, {1, 0.3}, {32, 4})) {
    CAPTURE(model, sparse, dropout, plan.parts, plan.rate, plan.bits);
    check_planned_bytes(data, options, plan);
  }
}

}  // namespace galena::test
