#pragma once
// The normalisations of hypergraph models. They follow from structure and weights alone, are worked out in double once
// and kept with the view. A rank needs those of its own vertices and hyperedges only.

#include "src/nn/hyper_step.hpp"

namespace galena::nn {

/// Y. Feng et al. (AAAI 2019): D_v^-1/2 H W D_e^-1 H^T D_v^-1/2, W the hyperedges' weights, D_v = sum of them.
HyperedgeStep hgnn_step(const Context& ctx, DType dtype);
/// Y. Gao et al. (TPAMI 2022), HGNN+: D_v^-1 H W D_e^-1 H^T.
HyperedgeStep hgnnp_step(const Context& ctx, DType dtype);
/// J. Huang and J. Yang (IJCAI 2021), UniGCN: D_v^-1/2 H C^-1/2 D_e^-1 H^T, C the mean degree of a hyperedge's vertices.
HyperedgeStep unigcn_step(const Context& ctx, DType dtype);
/// Means of vertices, summed: H D_e^-1 H^T.
HyperedgeStep mean_step(const Context& ctx, DType dtype);
/// Y. Dong et al. (2020), HNHN, either way: means of x weighted by their number of neighbours to the power `exponent`.
/// From vertices: D_{e,b}^-1 H^T D_v^b, where D_{e,b} = sum of d_j^b over e; from hyperedges (odd hops):
/// D_{v,a}^-1 H D_e^a.
HalfStep hnhn_step(const Context& ctx, int hop, double exponent, DType dtype);

}  // namespace galena::nn
