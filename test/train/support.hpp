#pragma once
// Small data sets and partitions for tests of training.

#include <cstdint>
#include <functional>
#include <vector>

#include "galena/plan.hpp"
#include "galena/train.hpp"
#include "src/comm/thread_transport.hpp"
#include "src/train/replica.hpp"

namespace galena::test {

struct DataOptions {
  VertexId vertices = 60;
  double degree = 4;  ///< mean
  std::uint64_t features = 7;
  std::uint32_t classes = 3;
  bool sparse = false, directed = false, multi_label = false;
  bool hypergraph = false, weighted = false;  ///< hyperedges, some of them empty or equal; with weights
  bool giant = true;                          ///< a hyperedge of all vertices that are in any
  VertexId isolated = 3;                      ///< the last vertices have no edges
  VertexId train = 20;  ///< vertices 0 .. train - 1, of which every third is for validation or testing
  std::uint64_t seed = 1;
};

/// A random graph or hypergraph with random features and labels.
NodeDataset random_data(const DataOptions& options);

/// Vertex v in part v % parts, but none in part `empty` (>= 0).
Partition striped(const Graph& graph, int parts, int empty = -1);
/// The same of the data's graph, or of the vertices and hyperedges of its hypergraph.
Partition striped(const NodeDataset& data, int parts, int empty = -1);

/// Options for a model, f64 and without evaluation noise: tests set what they need.
TrainOptions options_for(const std::string& model, DType dtype);

/// What one training epoch left behind.
struct EpochOutcome {
  double loss = 0;
  std::vector<double> gradients;  ///< flat, summed over ranks
  std::vector<double> logits;     ///< of all vertices, after the step
};

/// Trains `epochs` epochs on these parts and reports the last one.
EpochOutcome run_epochs(const NodeDataset& data, const TrainOptions& options, const Partition& partition, int epochs,
                        const ModelFactory& make = {});
EpochOutcome run_epochs(const train::Run& run, int epochs);

/// Trains as planned and checks that the planned bytes are those that were sent.
void check_planned_bytes(const NodeDataset& data, TrainOptions options, const TrainPlan& plan);

/// A tensor's, a row after the other.
std::vector<double> elements(const Tensor& x);

/// Largest |a - b| over the largest |b|.
double relative_difference(const std::vector<double>& a, const std::vector<double>& b);

}  // namespace galena::test
