#pragma once
// Draws by the dozen, and dropout, which is little else.

#include <cstdint>

#include "src/base/level.hpp"
#include "src/ops/random_key.hpp"

namespace galena::ops {

/// y[c] (+)= u[c] < threshold (or `relu` and x[c] <= 0) ? 0 : factor * x[c].
template <class T>
struct DropArgs {
  const T* x = nullptr;
  const std::uint16_t* u = nullptr;
  T* y = nullptr;
  std::int64_t n = 0;
  std::uint16_t threshold = 0;
  T factor = 1;
  bool relu = false, accumulate = false;
};

struct RandomKernels {
  /// random_lanes() of random_lanes.hpp.
  void (*lanes)(const RandomKey& key, const std::uint32_t* ids, const std::uint32_t* blocks, std::int64_t count,
                std::uint16_t* out);
  void (*drop_f32)(const DropArgs<float>& args);
  void (*drop_f64)(const DropArgs<double>& args);
};
GALENA_KERNELS(RandomKernels, random_kernels)

}  // namespace galena::ops
