#pragma once
// Hypergraph: hyperedges that join any number of vertices, stored as an incidence in both directions.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "galena/graph.hpp"
#include "galena/io.hpp"
#include "galena/stats.hpp"

namespace galena {

using HyperedgeId = std::uint32_t;

/// Hyperedge e joins members[indptr[e] .. indptr[e + 1]): increasing, without repeats.
struct HypergraphArrays {
  std::uint64_t num_vertices = 0;
  std::vector<EdgeOffset> indptr{0};        ///< hyperedges + 1 offsets
  std::vector<VertexId> members;            ///< one an incidence
  std::vector<std::uint64_t> original_ids;  ///< n, or empty where vertex v was v in the input
  std::vector<float> edge_weights;          ///< one a hyperedge, finite and not negative, or empty: all 1
  std::uint64_t repeated_members = 0;       ///< dropped: a vertex named twice in a hyperedge
};

/// Immutable; copies share the arrays. Hyperedges may repeat, and may have one member or none.
class Hypergraph {
 public:
  Hypergraph();  ///< no vertices, no hyperedges
  /// Checks the arrays (throws InputError), adopts them and makes the other direction.
  static Hypergraph from_arrays(HypergraphArrays arrays);

  [[nodiscard]] VertexId num_vertices() const noexcept;
  [[nodiscard]] HyperedgeId num_hyperedges() const noexcept;
  [[nodiscard]] std::uint64_t num_incidences() const noexcept;
  /// CSR by hyperedge: [hyperedges + 1], [incidences] vertices.
  [[nodiscard]] std::span<const EdgeOffset> edge_indptr() const noexcept;
  [[nodiscard]] std::span<const VertexId> edge_members() const noexcept;
  /// CSR by vertex: [vertices + 1], [incidences] hyperedges, increasing.
  [[nodiscard]] std::span<const EdgeOffset> vertex_indptr() const noexcept;
  [[nodiscard]] std::span<const HyperedgeId> vertex_edges() const noexcept;
  [[nodiscard]] std::span<const VertexId> members(HyperedgeId e) const noexcept;
  [[nodiscard]] std::span<const HyperedgeId> edges_of(VertexId v) const noexcept;
  [[nodiscard]] std::uint64_t original_id(VertexId v) const noexcept;
  [[nodiscard]] std::span<const std::uint64_t> original_ids() const noexcept;  ///< empty = identity
  [[nodiscard]] std::span<const float> edge_weights() const noexcept;          ///< empty = all 1
  [[nodiscard]] std::uint64_t repeated_members() const noexcept;
  /// A 64-bit digest of structure and weights; equal hypergraphs have equal digests.
  [[nodiscard]] std::uint64_t digest() const;

  struct Storage;

 private:
  explicit Hypergraph(std::shared_ptr<const Storage> storage);
  std::shared_ptr<const Storage> storage_;
};

/// Reads a hyperedge list (a hyperedge a line, ids as in edge lists, "# Vertices: n" honoured, .gz too), an incidence
/// matrix (.mtx: rows are vertices, columns hyperedges) or a folder with hyperedges.txt[.gz] and perhaps
/// hyperedge_weights.npy: a number for each hyperedge.
/// LoadOptions: format, threads, progress. Throws as load_graph() does.
Hypergraph load_hypergraph(const std::filesystem::path& path, const LoadOptions& options = {});

/// The same for a path, a folder of $GALENA_DATA_DIR or a bundled dataset.
Hypergraph resolve_hypergraph(const std::string& name_or_path, const LoadOptions& options = {});

/// Whether a word on the command line names a hypergraph: a file called so (hyperedges*, .hg), a folder with
/// hyperedges.txt and no edges.txt, or such an entry of the registry. False where there is nothing of this name.
bool names_hypergraph(const std::string& name_or_path);

/// By extension: .mtx an incidence matrix, else (.hg, .txt, .gz too) a hyperedge list. Hyperedges without members
/// fit only the former: InputError. Weights are not written.
void save_hypergraph(const Hypergraph& hypergraph, const std::filesystem::path& path);

/// Vertices are joined where a hyperedge has both.
Graph clique_expansion(const Hypergraph& hypergraph);

/// Bipartite: vertices 0..n-1, hyperedge e as vertex n + e, joined to its members.
Graph star_expansion(const Hypergraph& hypergraph);

struct HypergraphStats {
  std::uint64_t vertices = 0, hyperedges = 0, incidences = 0;
  std::uint64_t distinct_hyperedges = 0;  ///< as sets
  std::uint64_t singletons = 0;           ///< hyperedges of one vertex
  std::uint64_t isolated = 0;             ///< vertices in no hyperedge
  std::uint64_t max_hyperedge = 0;        ///< vertices of the largest one
  std::uint64_t max_degree = 0;           ///< hyperedges of a vertex, at most
  std::vector<DegreeBin> sizes, degrees;  ///< in bins 0, 1, 2-3, 4-7, ...
};
HypergraphStats hypergraph_stats(const Hypergraph& hypergraph);

}  // namespace galena
