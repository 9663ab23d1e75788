// The sum over neighbours of rows that stay packed: y += left * (sum_j (right_j scale_j) code_j + sum_j right_j zero_j).
// The second sum is a number a row. The first runs over vectors of codes, with the sums of a stretch of columns in
// registers while neighbours of one width last; where widths are mixed, sums are put down and picked up between them.
// A row is fetched some nonzeros before its use, as in spmm_kernels.cpp: eight times fewer bytes than in f32 are worth
// nothing to a core that waits for each.

#include "src/ops/codec_kernels.hpp"
#include "src/ops/packed_elements.hpp"
#include "src/ops/simd.hpp"

namespace galena::ops::GALENA_LEVEL {
namespace {

constexpr int kMost = GALENA_VECTOR_BYTES == 64 ? 16 : 8;  ///< vectors of sums in registers
constexpr std::uint64_t kAhead = 16;                       ///< nonzeros between a row's fetch and its use
constexpr std::int64_t kLine = 64;                         ///< bytes fetched at a time

/// Nonzeros first .. last - 1 of one row; fetching may look on to `stop`.
struct Run {
  std::uint64_t first, last, stop;

  std::uint64_t ahead(std::uint64_t k, std::uint64_t by) const { return k + by < stop ? k + by : k; }
};

/// Adds neighbours of B bits to the sums of V vectors of columns from c on.
template <class T, int V, int B>
void add_run(const PackedSum<T>& g, const Run& run, std::int64_t c, Vec<T, kWidth<T>>* sums) {
  constexpr int kW = kWidth<T>;
  const std::int64_t begin = c / 8 * B, bytes = V * kW * B / 8, start = kW % 8 == 0 ? 0 : c % 8;
  Vec<T, kW> sum[V];
  for (int v = 0; v < V; ++v) sum[v] = sums[v];
  for (std::uint64_t k = run.first; k < run.last; ++k) {
    const std::uint32_t ahead = g.indices[run.ahead(k, kAhead)];
    if (ahead < g.limit) {
      const std::uint8_t* const next = g.bytes + (g.rows[ahead].place >> 8) + begin;
      for (std::int64_t at = 0; at < bytes; at += kLine) __builtin_prefetch(next + at);
      __builtin_prefetch(next + bytes - 1);
    }
    const PackedNeighbour<T>& row = g.rows[g.indices[k]];
    const std::uint8_t* const in = g.bytes + (row.place >> 8) + begin;  // element c is number `start` from here
    for (int v = 0; v < V; ++v) sum[v] += row.weight * elements<T, kW, B>(in, start + v * kW);
  }
  for (int v = 0; v < V; ++v) sums[v] = sum[v];
}

/// A row of the result: its neighbours, and what was found in looking through them.
template <class T>
struct Row {
  Run all;
  bool mixed = false;  ///< neighbours of several widths
  T offset = 0;        ///< sum of their zeros

  Row(const PackedSum<T>& g, const Run& run) : all(run) {
    while (all.last > all.first && g.indices[all.last - 1] >= g.limit) --all.last;
    if (all.first == all.last) return;
    double sum = 0;
    for (std::uint64_t k = all.first; k < all.last; ++k) {
      __builtin_prefetch(g.rows + g.indices[all.ahead(k, 2 * kAhead)]);
      sum += static_cast<double>(g.rows[g.indices[k]].zero);
      mixed |= bits(g, k) != bits(g, all.first);
    }
    offset = static_cast<T>(sum);
  }
  static int bits(const PackedSum<T>& g, std::uint64_t k) { return static_cast<int>(g.rows[g.indices[k]].place & 255); }
};

/// Adds to V vectors of columns from c on, of which `n` columns are there.
template <class T, int V>
void add_columns(const PackedSum<T>& g, const Row<T>& row, std::int64_t c, std::int64_t n, T left, T* y) {
  constexpr int kW = kWidth<T>;
  Vec<T, kW> sum[V] = {};
  Run run = row.all;
  while (run.first < row.all.last) {
    const int bits = row.bits(g, run.first);
    if (row.mixed) {
      run.last = run.first + 1;
      while (run.last < row.all.last && row.bits(g, run.last) == bits) ++run.last;
    }
    with_width(bits, [&](auto width) { add_run<T, V, decltype(width)::value>(g, run, c, sum); });
    run.first = run.last;
  }
  if (n < V * kW) {  // then V is 1
    for (std::int64_t k = 0; k < n; ++k) y[c + k] += left * (sum[0][k] + row.offset);
    return;
  }
  for (int v = 0; v < V; ++v) {
    T* const to = y + c + v * kW;
    store<T, kW>(to, load<T, kW>(to) + left * (sum[v] + row.offset));
  }
}

template <class T>
void sum(const PackedSum<T>& args, std::int64_t begin, std::int64_t end) {
  constexpr int kW = kWidth<T>;
  const PackedSum<T> g = args;  // what is written cannot change a copy
  for (std::int64_t i = begin; i < end; ++i) {
    const Row<T> row(g, {g.indptr[i], g.indptr[i + 1], g.indptr[end]});
    if (row.all.first == row.all.last) continue;
    const T left = g.left != nullptr ? g.left[i] : T{1};
    T* const y = g.y + i * g.width;
    std::int64_t c = 0;
    for (; c + kMost * kW <= g.width; c += kMost * kW) add_columns<T, kMost>(g, row, c, kMost * kW, left, y);
    for (; c + 4 * kW <= g.width; c += 4 * kW) add_columns<T, 4>(g, row, c, 4 * kW, left, y);
    for (; c < g.width; c += kW) add_columns<T, 1>(g, row, c, g.width - c < kW ? g.width - c : kW, left, y);
  }
}

}  // namespace

extern const PackedSumKernels packed_sum_kernels_table;
const PackedSumKernels packed_sum_kernels_table = {sum<float>, sum<double>};

}  // namespace galena::ops::GALENA_LEVEL
