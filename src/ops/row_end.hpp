#pragma once
// Where a row's part in a prefix of the columns ends. For *_kernels.cpp only.

#include <cstdint>

namespace galena::ops::GALENA_LEVEL {

/// The first of the positions [first, last) whose index is at `limit` or beyond; indices are increasing.
static inline std::uint64_t row_end(const std::uint32_t* indices, std::uint64_t first, std::uint64_t last,
                                    std::int64_t limit) {
  while (first < last) {
    const std::uint64_t middle = first + (last - first) / 2;
    if (indices[middle] < limit) {
      first = middle + 1;
    } else {
      last = middle;
    }
  }
  return first;
}

}  // namespace galena::ops::GALENA_LEVEL
