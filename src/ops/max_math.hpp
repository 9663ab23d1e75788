#pragma once
// Maxima merged element by element, with one source for CPUs and GPUs.

#include <cstdint>

#include "src/device/host_device.hpp"

namespace galena::ops::math {

/// See argmax_rows(). 0 of rows without columns.
template <class T>
struct ArgmaxRow {
  const T* x;
  std::int32_t* y;
  std::int64_t cols;
  GALENA_HOST_DEVICE void operator()(std::int64_t i) const {
    const T* const row = x + i * cols;
    std::int32_t best = 0;
    for (std::int32_t c = 1; c < cols; ++c)
      if (row[c] > row[best]) best = c;
    y[i] = best;
  }
};

/// See merge_max(). `other_arg` null: there is a value everywhere.
template <class T>
struct MergeMax {
  const T* other;
  std::int32_t* other_arg;
  std::int32_t code;
  T* y;
  std::int32_t* arg;
  GALENA_HOST_DEVICE void operator()(std::int64_t i) const {
    const bool present = other_arg == nullptr || other_arg[i] != -1;
    const bool taken = present && (arg[i] == -1 || other[i] > y[i]);
    if (taken) y[i] = other[i];
    if (taken) arg[i] = code;
    if (!taken && other_arg != nullptr) other_arg[i] = -1;
  }
};

/// See add_where().
template <class T>
struct AddWhere {
  const std::int32_t* arg;
  std::int32_t code;
  const T* dy;
  T* dx;
  GALENA_HOST_DEVICE void operator()(std::int64_t i) const {
    if (arg[i] == code) dx[i] += dy[i];
  }
};

}  // namespace galena::ops::math
