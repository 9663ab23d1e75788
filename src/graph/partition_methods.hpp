#pragma once
// The ways to divide a graph, behind partition_graph().

#include <cstdint>
#include <functional>
#include <vector>

#include "galena/partition.hpp"

namespace galena::detail {

/// What is to be divided, and evenly by what.
struct PartitionTask {
  const Graph& graph;  ///< undirected, at least one vertex
  std::uint32_t parts = 1;
  double imbalance = 1.05;
  std::uint64_t seed = 0;
  /// Each [n], with a sum above 0; the first is 1 for every vertex.
  std::vector<std::vector<std::uint32_t>> weights;
  std::function<void(double)> progress;
};

using PartOf = std::vector<std::uint32_t>;

/// By METIS, in a child process. `volume`: fewest halo vertices, else fewest edges cut. Some parts may be empty.
PartOf partition_by_metis(const PartitionTask& task, bool volume);
/// Throws EnvironmentError if a METIS with indices of `index_bits` cannot hold the graph.
void check_metis_size(std::uint64_t vertices, std::uint64_t arcs, std::uint64_t constraints, int index_bits);

PartOf partition_at_random(const PartitionTask& task);
PartOf partition_by_ranges(const PartitionTask& task);
PartOf partition_by_stream(const PartitionTask& task);

/// Moves vertices between parts while that lowers the sum of squared halo sizes; keeps the balance of the weights,
/// and leaves no part empty that was not. Returns that sum.
double balance_halos(const PartitionTask& task, PartOf& part_of);

/// Gives every empty part a vertex of the largest one; needs parts <= vertices.
void fill_empty_parts(const PartitionTask& task, PartOf& part_of);

/// The sum of each weight by part: [weights][parts].
std::vector<std::vector<std::uint64_t>> part_loads(const PartitionTask& task, const PartOf& part_of);

/// Sums of each weight over the graph.
std::vector<std::uint64_t> total_weights(const PartitionTask& task);

}  // namespace galena::detail
