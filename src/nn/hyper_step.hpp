#pragma once
// Ways from vertices to hyperedges or back; for both at once see through_hyperedges().
//
// H [vertices x hyperedges] is the incidence; d_v counts a vertex's hyperedges, |e| a hyperedge's vertices, both in the
// whole hypergraph, whatever is sampled. Vertices in no hyperedge and hyperedges without vertices have factors 0.
// Factors are constants of x's type, [all own rows x 1]; undefined ones are 1.

#include "galena/nn.hpp"

namespace galena::nn {

/// Each row by its factor; x where there are none.
Var scale_by_rows(const Var& x, const Tensor& factor);

/// One way only: y = left A right x, where A is H^T or H.
struct HalfStep {
  Tensor left, right;
};

/// From vertices to hyperedges, or from hyperedges to vertices: hop h -> h + 1.
Var to_other_side(Context& ctx, const Var& x, const HalfStep& step);

/// The same by softmax: y_i = sum_j softmax_j(LeakyReLU(a.x_j)) x_j for each of `heads` side by side, j in i or i in j;
/// 0 where there are none. x [n x heads*w], a of heads*w numbers. A slope of 1 is no LeakyReLU.
struct SoftmaxSum {
  int heads = 1;
  double slope = 0.2;
  double dropout = 0;  ///< of the weights
};
Var softmax_sum(Context& ctx, const Var& x, const Var& a, const SoftmaxSum& how);

}  // namespace galena::nn
