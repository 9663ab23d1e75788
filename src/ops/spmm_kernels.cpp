#include "src/ops/spmm_kernels.hpp"

#include "src/ops/simd.hpp"

namespace galena::ops::GALENA_LEVEL {
namespace {

template <class T>
void sum(const GatherSum<T>& g, std::int64_t begin, std::int64_t end) {
  for (std::int64_t i = begin; i < end; ++i) {
    T* y = g.y + i * g.width;
    const T left = g.left ? g.left[i] : T{1};
    if (!g.accumulate) {
      for (std::int64_t c = 0; c < g.width; ++c) y[c] = 0;
    }
    for (std::uint64_t k = g.indptr[i]; k < g.indptr[i + 1]; ++k) {
      const std::int64_t j = g.indices[k];
      if (j >= g.limit) break;
      T w = left;
      if (g.right) w *= g.right[j];
      if (g.values) w *= g.values[g.position ? g.position[k] : k];
      for (std::int64_t c = 0; c < g.width; ++c) y[c] += w * g.x[j * g.width + c];
    }
    if (g.diagonal) {
      for (std::int64_t c = 0; c < g.width; ++c) y[c] += g.diagonal[i] * g.x[i * g.width + c];
    }
  }
}

}  // namespace

extern const SpmmKernels spmm_kernels_table;
const SpmmKernels spmm_kernels_table = {sum<float>, sum<double>};

}  // namespace galena::ops::GALENA_LEVEL
