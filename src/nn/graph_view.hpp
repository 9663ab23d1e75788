#pragma once
// One rank's share of a graph, as operations see it.
//
// In a hypergraph a hop leads from vertices to hyperedges, and the next one back: two views, the second hanging on the
// first, whose rows are each other's columns. In a graph one view serves every hop.
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

/// A hop's columns, where rows come from, are this view's vertices; its rows are the next view's (in a graph the same).
struct GraphView {
  std::int64_t inner = 0, halo = 0;            ///< vertices (in the second view of a hypergraph, hyperedges)
  std::int64_t global_vertices = 0;            ///< of all ranks
  ops::CsrArrays local;                        ///< rows x inner: row i's in-neighbours among the rank's own
  ops::CsrArrays local_t;                      ///< its transpose; empty where the graph is undirected (it is itself)
  ops::CsrArrays outer;                        ///< rows x halo
  ops::CsrArrays outer_t;                      ///< halo x rows
  std::vector<VertexId> ids;                   ///< global id of each inner vertex
  std::vector<VertexId> halo_ids;              ///< global id of each halo vertex
  std::vector<std::uint32_t> in_degree;        ///< in the whole graph, of rows, no self-loops
  std::vector<std::uint32_t> out_degree;       ///< of inner vertices
  std::vector<std::uint32_t> halo_out_degree;  ///< of halo vertices
  std::vector<float> weights;                  ///< of a hypergraph's second view: of inner hyperedges; empty: all 1
  std::vector<float> halo_weights;             ///< the same of halo hyperedges
  /// Of a hypergraph's first view: the second one, from hyperedges to vertices.
  std::shared_ptr<const GraphView> back;

  /// The ids on a device, where to_device() brought them there.
  Tensor device_ids{};
  /// The ids in the memory of `device`.
  [[nodiscard]] const VertexId* ids_on(Device device) const;

  [[nodiscard]] ops::Csr local_view() const { return local.view(); }
  [[nodiscard]] ops::Csr local_transpose() const {
    return local_t.rows == local.cols && local_t.cols == local.rows ? local_t.view() : local.view();
  }

  /// What can be computed once and kept: factors of aggregations, aggregated features.
  struct Cache;
  mutable std::shared_ptr<Cache> cache;
};

/// Copies to the device what operations ask for, of a hypergraph both views. Throws EnvironmentError where there is no
/// room.
void to_device(GraphView& view);

}  // namespace galena::nn
