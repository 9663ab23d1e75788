#pragma once
// The inner loop of every sum over gathered rows: SpMM, and a sparse matrix times a dense one.

#include <cstdint>

#include "src/base/level.hpp"

namespace galena::ops {

/// y[i] (+)= left[i] * sum_k weight(k) * x[indices[k]] + diagonal[i] * x[i] for a range of rows. Plain pointers:
/// kernels see no library types.
template <class T>
struct GatherSum {
  const std::uint64_t* indptr = nullptr;
  const std::uint32_t* indices = nullptr;
  std::int64_t limit = 0;         ///< only indices below take part, and diagonals of rows below
  bool bounded = false;           ///< whether there may be other indices
  std::uint64_t longest = ~0ULL;  ///< rows of more nonzeros are left out
  const T* x = nullptr;           ///< rows of `width` elements
  T* y = nullptr;                 ///< rows of `width` elements
  std::int64_t width = 0;
  const T* left = nullptr;                  ///< by row, or null
  const T* right = nullptr;                 ///< by column, or null; not with `values`
  const T* diagonal = nullptr;              ///< by row, or null
  const T* values = nullptr;                ///< by nonzero, or null
  const std::uint64_t* position = nullptr;  ///< where in `values` each nonzero's is, or null: at its own place
  bool accumulate = false;
  bool far = true;      ///< x is in no near cache: its rows are fetched before their turn
  bool stream = false;  ///< y goes past the caches: see ops::streams; not with `accumulate`
};

struct SpmmKernels {
  /// Rows begin .. end - 1.
  void (*sum_f32)(const GatherSum<float>& g, std::int64_t begin, std::int64_t end);
  void (*sum_f64)(const GatherSum<double>& g, std::int64_t begin, std::int64_t end);
};
GALENA_KERNELS(SpmmKernels, spmm_kernels)

}  // namespace galena::ops
