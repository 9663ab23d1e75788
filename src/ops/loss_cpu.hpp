#pragma once
// The loops of loss.hpp on a CPU; arguments have been checked. `dlogits` holds zeros, or is undefined.

#include "src/ops/loss.hpp"

namespace galena::ops::cpu {

template <class T>
double softmax_cross_entropy(const Tensor& logits, std::span<const std::int32_t> labels, std::span<const VertexId> rows,
                             double factor, const Tensor& dlogits);
template <class T>
double binary_cross_entropy(const Tensor& logits, std::span<const std::uint8_t> targets, std::span<const VertexId> rows,
                            double factor, const Tensor& dlogits);

}  // namespace galena::ops::cpu
