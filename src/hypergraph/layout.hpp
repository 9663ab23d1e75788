#pragma once
// An incidence as the aggregate V -> E -> V wants it: both directions, cut to prefixes, with what is worked out once
// and used in every epoch.

#include <cstdint>
#include <memory>

#include "galena/hypergraph.hpp"
#include "src/ops/csr.hpp"

namespace galena::hyper {

/// Prefixes of an incidence: the first `rows` vertices as output, the first `edges` hyperedges, the first `cols` vertices
/// as input. Training needs ever fewer of them from layer to layer. -1: all.
struct Extent {
  std::int64_t rows = -1, edges = -1, cols = -1;
};

/// How hyperedges are cut into tiles, and what tiles share: for tests and measurements. 0 or automatic: by the structure.
struct TileOptions {
  std::uint64_t slots = 0;  ///< hyperedges of a tile
  std::uint64_t rows = 0;   ///< hyperedges and vertices of a tile
  enum class Order { automatic, given, grown } order = Order::automatic;
  enum class Sums { automatic, apart, shared } sums = Sums::automatic;
  std::int64_t ranges = 0;  ///< of vertices that threads share a single tile by: 1 or 2
};

/// What was built, and what it cost.
struct LayoutStats {
  double seconds = 0;
  std::uint64_t bytes = 0;       ///< kept, besides the incidence itself
  std::int64_t tiles = 0;        ///< of the fused aggregate
  std::int64_t ranges = 1;       ///< of vertices that threads share a single tile by
  std::uint64_t most_slots = 0;  ///< rows that a tile holds
  std::uint64_t incidences = 0;  ///< within the extent's larger side
  std::uint64_t sums = 0;        ///< rows that one fused pass there and back reads; apart: 2 * incidences
  std::uint64_t contacts = 0;    ///< vertices of tiles, one counted in each that it is in
  std::uint64_t touched = 0;     ///< vertices in a hyperedge
};

/// Immutable; copies share. The incidence is kept where it is made of a Hypergraph, else the caller keeps the arrays.
class Layout {
 public:
  explicit Layout(const Hypergraph& hypergraph, const Extent& extent = {}, const TileOptions& tiles = {});
  /// `by_edge` [hyperedges x vertices] and its transpose. Throws InputError where they do not fit each other or the
  /// extent is larger. Where both lie in a GPU's memory too, the layout is for tensors there.
  Layout(const ops::Csr& by_edge, const ops::Csr& by_vertex, const Extent& extent = {}, const TileOptions& tiles = {});

  [[nodiscard]] std::int64_t rows() const noexcept;   ///< output vertices
  [[nodiscard]] std::int64_t edges() const noexcept;  ///< hyperedges
  [[nodiscard]] std::int64_t cols() const noexcept;   ///< input vertices
  /// Hyperedge -> members and vertex -> hyperedges, not cut: kernels take prefixes of rows and columns.
  [[nodiscard]] const ops::Csr& by_edge() const noexcept;
  [[nodiscard]] const ops::Csr& by_vertex() const noexcept;
  [[nodiscard]] const LayoutStats& stats() const noexcept;

  struct Storage;
  [[nodiscard]] const Storage& storage() const noexcept { return *storage_; }

 private:
  std::shared_ptr<const Storage> storage_;
};

}  // namespace galena::hyper
