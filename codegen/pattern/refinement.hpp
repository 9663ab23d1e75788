#pragma once
// Colour refinement of ordered partitions.

#include <array>
#include <cstdint>

#include "codegen/pattern/structure.hpp"

namespace galena::codegen {

/// An ordered partition of the vertices into cells, and a digest of how it came about:
/// partitions made alike from isomorphic structures have equal cell sizes and digests.
struct Partition {
  std::array<Mask, kMaxPatternVertices> cells{};
  int count = 0;
  std::uint64_t digest = 0;

  [[nodiscard]] bool discrete(int size) const { return count == size; }
  /// The first of the smallest cells with more than one vertex; -1 if there is none.
  [[nodiscard]] int target() const;
  /// The cell of v.
  [[nodiscard]] int cell_of(int v) const;
};

/// The coarsest equitable partition that respects vertex colours: cells by colour, refined
/// until any two vertices of a cell have as many pairs of each colour into each cell.
Partition equitable_partition(const Structure& structure);

/// `partition` with `v` in a cell of its own before the rest of its cell, refined again.
Partition individualized(const Structure& structure, Partition partition, int v);

}  // namespace galena::codegen
