#pragma once
// Hypergraphs of known shapes.

#include <cstdint>

#include "galena/hypergraph.hpp"

namespace galena::bench {

enum class Sizes {
  uniform,    ///< all hyperedges of about the mean size
  power_law,  ///< exponent 2.5
  giants,     ///< uniform, and four hyperedges with a quarter of the vertices each
};

/// Members are drawn from a window that moves with the hyperedge, an eighth of them from anywhere: communities.
Hypergraph generate(Sizes sizes, std::uint64_t vertices, std::uint64_t hyperedges, double mean, std::uint64_t seed);

}  // namespace galena::bench
