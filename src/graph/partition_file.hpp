#pragma once
// What makes a partition the one that was asked for.

#include <cstdint>
#include <span>

#include "galena/partition.hpp"

namespace galena::detail {

/// Throws InputError where an id is out of range.
void check_train(const Graph& graph, std::span<const VertexId> train);

/// A partition of these arguments, all but part_of.
Partition describe_partition(const Graph& graph, const PartitionOptions& options, std::span<const VertexId> train);

}  // namespace galena::detail
