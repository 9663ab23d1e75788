#include "src/mine/algebra/bit_rows.hpp"

#include <algorithm>

#include "src/mine/algebra/bit_rows_kernels.hpp"

namespace galena::mine {

using rt::vid;

namespace {

constexpr vid kMostVertices = 1 << 14;  ///< 32 MB of bits

std::uint64_t merged(const rt::GraphView& g, vid u, vid v) {
  const vid *a = g.indices + g.indptr[u], *a_end = g.indices + g.indptr[u + 1];
  std::uint64_t n = 0;
  for (std::uint64_t p = g.indptr[v]; p < g.indptr[v + 1] && a != a_end; ++p) {
    while (a != a_end && *a < g.indices[p]) ++a;
    n += a != a_end && *a == g.indices[p] ? 1 : 0;
  }
  return n;
}

}  // namespace

void BitRows::make(const rt::GraphView& graph) {
  graph_ = &graph;
  words_ = graph.n <= kMostVertices ? (graph.n + 63) / 64 : 0;
  rows_.assign(std::size_t{graph.n} * words_, 0);
  if (words_ == 0) return;
  for (vid v = 0; v < graph.n; ++v)
    for (std::uint64_t p = graph.indptr[v]; p < graph.indptr[v + 1]; ++p)
      rows_[std::size_t{v} * words_ + graph.indices[p] / 64] |= std::uint64_t{1} << (graph.indices[p] % 64);
}

void BitRows::common(vid x, std::uint64_t* out) const {
  const vid* const around = graph_->indices + graph_->indptr[x];
  const auto d = static_cast<std::uint32_t>(graph_->indptr[x + 1] - graph_->indptr[x]);
  if (words_ > 0) return bit_row_kernels().common(rows_.data(), words_, x, around, d, out);
  for (std::uint32_t i = 0; i < d; ++i) out[i] = merged(*graph_, x, around[i]);
}

}  // namespace galena::mine
