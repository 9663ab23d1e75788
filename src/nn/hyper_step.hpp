#pragma once
// Ways from vertices through hyperedges to vertices.
//
// H [vertices x hyperedges] is the incidence; d_v counts a vertex's hyperedges, |e| a hyperedge's vertices, both in the
// whole hypergraph, whatever is sampled. Vertices in no hyperedge and hyperedges without vertices have factors 0.

#include "galena/nn.hpp"

namespace galena::nn {

/// Factors [own rows x 1] of x's type, constants; undefined: 1.
struct HyperedgeStep {
  Tensor left;   ///< a vertex, of the result
  Tensor edge;   ///< a hyperedge
  Tensor right;  ///< a vertex, of x
};

/// y = left H edge H^T right x, of vertices at hop h -> h + 2. Backward is the adjoint, with left and right swapped.
Var through_hyperedges(Context& ctx, const Var& x, const HyperedgeStep& step);

}  // namespace galena::nn
