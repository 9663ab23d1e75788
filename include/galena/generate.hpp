#pragma once
// Seeded random and regular graphs. The same arguments give the same graph on every
// machine and for every thread count.

#include <cstdint>
#include <span>

#include "galena/graph.hpp"

namespace galena {

/// R-MAT (Chakrabarti, Zhan, Faloutsos, SDM 2004): 2^scale vertices, edge_factor * 2^scale
/// edges drawn, made simple afterwards.
Graph generate_rmat(int scale, double edge_factor, std::uint64_t seed, double a = 0.57, double b = 0.19,
                    double c = 0.19);
/// Erdos-Renyi G(n, m): m distinct edges.
Graph generate_er(std::uint64_t vertices, std::uint64_t edges, std::uint64_t seed);
/// Stochastic block model: `blocks` equal blocks, probability p_in inside, p_out across.
/// Vertex labels are the blocks.
Graph generate_sbm(std::uint64_t vertices, std::uint32_t blocks, double p_in, double p_out, std::uint64_t seed);
/// Barabasi-Albert preferential attachment, `edges_per_vertex` a new vertex.
Graph generate_ba(std::uint64_t vertices, std::uint32_t edges_per_vertex, std::uint64_t seed);
/// rows x columns grid; `torus` joins the borders.
Graph generate_grid(std::uint64_t rows, std::uint64_t columns, bool torus = false);
Graph generate_complete(std::uint64_t vertices);
Graph generate_cycle(std::uint64_t vertices);
Graph generate_path(std::uint64_t vertices);
Graph generate_star(std::uint64_t leaves);
Graph generate_complete_bipartite(std::uint64_t left, std::uint64_t right);
/// A copy with vertex labels drawn uniformly from 0..labels-1.
Graph with_random_labels(const Graph& graph, std::uint32_t labels, std::uint64_t seed);

}  // namespace galena
