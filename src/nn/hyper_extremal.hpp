#pragma once
// HyperGCN's graph (N. Yadati et al., NeurIPS 2019). A hyperedge's extremal vertices are the two whose features are
// farthest apart along a random direction; they are joined, and each to all other members, the mediators, by edges of
// weight w_e = 1 / (2 |e| - 3). Hyperedges of fewer than two members join nobody. The graph is made once, of the features
// as they are ("fast").
//
// Its edges are never listed: with P_e the sum of e's extremal rows and T_e of all its rows, a vertex hears of e
//   w_e P_e            as a mediator,
//   w_e (T_e - x_v)    as an extremal one,
// so that the sum over neighbours is made of sums over incidences, and over those of extremal vertices.

#include <cstdint>
#include <vector>

#include "galena/nn.hpp"

namespace galena::nn {

/// The direction that features are projected on: `columns` numbers, uniform in [-1, 1).
std::vector<double> extremal_direction(std::uint64_t seed, std::int64_t columns);

/// Works out who is extremal by these features (hop 0, all rows) and the run's seed, unless that is known already. All
/// ranks call it.
void find_extremes(Context& ctx, const Var& features);

/// D^-1/2 (A + I) D^-1/2 x, where A is the graph by the latest find_extremes(), and D its weighted degrees and 1. Of
/// vertices at hop h -> h + 2.
Var hypergcn_smooth(Context& ctx, const Var& x);

}  // namespace galena::nn
