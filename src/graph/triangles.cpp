// Triangles by intersection of oriented neighbour lists (T. Schank, D. Wagner, "Finding, counting and listing all
// triangles in large graphs", WEA 2005): every edge points to its end of higher degree, so that out-degrees are at
// most sqrt(2m), and a triangle is found once, at its lowest vertex u, as a common out-neighbour of u and v.

#include <atomic>

#include "galena/error.hpp"
#include "galena/stats.hpp"
#include "src/base/threads.hpp"

namespace galena {
namespace {

Graph orient_to_hubs(const Graph& graph) {
  if (graph.directed()) throw InputError("triangles are counted in undirected graphs; see to_undirected()");
  return orient(graph, degree_order(graph));
}

// Calls f(w) for every common element; returns how many.
template <class F>
std::uint64_t intersect(std::span<const VertexId> a, std::span<const VertexId> b, const F& f) {
  std::uint64_t common = 0;
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    const VertexId x = a[i], y = b[j];
    if (x == y) {
      f(x);
      ++common;
    }
    i += x <= y;
    j += y <= x;
  }
  return common;
}

int threads_for_vertices(const Graph& graph, int threads) {
  return base::threads_for(graph.indices().size(), 1 << 13, threads);
}

}  // namespace

std::uint64_t count_triangles(const Graph& graph, int threads) {
  const Graph out = orient_to_hubs(graph);
  std::uint64_t triangles = 0;
#pragma omp parallel for schedule(dynamic, 64) reduction(+ : triangles) num_threads(threads_for_vertices(out, threads))
  for (VertexId u = 0; u < out.num_vertices(); ++u) {
    for (const VertexId v : out.neighbors(u)) {
      triangles += intersect(out.neighbors(u), out.neighbors(v), [](VertexId) {});
    }
  }
  return triangles;
}

std::vector<std::uint64_t> local_triangles(const Graph& graph, int threads) {
  const Graph out = orient_to_hubs(graph);
  std::vector<std::uint64_t> counts(graph.num_vertices());
  const auto add = [&](VertexId v, std::uint64_t count) {
    if (count > 0) std::atomic_ref<std::uint64_t>(counts[v]).fetch_add(count, std::memory_order_relaxed);
  };
#pragma omp parallel for schedule(dynamic, 64) num_threads(threads_for_vertices(out, threads))
  for (VertexId u = 0; u < out.num_vertices(); ++u) {
    std::uint64_t at_u = 0;
    for (const VertexId v : out.neighbors(u)) {
      const std::uint64_t common = intersect(out.neighbors(u), out.neighbors(v), [&](VertexId w) { add(w, 1); });
      add(v, common);
      at_u += common;
    }
    add(u, at_u);
  }
  return counts;
}

}  // namespace galena
