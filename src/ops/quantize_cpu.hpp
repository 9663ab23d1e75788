#pragma once
// The loops of quantize.hpp on a CPU; arguments have been checked.

#include "src/ops/quantize.hpp"

namespace galena::ops::cpu {

template <class T>
void pack_rows(const Tensor& x, std::span<const VertexId> index, std::span<const VertexId> ids, const RandomKey& key,
               PackedRows& out, std::span<double> variance, std::span<double> norm2);
template <class T>
void unpack_rows(const PackedRows& packed, const Tensor& y);
template <class T>
void spmm_packed(const Csr& csr, const Tensor* left, const Tensor* right, const PackedRows& packed, const Tensor& y);

}  // namespace galena::ops::cpu
