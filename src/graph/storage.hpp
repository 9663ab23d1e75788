#pragma once
// What a Graph points to. Internal to the library.

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "galena/graph.hpp"

namespace galena {

/// Views of the arrays, and whoever keeps them alive: vectors, a mapped file, or another graph's
/// storage (graphs that differ in their labels only share the rest).
struct Graph::Storage {
  std::span<const EdgeOffset> indptr;           // n+1
  std::span<const VertexId> indices;            // arcs
  std::span<const Label> vertex_labels;         // n, or empty
  std::span<const Label> edge_labels;           // arcs, or empty
  std::span<const std::uint64_t> original_ids;  // n, or empty
  bool directed = false;
  VertexId max_degree = 0;
  NormalizeReport report;
  std::vector<std::shared_ptr<const void>> owners;

  mutable std::once_flag digest_once;
  mutable std::uint64_t digest = 0;

  /// Keeps `container` (vector, Array, MappedFile) alive and returns a reference to it.
  template <class Container>
  const Container& keep(Container container) {
    auto owner = std::make_shared<const Container>(std::move(container));
    owners.push_back(owner);
    return *owner;
  }
};

}  // namespace galena

namespace galena::detail {

/// Largest degree, in parallel.
VertexId find_max_degree(std::span<const EdgeOffset> indptr, int threads = 0);

/// A storage of the same arrays as `graph`, which it keeps alive; no array is copied.
std::shared_ptr<Graph::Storage> share_storage(const Graph& graph);

}  // namespace galena::detail
