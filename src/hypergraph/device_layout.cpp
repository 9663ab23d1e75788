// The CPU's tiles (tiling, assemble), smaller, and written as a GPU's blocks read them. Hyperedges too large for a tile go
// in chunks, empty ones nowhere.

#include "src/hypergraph/device_layout.hpp"

#include <algorithm>
#include <chrono>
#include <span>

#include "src/hypergraph/assemble.hpp"
#include "src/ops/csr_rows.hpp"
#include "src/ops/device_ops.hpp"

namespace galena::hyper {
namespace {

using ops::DeviceTiles;

/// Tiles that occupy a GPU, where there are so many hyperedges, and the fewest hyperedges worth a block.
constexpr std::uint64_t kWantedTiles = 512, kLeastSlots = 32;
/// Hyperedges and vertices of a tile: a block takes as long as its tile is large.
constexpr std::uint64_t kTileRows = 4096;

template <class T>
Tensor uploaded(const std::vector<T>& values) {
  return ops::to_device(values.data(), values.size());
}

/// Some of an incidence's hyperedges.
struct Some {
  ops::CsrArrays csr;               ///< [names x vertices]
  std::vector<std::int32_t> names;  ///< hyperedges
  void add(std::int64_t e, std::span<const VertexId> members) {
    csr.indices.insert(csr.indices.end(), members.begin(), members.end());
    csr.indptr.push_back(csr.indices.size());
    names.push_back(static_cast<std::int32_t>(e));
    ++csr.rows;
  }
};

struct Sorted {
  Some tiled, giants;
};

Sorted by_size(const Layout::Storage& s, std::int64_t vertices) {
  Sorted sorted;
  sorted.tiled.csr.cols = sorted.giants.csr.cols = vertices;
  for (std::int64_t e = 0; e < s.edges; ++e) {
    const ops::RowSpan row = ops::row_span(s.by_edge, e, vertices);
    const std::span members(s.by_edge.indices + row.first, row.last - row.first);
    if (members.empty()) continue;
    const bool giant = members.size() > static_cast<std::size_t>(DeviceTiles::kGiant);
    (giant ? sorted.giants : sorted.tiled).add(e, members);
  }
  return sorted;
}

std::uint64_t size_of(const ops::Csr& csr, std::uint32_t row) { return csr.indptr[row + 1] - csr.indptr[row]; }

/// Each tile's hyperedges from the smallest to the largest, so that those are one after the other that take as long.
Tiling make_tiling(const Layout::Storage& s, const Some& tiled, std::int64_t vertices) {
  const ops::Csr csr = tiled.csr.view();
  const auto edges = static_cast<std::uint64_t>(csr.rows);
  TileSize size{std::clamp<std::uint64_t>(edges / kWantedTiles, kLeastSlots, DeviceTiles::kMostSlots), kTileRows};
  if (s.options.slots > 0) size.slots = std::min<std::uint64_t>(s.options.slots, DeviceTiles::kMostSlots);
  if (s.options.rows > 0) size.rows = s.options.rows;
  Tiling tiling;
  if (s.options.order == TileOptions::Order::given) {
    tiling = cut_tiles(csr, csr.rows, vertices, size);
  } else {
    const ops::CsrArrays by_vertex = ops::transpose(csr);
    tiling = grow_tiles(csr, by_vertex.view(), csr.rows, vertices, size);
  }
  for (std::size_t t = 0; t + 1 < tiling.first.size(); ++t) {
    const std::span edges_of(tiling.edges.begin() + static_cast<std::ptrdiff_t>(tiling.first[t]),
                             tiling.first[t + 1] - tiling.first[t]);
    std::ranges::stable_sort(edges_of, {}, [&](std::uint32_t e) { return size_of(csr, e); });
  }
  return tiling;
}

/// f(vertex, its slots) for those of a part of a list that have some.
template <class F>
void for_rows(const RowList& list, std::size_t part, const F& f) {
  RowStart at = list.start[part];
  for (; at.group < list.start[part + 1].group; ++at.group) {
    const RowGroup& group = list.groups[at.group];
    for (std::uint32_t k = 0; k < group.rows; ++k, ++at.row, at.source += group.length)
      if (group.length > 0) f(list.target[at.row], std::span(list.source).subspan(at.source, group.length));
  }
}

/// f(vertex, its slots) for all contacts of a tile.
template <class F>
void for_contacts(const Side& side, std::size_t tile, const F& f) {
  for_rows(side.inner, tile, f);
  for (std::size_t k = 0; k < kStripes; ++k) for_rows(side.shared, tile * kStripes + k, f);
}

/// What a vertex's row is added up from: parts of tiles, and giants.
struct Meetings {
  std::vector<std::uint32_t> tiles, giants;  ///< how many, by vertex
  explicit Meetings(std::int64_t limit) : tiles(static_cast<std::size_t>(limit), 0), giants(tiles) {}
  [[nodiscard]] bool alone(std::uint32_t v) const { return tiles[v] == 1 && giants[v] == 0; }
};

/// [limit x parts + giants]. `part_of` has the vertex of each part, parts being in the order of tiles.
std::shared_ptr<const ops::DeviceCsr> make_shared_sums(const Meetings& meetings,
                                                       const std::vector<std::uint32_t>& part_of, const Some& giants) {
  const std::size_t n = meetings.tiles.size();
  ops::CsrArrays csr;
  csr.rows = static_cast<std::int64_t>(n);
  csr.cols = static_cast<std::int64_t>(part_of.size() + giants.names.size());
  std::vector<bool> alone(n);
  std::vector<EdgeOffset> next;
  csr.indptr.resize(1);
  for (std::uint32_t v = 0; v < n; ++v) {
    alone[v] = meetings.alone(v);
    next.push_back(csr.indptr.back());
    csr.indptr.push_back(csr.indptr.back() + (alone[v] ? 0 : meetings.tiles[v] + meetings.giants[v]));
  }
  csr.indices.resize(csr.indptr.back());
  for (std::size_t k = 0; k < part_of.size(); ++k) csr.indices[next[part_of[k]]++] = static_cast<VertexId>(k);
  for (std::size_t g = 0; g < giants.names.size(); ++g)
    for (EdgeOffset k = giants.csr.indptr[g]; k < giants.csr.indptr[g + 1] && giants.csr.indices[k] < n; ++k)
      csr.indices[next[giants.csr.indices[k]]++] = static_cast<VertexId>(part_of.size() + g);
  return ops::to_device(csr.view(), alone);
}

ops::TileSide make_side(const Side& side, std::int64_t tiles, const Some& giants, std::uint64_t& contacts) {
  Meetings meetings(side.limit);
  for (std::int64_t t = 0; t < tiles; ++t)
    for_contacts(side, static_cast<std::size_t>(t), [&](std::uint32_t v, auto) { ++meetings.tiles[v]; });
  for (const VertexId v : giants.csr.indices)
    if (v < side.limit) ++meetings.giants[v];
  std::vector<std::int64_t> first{0};
  std::vector<ops::CsrPiece> contact;
  std::vector<std::uint8_t> slot;
  std::vector<std::uint32_t> part_of;
  for (std::int64_t t = 0; t < tiles; ++t) {
    for_contacts(side, static_cast<std::size_t>(t), [&](std::uint32_t v, std::span<const std::uint32_t> slots) {
      const auto part = static_cast<std::uint32_t>(part_of.size());
      contact.push_back({static_cast<std::int64_t>(slot.size()), meetings.alone(v) ? v : ~part,
                         static_cast<std::uint32_t>(slots.size())});
      if (!meetings.alone(v)) part_of.push_back(v);
      for (const std::uint32_t s : slots) slot.push_back(static_cast<std::uint8_t>(s));
    });
    first.push_back(static_cast<std::int64_t>(contact.size()));
  }
  contacts = contact.size();
  const auto numbers = ops::numbers_of(contact);
  return {side.limit,      static_cast<std::int64_t>(part_of.size()),
          uploaded(first), ops::to_device(numbers.data(), numbers.size()),
          uploaded(slot),  make_shared_sums(meetings, part_of, giants)};
}

void add_giants(const Some& giants, DeviceTiles& tiles) {
  tiles.giants = giants.csr.rows;
  ops::CsrArrays chunks;
  chunks.cols = giants.csr.cols;
  chunks.indices = giants.csr.indices;
  std::vector<std::int64_t> first{0};
  for (std::int64_t g = 0; g < giants.csr.rows; ++g) {
    const EdgeOffset end = giants.csr.indptr[static_cast<std::size_t>(g) + 1];
    while (chunks.indptr.back() < end)
      chunks.indptr.push_back(std::min(end, chunks.indptr.back() + EdgeOffset{DeviceTiles::kChunk}));
    first.push_back(static_cast<std::int64_t>(chunks.indptr.size()) - 1);
  }
  chunks.rows = tiles.chunk_count = first.back();
  tiles.giant_row = uploaded(giants.names);
  tiles.giant_first = uploaded(first);
  tiles.chunks = ops::to_device(chunks.view());
}

void add_slots(const Program& program, const Some& tiled, DeviceTiles& tiles) {
  std::vector<std::int64_t> first, first_long;
  std::vector<std::int32_t> row;
  for (const std::uint64_t at : program.first_edge) first.push_back(static_cast<std::int64_t>(at));
  for (const std::uint32_t e : program.slot_edge) row.push_back(tiled.names[e]);
  for (std::size_t t = 0; t + 1 < first.size(); ++t) {
    std::int64_t at = first[t];
    while (at < first[t + 1] && size_of(tiled.csr.view(), program.slot_edge[static_cast<std::size_t>(at)]) <=
                                    static_cast<std::uint64_t>(DeviceTiles::kLong))
      ++at;
    first_long.push_back(at);
  }
  tiles.first = uploaded(first);
  tiles.first_long = uploaded(first_long);
  tiles.row = uploaded(row);
}

std::uint64_t bytes_of(const ops::DeviceCsr& csr) {
  return csr.indptr.bytes() + csr.indices.bytes() + csr.pieces.bytes();
}

std::uint64_t bytes_of(const ops::TileSide& side) {
  if (side.shared == nullptr) return 0;
  return side.first.bytes() + side.contact.bytes() + side.slot.bytes() + bytes_of(*side.shared);
}

std::uint64_t touched(const Sorted& sorted, std::int64_t vertices) {
  std::vector<bool> seen(static_cast<std::size_t>(vertices), false);
  for (const Some* some : {&sorted.tiled, &sorted.giants})
    for (const VertexId v : some->csr.indices) seen[v] = true;
  return static_cast<std::uint64_t>(std::ranges::count(seen, true));
}

}  // namespace

std::shared_ptr<const DeviceTiles> make_device_tiles(Layout::Storage& s) {
  const auto begin = std::chrono::steady_clock::now();
  const std::int64_t vertices = std::max(s.rows, s.cols);
  const Sorted sorted = by_size(s, vertices);
  const Program program =
      assemble(sorted.tiled.csr.view(), make_tiling(s, sorted.tiled, vertices), {s.cols, s.rows}, {});
  auto tiles = std::make_shared<DeviceTiles>();
  tiles->tiles = program.tiles;
  tiles->most_slots = program.most_slots;
  tiles->rows = s.edges;
  tiles->square = program.square;
  add_slots(program, sorted.tiled, *tiles);
  add_giants(sorted.giants, *tiles);
  std::uint64_t contacts = 0, output_contacts = 0;
  tiles->input = make_side(program.input, program.tiles, sorted.giants, contacts);
  if (!program.square) tiles->output = make_side(program.output, program.tiles, sorted.giants, output_contacts);

  LayoutStats& stats = s.stats;
  stats.tiles = program.tiles;
  stats.most_slots = program.most_slots;
  stats.incidences = sorted.tiled.csr.indices.size() + sorted.giants.csr.indices.size();
  stats.sums = 2 * stats.incidences;
  stats.contacts = std::max(contacts, output_contacts) + sorted.giants.csr.indices.size();
  stats.touched = touched(sorted, vertices);
  stats.bytes = tiles->first.bytes() + tiles->first_long.bytes() + tiles->row.bytes() + tiles->giant_row.bytes() +
                tiles->giant_first.bytes() + bytes_of(*tiles->chunks) + bytes_of(tiles->input) +
                bytes_of(tiles->output);
  stats.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return tiles;
}

}  // namespace galena::hyper
