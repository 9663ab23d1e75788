// A row of the result stays in registers while the rows it sums pass by. A width that is no multiple of a vector's ends
// with a vector that overlaps the one before it: both compute the same sums. Where rows are added to what is there, it
// is read before anything is stored.

#include "src/hypergraph/tile_kernels.hpp"

#include "src/ops/simd.hpp"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace galena::hyper::GALENA_LEVEL {
namespace {

using namespace ops::GALENA_LEVEL;

constexpr int kMostVectors = 8;
/// Sources between a row's fetch and its use.
constexpr std::int64_t kAhead = 32;
/// Rows between a target's fetch and its use.
constexpr std::int64_t kRowsAhead = 8;
constexpr int kLine = 64;

/// For rows that will be written too: fetching them with the intent to write took 6 ns a line here, seven times as long.
template <int kBytes, class T>
inline void fetch(const T* row) {
  for (int byte = 0; byte < kBytes; byte += kLine) __builtin_prefetch(reinterpret_cast<const char*>(row) + byte, 0, 2);
}

/// Stores a whole vector past the caches.
template <class T, int W>
inline void stream(T* p, Vec<T, W> v) {
#if defined(__AVX512F__)
  if constexpr (sizeof(v) == 64) return _mm512_stream_si512(reinterpret_cast<__m512i*>(p), (__m512i)v);
#endif
#if defined(__AVX2__)
  if constexpr (sizeof(v) == 32) return _mm256_stream_si256(reinterpret_cast<__m256i*>(p), (__m256i)v);
#endif
#if defined(__SSE2__)
  if constexpr (sizeof(v) == 16) return _mm_stream_si128(reinterpret_cast<__m128i*>(p), (__m128i)v);
#endif
  store<T, W>(p, v);
}

/// After it, others see what was streamed.
inline void end_stream() {
#if defined(__SSE2__)
  _mm_sfence();
#endif
}

/// Columns [offset, offset + width) in N vectors of W elements: N = ceil(width / W), width >= W.
template <class T, int W, int N, bool kWeighted, Far kFar>
void sum_block(const RowSums<T>& g, std::int64_t offset, std::int64_t width) {
  const T* const from = g.from + offset;
  T* const to = g.to + offset;
  const std::int64_t tail = width - W;
  const auto at = [tail](int v) { return v + 1 < N ? v * W : tail; };
  const std::uint32_t* target = g.target;
  const std::uint32_t* factor_at = g.factor_at;
  const std::uint32_t* source = g.source;
  for (const RowGroup* group = g.groups; group != g.groups + g.group_count; ++group) {
    const T* const factor = group->scaled ? g.factor : nullptr;
    const bool streamed = g.stream && group->final;
    const std::uint32_t length = group->length;
    for (std::uint32_t row = 0; row < group->rows; ++row, ++target, ++factor_at) {
      T* const out = to + std::int64_t{*target} * g.to_stride;
      if constexpr (kFar == Far::to) {
        if (!streamed) {
          const std::uint32_t next = target[g.target_end - target > kRowsAhead ? kRowsAhead : 0];
          fetch<N * W * sizeof(T)>(to + std::int64_t{next} * g.to_stride);
        }
      }
      Vec<T, W> sum[N] = {};
      if (g.held == Held::scaled_too) {
        for (int v = 0; v < N; ++v) sum[v] = load<T, W>(out + at(v));
      }
      for (std::uint32_t k = 0; k < length; ++k, ++source) {
        if constexpr (kFar == Far::from) {
          const std::uint32_t next = source[g.source_end - source > kAhead ? kAhead : 0];
          const char* const ahead = reinterpret_cast<const char*>(from + std::int64_t{next} * g.from_stride);
          for (int byte = 0; byte < N * W * static_cast<int>(sizeof(T)); byte += kLine)
            __builtin_prefetch(ahead + byte);
        }
        const T* const in = from + std::int64_t{*source} * g.from_stride;
        if constexpr (kWeighted) {
          const T weight = g.weight[*source];
          for (int v = 0; v < N; ++v) sum[v] += weight * load<T, W>(in + at(v));
        } else {
          for (int v = 0; v < N; ++v) sum[v] += load<T, W>(in + at(v));
        }
      }
      if (factor) {
        const T scale = factor[*factor_at];
        for (int v = 0; v < N; ++v) sum[v] *= scale;
      }
      if (g.held == Held::added_to) {
        for (int v = 0; v < N; ++v) sum[v] += load<T, W>(out + at(v));
      }
      if (streamed) {
        for (int v = 0; v < N; ++v) stream<T, W>(out + v * W, sum[v]);
      } else {
        for (int v = 0; v < N; ++v) store<T, W>(out + at(v), sum[v]);
      }
    }
  }
}

template <class T, int W, int N>
void sum_variant(const RowSums<T>& g, std::int64_t offset, std::int64_t width) {
  if (g.weight) return sum_block<T, W, N, true, Far::from>(g, offset, width);
  if (g.far == Far::from) return sum_block<T, W, N, false, Far::from>(g, offset, width);
  if (g.far == Far::to) return sum_block<T, W, N, false, Far::to>(g, offset, width);
  sum_block<T, W, N, false, Far::none>(g, offset, width);
}

/// Finds the N that the width needs.
template <class T, int W, int N>
void sum_vectors(const RowSums<T>& g, std::int64_t offset, std::int64_t width) {
  if constexpr (N > 1) {
    if (width <= (N - 1) * W) return sum_vectors<T, W, N - 1>(g, offset, width);
  }
  sum_variant<T, W, N>(g, offset, width);
}

/// Narrow rows take shorter vectors: half as long until one fits.
template <class T, int W>
void sum_narrow(const RowSums<T>& g) {
  if constexpr (W > 1) {
    if (g.width < W) return sum_narrow<T, W / 2>(g);
  }
  sum_vectors<T, W, 2>(g, 0, g.width);
}

template <class T>
void sum_all(const RowSums<T>& g) {
  constexpr int W = kWidth<T>;
  constexpr std::int64_t kMost = W * kMostVectors;
  if (g.width < W) return sum_narrow<T, W / 2>(g);
  std::int64_t offset = 0;
  for (std::int64_t blocks = (g.width + kMost - 1) / kMost; blocks > 0; --blocks) {
    const std::int64_t rest = g.width - offset, size = blocks == 1 ? rest : (rest / blocks + W - 1) / W * W;
    sum_vectors<T, W, kMostVectors>(g, offset, size);
    offset += size;
  }
}

template <class T>
void sums(const RowSums<T>& g) {
  sum_all(g);
  if (g.stream) end_stream();
}

template <class T>
void dots(const RowDots<T>& g) {
  constexpr int W = kWidth<T>;
  const std::int64_t whole = g.width / W * W;
  for (std::int64_t i = 0; i < g.rows; ++i) {
    const T* const a = g.a + i * g.stride;
    T* const b = g.b + i * g.stride;
    const T factor = g.factor ? g.factor[g.at[i]] : T{1};
    Vec<T, W> sum = {};
    for (std::int64_t c = 0; c < whole; c += W) {
      const Vec<T, W> value = load<T, W>(b + c);
      sum += load<T, W>(a + c) * value;
      store<T, W>(b + c, factor * value);
    }
    T total{};
    for (int lane = 0; lane < W; ++lane) total += sum[lane];
    for (std::int64_t c = whole; c < g.width; ++c) {
      total += a[c] * b[c];
      b[c] *= factor;
    }
    g.out[g.at[i]] = total;
  }
}

}  // namespace

extern const TileKernels tile_kernels_table;
const TileKernels tile_kernels_table = {sums<float>, sums<double>, dots<float>, dots<double>};

}  // namespace galena::hyper::GALENA_LEVEL
