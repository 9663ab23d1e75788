// Vertex orders, and graphs renumbered or oriented by them.

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "galena/error.hpp"
#include "src/base/memory.hpp"
#include "src/base/threads.hpp"
#include "src/device/algorithms.hpp"
#include "src/graph/storage.hpp"

namespace galena {
namespace {

using base::Array;

// position[order[i]] = i. Throws InputError unless `order` has every vertex once.
Array<VertexId> invert(std::span<const VertexId> order, VertexId vertices) {
  if (order.size() != vertices) {
    throw InputError(fmt::format("an order of {} vertices for a graph of {}", order.size(), vertices));
  }
  constexpr VertexId kUnseen = std::numeric_limits<VertexId>::max();
  Array<VertexId> position(vertices, "an order of the vertices");
  std::fill_n(position.data(), vertices, kUnseen);
  for (VertexId i = 0; i < vertices; ++i) {
    if (order[i] >= vertices || position[order[i]] != kUnseen) {
      throw InputError(fmt::format("not an order of the vertices: {} at place {} is {}", order[i], i,
                                   order[i] >= vertices ? "no vertex" : "there twice"));
    }
    position[order[i]] = i;
  }
  return position;
}

template <class T>
Array<T> gather(std::span<const T> values, std::span<const VertexId> order) {
  if (values.empty()) return {};
  Array<T> gathered(order.size(), "renumbered labels");
  for (std::size_t i = 0; i < order.size(); ++i) gathered[i] = values[order[i]];
  return gathered;
}

// A CSR whose list v is what `fill(v, arcs)` appends as (neighbour, label) in `length(v)` arcs.
struct NewArrays {
  Array<EdgeOffset> indptr;
  Array<VertexId> indices;
  Array<Label> labels;
};

template <class Length>
NewArrays allocate(VertexId vertices, bool labelled, const Length& length) {
  NewArrays arrays;
  arrays.indptr = Array<EdgeOffset>(std::uint64_t{vertices} + 1, "the offsets of a graph");
#pragma omp parallel for schedule(dynamic, 4096) num_threads(base::threads_for(vertices, 4096, 0))
  for (VertexId v = 0; v < vertices; ++v) arrays.indptr[v] = length(v);
  arrays.indptr[vertices] = 0;
  const std::uint64_t arcs = device::exclusive_scan(arrays.indptr.span());
  arrays.indices = Array<VertexId>(arcs, "the neighbours of a graph");
  if (labelled) arrays.labels = Array<Label>(arcs, "the edge labels of a graph");
  return arrays;
}

Graph adopt(NewArrays arrays, std::shared_ptr<Graph::Storage> storage) {
  storage->indptr = storage->keep(std::move(arrays.indptr)).span();
  storage->indices = storage->keep(std::move(arrays.indices)).span();
  storage->edge_labels = storage->keep(std::move(arrays.labels)).span();
  storage->max_degree = detail::find_max_degree(storage->indptr);
  return Graph(std::move(storage));
}

// Writes the neighbours of `old`, renumbered and sorted, with their labels, at `begin`.
void permute_list(const Graph& graph, VertexId old, const Array<VertexId>& position, NewArrays& arrays,
                  EdgeOffset begin) {
  const auto list = graph.neighbors(old);
  VertexId* const to = arrays.indices.data() + begin;
  if (graph.edge_labels().empty()) {
    std::ranges::transform(list, to, [&](VertexId u) { return position[u]; });
    std::sort(to, to + list.size());
    return;
  }
  const auto labels = graph.edge_labels().subspan(graph.indptr()[old], list.size());
  std::vector<std::uint64_t> pairs(list.size());
  for (std::size_t i = 0; i < list.size(); ++i) pairs[i] = (std::uint64_t{position[list[i]]} << 32) | labels[i];
  std::ranges::sort(pairs);
  for (std::size_t i = 0; i < list.size(); ++i) {
    to[i] = static_cast<VertexId>(pairs[i] >> 32);
    arrays.labels[begin + i] = static_cast<Label>(pairs[i]);
  }
}

}  // namespace

Graph permute(const Graph& graph, std::span<const VertexId> order) {
  const VertexId n = graph.num_vertices();
  const Array<VertexId> position = invert(order, n);
  NewArrays arrays = allocate(n, !graph.edge_labels().empty(), [&](VertexId v) { return graph.degree(order[v]); });
#pragma omp parallel for schedule(dynamic, 256) num_threads(base::threads_for(n, 4096, 0))
  for (VertexId v = 0; v < n; ++v) permute_list(graph, order[v], position, arrays, arrays.indptr[v]);
  auto storage = std::make_shared<Graph::Storage>();
  storage->directed = graph.directed();
  storage->report = graph.report();
  storage->vertex_labels = storage->keep(gather(graph.vertex_labels(), order)).span();
  auto originals = graph.original_ids().empty() ? Array<std::uint64_t>(n) : gather(graph.original_ids(), order);
  if (graph.original_ids().empty()) std::ranges::copy(order, originals.data());
  storage->original_ids = storage->keep(std::move(originals)).span();
  return adopt(std::move(arrays), std::move(storage));
}

std::vector<VertexId> degree_order(const Graph& graph) {
  const VertexId n = graph.num_vertices();
  // A counting sort by decreasing degree; scanning vertices in order keeps ties by id.
  std::vector<std::uint64_t> start(std::uint64_t{graph.max_degree()} + 2);
  for (VertexId v = 0; v < n; ++v) ++start[graph.max_degree() - graph.degree(v) + 1];
  std::partial_sum(start.begin(), start.end(), start.begin());
  std::vector<VertexId> order(n);
  for (VertexId v = 0; v < n; ++v) order[start[graph.max_degree() - graph.degree(v)]++] = v;
  return order;
}

// The bucket queue of Matula and Beck, "Smallest-last ordering and clustering and graph coloring
// algorithms" (JACM 1983), in the array form of Batagelj and Zaversnik, "An O(m) algorithm for cores
// decomposition of networks" (2003): vertices stand sorted by remaining degree, and one that loses a
// neighbour swaps places with the first of its bucket. Linear in vertices and edges.
Degeneracy degeneracy_order(const Graph& graph) {
  if (graph.directed()) throw InputError("a degeneracy order needs an undirected graph");
  const VertexId n = graph.num_vertices();
  std::vector<VertexId> degree(n), place(n), sorted(n);
  std::vector<std::uint64_t> bucket(std::uint64_t{graph.max_degree()} + 2);  // where the vertices of degree d begin
  for (VertexId v = 0; v < n; ++v) ++bucket[(degree[v] = graph.degree(v)) + 1];
  std::partial_sum(bucket.begin(), bucket.end(), bucket.begin());
  {
    auto next = bucket;
    for (VertexId v = 0; v < n; ++v) sorted[place[v] = static_cast<VertexId>(next[degree[v]]++)] = v;
  }
  Degeneracy result;
  for (VertexId i = 0; i < n; ++i) {
    const VertexId v = sorted[i];
    result.degeneracy = std::max(result.degeneracy, degree[v]);
    for (const VertexId u : graph.neighbors(v)) {
      if (degree[u] <= degree[v]) continue;  // removed before, or as low as v is
      const auto first = static_cast<VertexId>(bucket[degree[u]]++);
      const VertexId other = sorted[first];
      std::swap(sorted[first], sorted[place[u]]);
      std::swap(place[other], place[u]);
      --degree[u];
    }
  }
  std::ranges::reverse(sorted);
  result.order = std::move(sorted);
  return result;
}

Graph orient(const Graph& graph, std::span<const VertexId> order) {
  if (graph.directed()) throw InputError("only an undirected graph can be oriented");
  const VertexId n = graph.num_vertices();
  const Array<VertexId> position = invert(order, n);
  const auto kept = [&](VertexId v, VertexId u) { return position[v] > position[u]; };
  NewArrays arrays = allocate(n, !graph.edge_labels().empty(), [&](VertexId v) {
    return static_cast<EdgeOffset>(std::ranges::count_if(graph.neighbors(v), [&](VertexId u) { return kept(v, u); }));
  });
#pragma omp parallel for schedule(dynamic, 256) num_threads(base::threads_for(n, 4096, 0))
  for (VertexId v = 0; v < n; ++v) {
    EdgeOffset to = arrays.indptr[v];
    for (EdgeOffset arc = graph.indptr()[v]; arc < graph.indptr()[v + 1]; ++arc) {
      if (!kept(v, graph.indices()[arc])) continue;
      if (!graph.edge_labels().empty()) arrays.labels[to] = graph.edge_labels()[arc];
      arrays.indices[to++] = graph.indices()[arc];
    }
  }
  auto storage = detail::share_storage(graph);
  storage->directed = true;
  return adopt(std::move(arrays), std::move(storage));
}

}  // namespace galena
