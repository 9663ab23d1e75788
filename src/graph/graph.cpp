#include "galena/graph.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "galena/error.hpp"
#include "src/base/hash.hpp"
#include "src/base/threads.hpp"
#include "src/graph/check.hpp"
#include "src/graph/digest.hpp"
#include "src/graph/storage.hpp"

namespace galena {
namespace {

constexpr std::array<EdgeOffset, 1> kNoArcs{0};

std::shared_ptr<const Graph::Storage> empty_storage() {
  static const auto storage = [] {
    auto made = std::make_shared<Graph::Storage>();
    made->indptr = kNoArcs;
    return made;
  }();
  return storage;
}

}  // namespace

Graph::Graph() : storage_(empty_storage()) {}

Graph::Graph(std::shared_ptr<const Storage> storage) : storage_(std::move(storage)) {}

Graph Graph::from_arrays(GraphArrays arrays) {
  auto storage = std::make_shared<Storage>();
  const GraphArrays& kept = storage->keep(std::move(arrays));
  storage->indptr = kept.indptr;
  storage->indices = kept.indices;
  storage->vertex_labels = kept.vertex_labels;
  storage->edge_labels = kept.edge_labels;
  storage->original_ids = kept.original_ids;
  storage->directed = kept.directed;
  storage->report = kept.report;
  storage->max_degree = std::numeric_limits<VertexId>::max();  // unknown until the offsets have been checked
  const std::string defect = detail::find_defect(*storage);
  if (!defect.empty()) throw InputError("these arrays are not a graph: " + defect);
  storage->max_degree = detail::find_max_degree(storage->indptr);
  return Graph(std::move(storage));
}

VertexId Graph::num_vertices() const noexcept { return static_cast<VertexId>(storage_->indptr.size() - 1); }
std::uint64_t Graph::num_edges() const noexcept { return storage_->indices.size() / (storage_->directed ? 1 : 2); }
bool Graph::directed() const noexcept { return storage_->directed; }
std::span<const EdgeOffset> Graph::indptr() const noexcept { return storage_->indptr; }
std::span<const VertexId> Graph::indices() const noexcept { return storage_->indices; }
VertexId Graph::max_degree() const noexcept { return storage_->max_degree; }
std::span<const Label> Graph::vertex_labels() const noexcept { return storage_->vertex_labels; }
std::span<const Label> Graph::edge_labels() const noexcept { return storage_->edge_labels; }
std::span<const std::uint64_t> Graph::original_ids() const noexcept { return storage_->original_ids; }
const NormalizeReport& Graph::report() const noexcept { return storage_->report; }

std::span<const VertexId> Graph::neighbors(VertexId v) const noexcept {
  const EdgeOffset* const at = storage_->indptr.data() + v;
  return {storage_->indices.data() + at[0], at[1] - at[0]};
}

VertexId Graph::degree(VertexId v) const noexcept {
  const EdgeOffset* const at = storage_->indptr.data() + v;
  return static_cast<VertexId>(at[1] - at[0]);
}

bool Graph::has_edge(VertexId u, VertexId v) const noexcept {
  if (!directed() && degree(u) > degree(v)) std::swap(u, v);
  return std::ranges::binary_search(neighbors(u), v);
}

std::uint64_t Graph::original_id(VertexId v) const noexcept {
  return storage_->original_ids.empty() ? v : storage_->original_ids[v];
}

std::uint64_t Graph::bytes() const noexcept {
  const Storage& s = *storage_;
  return s.indptr.size_bytes() + s.indices.size_bytes() + s.vertex_labels.size_bytes() + s.edge_labels.size_bytes() +
         s.original_ids.size_bytes();
}

std::uint64_t Graph::digest() const {
  std::call_once(storage_->digest_once, [this] {
    const detail::ArrayHashes hashes = detail::hash_arrays(*storage_);
    storage_->digest = detail::combine_digest(hashes, num_vertices(), directed());
  });
  return storage_->digest;
}

Graph with_vertex_labels(const Graph& graph, std::vector<Label> labels) {
  if (labels.size() != graph.num_vertices()) {
    throw InputError(
        fmt::format("{} vertex labels for {} vertices: give one a vertex", labels.size(), graph.num_vertices()));
  }
  auto storage = detail::share_storage(graph);
  storage->vertex_labels = storage->keep(std::move(labels));
  return Graph(std::move(storage));
}

namespace detail {

VertexId find_max_degree(std::span<const EdgeOffset> indptr, int threads) {
  EdgeOffset largest = 0;
#pragma omp parallel for schedule(static) reduction(max        \
                                                    : largest) \
    num_threads(base::threads_for(indptr.size(), 1 << 16, threads))
  for (std::size_t v = 1; v < indptr.size(); ++v) largest = std::max(largest, indptr[v] - indptr[v - 1]);
  return static_cast<VertexId>(largest);
}

std::shared_ptr<Graph::Storage> share_storage(const Graph& graph) {
  auto storage = std::make_shared<Graph::Storage>();
  storage->indptr = graph.indptr();
  storage->indices = graph.indices();
  storage->vertex_labels = graph.vertex_labels();
  storage->edge_labels = graph.edge_labels();
  storage->original_ids = graph.original_ids();
  storage->directed = graph.directed();
  storage->max_degree = graph.max_degree();
  storage->report = graph.report();
  storage->owners.push_back(std::make_shared<const Graph>(graph));
  return storage;
}

ArrayHashes hash_arrays(const Graph::Storage& s, int threads) {
  return {base::hash_large(std::as_bytes(s.indptr), threads), base::hash_large(std::as_bytes(s.indices), threads),
          base::hash_large(std::as_bytes(s.vertex_labels), threads),
          base::hash_large(std::as_bytes(s.edge_labels), threads),
          base::hash_large(std::as_bytes(s.original_ids), threads)};
}

std::uint64_t combine_digest(const ArrayHashes& hashes, std::uint64_t vertices, bool directed) {
  std::uint64_t digest = base::hash_combine(vertices, directed ? 1 : 0);
  for (std::size_t i = 0; i + 1 < hashes.size(); ++i) digest = base::hash_combine(digest, hashes[i]);
  return digest;
}

}  // namespace detail
}  // namespace galena
