#pragma once
// The aggregate by two sums over neighbours, with the hyperedges' rows as a matrix between them: what the fused kernel is
// measured against, and faster where a tile would not be used again.

#include "src/hypergraph/aggregate.hpp"

namespace galena::hyper {

void two_pass(const Layout& layout, const Scale& scale, const Tensor& x, const Tensor& y);
void two_pass_backward(const Layout& layout, const Scale& scale, const Tensor& x, const Tensor& dy, const Tensor& dx,
                       const Tensor& d_edge);

}  // namespace galena::hyper
