#pragma once

#include "src/hypergraph/program.hpp"
#include "src/hypergraph/tiling.hpp"
#include "src/ops/csr.hpp"

namespace galena::hyper {

struct Limits {
  std::int64_t input = 0, output = 0;  ///< vertices
};

/// The sums of these tiles. A pair of hyperedges of a tile that `least_shared` vertices have becomes a shared sum;
/// 0: none does.
Program assemble(const ops::Csr& by_edge, const Tiling& tiling, const Limits& limits, std::uint32_t least_shared);

}  // namespace galena::hyper
