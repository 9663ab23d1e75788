#pragma once
// The one call of BLAS that is needed, on the calling thread.

#include <cstdint>

namespace galena::ops {

/// c [m x n] = op(a) * op(b) (+ c where `accumulate`), op(a) [m x k], op(b) [k x n], row-major with these row strides.
struct GemmShape {
  bool transpose_a = false, transpose_b = false;
  std::int64_t m = 0, n = 0, k = 0;
  std::int64_t lda = 0, ldb = 0, ldc = 0;
};
void blas_gemm(const GemmShape& shape, const float* a, const float* b, float* c, bool accumulate);
void blas_gemm(const GemmShape& shape, const double* a, const double* b, double* c, bool accumulate);

}  // namespace galena::ops
