#pragma once
// Maps over the elements of tensors.

#include "galena/tensor.hpp"
#include "src/ops/parallel.hpp"

namespace galena::ops {

/// f(i) for each i, in vectors. What f(i) writes no other f(j) may read or write; it may be what f(i) itself reads.
/// Without the pragma, the compiler's test for overlap would pick its plain loop where a map is in place.
template <class F>
void simd_loop(std::int64_t begin, std::int64_t end, const F& f) {
#pragma omp simd
  for (std::int64_t i = begin; i < end; ++i) f(i);
}

/// y[i] (+)= f(i) over n elements. `y` may be an input of f at the same i.
template <class T, class F>
void map_elements(std::int64_t n, const Tensor& out, bool accumulate, const F& f) {
  T* y = out.data<T>();
  parallel_ranges(n, 1, [=](std::int64_t begin, std::int64_t end) {
    if (accumulate) {
      simd_loop(begin, end, [=](std::int64_t i) { y[i] += f(i); });
    } else {
      simd_loop(begin, end, [=](std::int64_t i) { y[i] = f(i); });
    }
  });
}

}  // namespace galena::ops
