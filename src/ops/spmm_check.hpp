#pragma once

#include "src/ops/check.hpp"
#include "src/ops/csr.hpp"

namespace galena::ops {

/// Throws InputError unless y [n x d] is of this type and the matrix has n rows and m columns or more, where x is [m x d].
void check_shape(const char* op, const Csr& csr, const Tensor& x, const Tensor& y, DType dtype);

}  // namespace galena::ops
