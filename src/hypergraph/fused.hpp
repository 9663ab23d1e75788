#pragma once
// The aggregate, tile by tile.

#include "src/hypergraph/aggregate.hpp"
#include "src/hypergraph/program.hpp"

namespace galena::hyper {

void fused(const Program& program, const Scale& scale, const Tensor& x, const Tensor& y);
void fused_backward(const Program& program, const Scale& scale, const Tensor& x, const Tensor& dy, const Tensor& dx,
                    const Tensor& d_edge);

/// Parts that threads share: tiles times slabs of columns.
std::int64_t fused_tasks(const Program& program, std::int64_t width, DType dtype);

/// Bytes of the tiles of so many threads, all that the fused kernel holds besides its arguments.
std::uint64_t fused_bytes(const Program& program, std::int64_t width, DType dtype, bool edge_gradient, int threads);

}  // namespace galena::hyper
