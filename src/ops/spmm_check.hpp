#pragma once

#include "src/ops/check.hpp"
#include "src/ops/csr.hpp"

namespace galena::ops {

/// Throws InputError unless y [n x d] is of this type, and the matrix has as many rows as y and columns as x [m x d] has
/// rows, or more.
void check_shape(const char* op, const Csr& csr, const Tensor& x, const Tensor& y, DType dtype);

}  // namespace galena::ops
