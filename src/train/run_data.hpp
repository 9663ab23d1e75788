#pragma once
// What a run asks of its dataset before it begins: that arrays are as long as they say, and what tells it from others.

#include <cstdint>

#include "galena/node_dataset.hpp"

namespace galena::train {

/// Throws InputError where features, labels or splits do not fit the graph, each other or the number of classes:
/// nobody looks again before reading by them.
void check_data(const NodeDataset& set);

/// Digests of what a dataset says of its vertices, of 64 bits; equal data have equal ones.
struct DataDigests {
  std::uint64_t features = 0, labels = 0, train = 0, valid = 0, test = 0;
};
/// Reads all arrays once, with `threads` threads (0 = all cores).
DataDigests digest_data(const NodeData& data, int threads);

}  // namespace galena::train
