#pragma once
// Losses over chosen rows: sums times a factor (1 over the global number of examples), never means of a rank.

#include <cstdint>
#include <span>

#include "galena/tensor.hpp"

namespace galena::ops {

/// Sum over `rows` of -log softmax(logits[row])[labels[row]], times `factor`. Writes d loss / d logits to `dlogits`
/// (0 in other rows) unless undefined. Deterministic. Throws InputError for a label outside [0, cols).
double softmax_cross_entropy(const Tensor& logits, std::span<const std::int32_t> labels, std::span<const VertexId> rows,
                             double factor, const Tensor& dlogits);

/// Sum over `rows` and classes of the binary cross entropy of sigmoid(logits) against targets [n x classes] (0 or 1),
/// times `factor`; as above.
double binary_cross_entropy(const Tensor& logits, std::span<const std::uint8_t> targets, std::span<const VertexId> rows,
                            double factor, const Tensor& dlogits);

/// The same as tensors [1 x 1] of f64 in the memory of the logits, where labels (targets) and rows lie too. On a device
/// nothing waits, and labels and rows are not checked.
Tensor softmax_cross_entropy_loss(const Tensor& logits, std::span<const std::int32_t> labels,
                                  std::span<const VertexId> rows, double factor, const Tensor& dlogits);
Tensor binary_cross_entropy_loss(const Tensor& logits, std::span<const std::uint8_t> targets,
                                 std::span<const VertexId> rows, double factor, const Tensor& dlogits);

/// The column of each row's largest element, the first of equals, as i32 [n x 1] in the memory of x (f32, f64).
Tensor argmax_rows(const Tensor& x);

}  // namespace galena::ops
