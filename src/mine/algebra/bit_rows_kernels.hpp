#pragma once
// Sizes of intersections of rows of bits. Plain pointers: kernels see no library types.

#include <cstdint>

#include "src/base/level.hpp"

namespace galena::mine {

struct BitRowKernels {
  /// out[i] = bits that row x and row around[i] share, for the i below n; a row has `words` words.
  void (*common)(const std::uint64_t* rows, std::uint32_t words, std::uint32_t x, const std::uint32_t* around,
                 std::uint32_t n, std::uint64_t* out);
};

GALENA_KERNELS(BitRowKernels, bit_row_kernels)

}  // namespace galena::mine
