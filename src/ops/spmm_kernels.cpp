// A row of the result stays in registers while the rows it sums pass by: as many vectors as the row has, up to half
// the registers and more. Where x is far, rows to come are fetched some nonzeros ahead, because their addresses follow
// no pattern that a CPU would guess; then a core runs at the speed it streams memory.
//
// Measured and left out: slabs of 16 or 32 columns, so that a slab of all of x fits in the last-level cache, whether in
// place or copied side by side. They read the indices again and half-used pairs of cache lines: 1.3 to 3 times slower.
//
// A width that is no multiple of a vector's ends with a vector that overlaps the one before it. Both compute the same
// sums, so it does not matter which is stored last.

#include "src/ops/spmm_kernels.hpp"

#include "src/ops/row_end.hpp"
#include "src/ops/streaming.hpp"

namespace galena::ops::GALENA_LEVEL {
namespace {

/// Vectors in a row's accumulators.
constexpr int kMostVectors = 8;
/// AVX-512 has twice the registers: so many vectors are taken at once where there are as many, 256 floats.
constexpr int kManyVectors = GALENA_VECTOR_BYTES == 64 ? 16 : kMostVectors;
/// Nonzeros between a row's fetch and its use.
constexpr std::uint64_t kAhead = 16;

enum class Weight { one, by_column, by_nonzero, by_position };

template <Weight kind, class T>
inline T weight_of(const GatherSum<T>& g, std::uint64_t k, std::uint64_t column) {
  if constexpr (kind == Weight::by_column) return g.right[column];
  if constexpr (kind == Weight::by_nonzero) return g.values[k];
  if constexpr (kind == Weight::by_position) return g.values[g.position[k]];
  return T{1};
}

/// Columns [offset, offset + width) of rows begin .. end - 1, in N vectors of W elements: N = ceil(width / W),
/// width >= W. g is a copy, or it would be read again after each row: a vector's store may change anything.
template <class T, int W, int N, Weight kind>
void sum_block(const GatherSum<T> g, std::int64_t begin, std::int64_t end, std::int64_t offset, std::int64_t width) {
  const T* const x = g.x + offset;
  const std::int64_t tail = width - W;  // where the last vector begins
  const std::uint64_t stride = static_cast<std::uint64_t>(g.width), stop = g.indptr[end];
  for (std::int64_t i = begin; i < end; ++i) {
    const std::uint64_t first = g.indptr[i];
    std::uint64_t last = g.indptr[i + 1];
    if (last - first > g.longest) continue;
    if (g.bounded) last = row_end(g.indices, first, last, g.limit);
    Vec<T, W> sum[N] = {};
    for (std::uint64_t k = first; k < last; ++k) {
      if (g.far) {
        const T* const ahead = x + g.indices[k + kAhead < stop ? k + kAhead : k] * stride;
        for (int v = 0; v < N; ++v) __builtin_prefetch(ahead + v * W);
      }
      const std::uint64_t column = g.indices[k];
      const T* const row = x + column * stride;
      const T weight = weight_of<kind>(g, k, column);
      for (int v = 0; v < N; ++v) {
        const Vec<T, W> part = load<T, W>(row + (v + 1 < N ? v * W : tail));
        if constexpr (kind == Weight::one) {
          sum[v] += part;
        } else {
          sum[v] += weight * part;
        }
      }
    }
    T* const y = g.y + i * g.width + offset;
    if (g.left) {
      for (int v = 0; v < N; ++v) sum[v] *= g.left[i];
    }
    if (g.diagonal && i < g.limit) {
      const T* const own = x + static_cast<std::uint64_t>(i) * stride;
      for (int v = 0; v < N; ++v) sum[v] += g.diagonal[i] * load<T, W>(own + (v + 1 < N ? v * W : tail));
    }
    if (g.accumulate) {
      for (int v = 0; v < N; ++v) sum[v] += load<T, W>(y + (v + 1 < N ? v * W : tail));
    }
    if (g.stream) {
      for (int v = 0; v < N; ++v) stream<T, W>(y + v * W, sum[v]);
    } else {
      for (int v = 0; v < N; ++v) store<T, W>(y + (v + 1 < N ? v * W : tail), sum[v]);
    }
  }
}

template <class T, int W, int N>
void sum_weighted(const GatherSum<T>& g, std::int64_t begin, std::int64_t end, std::int64_t offset,
                  std::int64_t width) {
  if (g.position) return sum_block<T, W, N, Weight::by_position>(g, begin, end, offset, width);
  if (g.values) return sum_block<T, W, N, Weight::by_nonzero>(g, begin, end, offset, width);
  if (g.right) return sum_block<T, W, N, Weight::by_column>(g, begin, end, offset, width);
  sum_block<T, W, N, Weight::one>(g, begin, end, offset, width);
}

/// Finds the N that the width needs.
template <class T, int W, int N>
void sum_vectors(const GatherSum<T>& g, std::int64_t begin, std::int64_t end, std::int64_t offset, std::int64_t width) {
  if constexpr (N > 1) {
    if (width <= (N - 1) * W) return sum_vectors<T, W, N - 1>(g, begin, end, offset, width);
  }
  sum_weighted<T, W, N>(g, begin, end, offset, width);
}

/// Narrow rows take shorter vectors: half as long until one fits.
template <class T, int W>
void sum_narrow(const GatherSum<T>& g, std::int64_t begin, std::int64_t end) {
  if constexpr (W > 1) {
    if (g.width < W) return sum_narrow<T, W / 2>(g, begin, end);
  }
  sum_vectors<T, W, 2>(g, begin, end, 0, g.width);
}

template <class T>
void sum(const GatherSum<T>& g, std::int64_t begin, std::int64_t end) {
  constexpr int W = kWidth<T>;
  if (g.width < W) return sum_narrow<T, W / 2>(g, begin, end);
  std::int64_t offset = 0;
  constexpr std::int64_t kMany = W * kManyVectors, kMost = W * kMostVectors;
  while (kMany > kMost && (g.width - offset == kMany || g.width - offset >= kMany + W)) {
    sum_weighted<T, W, kManyVectors>(g, begin, end, offset, kMany);
    offset += kMany;
  }
  // The rest in blocks of about as many vectors, so that none is narrower than one.
  for (std::int64_t blocks = (g.width - offset + kMost - 1) / kMost; blocks > 0; --blocks) {
    const std::int64_t rest = g.width - offset, size = blocks == 1 ? rest : (rest / blocks + W - 1) / W * W;
    sum_vectors<T, W, kMostVectors>(g, begin, end, offset, size);
    offset += size;
  }
  if (g.stream) end_stream();
}

}  // namespace

extern const SpmmKernels spmm_kernels_table;
const SpmmKernels spmm_kernels_table = {sum<float>, sum<double>};

}  // namespace galena::ops::GALENA_LEVEL
