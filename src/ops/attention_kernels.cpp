// Neighbours are taken in tiles of some dozens, and each step runs over a tile: scores, exponentials, weighted sums.
// Scores lie by neighbour, then head, so that terms of all heads are one or two vectors.

#include "src/ops/attention_kernels.hpp"

#include "src/ops/lanes.hpp"
#include "src/ops/row_end.hpp"

namespace galena::ops::GALENA_LEVEL {
namespace {

/// Neighbours between a row's fetch and its use.
constexpr std::int64_t kAhead = 8;

/// Neighbours of a row: those of the matrix, then the row itself where it has a loop.
struct Neighbours {
  std::uint64_t first = 0, last = 0;
  bool loop = false;
};

template <class T>
Neighbours neighbours(const AttentionArgs<T>& g, std::int64_t i) {
  Neighbours n{g.indptr[i], g.indptr[i + 1], i < g.loops};
  if (g.bounded) n.last = row_end(g.indices, n.first, n.last, g.limit);
  return n;
}

template <class T>
struct Tile {
  std::uint32_t other[kAttentionTile];
  /// By neighbour and head. `bend`: the slope of the leaky ReLU where the score stands (GAT).
  T score[kAttentionTile], factor[kAttentionTile], bend[kAttentionTile], dot[kAttentionTile];
  std::int64_t count = 0;

  /// The next neighbours of row i; false where there are no more.
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

/// Fetches the row that comes kAhead neighbours after k.
template <class T>
inline void fetch(const Tile<T>& tile, std::int64_t k, const T* rows, std::int64_t width) {
  const T* const row = rows + tile.other[k + kAhead < tile.count ? k + kAhead : k] * width;
  for (std::int64_t c = 0; c < width; c += 64 / static_cast<std::int64_t>(sizeof(T))) __builtin_prefetch(row + c);
}

template <int W, class T>
inline Vec<T, W> leaky(Vec<T, W> x, T slope) {
  return x > T{0} ? x : slope * x;
}

/// The slope at x: 1 or `slope`.
template <int W, class T>
inline Vec<T, W> bend_at(Vec<T, W> x, T slope) {
  return x > T{0} ? Vec<T, W>{} + T{1} : Vec<T, W>{} + slope;
}

template <class T>
void score_gat(const AttentionArgs<T>& g, std::int64_t i, Tile<T>& tile) {
  const T* const own = g.own + i * g.heads;
  for (std::int64_t k = 0; k < tile.count; ++k) {
    fetch(tile, k, g.other, g.heads);
    const T* const other = g.other + tile.other[k] * std::int64_t{g.heads};
    const T extra = g.log_weight ? g.log_weight[g.columns_are_others ? tile.other[k] : i] : T{};
    for_lanes<T>(g.heads, [&]<int W>(Lanes<W>, std::int64_t h) {
      const Vec<T, W> x = load<T, W>(own + h) + load<T, W>(other + h), bend = bend_at<W>(x, g.slope);
      store<T, W>(tile.bend + k * g.heads + h, bend);
      store<T, W>(tile.score + k * g.heads + h, x * bend + extra);
    });
  }
}

template <class T>
void score_v2(const AttentionArgs<T>& g, std::int64_t i, Tile<T>& tile) {
  const std::int64_t d = g.heads * g.width;
  const T* const own = g.own + i * d;
  for (std::int64_t k = 0; k < tile.count; ++k) {
    fetch(tile, k, g.other, d);
    const T* const other = g.other + tile.other[k] * d;
    const T extra = g.log_weight ? g.log_weight[g.columns_are_others ? tile.other[k] : i] : T{};
    for (int h = 0; h < g.heads; ++h) {
      const std::int64_t at = h * g.width;
      const T sum = sum_lanes<T>(g.width, [&]<int W>(Lanes<W>, std::int64_t c) {
        return load<T, W>(g.a + at + c) * leaky<W>(load<T, W>(own + at + c) + load<T, W>(other + at + c), g.slope);
      });
      tile.score[k * g.heads + h] = sum + extra;
    }
  }
}

/// Scores of the tile, and dropout's factors.
template <class T>
void begin_tile(const AttentionArgs<T>& g, std::int64_t i, Tile<T>& tile) {
  if (g.v2) {
    score_v2(g, i, tile);
  } else {
    score_gat(g, i, tile);
  }
  if (g.draw) g.draw(g.draw_context, i, tile.other, tile.count, tile.factor);
}

/// score = e^(score - shift), where shift(k) has a number a head.
template <class T, class Shift>
void exponentials(const AttentionArgs<T>& g, Tile<T>& tile, const Shift& shift) {
  for (std::int64_t k = 0; k < tile.count; ++k) {
    T* const score = tile.score + k * g.heads;
    const T* const by = shift(k);
    for_lanes<T>(g.heads, [&]<int W>(Lanes<W>, std::int64_t h) {
      store<T, W>(score + h, load<T, W>(score + h) - load<T, W>(by + h));
    });
  }
  for_lanes<T>(tile.count * g.heads, [&]<int W>(Lanes<W>, std::int64_t s) {
    store<T, W>(tile.score + s, exponential<W>(load<T, W>(tile.score + s)));
  });
}

/// y[h-th slice] += weight[h] * x[h-th slice].
template <class T>
inline void add_weighted(const AttentionArgs<T>& g, const T* weight, const T* x, T* y) {
  for (int h = 0; h < g.heads; ++h) {
    const T w = weight[h];
    const std::int64_t at = h * g.width;
    for_lanes<T>(g.width, [&]<int W>(Lanes<W>, std::int64_t c) {
      store<T, W>(y + at + c, load<T, W>(y + at + c) + w * load<T, W>(x + at + c));
    });
  }
}

/// Raises the running maximum of row i to the tile's, and scales what was summed to it.
template <class T>
void raise_maximum(const AttentionArgs<T>& g, std::int64_t i, const Tile<T>& tile) {
  T* const maximum = g.maximum + i * g.heads;
  T largest[kAttentionTile];
  for (int h = 0; h < g.heads; ++h) largest[h] = maximum[h];
  for (std::int64_t k = 0; k < tile.count; ++k) {
    for_lanes<T>(g.heads, [&]<int W>(Lanes<W>, std::int64_t h) {
      const Vec<T, W> score = load<T, W>(tile.score + k * g.heads + h), old = load<T, W>(largest + h);
      store<T, W>(largest + h, score > old ? score : old);
    });
  }
  for (int h = 0; h < g.heads; ++h) {
    if (!(largest[h] > maximum[h])) continue;
    T* const sum = g.sum + i * g.heads + h;
    if (*sum > 0) {  // not the first tile
      const T scale = exponential<1>(maximum[h] - largest[h]);
      T* const y = g.y + (i * g.heads + h) * g.width;
      *sum *= scale;
      for_lanes<T>(g.width, [&]<int W>(Lanes<W>, std::int64_t c) { store<T, W>(y + c, load<T, W>(y + c) * scale); });
    }
    maximum[h] = largest[h];
  }
}

/// Merges a tile into the running maximum, sum and weighted sum of row i.
template <class T>
void merge_tile(const AttentionArgs<T>& g, std::int64_t i, Tile<T>& tile) {
  raise_maximum(g, i, tile);
  exponentials(g, tile, [&](std::int64_t) { return g.maximum + i * g.heads; });
  T* const sum = g.sum + i * g.heads;
  T* const y = g.y + i * g.heads * g.width;
  for (std::int64_t k = 0; k < tile.count; ++k) {
    T* const weight = tile.score + k * g.heads;
    fetch(tile, k, g.value, g.heads * g.width);
    for_lanes<T>(g.heads, [&]<int W>(Lanes<W>, std::int64_t h) {
      const Vec<T, W> w = load<T, W>(weight + h);
      store<T, W>(sum + h, load<T, W>(sum + h) + w);
      if (g.draw) store<T, W>(weight + h, w * load<T, W>(tile.factor + k * g.heads + h));
    });
    add_weighted(g, weight, g.value + tile.other[k] * g.heads * g.width, y);
  }
}

template <class T>
void forward(const AttentionArgs<T>& g, std::int64_t begin, std::int64_t end) {
  Tile<T> tile;
  for (std::int64_t i = begin; i < end; ++i) {
    Neighbours n = neighbours(g, i);
    while (tile.fill(g, i, n)) {
      begin_tile(g, i, tile);
      merge_tile(g, i, tile);
    }
  }
}

/// dot = <own value, other's value> by neighbour and head.
template <class T>
void inner_products(const AttentionArgs<T>& g, std::int64_t i, Tile<T>& tile) {
  const std::int64_t d = g.heads * g.width;
  const T* const own = g.own_value + i * d;
  for (std::int64_t k = 0; k < tile.count; ++k) {
    fetch(tile, k, g.value, d);
    const T* const other = g.value + tile.other[k] * d;
    for (int h = 0; h < g.heads; ++h) {
      const std::int64_t at = h * g.width;
      tile.dot[k * g.heads + h] = sum_lanes<T>(g.width, [&]<int W>(Lanes<W>, std::int64_t c) {
        return load<T, W>(own + at + c) * load<T, W>(other + at + c);
      });
    }
  }
}

/// From alpha (in `score`) and the inner products: the scores' gradients into `dot`, the weights into `score`.
template <class T, class Inner>
void score_gradients(const AttentionArgs<T>& g, Tile<T>& tile, const Inner& inner) {
  for (std::int64_t k = 0; k < tile.count; ++k) {
    const T* const mean = inner(k);
    T *const score = tile.score + k * g.heads, *const dot = tile.dot + k * g.heads;
    for_lanes<T>(g.heads, [&]<int W>(Lanes<W>, std::int64_t h) {
      const Vec<T, W> alpha = load<T, W>(score + h);
      Vec<T, W> product = load<T, W>(dot + h);
      if (g.draw) {
        const Vec<T, W> factor = load<T, W>(tile.factor + k * g.heads + h);
        product *= factor;
        store<T, W>(score + h, alpha * factor);
      }
      store<T, W>(dot + h, alpha * (product - load<T, W>(mean + h)));
    });
  }
}

/// v2: a score's gradient goes to both ends' rows, here the own one, and to a.
template <class T>
void add_v2(const AttentionArgs<T>& g, std::int64_t i, const Tile<T>& tile) {
  const std::int64_t d = g.heads * g.width;
  const T* const own = g.own + i * d;
  T* const d_own = g.d_own + i * d;
  for (std::int64_t k = 0; k < tile.count; ++k) {
    const T* const other = g.other + tile.other[k] * d;
    for (int h = 0; h < g.heads; ++h) {
      const T d_score = tile.dot[k * g.heads + h];
      const std::int64_t at = h * g.width;
      for_lanes<T>(g.width, [&]<int W>(Lanes<W>, std::int64_t c) {
        const Vec<T, W> x = load<T, W>(own + at + c) + load<T, W>(other + at + c), bend = bend_at<W>(x, g.slope);
        const Vec<T, W> by_own = d_score * bend;
        store<T, W>(d_own + at + c, load<T, W>(d_own + at + c) + by_own * load<T, W>(g.a + at + c));
        if (g.d_a) store<T, W>(g.d_a_row + at + c, load<T, W>(g.d_a_row + at + c) + by_own * x);
      });
    }
  }
}

template <class T>
void add_gat(const AttentionArgs<T>& g, std::int64_t i, const Tile<T>& tile) {
  T* const d_own = g.d_own + i * g.heads;
  for (std::int64_t k = 0; k < tile.count; ++k) {
    for_lanes<T>(g.heads, [&]<int W>(Lanes<W>, std::int64_t h) {
      const std::int64_t at = k * g.heads + h;
      store<T, W>(d_own + h, load<T, W>(d_own + h) + load<T, W>(tile.dot + at) * load<T, W>(tile.bend + at));
    });
  }
}

/// Adds what a tile gives to the gradients of what row i brought.
template <class T>
void backward_tile(const AttentionArgs<T>& g, std::int64_t i, Tile<T>& tile) {
  const std::int64_t d = g.heads * g.width;
  const auto of_target = [&](const T* by_target) {  // a row of numbers by head: of this row, or of each other
    return [=, &g, &tile](std::int64_t k) { return by_target + (g.columns_are_others ? i : tile.other[k]) * g.heads; };
  };
  exponentials(g, tile, of_target(g.log_sum));
  inner_products(g, i, tile);
  score_gradients(g, tile, of_target(g.inner));
  if (g.v2) {
    add_v2(g, i, tile);
  } else {
    add_gat(g, i, tile);
  }
  if (!g.d_value) return;
  for (std::int64_t k = 0; k < tile.count; ++k) {
    add_weighted(g, tile.score + k * g.heads, g.value + tile.other[k] * d, g.d_value + i * d);
  }
}

template <class T>
void backward(const AttentionArgs<T>& g, std::int64_t begin, std::int64_t end) {
  Tile<T> tile;
  const std::int64_t d = g.heads * g.width;
  for (std::int64_t i = begin; i < end; ++i) {
    for (std::int64_t c = 0; g.d_a && c < d; ++c) g.d_a_row[c] = 0;
    Neighbours n = neighbours(g, i);
    while (tile.fill(g, i, n)) {
      begin_tile(g, i, tile);
      backward_tile(g, i, tile);
    }
    for (std::int64_t c = 0; g.d_a && c < d; ++c) g.d_a[c] += static_cast<double>(g.d_a_row[c]);
  }
}

}  // namespace

extern const AttentionKernels attention_kernels_table;
const AttentionKernels attention_kernels_table = {forward<float>, forward<double>, backward<float>, backward<double>};

}  // namespace galena::ops::GALENA_LEVEL
