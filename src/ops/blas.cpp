#include "src/ops/blas.hpp"

#include <cblas.h>

#include <algorithm>

// OpenBLAS has its own threads, other libraries do not have this function.
extern "C" __attribute__((weak)) void openblas_set_num_threads(int threads);

namespace galena::ops {
namespace {

/// Blocks are shared among our threads, several ranks call at once, and how OpenBLAS divides its work would decide how
/// sums are rounded: it stays on the calling thread.
void stay_on_thread() {
  static const bool once = [] {
    if (openblas_set_num_threads != nullptr) openblas_set_num_threads(1);
    return true;
  }();
  static_cast<void>(once);
}

CBLAS_TRANSPOSE flag(bool transpose) { return transpose ? CblasTrans : CblasNoTrans; }

template <class T, class F>
void call(F gemm, const GemmShape& s, const T* a, const T* b, T* c, bool accumulate) {
  stay_on_thread();
  const auto narrow = [](std::int64_t x) { return static_cast<int>(std::max<std::int64_t>(1, x)); };
  gemm(CblasRowMajor, flag(s.transpose_a), flag(s.transpose_b), static_cast<int>(s.m), static_cast<int>(s.n),
       static_cast<int>(s.k), T{1}, a, narrow(s.lda), b, narrow(s.ldb), accumulate ? T{1} : T{0}, c, narrow(s.ldc));
}

}  // namespace

void blas_gemm(const GemmShape& shape, const float* a, const float* b, float* c, bool accumulate) {
  call(cblas_sgemm, shape, a, b, c, accumulate);
}
void blas_gemm(const GemmShape& shape, const double* a, const double* b, double* c, bool accumulate) {
  call(cblas_dgemm, shape, a, b, c, accumulate);
}

}  // namespace galena::ops
