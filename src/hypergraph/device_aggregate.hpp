#pragma once
// The aggregate on a GPU, tile by tile.

#include "src/hypergraph/aggregate.hpp"

namespace galena::hyper {

void fused_on_device(const Layout& layout, const Scale& scale, const Tensor& x, const Tensor& y);
/// Undefined gradients are not computed.
void fused_backward_on_device(const Layout& layout, const Scale& scale, const Tensor& x, const Tensor& dy,
                              const Tensor& dx, const Tensor& d_edge);

/// Throws InputError where the tensor and the layout do not lie in the same memory.
void check_memory(const char* op, const Layout& layout, const Tensor& x);

}  // namespace galena::hyper
