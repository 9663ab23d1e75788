#pragma once
// One rank's share of a graph, as operations see it.
//
// Rows are the rank's own (inner) vertices, in an order that puts those the training loss depends on first: the
// training vertices (hop L), then their neighbours (hop L - 1), and so on. So the rows a pass computes at hop h are a
// prefix, and the same CSR arrays serve every hop: a kernel is told how many rows and columns to look at.
// Halo vertices, which other ranks own, are columns of a second structure.

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "galena/nn.hpp"
#include "src/ops/csr.hpp"

namespace galena::nn {

struct GraphView {
  std::int64_t inner = 0, halo = 0;  ///< vertices
  std::int64_t global_vertices = 0;  ///< of all ranks
  ops::CsrArrays local;              ///< inner x inner: row i's in-neighbours among the rank's own
  ops::CsrArrays local_t;            ///< its transpose; no rows where the graph is undirected (it is itself)
  ops::CsrArrays outer;              ///< inner x halo
  ops::CsrArrays outer_t;            ///< halo x inner
  std::vector<VertexId> ids;         ///< global id of each inner vertex
  std::vector<VertexId> halo_ids;    ///< global id of each halo vertex
  std::vector<std::uint32_t> in_degree, out_degree;            ///< in the whole graph, inner vertices, no self-loops
  std::vector<std::uint32_t> halo_in_degree, halo_out_degree;  ///< the same of halo vertices

  [[nodiscard]] ops::Csr local_view() const { return local.view(); }
  [[nodiscard]] ops::Csr local_transpose() const { return local_t.rows > 0 ? local_t.view() : local.view(); }

  /// What can be computed once and kept: factors of aggregations, aggregated features.
  struct Cache;
  mutable std::shared_ptr<Cache> cache;
};

}  // namespace galena::nn
