#pragma once
// The inner loop of dense products: rows of c from rows of a and a packed panel of b. Plain pointers: kernels see no
// library types.

#include <cstdint>

#include "src/base/level.hpp"

namespace galena::ops {

/// c [rows x columns] (+)= a [rows x depth] * b [depth x columns], columns <= 3 vectors.
template <class T>
struct GemmBlock {
  std::int64_t rows = 0, depth = 0, columns = 0;
  const T* a = nullptr;  ///< element (i, p) at a[i * a_row + p * a_step]; one of the two steps is 1
  std::int64_t a_row = 0, a_step = 0;
  const T* panel = nullptr;  ///< [depth][columns, up to the next multiple of a vector]: those beyond are 0
  T* c = nullptr;
  std::int64_t c_row = 0;
  bool accumulate = false;
};

/// A panel to be filled: out [depth][stride] = b's element (p, j) at b[p * row + j * column], 0 from `columns` on.
template <class T>
struct GemmPanel {
  const T* b = nullptr;
  std::int64_t row = 0, column = 0;
  std::int64_t depth = 0, columns = 0, stride = 0;
  T* out = nullptr;
};

/// Vectors in a panel.
inline constexpr std::int64_t kPanelVectors = 3;

struct GemmKernels {
  std::int64_t width_f32, width_f64;  ///< of a vector
  void (*pack_f32)(const GemmPanel<float>& g);
  void (*pack_f64)(const GemmPanel<double>& g);
  void (*multiply_f32)(const GemmBlock<float>& g);
  void (*multiply_f64)(const GemmBlock<double>& g);
};
GALENA_KERNELS(GemmKernels, gemm_kernels)

}  // namespace galena::ops
