#pragma once
// Graph: an immutable graph in compressed sparse row (CSR) form.
//
// Vertices are 0..n-1 (32 bits); `indptr` has n+1 64-bit offsets into `indices`,
// where each vertex's neighbours stand in increasing order without repeats.
// An undirected edge is stored as two arcs. Copying a Graph shares its arrays.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace galena {

using VertexId = std::uint32_t;
using EdgeOffset = std::uint64_t;
using Label = std::uint32_t;

/// What making a graph simple and undirected dropped, and what the reader saw.
struct NormalizeReport {
  std::uint64_t input_edges = 0;      ///< edges (lines, entries) read
  std::uint64_t self_loops = 0;       ///< dropped
  std::uint64_t duplicates = 0;       ///< dropped: the same pair again, in either order if undirected
  std::uint64_t label_conflicts = 0;  ///< of those, pairs that came again with another edge label
  bool relabelled = false;            ///< ids were sparse or large: original_ids() holds the input's
  bool operator==(const NormalizeReport&) const = default;
};

/// The arrays of a graph, owned. `Graph::from_arrays` checks and adopts them.
struct GraphArrays {
  std::vector<EdgeOffset> indptr{0};        ///< n+1 offsets
  std::vector<VertexId> indices;            ///< sorted and unique within a vertex
  std::vector<Label> vertex_labels;         ///< n, or empty
  std::vector<Label> edge_labels;           ///< one an arc (both arcs of an edge agree), or empty
  std::vector<std::uint64_t> original_ids;  ///< n, or empty where id v was v in the input
  bool directed = false;
  NormalizeReport report;
};

class Graph {
 public:
  Graph();  ///< the empty graph

  /// Checks every invariant above (throws InputError) and adopts the arrays.
  static Graph from_arrays(GraphArrays arrays);

  [[nodiscard]] VertexId num_vertices() const noexcept;
  /// Undirected edges, or arcs of a directed graph.
  [[nodiscard]] std::uint64_t num_edges() const noexcept;
  [[nodiscard]] bool directed() const noexcept;
  [[nodiscard]] std::span<const EdgeOffset> indptr() const noexcept;
  [[nodiscard]] std::span<const VertexId> indices() const noexcept;
  [[nodiscard]] std::span<const VertexId> neighbors(VertexId v) const noexcept;
  [[nodiscard]] VertexId degree(VertexId v) const noexcept;
  [[nodiscard]] VertexId max_degree() const noexcept;
  [[nodiscard]] bool has_edge(VertexId u, VertexId v) const noexcept;
  [[nodiscard]] std::span<const Label> vertex_labels() const noexcept;         ///< empty if unlabelled
  [[nodiscard]] std::span<const Label> edge_labels() const noexcept;           ///< by arc; empty if unlabelled
  [[nodiscard]] std::span<const std::uint64_t> original_ids() const noexcept;  ///< empty = identity
  [[nodiscard]] std::uint64_t original_id(VertexId v) const noexcept;
  [[nodiscard]] const NormalizeReport& report() const noexcept;
  /// Bytes held by the arrays (mapped or owned).
  [[nodiscard]] std::uint64_t bytes() const noexcept;
  /// A 64-bit digest of the structure and labels; equal graphs have equal digests.
  [[nodiscard]] std::uint64_t digest() const;

  struct Storage;  ///< internal: owned arrays or a mapped file
  explicit Graph(std::shared_ptr<const Storage> storage);

 private:
  std::shared_ptr<const Storage> storage_;
};

/// An edge list as read: any 64-bit ids, in any order, with repeats and self-loops.
struct EdgeList {
  std::vector<std::uint64_t> source, target;  ///< equal length
  std::vector<Label> labels;                  ///< by edge, or empty
};

struct BuildOptions {
  bool directed = false;           ///< keep direction; otherwise every edge becomes two arcs
  std::uint64_t num_vertices = 0;  ///< at least this many vertices (isolated ones), ids < it kept as they are
  int threads = 0;                 ///< 0 = all cores
};

/// Normalises (drops self-loops and duplicates, symmetrises) and builds the CSR.
/// Ids that are dense enough are kept; sparse or 64-bit ids are renumbered in
/// increasing order of the original id. A pair given twice with different edge
/// labels keeps the smallest label; the conflict is counted in the report.
Graph build_graph(EdgeList edges, const BuildOptions& options = {});

/// A copy of `graph` with the given vertex labels (size n).
Graph with_vertex_labels(const Graph& graph, std::vector<Label> labels);

/// The graph renumbered so that new vertex i is old vertex order[i].
/// original_ids() of the result still name the input's ids.
Graph permute(const Graph& graph, std::span<const VertexId> order);

/// Vertices by decreasing degree, ties by id: order[0] is the largest hub.
std::vector<VertexId> degree_order(const Graph& graph);

/// A degeneracy (smallest-last) ordering; order.front() was removed last,
/// so every vertex has at most `degeneracy` neighbours before it.
struct Degeneracy {
  std::vector<VertexId> order;
  VertexId degeneracy = 0;
};
Degeneracy degeneracy_order(const Graph& graph);

/// The directed acyclic graph that keeps arc (u, v) where position of u in `order` is
/// after that of v (each edge once). Vertex ids are unchanged.
Graph orient(const Graph& graph, std::span<const VertexId> order);

}  // namespace galena
