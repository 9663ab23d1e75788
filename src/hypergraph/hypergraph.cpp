#include "galena/hypergraph.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "galena/error.hpp"
#include "src/base/hash.hpp"

namespace galena {

struct Hypergraph::Storage {
  HypergraphArrays arrays;
  std::vector<EdgeOffset> vertex_indptr{0};
  std::vector<HyperedgeId> vertex_edges;
};

namespace {

constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max() - 1;

std::string find_defect(const HypergraphArrays& a) {
  if (a.indptr.empty() || a.indptr.front() != 0 || a.indptr.back() != a.members.size()) {
    return "offsets must begin with 0 and end with the number of incidences";
  }
  if (a.num_vertices > kMost || a.indptr.size() - 1 > kMost)
    return "more vertices or hyperedges than 32 bits can number";
  if (!a.edge_weights.empty() && a.edge_weights.size() + 1 != a.indptr.size()) {
    return fmt::format("{} weights for {} hyperedges", a.edge_weights.size(), a.indptr.size() - 1);
  }
  for (std::size_t e = 0; e < a.edge_weights.size(); ++e) {
    const float weight = a.edge_weights[e];
    if (!(std::isfinite(weight) && weight >= 0)) {
      return fmt::format("the weight of hyperedge {} is {}; expected a number of 0 or more", e, weight);
    }
  }
  if (!a.original_ids.empty() && a.original_ids.size() != a.num_vertices) return "original ids must be one a vertex";
  for (std::size_t e = 0; e + 1 < a.indptr.size(); ++e) {
    if (a.indptr[e] > a.indptr[e + 1] || a.indptr[e + 1] > a.members.size()) {
      return fmt::format("the offsets of hyperedge {} are out of order", e);
    }
    for (EdgeOffset i = a.indptr[e]; i < a.indptr[e + 1]; ++i) {
      if (a.members[i] >= a.num_vertices)
        return fmt::format("hyperedge {} has vertex {}, out of range", e, a.members[i]);
      if (i > a.indptr[e] && a.members[i - 1] >= a.members[i]) {
        return fmt::format("the members of hyperedge {} are not strictly increasing", e);
      }
    }
  }
  return {};
}

}  // namespace

Hypergraph::Hypergraph() : storage_(std::make_shared<const Storage>()) {}
Hypergraph::Hypergraph(std::shared_ptr<const Storage> storage) : storage_(std::move(storage)) {}

Hypergraph Hypergraph::from_arrays(HypergraphArrays arrays) {
  const std::string defect = find_defect(arrays);
  if (!defect.empty()) throw InputError("these arrays are not a hypergraph: " + defect);
  auto storage = std::make_shared<Storage>();
  const std::uint64_t n = arrays.num_vertices;
  auto& indptr = storage->vertex_indptr;
  indptr.assign(n + 2, 0);
  // Counted two places ahead: after the sums, indptr[v + 1] is where list v begins, and filling moves it to its end.
  for (const VertexId v : arrays.members) ++indptr[std::uint64_t{v} + 2];
  for (std::uint64_t v = 2; v < n + 2; ++v) indptr[v] += indptr[v - 1];
  storage->vertex_edges.resize(arrays.members.size());
  for (HyperedgeId e = 0; e + 1 < arrays.indptr.size(); ++e) {
    for (EdgeOffset i = arrays.indptr[e]; i < arrays.indptr[e + 1]; ++i) {
      storage->vertex_edges[indptr[std::uint64_t{arrays.members[i]} + 1]++] = e;
    }
  }
  indptr.pop_back();
  storage->arrays = std::move(arrays);
  return Hypergraph(std::move(storage));
}

VertexId Hypergraph::num_vertices() const noexcept { return static_cast<VertexId>(storage_->arrays.num_vertices); }
HyperedgeId Hypergraph::num_hyperedges() const noexcept {
  return static_cast<HyperedgeId>(storage_->arrays.indptr.size() - 1);
}
std::uint64_t Hypergraph::num_incidences() const noexcept { return storage_->arrays.members.size(); }
std::span<const EdgeOffset> Hypergraph::edge_indptr() const noexcept { return storage_->arrays.indptr; }
std::span<const VertexId> Hypergraph::edge_members() const noexcept { return storage_->arrays.members; }
std::span<const EdgeOffset> Hypergraph::vertex_indptr() const noexcept { return storage_->vertex_indptr; }
std::span<const HyperedgeId> Hypergraph::vertex_edges() const noexcept { return storage_->vertex_edges; }
std::span<const std::uint64_t> Hypergraph::original_ids() const noexcept { return storage_->arrays.original_ids; }
std::span<const float> Hypergraph::edge_weights() const noexcept { return storage_->arrays.edge_weights; }
std::uint64_t Hypergraph::repeated_members() const noexcept { return storage_->arrays.repeated_members; }

std::span<const VertexId> Hypergraph::members(HyperedgeId e) const noexcept {
  const auto& a = storage_->arrays;
  return std::span(a.members).subspan(a.indptr[e], a.indptr[e + 1] - a.indptr[e]);
}

std::span<const HyperedgeId> Hypergraph::edges_of(VertexId v) const noexcept {
  const auto& indptr = storage_->vertex_indptr;
  return std::span(storage_->vertex_edges).subspan(indptr[v], indptr[v + 1] - indptr[v]);
}

std::uint64_t Hypergraph::original_id(VertexId v) const noexcept {
  return original_ids().empty() ? v : original_ids()[v];
}

std::uint64_t Hypergraph::digest() const {
  const std::uint64_t sizes = base::hash_bytes(std::as_bytes(edge_indptr()));
  const std::uint64_t members = base::hash_bytes(std::as_bytes(edge_members()));
  const std::uint64_t structure = base::hash_combine(base::hash_combine(num_vertices(), sizes), members);
  if (edge_weights().empty()) return structure;
  return base::hash_combine(structure, base::hash_bytes(std::as_bytes(edge_weights())));
}

}  // namespace galena
