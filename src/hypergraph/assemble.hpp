#pragma once

#include "src/hypergraph/program.hpp"
#include "src/hypergraph/tiling.hpp"
#include "src/ops/csr.hpp"

namespace galena::hyper {

struct Limits {
  std::int64_t input = 0, output = 0;  ///< vertices
};

struct Sharing {
  std::uint32_t least = 0;  ///< a pair of hyperedges of a tile that so many vertices have becomes a shared sum; 0: none
  std::int64_t ranges = 1;  ///< of vertices that threads share a single tile by; 0: by the structure
};

/// The sums of these tiles.
Program assemble(const ops::Csr& by_edge, const Tiling& tiling, const Limits& limits, const Sharing& sharing);

}  // namespace galena::hyper
