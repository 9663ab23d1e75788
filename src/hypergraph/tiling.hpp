#pragma once
// Which hyperedges make a tile: those that share vertices.

#include <cstdint>
#include <vector>

#include "src/ops/csr.hpp"

namespace galena::hyper {

struct Tiling {
  std::vector<std::uint32_t> edges;     ///< in the order of tiles
  std::vector<std::uint64_t> first{0};  ///< [tiles + 1]
  [[nodiscard]] std::int64_t tiles() const { return static_cast<std::int64_t>(first.size()) - 1; }
};

/// Rows that a tile may touch.
struct TileSize {
  std::uint64_t slots = 0;  ///< hyperedges
  std::uint64_t rows = 0;   ///< hyperedges and vertices
};

/// Hyperedges below `edges`, vertices below `vertices`. Tiles grow by the hyperedge that has the largest share of its
/// vertices in the tile already.
Tiling grow_tiles(const ops::Csr& by_edge, const ops::Csr& by_vertex, std::int64_t edges, std::int64_t vertices,
                  const TileSize& size);

/// The same in the order as it is.
Tiling cut_tiles(const ops::Csr& by_edge, std::int64_t edges, std::int64_t vertices, const TileSize& size);

}  // namespace galena::hyper
