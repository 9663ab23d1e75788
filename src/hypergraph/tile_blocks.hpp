#pragma once
// How kernels of tiles meet columns and memory. For *_kernels.cpp only.

#include <cstdint>

#include "src/ops/simd.hpp"

namespace galena::hyper::GALENA_LEVEL {

using namespace ops::GALENA_LEVEL;

constexpr int kMostVectors = 8;

/// Where the vectors of a row are: N of W elements, the last one ends with the row and overlaps the one before it where
/// the width is no multiple of a vector's. Both compute the same.
template <int W, int N>
struct Columns {
  std::int64_t tail;
  explicit Columns(std::int64_t width) : tail(width - W) {}
  std::int64_t operator[](int v) const { return v + 1 < N ? v * W : tail; }
};

/// Finds the N that the width needs.
template <template <class, int, int> class Block, class T, int W, int N, class G>
void with_vectors(const G& g, std::int64_t offset, std::int64_t width) {
  if constexpr (N > 1) {
    if (width <= (N - 1) * W) return with_vectors<Block, T, W, N - 1>(g, offset, width);
  }
  Block<T, W, N>::run(g, offset, width);
}

/// Narrow rows take shorter vectors: half as long until one fits.
template <template <class, int, int> class Block, class T, int W, class G>
void for_narrow(const G& g) {
  if constexpr (W > 1) {
    if (g.width < W) return for_narrow<Block, T, W / 2>(g);
  }
  with_vectors<Block, T, W, 2>(g, 0, g.width);
}

/// Block<T, W, N>::run(g, offset, width) for all columns, so many at once as registers hold.
template <template <class, int, int> class Block, class T, class G>
void for_blocks(const G& g) {
  constexpr int W = kWidth<T>;
  constexpr std::int64_t kMost = W * kMostVectors;
  if (g.width < W) return for_narrow<Block, T, W / 2>(g);
  std::int64_t offset = 0;
  for (std::int64_t blocks = (g.width + kMost - 1) / kMost; blocks > 0; --blocks) {
    const std::int64_t rest = g.width - offset, size = blocks == 1 ? rest : (rest / blocks + W - 1) / W * W;
    with_vectors<Block, T, W, kMostVectors>(g, offset, size);
    offset += size;
  }
}

/// Asks for a row that will be used later, into the second cache: there are more such requests under way at once than
/// to the first. For rows that will be written too: asking with the intent to write takes 6 ns a line.
template <int kBytes, class T>
inline void fetch(const T* row) {
  for (int byte = 0; byte < kBytes; byte += 64) {
    __builtin_prefetch(reinterpret_cast<const char*>(row) + byte, 0, 2);
  }
}

}  // namespace galena::hyper::GALENA_LEVEL
