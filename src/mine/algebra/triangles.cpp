#include "src/mine/algebra/triangles.hpp"

#include <algorithm>
#include <atomic>

#include "src/mine/crew.hpp"

namespace galena::mine {

using rt::vid;

namespace {

constexpr std::uint64_t kRun = 64;  ///< vertices handed out at once

std::uint64_t degree(const rt::GraphView& g, vid v) { return g.indptr[v + 1] - g.indptr[v]; }

/// Calls found(edge, third) for each edge {u, v > u} and common neighbour, u by u; marks are zero before and after.
template <class F>
void thirds_of(const rt::GraphView& g, vid u, std::uint64_t first_edge, std::vector<char>& marks, F&& found) {
  const vid* around = g.indices + g.indptr[u];
  const std::uint64_t d = degree(g, u);
  for (std::uint64_t i = 0; i < d; ++i) marks[around[i]] = 1;
  for (std::uint64_t i = g.split[u]; i < d; ++i) {
    const vid v = around[i];
    for (std::uint64_t j = g.indptr[v]; j < g.indptr[v + 1]; ++j)
      if (marks[g.indices[j]] != 0) found(first_edge + i - g.split[u], g.indices[j]);
  }
  for (std::uint64_t i = 0; i < d; ++i) marks[around[i]] = 0;
}

}  // namespace

TriangleLists::TriangleLists(const rt::GraphView& graph, int threads) {
  number_edges(graph);
  first_.resize(graph.n + 1);
  for (vid u = 0; u < graph.n; ++u) first_[u + 1] = first_[u] + degree(graph, u) - graph.split[u];
  begin_.assign(first_[graph.n] + 1, 0);
  const auto sweep = [&](auto&& visit) {
    std::atomic<std::uint64_t> next{0};
    Crew().run(static_cast<std::size_t>(std::max(1, threads)), [&](std::size_t) {
      std::vector<char> marks(graph.n);
      for (std::uint64_t u = next.fetch_add(kRun); u < graph.n; u = next.fetch_add(kRun))
        for (const std::uint64_t end = std::min<std::uint64_t>(graph.n, u + kRun); u < end; ++u)
          visit(static_cast<vid>(u), marks);
    });
  };
  sweep([&](vid u, std::vector<char>& marks) {
    thirds_of(graph, u, first_[u], marks, [&](std::uint64_t e, vid) { ++begin_[e + 1]; });
  });
  for (std::size_t e = 1; e < begin_.size(); ++e) begin_[e] += begin_[e - 1];
  thirds_.resize(begin_.back());
  any_.assign(graph.n, 0);
  for (vid u = 0; u < graph.n; ++u)
    for (std::uint64_t e = first_[u]; e < first_[u + 1]; ++e)
      if (begin_[e] != begin_[e + 1])
        any_[u] = any_[graph.indices[graph.indptr[u] + graph.split[u] + e - first_[u]]] = 1;
  sweep([&](vid u, std::vector<char>& marks) {
    std::uint64_t at = begin_[first_[u]];
    if (at == begin_[first_[u + 1]]) return;
    thirds_of(graph, u, first_[u], marks, [&](std::uint64_t, vid third) { thirds_[at++] = third; });
  });
}

/// Edges are numbered by (smaller end, larger end).
void TriangleLists::number_edges(const rt::GraphView& graph) {
  edge_.resize(graph.n == 0 ? 0 : graph.indptr[graph.n]);
  std::vector<std::uint64_t> next(graph.indptr, graph.indptr + graph.n);
  std::uint64_t e = 0;
  for (vid u = 0; u < graph.n; ++u)
    for (std::uint64_t p = graph.indptr[u] + graph.split[u]; p < graph.indptr[u + 1]; ++p, ++e) {
      edge_[p] = e;
      edge_[next[graph.indices[p]]++] = e;  // v's smaller neighbours come in ascending order
    }
}

/// thirds_of(i, found) calls found(v) for vertices v of the graph, ascending, that are adjacent to x's i-th neighbour;
/// those that are not adjacent to x are left out.
template <class ThirdsOf>
void Neighborhood::gather(vid x, ThirdsOf&& thirds_of) {
  const vid* around = graph_.indices + graph_.indptr[x];
  const std::uint64_t d = degree(graph_, x);
  for (std::uint64_t i = 0; i < d; ++i) place_[around[i]] = static_cast<vid>(i + 1);
  indptr_.assign(1, 0);
  indices_.clear();
  split_.clear();
  vid most = 0;
  for (std::uint64_t i = 0; i < d; ++i) {
    vid smaller = 0;
    thirds_of(i, [&](vid third) {
      const vid place = place_[third];
      if (place == 0) return;
      smaller += place <= i ? 1U : 0U;
      indices_.push_back(place - 1);
    });
    split_.push_back(smaller);
    most = std::max(most, static_cast<vid>(indices_.size() - indptr_.back()));
    indptr_.push_back(indices_.size());
  }
  for (std::uint64_t i = 0; i < d; ++i) place_[around[i]] = 0;
  view_.n = static_cast<vid>(d);
  view_.max_degree = most;
  view_.indptr = indptr_.data();
  view_.indices = indices_.data();
  view_.split = split_.data();
}

void Neighborhood::move_to(vid x, const TriangleLists& triangles) {
  gather(x, [&](std::uint64_t i, auto&& found) {
    for (const vid third : triangles.of_arc(graph_.indptr[x] + i)) found(third);
  });
}

void Neighborhood::move_to(vid x) {
  gather(x, [&](std::uint64_t i, auto&& found) {
    const vid y = graph_.indices[graph_.indptr[x] + i];
    for (std::uint64_t p = graph_.indptr[y]; p < graph_.indptr[y + 1]; ++p) found(graph_.indices[p]);
  });
}

}  // namespace galena::mine
