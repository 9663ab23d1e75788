#include "src/mine/cliques/core_order.hpp"

#include <algorithm>

namespace galena::mine {
namespace {

/// Vertices in buckets by the degree that is left of them; the first of the least bucket is next.
std::vector<std::uint32_t> peel(const rt::GraphView& graph) {
  const auto n = static_cast<std::uint32_t>(graph.n);
  std::vector<std::uint32_t> left(n), place(n), order(n), first(graph.max_degree + 2);
  for (std::uint32_t v = 0; v < n; ++v) {
    left[v] = static_cast<std::uint32_t>(graph.indptr[v + 1] - graph.indptr[v]);
    ++first[left[v] + 1];
  }
  for (std::size_t d = 1; d < first.size(); ++d) first[d] += first[d - 1];
  std::vector<std::uint32_t> next = first;
  for (std::uint32_t v = 0; v < n; ++v) {
    place[v] = next[left[v]]++;
    order[place[v]] = v;
  }
  for (std::uint32_t i = 0; i < n; ++i) {
    const std::uint32_t v = order[i];
    for (std::uint64_t k = graph.indptr[v]; k < graph.indptr[v + 1]; ++k) {
      const std::uint32_t u = graph.indices[k];
      if (left[u] <= left[v]) continue;
      // u goes to the front of its bucket, which then begins after it.
      const std::uint32_t at = first[left[u]], other = order[at];
      std::swap(order[place[u]], order[at]);
      std::swap(place[u], place[other]);
      first[left[u]] = at + 1;
      --left[u];
    }
  }
  return place;
}

}  // namespace

CoreOrder core_order(const rt::GraphView& graph) {
  const std::vector<std::uint32_t> place = peel(graph);
  const auto n = static_cast<std::uint32_t>(graph.n);
  CoreOrder result;
  result.start.assign(std::size_t{n} + 1, 0);
  const auto for_later = [&](const auto& f) {
    for (std::uint32_t v = 0; v < n; ++v) {
      for (std::uint64_t k = graph.indptr[v]; k < graph.indptr[v + 1]; ++k) {
        if (place[graph.indices[k]] > place[v]) f(place[v], place[graph.indices[k]]);
      }
    }
  };
  for_later([&](std::uint32_t v, std::uint32_t) { ++result.start[v + 1]; });
  for (std::uint32_t v = 0; v < n; ++v) {
    result.degeneracy = std::max(result.degeneracy, static_cast<std::uint32_t>(result.start[v + 1]));
    result.start[v + 1] += result.start[v];
  }
  result.successor.resize(result.start[n]);
  std::vector<std::uint64_t> next(result.start.begin(), result.start.end() - 1);
  for_later([&](std::uint32_t v, std::uint32_t u) { result.successor[next[v]++] = u; });
  return result;
}

}  // namespace galena::mine
