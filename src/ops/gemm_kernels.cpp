// A tile of c, R rows of N vectors, stays in registers while the inner dimension passes by: at each step N vectors of
// the panel and R numbers of a make R * N fused multiply-adds (K. Goto and R. van de Geijn, "Anatomy of
// high-performance matrix multiplication", ACM TOMS 2008; F. Van Zee and R. van de Geijn, "BLIS", ACM TOMS 2015). Unlike
// there, a is not packed: its rows are short here, so a strip of R of them stays in the first-level cache as it is.

#include "src/ops/gemm_kernels.hpp"

#include "src/ops/simd.hpp"

namespace galena::ops::GALENA_LEVEL {
namespace {

/// Rows of a tile of N vectors: with N vectors of the panel and one of a they fill the registers.
constexpr int kRegisters = GALENA_VECTOR_BYTES == 64 ? 32 : 16;
template <int N>
constexpr int kRows = N == 1 ? 14 * kRegisters / 32 : (kRegisters - N - 1) / N;

/// Rows i .. i + R - 1. `by_column`: a's columns are contiguous, else its rows.
template <class T, int R, int N, bool by_column>
void tile(const GemmBlock<T>& g, std::int64_t i) {
  constexpr int W = kWidth<T>;
  const std::int64_t row = by_column ? 1 : g.a_row, step = by_column ? g.a_step : 1;
  const T* a = g.a + i * row;
  const T* b = g.panel;
  Vec<T, W> sum[R][N] = {};
  for (std::int64_t p = 0; p < g.depth; ++p) {
    Vec<T, W> part[N];
    for (int v = 0; v < N; ++v) part[v] = load<T, W>(b + v * W);
#pragma GCC unroll 32
    for (int r = 0; r < R; ++r) {
      const T x = a[r * row];
      for (int v = 0; v < N; ++v) sum[r][v] += x * part[v];
    }
    a += step;
    b += N * W;
  }
  T* c = g.c + i * g.c_row;
  for (int r = 0; r < R; ++r, c += g.c_row) {
    if (g.columns == N * W) {
      for (int v = 0; v < N; ++v) store<T, W>(c + v * W, g.accumulate ? sum[r][v] + load<T, W>(c + v * W) : sum[r][v]);
      continue;
    }
    T whole[N * W];
    for (int v = 0; v < N; ++v) store<T, W>(whole + v * W, sum[r][v]);
    for (std::int64_t j = 0; j < g.columns; ++j) c[j] = g.accumulate ? c[j] + whole[j] : whole[j];
  }
}

/// A tile of as many rows as remain, at most R.
template <class T, int R, int N, bool by_column>
void last_tile(const GemmBlock<T>& g, std::int64_t i) {
  if (g.rows - i == R) return tile<T, R, N, by_column>(g, i);
  if constexpr (R > 1) last_tile<T, R - 1, N, by_column>(g, i);
}

template <class T, int N, bool by_column>
void tiles(const GemmBlock<T>& g) {
  constexpr int R = kRows<N>, half = (R + 1) / 2;
  std::int64_t i = 0;
  for (; i + R + half <= g.rows; i += R) tile<T, R, N, by_column>(g, i);
  // Two tiles of about half the rows are faster than a whole one and a sliver.
  if (g.rows - i > R) {
    tile<T, half, N, by_column>(g, i);
    i += half;
  }
  if (i < g.rows) last_tile<T, R, N, by_column>(g, i);
}

template <class T, int N>
void panel(const GemmBlock<T>& g) {
  if (g.a_row == 1) return tiles<T, N, true>(g);
  tiles<T, N, false>(g);
}

template <class T>
void multiply(const GemmBlock<T>& g) {
  if (g.columns <= kWidth<T>) return panel<T, 1>(g);
  if (g.columns <= 2 * kWidth<T>) return panel<T, 2>(g);
  panel<T, 3>(g);
}

/// Rows of b that lie as those of the panel do: N whole vectors, and the elements after them.
template <class T, int N>
void copy_rows(const GemmPanel<T>& g) {
  constexpr int W = kWidth<T>;
  const T* b = g.b;
  T* out = g.out;
  for (std::int64_t p = 0; p < g.depth; ++p, b += g.row, out += g.stride) {
    for (int v = 0; v < N; ++v) store<T, W>(out + v * W, load<T, W>(b + v * W));
    if (g.stride == N * W) continue;
    store<T, W>(out + N * W, Vec<T, W>{});
    for (std::int64_t j = N * W; j < g.columns; ++j) out[j] = b[j];
  }
}

template <class T>
void pack(const GemmPanel<T>& g) {
  if (g.column == 1) {
    const std::int64_t whole = g.columns / kWidth<T>;
    if (whole == 0) return copy_rows<T, 0>(g);
    if (whole == 1) return copy_rows<T, 1>(g);
    if (whole == 2) return copy_rows<T, 2>(g);
    return copy_rows<T, 3>(g);
  }
  T* out = g.out;
  for (std::int64_t p = 0; p < g.depth; ++p, out += g.stride) {
    for (std::int64_t j = 0; j < g.stride; ++j) out[j] = j < g.columns ? g.b[p * g.row + j * g.column] : T{};
  }
}

}  // namespace

extern const GemmKernels gemm_kernels_table;
const GemmKernels gemm_kernels_table = {kWidth<float>, kWidth<double>,  pack<float>,
                                        pack<double>,  multiply<float>, multiply<double>};

}  // namespace galena::ops::GALENA_LEVEL
