#pragma once
// What the kernels of attention have in common: a row's neighbours, their scores and their dropout.

#include "src/ops/attention_kernels.hpp"
#include "src/ops/device/machine.hpp"
#include "src/ops/random_key.hpp"

namespace galena::ops::gpu {

/// One direction of a block. `g.draw` is not used: draws are made here, named as the CPU's are.
template <class T>
struct AttentionRows {
  AttentionArgs<T> g;
  const VertexId *row_ids = nullptr, *other_ids = nullptr;
  const std::uint64_t* seed = nullptr;
  std::uint32_t drop_below = 0;  ///< of 65536; 0: nothing is dropped
  T keep{1};
  T* d_a_rows = nullptr;  ///< v2, by targets: each row's part of d a
  std::int64_t tile = 1;  ///< neighbours in a tile

  /// Neighbours of a row: those of the matrix, then the row itself where it has a loop.
  struct Neighbours {
    std::int64_t first, edges, count;
  };
  GALENA_KERNEL Neighbours neighbours(std::int64_t i) const {
    const auto first = static_cast<std::int64_t>(g.indptr[i]);
    auto low = first, high = static_cast<std::int64_t>(g.indptr[i + 1]);
    while (g.bounded && low < high) {  // columns increase: the first past the limit
      const std::int64_t middle = low + (high - low) / 2;
      if (static_cast<std::int64_t>(g.indices[middle]) < g.limit) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return {first, high - first, high - first + (i < g.loops ? 1 : 0)};
  }
  GALENA_KERNEL std::int64_t other(std::int64_t i, const Neighbours& n, std::int64_t k) const {
    return k < n.edges ? static_cast<std::int64_t>(g.indices[n.first + k]) : i;
  }
  GALENA_KERNEL T bend(T x) const { return x > 0 ? T{1} : g.slope; }
  GALENA_KERNEL T score(std::int64_t i, std::int64_t j, std::int64_t h) const {
    T sum{};
    if (g.v2) {
      const std::int64_t d = g.heads * g.width;
      for (std::int64_t c = h * g.width; c < (h + 1) * g.width; ++c) {
        const T x = g.own[i * d + c] + g.other[j * d + c];
        sum += g.a[c] * x * bend(x);
      }
    } else {
      const T x = g.own[i * g.heads + h] + g.other[j * g.heads + h];
      sum = x * bend(x);
    }
    return g.log_weight != nullptr ? sum + g.log_weight[g.columns_are_others ? j : i] : sum;
  }
  /// The dropout factor of (i, j, h), where there is dropout.
  GALENA_KERNEL T factor(std::int64_t i, std::int64_t j, std::int64_t h) const {
    return drop_below == 0 ? T{1} : factor(*seed, row_ids[i], other_ids[j], h);
  }
  GALENA_KERNEL T factor(std::uint64_t from, VertexId own, VertexId its, std::int64_t h) const {
    const RandomKey key{from, 0, static_cast<std::uint32_t>(h / 8 * 8)};
    const base::PhiloxBlock block = g.columns_are_others ? key.draw(own, its) : key.draw(its, own);
    const std::uint32_t low = (h & 2) == 0 ? block[0] : block[1], high = (h & 2) == 0 ? block[2] : block[3];
    const std::uint32_t word = (h & 4) == 0 ? low : high;
    return ((h & 1) == 0 ? word & 0xffffU : word >> 16) < drop_below ? T{0} : keep;
  }
};

}  // namespace galena::ops::gpu
