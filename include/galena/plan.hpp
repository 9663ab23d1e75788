#pragma once
// What training will cost, before it runs: bytes, memory and time for each choice of parts, rate and bits.

#include <cstdint>
#include <string>
#include <vector>

#include "galena/train.hpp"

namespace galena {

/// One exchange of boundary rows that a model makes in a training epoch.
struct PlannedExchange {
  int hop = 0;             ///< rows at this hop travel
  std::int64_t width = 0;  ///< elements a row
  bool backward = false;   ///< gradients of the same width come back
};

struct TrainPlan {
  int parts = 1;
  double rate = 1;
  int bits = 32;
  std::uint64_t payload = 0, parameters = 0;  ///< bytes an epoch, all ranks, the mean over the epochs asked for: exact
  std::uint64_t gradients = 0;                ///< bytes of the sum over ranks of the model's gradients
  std::uint64_t boundary_rows = 0;            ///< of all ranks
  double balance = 1;                         ///< most edges of a rank by the mean
  std::uint64_t memory = 0;     ///< estimate of the bytes of the largest rank: graph, features, activations
  double compute_seconds = 0;   ///< of an epoch: that of one part, measured, by the largest share of edges
  double transfer_seconds = 0;  ///< by the link given, of the busiest rank; 0 without one
};

/// The exchanges of options.model in one training epoch, in order. Runs the model on a graph without vertices.
std::vector<PlannedExchange> planned_exchanges(const NodeDataset& data, const TrainOptions& options,
                                               const ModelFactory& make = {});

/// Plans of these numbers of parts, rates and bits, each with each. Partitions the graph for each number of parts and
/// trains four epochs on one part to time one. Rows are sampled uniformly (options.messages is left aside).
std::vector<TrainPlan> plan_training(const NodeDataset& data, const TrainOptions& options,
                                     const std::vector<int>& parts, const std::vector<double>& rates,
                                     const std::vector<int>& bits, const ModelFactory& make = {});

}  // namespace galena
