// A row of the result stays in registers while the rows it sums pass by. Where rows are added to what is there, it is read
// before anything is stored.

#include "src/hypergraph/tile_kernels.hpp"

#include <type_traits>

#include "src/hypergraph/tile_blocks.hpp"
#include "src/ops/streaming.hpp"

namespace galena::hyper::GALENA_LEVEL {
namespace {

/// Sources between a row's fetch and its use, and targets.
constexpr std::int64_t kAhead = 48, kTargetsAhead = 12;

/// The number so many places further on, or this one near the end.
inline std::int64_t later(const std::uint32_t* at, const std::uint32_t* end, std::int64_t places) {
  return at[end - at > places ? places : 0];
}

/// Where a kernel stands in its lists.
struct Place {
  const std::uint32_t *target, *factor_at, *source;
};

/// The rows of a group, which have kLength sources each; 0: as many as the group says. What g says is copied first, or it
/// would be read again after each row: a vector's store may change anything.
template <class T, int W, int N, bool kWeighted, Far kFar, std::uint32_t kLength>
void sum_group(const RowSums<T>& g, const RowGroup& group, std::int64_t offset, const Columns<W, N> at, Place& place) {
  constexpr int kBytes = N * W * static_cast<int>(sizeof(T));
  const T* const from = g.from + offset;
  T* const to = g.to + offset;
  const std::int64_t from_stride = g.from_stride, to_stride = g.to_stride;
  const T *const weights = g.weight, *const factors = group.scaled ? g.factor : nullptr;
  const std::uint32_t *const target_end = g.target_end, *const source_end = g.source_end;
  const bool streamed = g.stream && group.final;
  const Held held = g.held;
  const std::uint32_t length = kLength > 0 ? kLength : group.length;
  const std::uint32_t *target = place.target, *factor_at = place.factor_at, *source = place.source;
  const std::uint32_t* const end = target + group.rows;
  for (; target != end; ++target, ++factor_at) {
    T* const out = to + std::int64_t{*target} * to_stride;
    if (kFar == Far::to && !streamed) fetch<kBytes>(to + later(target, target_end, kTargetsAhead) * to_stride);
    Vec<T, W> sum[N] = {};
    if (held == Held::scaled_too) {
      for (int v = 0; v < N; ++v) sum[v] = load<T, W>(out + at[v]);
    }
    for (std::uint32_t k = 0; k < length; ++k, ++source) {
      if constexpr (kFar == Far::from) {
        const std::int64_t next = later(source, source_end, kAhead);
        fetch<kBytes>(from + next * from_stride);
        if constexpr (kWeighted) __builtin_prefetch(weights + next);
      }
      const T* const in = from + std::int64_t{*source} * from_stride;
      if constexpr (kWeighted) {
        const T weight = weights[*source];
        for (int v = 0; v < N; ++v) sum[v] += weight * load<T, W>(in + at[v]);
      } else {
        for (int v = 0; v < N; ++v) sum[v] += load<T, W>(in + at[v]);
      }
    }
    if (factors) {
      const T scale = factors[*factor_at];
      for (int v = 0; v < N; ++v) sum[v] *= scale;
    }
    if (held == Held::added_to) {
      for (int v = 0; v < N; ++v) sum[v] += load<T, W>(out + at[v]);
    }
    if (streamed) {
      for (int v = 0; v < N; ++v) stream<T, W>(out + v * W, sum[v]);
    } else {
      for (int v = 0; v < N; ++v) store<T, W>(out + at[v], sum[v]);
    }
  }
  place = {target, factor_at, source};
}

template <class T, int W, int N, bool kWeighted, Far kFar>
void sum_rows(const RowSums<T>& g, std::int64_t offset, std::int64_t width) {
  const Columns<W, N> at(width);
  Place place{g.target, g.factor_at, g.source};
  for (const RowGroup* group = g.groups; group != g.groups + g.group_count; ++group) {
    const auto take = [&]<std::uint32_t kLength>(std::integral_constant<std::uint32_t, kLength>) {
      sum_group<T, W, N, kWeighted, kFar, kLength>(g, *group, offset, at, place);
    };
    switch (kFar == Far::none ? group->length : 0) {
      case 1: take(std::integral_constant<std::uint32_t, 1>{}); break;
      case 2: take(std::integral_constant<std::uint32_t, 2>{}); break;
      case 3: take(std::integral_constant<std::uint32_t, 3>{}); break;
      case 4: take(std::integral_constant<std::uint32_t, 4>{}); break;
      default: take(std::integral_constant<std::uint32_t, 0>{});
    }
  }
}

template <class T, int W, int N>
struct SumBlock {
  static void run(const RowSums<T>& g, std::int64_t offset, std::int64_t width) {
    if (g.weight && g.far == Far::from) return sum_rows<T, W, N, true, Far::from>(g, offset, width);
    if (g.weight) return sum_rows<T, W, N, true, Far::none>(g, offset, width);
    if (g.far == Far::from) return sum_rows<T, W, N, false, Far::from>(g, offset, width);
    if (g.far == Far::to) return sum_rows<T, W, N, false, Far::to>(g, offset, width);
    sum_rows<T, W, N, false, Far::none>(g, offset, width);
  }
};

template <class T>
void sums(const RowSums<T>& g) {
  for_blocks<SumBlock, T>(g);
  if (g.stream) end_stream();
}

template <class T, int W, int N>
struct PushBlock {
  static void run(const RowPushes<T>& g, std::int64_t offset, std::int64_t width) {
    const T* const from = g.from + offset;
    T* const to = g.to + offset;
    const Columns<W, N> at(width);
    const std::uint32_t *row = g.row, *target = g.target;
    for (const RowGroup* group = g.groups; group != g.groups + g.group_count; ++group) {
      const std::uint32_t length = group->length, taken = length > 0 ? group->rows : 0;
      for (std::uint32_t i = 0; i < taken; ++i) {
        fetch<N * W* static_cast<int>(sizeof(T))>(from + later(row + i, g.row_end, kAhead) * g.from_stride);
        const T* const in = from + std::int64_t{row[i]} * g.from_stride;
        const T weight = g.weight ? g.weight[row[i]] : T{1};
        Vec<T, W> value[N];
        for (int v = 0; v < N; ++v) value[v] = weight * load<T, W>(in + at[v]);
        for (std::uint32_t k = 0; k < length; ++k, ++target) {
          T* const out = to + std::int64_t{*target} * g.to_stride;
          Vec<T, W> sum[N];
          for (int v = 0; v < N; ++v) sum[v] = load<T, W>(out + at[v]) + value[v];
          for (int v = 0; v < N; ++v) store<T, W>(out + at[v], sum[v]);
        }
      }
      row += group->rows;
    }
  }
};

template <class T>
void pushes(const RowPushes<T>& g) {
  for_blocks<PushBlock, T>(g);
}

template <class T>
T dot(const T* a, const T* b, std::int64_t width) {
  constexpr int W = kWidth<T>;
  const std::int64_t whole = width / W * W;
  Vec<T, W> sum = {};
  for (std::int64_t c = 0; c < whole; c += W) sum += load<T, W>(a + c) * load<T, W>(b + c);
  T total{};
  for (int lane = 0; lane < W; ++lane) total += sum[lane];
  for (std::int64_t c = whole; c < width; ++c) total += a[c] * b[c];
  return total;
}

template <class T>
void dots(const RowDots<T>& g) {
  for (std::int64_t i = 0; i < g.rows; ++i) {
    T* const b = g.b + i * g.stride;
    if (g.a) g.out[g.at[i]] = dot(g.a + i * g.stride, b, g.width);
    if (!g.factor) continue;
    const T factor = g.factor[g.at[i]];
    for (std::int64_t c = 0; c < g.width; ++c) b[c] *= factor;
  }
}

}  // namespace

extern const TileKernels tile_kernels_table;
const TileKernels tile_kernels_table = {sums<float>,    sums<double>, pushes<float>,
                                        pushes<double>, dots<float>,  dots<double>};

}  // namespace galena::hyper::GALENA_LEVEL
