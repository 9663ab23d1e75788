#pragma once
// The parameters of a coded row.

#include "src/ops/codec_kernels.hpp"

namespace galena::ops {

/// The bf16 pair for elements of this range: zero <= low and zero + scale * (2^bits - 1) >= high, each the nearest
/// such. Scale 0: all elements are zero itself.
RowParameters parameters_of(const RowRange& range, int bits);

}  // namespace galena::ops
