#include "src/ops/attention_kernels.hpp"

#include "src/ops/simd.hpp"

namespace galena::ops::GALENA_LEVEL {
namespace {

static inline float exponential(float x) { return __builtin_expf(x); }
static inline double exponential(double x) { return __builtin_exp(x); }

/// Neighbours of a row: those of the matrix, then the row itself where it has a loop.
struct Neighbours {
  std::uint64_t first = 0, last = 0;
  bool loop = false;
};

template <class T>
Neighbours neighbours(const AttentionArgs<T>& g, std::int64_t i) {
  Neighbours n{g.indptr[i], g.indptr[i + 1], i < g.loops};
  if (g.bounded) {
    while (n.last > n.first && g.indices[n.last - 1] >= g.limit) --n.last;
  }
  return n;
}

/// A tile: up to `room` neighbours from position `next` on. Returns how many.
template <class T>
struct Tile {
  std::uint32_t other[kAttentionTile];
  T score[kAttentionTile], factor[kAttentionTile];
  std::int64_t count = 0;

  bool fill(const AttentionArgs<T>& g, std::int64_t i, Neighbours& n) {
    const std::int64_t room = kAttentionTile / g.heads;
    count = 0;
    while (n.first < n.last && count < room) other[count++] = g.indices[n.first++];
    if (n.first == n.last && n.loop && count < room) {
      other[count++] = static_cast<std::uint32_t>(i);
      n.loop = false;
    }
    return count > 0;
  }
};

template <class T>
T leaky(T x, T slope) {
  return x > 0 ? x : slope * x;
}

template <class T>
void score_tile(const AttentionArgs<T>& g, std::int64_t i, Tile<T>& tile) {
  const std::int64_t stride = g.v2 ? g.heads * g.width : g.heads;
  const T* const own = g.own + i * stride;
  for (std::int64_t k = 0; k < tile.count; ++k) {
    const T* const other = g.other + tile.other[k] * stride;
    T* const score = tile.score + k * g.heads;
    const T extra = g.log_weight ? g.log_weight[g.columns_are_others ? tile.other[k] : i] : T{};
    for (int h = 0; h < g.heads; ++h) {
      if (!g.v2) {
        score[h] = leaky(own[h] + other[h], g.slope) + extra;
        continue;
      }
      T total{};
      for (std::int64_t c = h * g.width; c < (h + 1) * g.width; ++c)
        total += g.a[c] * leaky(own[c] + other[c], g.slope);
      score[h] = total + extra;
    }
  }
}

template <class T>
void draw_tile(const AttentionArgs<T>& g, std::int64_t i, Tile<T>& tile) {
  if (g.draw) g.draw(g.draw_context, i, tile.other, tile.count, tile.factor);
}

/// Merges a tile into the running maximum, sum and weighted sum of row i.
template <class T>
void merge_tile(const AttentionArgs<T>& g, std::int64_t i, Tile<T>& tile) {
  T* const maximum = g.maximum + i * g.heads;
  T* const sum = g.sum + i * g.heads;
  T* const y = g.y + i * g.heads * g.width;
  for (int h = 0; h < g.heads; ++h) {
    T largest = maximum[h];
    for (std::int64_t k = 0; k < tile.count; ++k) {
      largest = tile.score[k * g.heads + h] > largest ? tile.score[k * g.heads + h] : largest;
    }
    if (largest > maximum[h]) {
      const T rescale = exponential(maximum[h] - largest);  // 0 for the first tile: the maximum was -infinity
      sum[h] *= rescale;
      for (std::int64_t c = h * g.width; c < (h + 1) * g.width; ++c) y[c] *= rescale;
      maximum[h] = largest;
    }
    for (std::int64_t k = 0; k < tile.count; ++k) {
      T& weight = tile.score[k * g.heads + h];
      weight = exponential(weight - largest);
      sum[h] += weight;
      if (g.draw) weight *= tile.factor[k * g.heads + h];
    }
  }
  for (std::int64_t k = 0; k < tile.count; ++k) {
    const T* const value = g.value + tile.other[k] * g.heads * g.width;
    for (int h = 0; h < g.heads; ++h) {
      const T weight = tile.score[k * g.heads + h];
      for (std::int64_t c = h * g.width; c < (h + 1) * g.width; ++c) y[c] += weight * value[c];
    }
  }
}

template <class T>
void forward(const AttentionArgs<T>& g, std::int64_t begin, std::int64_t end) {
  Tile<T> tile;
  for (std::int64_t i = begin; i < end; ++i) {
    Neighbours n = neighbours(g, i);
    while (tile.fill(g, i, n)) {
      score_tile(g, i, tile);
      draw_tile(g, i, tile);
      merge_tile(g, i, tile);
    }
  }
}

/// Gradients with respect to what row i brought, one neighbour and head at a time.
template <class T>
void backward_tile(const AttentionArgs<T>& g, std::int64_t i, Tile<T>& tile) {
  const std::int64_t d = g.heads * g.width, stride = g.v2 ? d : g.heads;
  const T *const own = g.own + i * stride, *const own_value = g.own_value + i * d;
  T* const d_own = g.d_own + i * stride;
  T* const d_value = g.d_value ? g.d_value + i * d : nullptr;
  for (std::int64_t k = 0; k < tile.count; ++k) {
    const std::int64_t j = tile.other[k], target = g.columns_are_others ? i : j;
    const T *const other = g.other + j * stride, *const value = g.value + j * d;
    for (int h = 0; h < g.heads; ++h) {
      const T alpha = exponential(tile.score[k * g.heads + h] - g.log_sum[target * g.heads + h]);
      const T factor = g.draw ? tile.factor[k * g.heads + h] : T{1};
      T dot{};
      for (std::int64_t c = h * g.width; c < (h + 1) * g.width; ++c) dot += own_value[c] * value[c];
      const T d_score = alpha * (factor * dot - g.inner[target * g.heads + h]);
      if (d_value) {
        for (std::int64_t c = h * g.width; c < (h + 1) * g.width; ++c) d_value[c] += alpha * factor * value[c];
      }
      if (!g.v2) {
        d_own[h] += own[h] + other[h] > 0 ? d_score : g.slope * d_score;
        continue;
      }
      for (std::int64_t c = h * g.width; c < (h + 1) * g.width; ++c) {
        const T x = own[c] + other[c];
        d_own[c] += d_score * g.a[c] * (x > 0 ? T{1} : g.slope);
        if (g.d_a) g.d_a[c] += static_cast<double>(d_score * leaky(x, g.slope));
      }
    }
  }
}

template <class T>
void backward(const AttentionArgs<T>& g, std::int64_t begin, std::int64_t end) {
  Tile<T> tile;
  for (std::int64_t i = begin; i < end; ++i) {
    Neighbours n = neighbours(g, i);
    while (tile.fill(g, i, n)) {
      score_tile(g, i, tile);
      draw_tile(g, i, tile);
      backward_tile(g, i, tile);
    }
  }
}

}  // namespace

extern const AttentionKernels attention_kernels_table;
const AttentionKernels attention_kernels_table = {forward<float>, forward<double>, backward<float>, backward<double>};

}  // namespace galena::ops::GALENA_LEVEL
