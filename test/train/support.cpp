#include "test/train/support.hpp"

#include <algorithm>
#include <cmath>

#include "src/base/random.hpp"
#include "test/support/catch.hpp"

namespace galena::test {
namespace {

Graph random_graph(const DataOptions& options, base::RandomStream& random) {
  const VertexId joined = options.vertices - options.isolated;
  std::vector<std::vector<VertexId>> rows(options.vertices);
  const auto edges = static_cast<std::uint64_t>(options.degree * joined / 2);
  for (std::uint64_t k = 0; k < edges; ++k) {
    const auto u = static_cast<VertexId>(random.below(joined)), v = static_cast<VertexId>(random.below(joined));
    if (u == v) continue;
    rows[u].push_back(v);
    if (!options.directed) rows[v].push_back(u);
  }
  GraphArrays arrays;
  arrays.directed = options.directed;
  for (auto& row : rows) {
    std::sort(row.begin(), row.end());
    row.erase(std::unique(row.begin(), row.end()), row.end());
    arrays.indices.insert(arrays.indices.end(), row.begin(), row.end());
    arrays.indptr.push_back(arrays.indices.size());
  }
  return Graph::from_arrays(std::move(arrays));
}

Hypergraph random_hypergraph(const DataOptions& options, base::RandomStream& random) {
  const VertexId joined = options.vertices - options.isolated;
  std::vector<std::vector<VertexId>> hyperedges{{}, {0}, {1, 2, 5}, {1, 2, 5}, {}};
  for (VertexId v = 0; options.giant && v < joined; ++v) hyperedges.back().push_back(v);
  for (std::uint64_t incidences = 0; incidences < static_cast<std::uint64_t>(options.degree * joined);) {
    hyperedges.emplace_back(random.below(7));
    for (VertexId& v : hyperedges.back()) v = static_cast<VertexId>(random.below(joined));
    incidences += hyperedges.back().size();
  }
  HypergraphArrays arrays;
  arrays.num_vertices = options.vertices;
  for (auto& members : hyperedges) {
    std::sort(members.begin(), members.end());
    members.erase(std::unique(members.begin(), members.end()), members.end());
    arrays.members.insert(arrays.members.end(), members.begin(), members.end());
    arrays.indptr.push_back(arrays.members.size());
    if (options.weighted) arrays.edge_weights.push_back(0.5F + static_cast<float>(random.uniform()));
  }
  return Hypergraph::from_arrays(std::move(arrays));
}

FeatureMatrix random_features(const DataOptions& options, base::RandomStream& random) {
  FeatureMatrix features;
  features.rows = options.vertices;
  features.cols = options.features;
  if (options.sparse) features.indptr.push_back(0);
  for (std::uint64_t i = 0; i < features.rows; ++i) {
    for (std::uint64_t c = 0; c < features.cols; ++c) {
      const auto value = static_cast<float>(random.uniform() * 2 - 1);
      if (!options.sparse) {
        features.dense.push_back(value);
      } else if (random.below(3) == 0) {
        features.indices.push_back(static_cast<std::uint32_t>(c));
        features.values.push_back(value);
      }
    }
    if (options.sparse) features.indptr.push_back(features.indices.size());
  }
  return features;
}

}  // namespace

NodeDataset random_data(const DataOptions& options) {
  base::RandomStream random(options.seed, 77);
  NodeDataset data;
  data.name = "random";
  if (options.hypergraph)
    data.hypergraph = random_hypergraph(options, random);
  else
    data.graph = random_graph(options, random);
  data.data.features = random_features(options, random);
  data.data.num_classes = options.classes;
  data.data.multi_label = options.multi_label;
  for (VertexId v = 0; v < options.vertices; ++v) {
    const auto label = static_cast<std::int32_t>(random.below(options.classes));
    if (!options.multi_label)
      data.data.labels.push_back(label);
    else
      for (std::uint32_t c = 0; c < options.classes; ++c)
        data.data.label_matrix.push_back(static_cast<std::uint8_t>(random.below(2)));
  }
  for (VertexId v = 0; v < options.vertices; ++v) {
    auto& split = v < options.train && v % 3 != 0 ? data.data.train : v % 2 == 0 ? data.data.valid : data.data.test;
    split.push_back(v);
  }
  data.data.split = "test";
  return data;
}

Partition striped(const Graph& graph, int parts, int empty) {
  Partition partition;
  partition.parts = parts;
  partition.graph_digest = graph.digest();
  for (VertexId v = 0; v < graph.num_vertices(); ++v) {
    auto part = static_cast<int>(v) % parts;
    if (part == empty) part = (part + 1) % parts;
    partition.part_of.push_back(static_cast<std::uint32_t>(part));
  }
  return partition;
}

Partition striped(const NodeDataset& data, int parts, int empty) {
  return striped(train::graph_to_partition(data), parts, empty);
}

TrainOptions options_for(const std::string& model, DType dtype) {
  TrainOptions options;
  options.model.name = model;
  options.model.hidden = 5;
  options.model.heads = 2;
  options.model.layers = model == "gcnii" ? 3 : 2;
  options.model.dropout = 0.4;
  options.dtype = dtype;
  options.seed = 9;
  options.optimizer.lr = 0.01;
  return options;
}

EpochOutcome run_epochs(const NodeDataset& data, const TrainOptions& options, const Partition& partition, int epochs,
                        const ModelFactory& make) {
  return run_epochs({data, options, make, partition}, epochs);
}

EpochOutcome run_epochs(const train::Run& run, int epochs) {
  EpochOutcome outcome;
  const Partition& partition = run.partition;
  comm::ThreadOptions threads;
  threads.wait.deadline = 30;
  comm::run_ranks(partition.parts, threads, [&](comm::Communicator& comm) {
    train::Replica replica(run, comm);
    double loss = 0;
    for (int epoch = 0; epoch < epochs; ++epoch) loss = replica.train_epoch(epoch).loss;
    replica.drain_exchange();
    const Tensor logits = replica.gather_outputs(false).logits;
    if (comm.rank() != 0) return;
    outcome.loss = loss;
    const Tensor gradients = replica.store().flat_gradients();
    for (std::int64_t k = 0; k < gradients.size(); ++k) outcome.gradients.push_back(gradients.item(k));
    for (std::int64_t i = 0; i < logits.rows(); ++i)
      for (std::int64_t c = 0; c < logits.cols(); ++c) outcome.logits.push_back(logits.item(i, c));
  });
  return outcome;
}

void check_planned_bytes(const NodeDataset& data, TrainOptions options, const TrainPlan& plan) {
  options.partition.parts = plan.parts;
  options.messages.rate = plan.rate;
  options.messages.bits = plan.bits;
  const TrainResult result = train_network(data, options);
  CHECK(result.bytes_per_epoch.payload == plan.payload);
  CHECK(result.bytes_per_epoch.parameters == plan.parameters);
  CHECK(result.bytes_per_epoch.gradients == plan.gradients);
  CHECK(plan.payload > 0);
}

std::vector<double> elements(const Tensor& x) {
  std::vector<double> all;
  for (std::int64_t i = 0; i < x.rows(); ++i)
    for (std::int64_t c = 0; c < x.cols(); ++c) all.push_back(x.item(i, c));
  return all;
}

double relative_difference(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) return HUGE_VAL;
  double most = 0, largest = 1e-300;
  for (std::size_t k = 0; k < a.size(); ++k) {
    most = std::max(most, std::abs(a[k] - b[k]));
    largest = std::max(largest, std::abs(b[k]));
  }
  return most / largest;
}

}  // namespace galena::test
