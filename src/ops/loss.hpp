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

}  // namespace galena::ops
