#pragma once
// Cliques of a small graph held as rows of bits. Plain pointers: kernels see no library types.

#include <cstdint>

#include "src/base/level.hpp"

namespace galena::mine {

/// The neighbours that a first vertex has among those after it, and what joins them.
struct CliqueTask {
  const std::uint64_t* rows = nullptr;  ///< [n x words]: bit j of row i where i and j are joined; none at i itself
  std::uint32_t n = 0;
  std::uint32_t words = 0;  ///< of a row: a power of two up to kMaxCliqueWords, 64 * words >= n
  std::uint32_t least = 1;  ///< cliques of so many vertices and more are asked for, the first vertex counted
  std::uint32_t most = 1;   ///< and of so many at most
  /// leaves[held * stride + free]: how often `held` vertices (the first one counted) and any of `free` more make cliques.
  std::uint64_t* leaves = nullptr;
  std::uint64_t stride = 0;
  const volatile int* stop = nullptr;  ///< raised: the rest is left out
};

inline constexpr std::uint32_t kMaxCliqueWords = 64;

/// Words of a row of so many vertices.
inline std::uint32_t clique_words(std::uint32_t n) {
  std::uint32_t words = 1;
  while (64 * words < n) words *= 2;
  return words;
}

struct CliqueKernels {
  /// All cliques, none of them by itself: subtrees of a pivot's neighbours count as binomials (Jain and Seshadhri, "The
  /// Power of Pivoting for Exact Clique Counting", WSDM 2020).
  void (*pivot)(const CliqueTask& task);
  /// The number of cliques of `most` vertices, one after the other: quicker where these are few vertices.
  std::uint64_t (*enumerate)(const CliqueTask& task);
};

GALENA_KERNELS(CliqueKernels, clique_kernels)

}  // namespace galena::mine
