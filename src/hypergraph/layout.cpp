#include "src/hypergraph/layout.hpp"

#include <fmt/format.h>

#include "galena/error.hpp"
#include "src/hypergraph/layout_storage.hpp"

namespace galena::hyper {
namespace {

std::int64_t prefix(const char* what, std::int64_t wanted, std::int64_t there) {
  if (wanted < -1 || wanted > there) {
    throw InputError(fmt::format("layout: {} {} of {}", wanted, what, there));
  }
  return wanted == -1 ? there : wanted;
}

std::shared_ptr<Layout::Storage> build(const ops::Csr& by_edge, const ops::Csr& by_vertex, const Extent& extent) {
  if (by_edge.rows != by_vertex.cols || by_edge.cols != by_vertex.rows || by_edge.nonzeros() != by_vertex.nonzeros()) {
    throw InputError(fmt::format("layout: {} x {} with {} incidences by hyperedge, {} x {} with {} by vertex",
                                 by_edge.rows, by_edge.cols, by_edge.nonzeros(), by_vertex.rows, by_vertex.cols,
                                 by_vertex.nonzeros()));
  }
  auto storage = std::make_shared<Layout::Storage>();
  storage->by_edge = by_edge;
  storage->by_vertex = by_vertex;
  storage->rows = prefix("output vertices", extent.rows, by_vertex.rows);
  storage->edges = prefix("hyperedges", extent.edges, by_edge.rows);
  storage->cols = prefix("input vertices", extent.cols, by_edge.cols);
  return storage;
}

}  // namespace

Layout::Layout(const ops::Csr& by_edge, const ops::Csr& by_vertex, const Extent& extent)
    : storage_(build(by_edge, by_vertex, extent)) {}

Layout::Layout(const Hypergraph& hypergraph, const Extent& extent) {
  const std::int64_t n = hypergraph.num_vertices(), m = hypergraph.num_hyperedges();
  auto storage = build({m, n, hypergraph.edge_indptr().data(), hypergraph.edge_members().data()},
                       {n, m, hypergraph.vertex_indptr().data(), hypergraph.vertex_edges().data()}, extent);
  storage->owner = hypergraph;
  storage_ = std::move(storage);
}

std::int64_t Layout::rows() const noexcept { return storage_->rows; }
std::int64_t Layout::edges() const noexcept { return storage_->edges; }
std::int64_t Layout::cols() const noexcept { return storage_->cols; }
const ops::Csr& Layout::by_edge() const noexcept { return storage_->by_edge; }
const ops::Csr& Layout::by_vertex() const noexcept { return storage_->by_vertex; }
const LayoutStats& Layout::stats() const noexcept { return storage_->stats; }

}  // namespace galena::hyper
