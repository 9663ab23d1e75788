#include "src/mine/algebra/bit_rows_kernels.hpp"

namespace galena::mine::GALENA_LEVEL {
namespace {

void common(const std::uint64_t* rows, std::uint32_t words, std::uint32_t x, const std::uint32_t* around,
            std::uint32_t n, std::uint64_t* out) {
  const std::uint64_t* const mine = rows + std::uint64_t{x} * words;
  for (std::uint32_t i = 0; i < n; ++i) {
    const std::uint64_t* const other = rows + std::uint64_t{around[i]} * words;
    std::uint64_t shared = 0;
    for (std::uint32_t w = 0; w < words; ++w)
      shared += static_cast<std::uint64_t>(__builtin_popcountll(mine[w] & other[w]));
    out[i] = shared;
  }
}

}  // namespace

extern const BitRowKernels bit_row_kernels_table;
const BitRowKernels bit_row_kernels_table = {common};

}  // namespace galena::mine::GALENA_LEVEL
