// Growing: hyperedges at the border of the tile stand in buckets by the share of their vertices that it has; the fullest
// bucket's latest is next. Shares only grow while a tile does, so a hyperedge is put in again where its bucket
// changes, and what it left behind is skipped. A new tile begins where the last one's border was best.

#include "src/hypergraph/tiling.hpp"

#include <algorithm>
#include <array>
#include <numeric>

namespace galena::hyper {
namespace {

class Grower {
 public:
  Grower(const ops::Csr& by_edge, const ops::Csr& by_vertex, std::int64_t edges, std::int64_t vertices,
         const TileSize& size)
      : by_edge_(by_edge), by_vertex_(by_vertex), edges_(edges), vertices_(vertices), size_(size) {
    done_.assign(static_cast<std::size_t>(edges), 0);
    shared_.assign(static_cast<std::size_t>(edges), {kNoTile, 0});
    in_tile_.assign(static_cast<std::size_t>(vertices), kNoTile);
  }

  Tiling run() {
    tiling_.edges.reserve(static_cast<std::size_t>(edges_));
    while (static_cast<std::int64_t>(tiling_.edges.size()) < edges_) take(next());
    end_tile();
    return std::move(tiling_);
  }

 private:
  static constexpr std::uint32_t kNoTile = ~std::uint32_t{0}, kBuckets = 32;
  struct Shared {
    std::uint32_t tile, count;
  };

  std::uint32_t next() {
    const std::uint32_t best = best_of_border();
    if (best != kNoTile) return best;
    while (done_[cursor_]) ++cursor_;
    return static_cast<std::uint32_t>(cursor_);
  }

  std::uint32_t best_of_border() {
    for (std::uint32_t b = kBuckets; b-- > 0;) {
      auto& bucket = buckets_[b];
      while (!bucket.empty()) {
        const std::uint32_t e = bucket.back();
        bucket.pop_back();
        if (!done_[e]) return e;
      }
    }
    return kNoTile;
  }

  void take(std::uint32_t e) {
    const std::uint64_t slots = tiling_.edges.size() - tiling_.first.back();
    if (slots > 0 && (slots == size_.slots || slots + touched_ >= size_.rows)) end_tile();
    done_[e] = 1;
    tiling_.edges.push_back(e);
    for (EdgeOffset k = by_edge_.indptr[e]; k < by_edge_.indptr[e + 1]; ++k) {
      const VertexId v = by_edge_.indices[k];
      if (v >= vertices_) break;
      if (in_tile_[v] != tile_) reach(v);
    }
  }

  void reach(VertexId v) {
    in_tile_[v] = tile_;
    ++touched_;
    for (EdgeOffset k = by_vertex_.indptr[v]; k < by_vertex_.indptr[v + 1]; ++k) {
      const std::uint32_t f = by_vertex_.indices[k];
      if (f >= edges_) break;
      if (done_[f]) continue;
      Shared& shared = shared_[f];
      if (shared.tile != tile_) shared = {tile_, 0};
      const std::uint64_t length = by_edge_.indptr[f + 1] - by_edge_.indptr[f];
      const auto bucket_of = [length](std::uint64_t count) { return (kBuckets - 1) * count / length; };
      const std::uint64_t bucket = bucket_of(++shared.count);
      if (shared.count == 1 || bucket != bucket_of(shared.count - 1)) buckets_[bucket].push_back(f);
    }
  }

  void end_tile() {
    if (tiling_.edges.size() > tiling_.first.back()) tiling_.first.push_back(tiling_.edges.size());
    ++tile_;
    touched_ = 0;
    const std::uint32_t seed = best_of_border();
    for (auto& bucket : buckets_) bucket.clear();
    if (seed != kNoTile) buckets_[0].push_back(seed);
  }

  const ops::Csr &by_edge_, &by_vertex_;
  std::int64_t edges_, vertices_;
  TileSize size_;
  std::vector<std::uint8_t> done_;
  std::vector<Shared> shared_;          ///< vertices of a hyperedge that the tile has
  std::vector<std::uint32_t> in_tile_;  ///< the last tile that reached a vertex
  std::array<std::vector<std::uint32_t>, kBuckets> buckets_;
  std::uint32_t tile_ = 0;
  std::uint64_t touched_ = 0;
  std::int64_t cursor_ = 0;
  Tiling tiling_;
};

}  // namespace

Tiling grow_tiles(const ops::Csr& by_edge, const ops::Csr& by_vertex, std::int64_t edges, std::int64_t vertices,
                  const TileSize& size) {
  return Grower(by_edge, by_vertex, edges, vertices, size).run();
}

Tiling cut_tiles(const ops::Csr& by_edge, std::int64_t edges, std::int64_t vertices, const TileSize& size) {
  Tiling tiling;
  tiling.edges.resize(static_cast<std::size_t>(edges));
  std::iota(tiling.edges.begin(), tiling.edges.end(), 0U);
  std::vector<std::int64_t> in_tile(static_cast<std::size_t>(vertices), -1);
  std::uint64_t touched = 0;
  for (std::int64_t e = 0; e < edges; ++e) {
    const std::uint64_t slots = static_cast<std::uint64_t>(e) - tiling.first.back();
    if (slots > 0 && (slots == size.slots || slots + touched >= size.rows)) {
      tiling.first.push_back(static_cast<std::uint64_t>(e));
      touched = 0;
    }
    for (EdgeOffset k = by_edge.indptr[e]; k < by_edge.indptr[e + 1] && by_edge.indices[k] < vertices; ++k) {
      std::int64_t& tile = in_tile[by_edge.indices[k]];
      touched += tile != tiling.tiles() ? 1 : 0;
      tile = tiling.tiles();
    }
  }
  if (edges > 0) tiling.first.push_back(static_cast<std::uint64_t>(edges));
  return tiling;
}

}  // namespace galena::hyper
