#pragma once

#include "src/ops/check.hpp"
#include "src/ops/csr.hpp"

namespace galena::ops {

/// Throws InputError unless x [m x d] and y [n x d] are of one type and the matrix has as many columns and rows.
void check_shape(const char* op, const Csr& csr, const Tensor& x, const Tensor& y);

}  // namespace galena::ops
