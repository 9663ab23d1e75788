// Tiles are worked out apart, in parallel; only which tile has a vertex first is asked in the order of tiles.

#include "src/hypergraph/assemble.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "src/base/threads.hpp"
#include "src/hypergraph/row_lists.hpp"
#include "src/hypergraph/shared_sums.hpp"

namespace galena::hyper {
namespace {

constexpr std::uint32_t kNoTile = ~std::uint32_t{0};

std::span<const std::uint32_t> list_of(const Lists& lists, std::size_t i) {
  return std::span(lists.items).subspan(lists.start[i], lists.start[i + 1] - lists.start[i]);
}

/// A tile's vertices, increasing, with the slots that each one sums.
struct Tile {
  std::vector<std::uint32_t> vertices;
  Lists slots;                  ///< by vertex
  std::vector<SharedSum> sums;  ///< slots of shared sums follow those of hyperedges
  std::vector<std::uint32_t> ends;
  std::uint32_t edge_slots = 0;
  std::uint64_t incidences = 0;
  [[nodiscard]] std::uint32_t all_slots() const { return edge_slots + static_cast<std::uint32_t>(sums.size()); }
};

/// Lists of second numbers by first; pairs are sorted.
template <class F>
void by_first(const std::vector<std::uint64_t>& pairs, const F& f) {
  std::vector<std::uint32_t> list;
  for (std::size_t i = 0; i < pairs.size();) {
    const std::uint64_t first = pairs[i] >> 32;
    list.clear();
    for (; i < pairs.size() && pairs[i] >> 32 == first; ++i) list.push_back(static_cast<std::uint32_t>(pairs[i]));
    f(static_cast<std::uint32_t>(first), list);
  }
}

Tile make_tile(const ops::Csr& by_edge, std::span<const std::uint32_t> edges, std::int64_t vertices,
               std::uint32_t least_shared) {
  std::vector<std::uint64_t> pairs;
  for (std::size_t slot = 0; slot < edges.size(); ++slot) {
    const std::uint32_t e = edges[slot];
    for (EdgeOffset k = by_edge.indptr[e]; k < by_edge.indptr[e + 1] && by_edge.indices[k] < vertices; ++k) {
      pairs.push_back((std::uint64_t{by_edge.indices[k]} << 32) | slot);
    }
  }
  std::ranges::sort(pairs);
  Tile tile;
  tile.edge_slots = static_cast<std::uint32_t>(edges.size());
  tile.incidences = pairs.size();
  by_first(pairs, [&](std::uint32_t v, const std::vector<std::uint32_t>& slots) {
    tile.vertices.push_back(v);
    tile.slots.items.insert(tile.slots.items.end(), slots.begin(), slots.end());
    tile.slots.start.push_back(tile.slots.items.size());
  });
  if (least_shared > 0) {
    SharedSums shared = share_sums(std::move(tile.slots), tile.edge_slots, least_shared);
    tile.slots = std::move(shared.lists);
    tile.sums = std::move(shared.sums);
    tile.ends = std::move(shared.ends);
  }
  return tile;
}

/// nodes_up: a level a round; nodes_down: the same backwards, by the slot that takes. Returns whether a slot takes.
std::vector<bool> write_nodes(const Tile& tile, std::span<const std::uint32_t> edges, RowListWriter& down,
                              RowListWriter& up) {
  std::vector<std::uint32_t> last(tile.all_slots(), kNoTile);  // round in which a slot takes its last, going down
  for (std::size_t round = tile.ends.size(); round-- > 0;) {
    for (std::uint32_t i = round == 0 ? 0 : tile.ends[round - 1]; i < tile.ends[round]; ++i) {
      last[tile.sums[i].first] = last[tile.sums[i].second] = static_cast<std::uint32_t>(round);
    }
  }
  for (std::size_t round = tile.ends.size(); round-- > 0;) {
    std::vector<std::uint64_t> takes;
    for (std::uint32_t i = round == 0 ? 0 : tile.ends[round - 1]; i < tile.ends[round]; ++i) {
      for (const std::uint32_t slot : {tile.sums[i].first, tile.sums[i].second}) {
        takes.push_back((std::uint64_t{slot} << 32) | (tile.edge_slots + i));
      }
    }
    std::ranges::sort(takes);
    by_first(takes, [&](std::uint32_t slot, const std::vector<std::uint32_t>& sums) {
      const bool edge = slot < tile.edge_slots;
      down.add(slot, sums, {edge && last[slot] == round}, edge ? edges[slot] : 0);
    });
    down.end_level();
  }
  down.end_part();
  for (std::uint32_t i = 0, round = 0; i < tile.sums.size(); ++i) {
    if (i == tile.ends[round]) {
      up.end_level();
      ++round;
    }
    up.add(tile.edge_slots + i, std::vector{tile.sums[i].first, tile.sums[i].second}, {false});
  }
  up.end_part();
  std::vector<bool> taking(tile.all_slots());
  for (std::size_t slot = 0; slot < taking.size(); ++slot) taking[slot] = last[slot] != kNoTile;
  return taking;
}

/// Of vertices, [begin, end).
struct Range {
  std::int64_t begin = 0, end = 0;
  [[nodiscard]] bool has(std::uint32_t v) const { return begin <= v && v < end; }
};

RowList write_down(const Tile& tile, std::span<const std::uint32_t> edges, const Range& range,
                   const std::vector<bool>& taking) {
  std::vector<std::uint64_t> pairs;
  for (std::size_t i = 0; i < tile.vertices.size(); ++i) {
    if (!range.has(tile.vertices[i])) continue;
    for (const std::uint32_t slot : list_of(tile.slots, i)) {
      pairs.push_back((std::uint64_t{slot} << 32) | tile.vertices[i]);
    }
  }
  std::ranges::sort(pairs);
  RowListWriter writer;
  std::uint32_t next = 0;
  const auto add = [&](std::uint32_t slot, std::span<const std::uint32_t> sources) {
    const bool edge = slot < tile.edge_slots;
    writer.add(slot, sources, {edge && !taking[slot]}, edge ? edges[slot] : 0);
  };
  by_first(pairs, [&](std::uint32_t slot, const std::vector<std::uint32_t>& sources) {
    for (; next < slot; ++next) add(next, {});
    add(next++, sources);
  });
  for (; next < tile.all_slots(); ++next) add(next, {});
  writer.end_part();
  return writer.take(true);
}

/// The first and the last tile that has a vertex.
struct Visits {
  std::uint32_t first = kNoTile, last = kNoTile;
};

struct VertexRows {
  RowList inner, shared;
};

/// Rows of vertices in `range`; `idle` may hold vertices that no tile has, which this one writes.
VertexRows write_up(const Tile& tile, std::uint32_t number, const std::vector<Visits>& visits, const Range& range,
                    const Range& idle) {
  RowListWriter inner;
  std::array<RowListWriter, kStripes> shared;
  const auto total = static_cast<std::uint64_t>(visits.size());
  for (std::size_t i = 0; i < tile.vertices.size(); ++i) {
    const std::uint32_t v = tile.vertices[i];
    if (!range.has(v)) continue;
    const auto slots = list_of(tile.slots, i);
    if (visits[v].first == number) {
      inner.add(v, slots, {true, visits[v].last == number});
    } else {
      shared[v * std::uint64_t{kStripes} / total].add(v, slots);
    }
  }
  for (std::int64_t v = std::max(idle.begin, range.begin); v < std::min(idle.end, range.end); ++v) {
    if (visits[static_cast<std::size_t>(v)].first == kNoTile)
      inner.add(static_cast<std::uint32_t>(v), {}, {true, true});
  }
  inner.end_part();
  std::vector<RowList> stripes;
  for (RowListWriter& writer : shared) {
    writer.end_part();
    stripes.push_back(writer.take(false));
  }
  return {inner.take(false), join(stripes)};
}

/// Ranges of a single tile's vertices; they begin at a page where rows are 64 floats.
constexpr std::int64_t kRanges = 2, kPageRows = 16;
/// Sums, and sums a slot, from which on ranges pay.
constexpr std::size_t kManySums = 4096, kManyASlot = 12;

/// Ranges of the vertices below `limit` with as many sums each.
std::vector<Range> equal_ranges(const Tile& tile, std::int64_t limit) {
  std::vector<Range> ranges;
  const auto first = tile.slots.start.begin();
  const auto below = std::ranges::lower_bound(tile.vertices, static_cast<std::uint32_t>(limit)) - tile.vertices.begin();
  std::int64_t begin = 0;
  for (std::int64_t r = 1; r <= kRanges; ++r) {
    std::int64_t end = limit;
    if (r < kRanges) {
      const auto at = std::lower_bound(first, first + below, first[below] * static_cast<std::uint64_t>(r) / kRanges);
      if (at != first + below)
        end = std::int64_t{tile.vertices[static_cast<std::size_t>(at - first)]} / kPageRows * kPageRows;
      end = std::clamp(end, begin, limit);
    }
    ranges.push_back({begin, end});
    begin = end;
  }
  return ranges;
}

/// slot <- the slots of all ranges; factors for hyperedges that take no shared sum.
RowList write_merge(const Tile& tile, std::span<const std::uint32_t> edges, const std::vector<bool>& taking) {
  RowListWriter writer;
  const std::uint32_t slots = tile.all_slots();
  std::vector<std::uint32_t> sources(kRanges);
  for (std::uint32_t slot = 0, part = 0; slot < slots; ++slot) {
    for (; part < slot * std::uint64_t{kRanges} / slots; ++part) writer.end_part();
    for (std::uint32_t r = 0; r < kRanges; ++r) sources[r] = r * slots + slot;
    const bool edge = slot < tile.edge_slots;
    writer.add(slot, sources, {edge && !taking[slot]}, edge ? edges[slot] : 0);
  }
  writer.end_part();
  RowList list = writer.take(true);
  while (list.parts() < static_cast<std::size_t>(kRanges)) list.start.push_back(list.start.back());
  return list;
}

/// f(tile) for all, in parallel; errors (of memory) get out.
template <class F>
void for_tiles(std::int64_t tiles, const F& f) {
  base::ErrorTrap trap;
#pragma omp parallel for schedule(dynamic, 1) if (tiles > 1)
  for (std::int64_t t = 0; t < tiles; ++t) {
    trap.run(static_cast<std::uint64_t>(t), [&] { f(static_cast<std::size_t>(t)); });
  }
  trap.rethrow();
}

class Assembler {
 public:
  Assembler(const ops::Csr& by_edge, const Tiling& tiling, const Limits& limits, const Sharing& sharing)
      : tiling_(tiling), limits_(limits), sharing_(sharing), count_(std::max<std::int64_t>(tiling.tiles(), 1)) {
    tiles_.resize(static_cast<std::size_t>(count_));
    for_tiles(count_, [&](std::size_t t) { tiles_[t] = make_tile(by_edge, edges_of(t), vertices(), sharing.least); });
    visits_.resize(static_cast<std::size_t>(vertices()));
    for (std::size_t t = 0; t < tiles_.size(); ++t) {
      for (const std::uint32_t v : tiles_[t].vertices) {
        visits_[v].last = static_cast<std::uint32_t>(t);
        if (visits_[v].first == kNoTile) visits_[v].first = visits_[v].last;
      }
    }
  }

  Program run() {
    Program program;
    program.tiles = count_;
    program.slot_edge = tiling_.edges;
    program.first_edge = tiling_.first;
    if (tiling_.tiles() == 0) program.first_edge.push_back(0);
    for (const Tile& tile : tiles_) {
      program.most_slots = std::max(program.most_slots, tile.all_slots());
      program.incidences += tile.incidences;
    }
    std::vector<RowList> down(tiles_.size()), up(tiles_.size());
    std::vector<std::vector<bool>> taking(tiles_.size());
    for_tiles(count_, [&](std::size_t t) {
      RowListWriter down_writer, up_writer;
      taking[t] = write_nodes(tiles_[t], edges_of(t), down_writer, up_writer);
      down[t] = down_writer.take(true);
      up[t] = up_writer.take(false);
    });
    program.nodes_down = join(down);
    program.nodes_up = join(up);
    program.ranges = ranges();
    if (program.ranges > 1) program.merge = write_merge(tiles_[0], edges_of(0), taking[0]);
    program.input = side(limits_.input, taking);
    if (limits_.output != limits_.input) program.output = side(limits_.output, taking);
    program.square = limits_.output == limits_.input;
    return program;
  }

 private:
  [[nodiscard]] std::int64_t vertices() const { return std::max(limits_.input, limits_.output); }
  [[nodiscard]] std::span<const std::uint32_t> edges_of(std::size_t t) const {
    if (tiling_.tiles() == 0) return {};
    return std::span(tiling_.edges).subspan(tiling_.first[t], tiling_.first[t + 1] - tiling_.first[t]);
  }
  [[nodiscard]] Side side(std::int64_t limit, const std::vector<std::vector<bool>>& taking) const {
    std::vector<RowList> down(tiles_.size()), inner(tiles_.size()), shared(tiles_.size());
    for_tiles(count_, [&](std::size_t t) {
      const auto at = static_cast<std::int64_t>(t);
      down[t] = write_down(tiles_[t], edges_of(t), {0, limit}, taking[t]);
      VertexRows rows = write_up(tiles_[t], static_cast<std::uint32_t>(t), visits_, {0, limit},
                                 {vertices() * at / count_, vertices() * (at + 1) / count_});
      inner[t] = std::move(rows.inner);
      shared[t] = std::move(rows.shared);
    });
    Side side{limit, join(down), join(inner), join(shared), {}, {}};
    if (ranges() > 1) write_ranges(side);
    return side;
  }

  /// Two where threads had better share a single tile by its vertices: there are enough sums to share, and adding up the
  /// slots of both costs little beside them.
  [[nodiscard]] std::int64_t ranges() const {
    if (count_ != 1) return 1;
    if (sharing_.ranges > 0) return std::min(sharing_.ranges, kRanges);
    const std::size_t sums = tiles_[0].slots.items.size();
    return sums >= kManySums && sums >= kManyASlot * tiles_[0].all_slots() ? kRanges : 1;
  }
  void write_ranges(Side& side) const {
    std::vector<RowList> down, inner;
    const std::vector<bool> all(tiles_[0].all_slots(), true);  // take more: no factor yet
    for (const Range& range : equal_ranges(tiles_[0], side.limit)) {
      down.push_back(write_down(tiles_[0], edges_of(0), range, all));
      inner.push_back(write_up(tiles_[0], 0, visits_, range, {0, vertices()}).inner);
    }
    side.range_down = join(down);
    side.range_inner = join(inner);
  }

  const Tiling& tiling_;
  Limits limits_;
  Sharing sharing_;
  std::int64_t count_;
  std::vector<Tile> tiles_;
  std::vector<Visits> visits_;  ///< by vertex
};

}  // namespace

Program assemble(const ops::Csr& by_edge, const Tiling& tiling, const Limits& limits, const Sharing& sharing) {
  return Assembler(by_edge, tiling, limits, sharing).run();
}

}  // namespace galena::hyper
