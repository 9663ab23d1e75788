#pragma once
// The aggregate V -> E -> V with other steps than sums, tile by tile as well:
//
//   x  --to_edges-->  rows of hyperedges  --transform-->  h_e = S_e * act(row W + b)  --to_vertices-->  y = L * ...
//
// The gradients compute hyperedges' rows again; only what a vertex chose or summed is kept (PipelineState).

#include "galena/tensor.hpp"
#include "src/hypergraph/aggregate.hpp"

namespace galena::hyper {

enum class Reduce {
  sum,
  mean,     ///< of members below cols, or of hyperedges below edges; 0 where there are none
  max,      ///< by feature; the first of equals; 0 where there are none
  softmax,  ///< towards vertices only: sum_e softmax_e(LeakyReLU(<a, h_e>)) h_e by head (UniGAT, Huang & Yang, IJCAI 2021)
};

struct Pipeline {
  Reduce to_edges = Reduce::sum, to_vertices = Reduce::sum;
  const Tensor* weight = nullptr;     ///< W [width of x x width of y], or null: no product
  const Tensor* bias = nullptr;       ///< b [1 x width of y], or null
  bool relu = false;                  ///< after product and bias
  const Tensor* attention = nullptr;  ///< a [1 x width of y], softmax only: head h's slice scores head h's slice of h_e
  int heads = 1;
  double slope = 0.2;  ///< of LeakyReLU
};

/// What the gradients need of the forward pass.
struct PipelineState {
  Tensor arg;      ///< max towards vertices: the hyperedge chosen, i32 [rows x width], -1: none
  Tensor log_sum;  ///< softmax: log of the sum of exponentials [rows x heads]
};

/// x [cols x k] -> y [rows x width], f32 or f64, written. `scale.right` multiplies x before to_edges, `scale.left` y. The
/// same bytes for any number of threads. Throws InputError for shapes and steps that do not fit.
PipelineState run_pipeline(const Layout& layout, const Pipeline& pipeline, const Scale& scale, const Tensor& x,
                           const Tensor& y);

/// Undefined ones are not computed; the others are written.
struct PipelineGradients {
  Tensor x;          ///< [cols x k]
  Tensor edge;       ///< of scale.edge, [edges x 1]
  Tensor weight;     ///< like pipeline.weight
  Tensor bias;       ///< like pipeline.bias
  Tensor attention;  ///< like pipeline.attention
};
void pipeline_backward(const Layout& layout, const Pipeline& pipeline, const Scale& scale, const Tensor& x,
                       const Tensor& y, const PipelineState& state, const Tensor& dy,
                       const PipelineGradients& gradients);

}  // namespace galena::hyper
