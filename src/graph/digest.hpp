#pragma once
// Hashes of a graph's arrays: the checksums of a binary file, and what a digest is made of.

#include <array>
#include <cstdint>

#include "src/graph/storage.hpp"

namespace galena::detail {

/// Of indptr, indices, vertex labels, edge labels, original ids, in this order.
using ArrayHashes = std::array<std::uint64_t, 5>;

ArrayHashes hash_arrays(const Graph::Storage& storage, int threads = 0);

/// Graph::digest(): all but the original ids, which are names and not structure.
std::uint64_t combine_digest(const ArrayHashes& hashes, std::uint64_t vertices, bool directed);

}  // namespace galena::detail
