#pragma once
// Fused attention over neighbours (GAT): scores, softmax and weighted sum in one pass that keeps a running maximum
// and sum for each row and head, so that further neighbours (a halo that arrives later) merge into what is there.
// No value an edge is stored; the backward pass computes the scores again.
//
// score(i, j, h) = LeakyReLU(target[i, h] + source[j, h]) + log_weight[j]           (GAT)
// score(i, j, h) = sum_c a[h, c] * LeakyReLU(target[i, h, c] + source[j, h, c]) + log_weight[j]  (GATv2)
// y[i, h] = sum_j softmax_j(score) * value[j, h]

#include "galena/tensor.hpp"
#include "src/device/host_device.hpp"
#include "src/ops/csr.hpp"
#include "src/ops/random_key.hpp"

namespace galena::ops {

enum class AttentionKind { gat, gat_v2 };

/// One block of columns with what it brings. GAT: source [m x heads]; v2: source [m x heads*width], value = source.
struct AttentionBlock {
  Csr csr;
  Tensor source, value;     ///< value [m x heads * width]
  Tensor log_weight;        ///< [m x 1], or undefined: 0. A sampled column has -log of its probability.
  bool self_loops = false;  ///< column i is a neighbour of row i too (in addition to csr)
  /// Attention dropout: a weight is kept where keep(i, j, h) (named by `id` of both ends); 0 = none.
  double dropout = 0;
  RandomKey dropout_key;              ///< mixed with epoch and call to the seed of its draws
  const VertexId* row_ids = nullptr;  ///< global ids of rows and columns, for dropout
  const VertexId* column_ids = nullptr;
};

/// The seed that a key names.
GALENA_HOST_DEVICE inline std::uint64_t mixed_seed(const RandomKey& key) {
  const base::PhiloxBlock block = key.draw(0, 0);
  return block[0] | (std::uint64_t{block[1]} << 32);
}

/// Running state of rows 0..n-1: maximum and sum [n x heads], and y not yet divided [n x heads*width].
struct AttentionState {
  Tensor maximum, sum, y;
};

AttentionState attention_begin(std::int64_t rows, int heads, std::int64_t width, DType dtype);
/// Merges a block's columns into the state. `target` as above; `a` [1 x heads*width] for v2 only.
void attention_accumulate(AttentionKind kind, const AttentionBlock& block, const Tensor& target, const Tensor& a,
                          double slope, const AttentionState& state);
/// Divides: afterwards y is the result (0 for rows without neighbours), `sum` holds log-sum-exp.
void attention_finish(const AttentionState& state);

/// Gradients of one block. dtarget [n x ...] and da are added to; dsource and dvalue [m x ...] are written (for v2
/// both go to dsource). `state` as attention_finish left it; csr_t is the transpose of block.csr.
void attention_backward(AttentionKind kind, const AttentionBlock& block, const Csr& csr_t, const Tensor& target,
                        const Tensor& a, double slope, const AttentionState& state, const Tensor& dy,
                        const Tensor& dtarget, const Tensor& da, const Tensor& dsource, const Tensor& dvalue);

}  // namespace galena::ops
