#pragma once
// Edges on their way from a reader to the builder: many blocks, filled in parallel, in input order.

#include <cstdint>
#include <vector>

#include "galena/graph.hpp"
#include "src/base/memory.hpp"

namespace galena::detail {

/// `size` edges as pairs (source, target): 32-bit while all ids of the block fit, else 64-bit.
struct EdgeBlock {
  base::Array<std::uint32_t> narrow;  ///< s0 t0 s1 t1 ...; may be longer than 2 * size
  base::Array<std::uint64_t> wide;    ///< the same, used where `is_wide`
  std::vector<Label> labels;          ///< by edge, or empty
  std::uint64_t size = 0;
  std::uint64_t max_id = 0;  ///< an upper bound: the bitwise or of the ids is good enough for readers
  bool is_wide = false;
};

/// What becomes of the input's ids.
enum class IdPolicy {
  automatic,  ///< kept where they are dense, else renumbered in increasing order
  keep,       ///< kept
  compact,    ///< renumbered, so that every vertex has an edge (or is below BlockOptions::num_vertices)
};

struct BlockOptions {
  bool directed = false;
  std::uint64_t num_vertices = 0;  ///< at least this many; ids below it are kept in any case
  IdPolicy ids = IdPolicy::automatic;
  int threads = 0;
};

/// Normalises and builds the CSR; consumes the blocks. Labels: in all blocks or in none.
Graph build_from_blocks(std::vector<EdgeBlock> blocks, const BlockOptions& options);

/// Renumbers ids of at least `base` to base, base+1, ... in increasing order, in place, so that all
/// blocks are narrow afterwards. Returns the original id of every new one.
base::Array<std::uint64_t> compact_ids(std::vector<EdgeBlock>& blocks, std::uint64_t base, int threads);

/// The arrays of a simple CSR from narrow blocks with ids below `vertices`; see csr.cpp.
struct Csr {
  base::Array<EdgeOffset> indptr;
  base::Array<VertexId> indices;
  base::Array<Label> labels;
  NormalizeReport report;
};
Csr build_csr(std::vector<EdgeBlock> blocks, std::uint64_t vertices, bool directed, int threads);

}  // namespace galena::detail
