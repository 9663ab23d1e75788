// An epoch of training on one rank, and its parts: forward, backward, the optimizer's step. Real sets lie in the data
// folder (test/support/data.hpp); `dense` is a random graph of 200,000 vertices and 5 million edges, with 128 features.
//
//   bench_nn --benchmark_filter=cora

#include <benchmark/benchmark.h>

#include <algorithm>
#include <optional>

#include "galena/generate.hpp"
#include "src/ops/tensor_memory.hpp"
#include "src/train/replica.hpp"
#include "src/train/share.hpp"
#include "test/support/data.hpp"

namespace {

using namespace galena;

NodeDataset dense_dataset() {
  NodeDataset set{.name = "dense", .graph = generate_er(200'000, 5'000'000, 1), .hypergraph = {}, .data = {}};
  set.data.features.rows = 200'000;
  set.data.features.cols = 128;
  set.data.features.dense.resize(std::size_t{200'000} * 128);
  for (std::size_t k = 0; k < set.data.features.dense.size(); ++k)
    set.data.features.dense[k] = static_cast<float>(k * 2654435761U % 1024) / 512.0F - 1;
  set.data.num_classes = 16;
  for (VertexId v = 0; v < 200'000; ++v) {
    set.data.labels.push_back(static_cast<std::int32_t>(v % 16));
    if (v % 2 == 0) set.data.train.push_back(v);
  }
  return set;
}

std::optional<NodeDataset> dataset(const std::string& name) {
  if (name == "dense") return dense_dataset();
  const auto folder = test::data_set(name);
  if (!folder) return {};
  return load_node_dataset(folder->string());
}

/// One rank with everything it needs for an epoch.
class Trainer {
 public:
  Trainer(const NodeDataset& set, const nn::ModelOptions& options) : set_(set) {
    module_ = nn::make_model(options, static_cast<std::int64_t>(set.data.features.cols), set.data.num_classes, store_);
    store_.seal();
    optimizer_.emplace(nn::OptimizerOptions{}, store_, 1);
    const std::vector<std::uint32_t> parts(set.graph.num_vertices(), 0);
    share_ = train::build_share(set.graph, parts, 1, 0, {module_->hops(), set.data.train});
    local_ = train::local_data(set.data, share_.view, DType::f32);
  }

  nn::Var forward() {
    nn::Context::Settings settings;
    settings.training = true;
    settings.epoch = ++epoch_;
    settings.hop_rows = share_.hop_rows;
    nn::Context context(share_.view, nullptr, settings);
    store_.zero_gradients();
    return nn::cross_entropy(module_->forward(context, local_.features), local_.labels, local_.train,
                             1.0 / static_cast<double>(set_.data.train.size()));
  }
  void step() { optimizer_->step(0); }

 private:
  const NodeDataset& set_;
  nn::ParameterStore store_{1};
  std::unique_ptr<nn::Module> module_;
  std::optional<nn::Optimizer> optimizer_;
  train::Share share_;
  train::LocalData local_;
  std::uint32_t epoch_ = 0;
};

double seconds() { return comm::Communicator::now(); }

double median(std::vector<double>& values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

void epoch(benchmark::State& state, const std::string& name, const std::string& model, std::int64_t hidden,
           double dropout) {
  const auto set = dataset(name);
  if (!set) {
    state.SkipWithError("the data set is not here");
    return;
  }
  nn::ModelOptions options;
  options.name = model;
  options.hidden = hidden;
  options.dropout = dropout;
  Trainer trainer(*set, options);
  std::vector<double> forward, backward, step, total;
  for (auto _ : state) {
    const double start = seconds();
    const nn::Var loss = trainer.forward();
    const double middle = seconds();
    nn::backward(loss);
    const double end = seconds();
    trainer.step();
    const double last = seconds();
    forward.push_back(middle - start);
    backward.push_back(end - middle);
    step.push_back(last - end);
    total.push_back(last - start);
  }
  state.counters["forward_ms"] = 1e3 * median(forward);
  state.counters["backward_ms"] = 1e3 * median(backward);
  state.counters["step_ms"] = 1e3 * median(step);
  state.counters["median_ms"] = 1e3 * median(total);
  state.counters["tensor_MiB"] = static_cast<double>(ops::tensor_memory_use().peak >> 20);
  state.counters["least_ms"] = 1e3 * *std::min_element(total.begin(), total.end());
}

BENCHMARK_CAPTURE(epoch, cora_gcn, "cora", "gcn", 16, 0.5)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(epoch, cora_gat, "cora", "gat", 8, 0.6)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(epoch, cora_sage, "cora", "sage", 16, 0.5)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(epoch, physics_gcn, "coauthor-physics", "gcn", 64, 0.5)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(epoch, dense_gcn, "dense", "gcn", 256, 0.5)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(epoch, dense_gcn_undropped, "dense", "gcn", 256, 0.0)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
