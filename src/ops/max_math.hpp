#pragma once
// Maxima merged element by element, with one source for CPUs and GPUs.

#include <cstdint>

#include "src/device/host_device.hpp"

namespace galena::ops::math {

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
