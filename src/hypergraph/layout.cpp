#include "src/hypergraph/layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "galena/error.hpp"
#include "src/hypergraph/assemble.hpp"
#include "src/hypergraph/device_layout.hpp"
#include "src/hypergraph/layout_storage.hpp"

namespace galena::hyper {
namespace {

std::int64_t prefix(const char* what, std::int64_t wanted, std::int64_t there) {
  if (wanted < -1 || wanted > there) {
    throw InputError(fmt::format("layout: {} {} of {}", wanted, what, there));
  }
  return wanted == -1 ? there : wanted;
}

std::shared_ptr<Layout::Storage> make_storage(const ops::Csr& by_edge, const ops::Csr& by_vertex,
                                              const Extent& extent) {
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

/// Rows of kRowBytes that a core's cache holds beside what passes by.
constexpr std::uint64_t kTileSlots = 1024, kTileRows = 3072, kNearRows = 2048;
/// Where tiles are all there is to share out: so many, unless they would be smaller than that.
constexpr std::uint64_t kLeastTiles = 16, kLeastSlots = 32;
/// Fewer hyperedges are one tile.
constexpr std::int64_t kOnlySlots = 6144;
/// What is left of the sums where sharing is worth a single tile; vertices a hyperedge that are worth it too. Fewer
/// hyperedges than kFewSlots are one in any case; small tiles are for what is no larger than kOnlySlots.
constexpr double kWorthwhile = 0.85;
constexpr std::int64_t kManyVertices = 8, kFewSlots = 256;
constexpr std::uint64_t kSmallSlots = 512, kSmallTiles = 4;
/// A sum that fewer vertices share costs what it saves.
constexpr std::uint32_t kLeastShared = 5;

Tiling make_tiling(const Layout::Storage& s, std::int64_t vertices, const TileOptions& options) {
  using Order = TileOptions::Order;
  TileSize size{options.slots > 0 ? options.slots : kTileSlots, options.rows > 0 ? options.rows : kTileRows};
  // Where all vertices fit beside a tile, it does not matter which of them one has.
  const bool near = static_cast<std::uint64_t>(vertices) <= kNearRows;
  if (near && options.rows == 0) size.rows = ~std::uint64_t{0};
  const bool grow = options.order == Order::automatic ? !near : options.order == Order::grown;
  if (grow) return grow_tiles(s.by_edge, s.by_vertex, s.edges, vertices, size);
  return cut_tiles(s.by_edge, s.edges, vertices, size);
}

/// One tile of few hyperedges, where that saves enough: their sums are shared, or there are so many vertices that they
/// had better be read in order. Returns whether it does.
bool make_only_tile(Layout::Storage& s, std::int64_t vertices, const TileOptions& options) {
  if (options.slots != 0 || options.rows != 0 || options.order == TileOptions::Order::grown || s.edges > kOnlySlots) {
    return false;
  }
  const Tiling tiling = cut_tiles(s.by_edge, s.edges, vertices, {~std::uint64_t{0}, ~std::uint64_t{0}});
  const bool apart = options.sums == TileOptions::Sums::apart;
  s.program = assemble(s.by_edge, tiling, {s.cols, s.rows}, {apart ? 0 : kLeastShared, options.ranges});
  if (apart || options.order == TileOptions::Order::given) return true;
  const Program& p = s.program;
  const RowList& rows = (s.cols > s.rows ? p.input : p.output_side()).inner;
  const std::uint64_t sums = 2 * rows.source.size() + p.nodes_up.source.size() + p.nodes_down.source.size();
  return static_cast<double>(sums) < kWorthwhile * 2 * static_cast<double>(p.incidences) ||
         vertices > kManyVertices * s.edges || s.edges <= kFewSlots;
}

void describe(const Program& p, LayoutStats& stats) {
  const Side& larger = p.square || p.input.limit > p.output.limit ? p.input : p.output;
  stats.tiles = p.tiles;
  stats.ranges = p.ranges;
  stats.most_slots = p.most_slots;
  stats.incidences = p.incidences;
  for (const RowList* list : {&p.nodes_down, &p.nodes_up, &p.merge}) stats.bytes += list->bytes();
  for (const Side* side : {&p.input, &p.output}) {
    for (const RowList* list : {&side->down, &side->inner, &side->shared, &side->range_down, &side->range_inner}) {
      stats.bytes += list->bytes();
    }
  }
  stats.sums = larger.down.source.size() + larger.inner.source.size() + larger.shared.source.size() +
               p.nodes_down.source.size() + p.nodes_up.source.size() + p.merge.source.size();
  for (const RowGroup& group : larger.inner.groups) stats.touched += group.length > 0 ? group.rows : 0;
  stats.contacts = stats.touched + larger.shared.target.size();
}

/// Hyperedges of each of a few tiles that threads can share out evenly.
std::uint64_t small_tile(std::uint64_t edges) {
  const std::uint64_t rounds = (edges + kSmallSlots * kSmallTiles - 1) / (kSmallSlots * kSmallTiles);
  const std::uint64_t tiles = std::max<std::uint64_t>(rounds, 1) * kSmallTiles;
  return std::max((edges + tiles - 1) / tiles, kLeastSlots);
}

void make_program(Layout::Storage& s, const TileOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  s.options = options;
  const std::int64_t vertices = std::max(s.rows, s.cols);
  if (!make_only_tile(s, vertices, options)) {
    TileOptions tiles = options;
    if (tiles.slots == 0 && s.edges <= kOnlySlots) tiles.slots = small_tile(static_cast<std::uint64_t>(s.edges));
    s.program = assemble(s.by_edge, make_tiling(s, vertices, tiles), {s.cols, s.rows},
                         {options.sums == TileOptions::Sums::shared ? kLeastShared : 0, options.ranges});
  }
  describe(s.program, s.stats);
  s.stats.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

const Program& Layout::Storage::plain_program() const {
  std::call_once(plain_once_, [this] {
    TileOptions plain = options;
    plain.sums = TileOptions::Sums::apart;
    if (plain.slots == 0) {
      plain.slots = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(edges) / kLeastTiles, kLeastSlots, kTileSlots);
    }
    if (plain.rows == 0) plain.rows = kTileRows;
    plain_ = assemble(by_edge, make_tiling(*this, std::max(rows, cols), plain), {cols, rows}, {});
  });
  return plain_;
}

Layout::Layout(const ops::Csr& by_edge, const ops::Csr& by_vertex, const Extent& extent, const TileOptions& tiles) {
  auto storage = make_storage(by_edge, by_vertex, extent);
  if (by_edge.on_device != nullptr && by_vertex.on_device != nullptr) {
    storage->options = tiles;
    storage->on_device = make_device_tiles(*storage);
  } else {
    make_program(*storage, tiles);
  }
  storage_ = std::move(storage);
}

Layout::Layout(const Hypergraph& hypergraph, const Extent& extent, const TileOptions& tiles) {
  const std::int64_t n = hypergraph.num_vertices(), m = hypergraph.num_hyperedges();
  auto storage = make_storage({m, n, hypergraph.edge_indptr().data(), hypergraph.edge_members().data()},
                              {n, m, hypergraph.vertex_indptr().data(), hypergraph.vertex_edges().data()}, extent);
  storage->owner = hypergraph;
  make_program(*storage, tiles);
  storage_ = std::move(storage);
}

std::int64_t Layout::rows() const noexcept { return storage_->rows; }
std::int64_t Layout::edges() const noexcept { return storage_->edges; }
std::int64_t Layout::cols() const noexcept { return storage_->cols; }
const ops::Csr& Layout::by_edge() const noexcept { return storage_->by_edge; }
const ops::Csr& Layout::by_vertex() const noexcept { return storage_->by_vertex; }
const LayoutStats& Layout::stats() const noexcept { return storage_->stats; }

}  // namespace galena::hyper
