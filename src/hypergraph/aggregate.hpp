#pragma once
// The aggregate from vertices to hyperedges and back, and its gradients:
//
//   y = L H S H^T R x        H [vertices x hyperedges]: incidence; L, R: a factor a vertex; S: a factor a hyperedge
//
// L, R and S hold weights and normalisations: HGNN has L = R = D_v^-1/2 and S = W D_e^-1 (Feng et al., AAAI 2019).

#include "galena/tensor.hpp"
#include "src/hypergraph/layout.hpp"

namespace galena::hyper {

/// Factors, each [.. x 1] of x's type, or null: 1.
struct Scale {
  const Tensor* left = nullptr;   ///< [>= rows x 1]
  const Tensor* edge = nullptr;   ///< [>= edges x 1]
  const Tensor* right = nullptr;  ///< [>= cols x 1]
};

enum class Method {
  automatic,  ///< the cheaper one by the cost model
  fused,      ///< hyperedges' rows live in a tile, a cache's size, and never as a whole
  two_pass,   ///< hyperedges' rows are gathered to an [edges x width] matrix, and from there
};

/// x [cols x width] -> y [rows x width], f32 or f64, written. The same bytes for any number of threads.
/// Throws InputError for shapes that do not fit.
void aggregate(const Layout& layout, const Scale& scale, const Tensor& x, const Tensor& y,
               Method method = Method::automatic);

/// Gradients of aggregate(): dx [cols x width] = R H S H^T L dy, and, where `d_edge` [edges x 1] is defined, the
/// factors' d_edge[e] = <(H^T R x)_e, (H^T L dy)_e>. Both are written. `x` is read for d_edge only; `dx` may be
/// undefined: then only d_edge is wanted.
void aggregate_backward(const Layout& layout, const Scale& scale, const Tensor& x, const Tensor& dy, const Tensor& dx,
                        const Tensor& d_edge = {}, Method method = Method::automatic);

}  // namespace galena::hyper
