// Connected components by concurrent union-find: every vertex points to one not larger than itself, the root of a
// tree is its smallest vertex, and trees are joined by compare-and-swap at the larger root, so that no cycle can
// arise and the result does not depend on timing (after Jayanti and Tarjan, "Concurrent disjoint set union", 2021,
// with path halving).

#include <algorithm>
#include <atomic>

#include "galena/stats.hpp"
#include "src/base/threads.hpp"

namespace galena {
namespace {

class DisjointSets {
 public:
  explicit DisjointSets(std::vector<VertexId>& parent) : parent_(parent) {
    for (VertexId v = 0; v < parent.size(); ++v) parent[v] = v;
  }

  VertexId find(VertexId v) {
    for (;;) {
      VertexId parent = at(v).load(std::memory_order_relaxed);
      const VertexId grandparent = at(parent).load(std::memory_order_relaxed);
      if (parent == grandparent) return parent;
      // Halving; if another thread was faster, its value is as good.
      at(v).compare_exchange_weak(parent, grandparent, std::memory_order_relaxed);
      v = grandparent;
    }
  }

  void join(VertexId u, VertexId v) {
    for (;;) {
      u = find(u);
      v = find(v);
      if (u == v) return;
      if (u < v) std::swap(u, v);
      VertexId root = u;
      if (at(u).compare_exchange_strong(root, v, std::memory_order_relaxed)) return;
    }
  }

 private:
  std::atomic_ref<VertexId> at(VertexId v) { return std::atomic_ref<VertexId>(parent_[v]); }
  std::vector<VertexId>& parent_;
};

}  // namespace

Components connected_components(const Graph& graph, int threads) {
  const VertexId n = graph.num_vertices();
  Components result;
  result.of.resize(n);
  DisjointSets sets(result.of);
#pragma omp parallel for schedule(dynamic, 1024) num_threads(base::threads_for(n, 4096, threads))
  for (VertexId u = 0; u < n; ++u) {
    for (const VertexId v : graph.neighbors(u)) {
      if (graph.directed() || u < v) sets.join(u, v);
    }
  }
  std::vector<VertexId> size(n);
  for (VertexId v = 0; v < n; ++v) {
    result.of[v] = sets.find(v);
    ++size[result.of[v]];
  }
  result.count = static_cast<std::uint64_t>(std::ranges::count_if(size, [](VertexId s) { return s > 0; }));
  result.largest = n == 0 ? 0 : *std::ranges::max_element(size);
  return result;
}

}  // namespace galena
