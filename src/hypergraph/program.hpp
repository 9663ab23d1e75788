#pragma once
// What a layout works out: the aggregate as lists of sums of rows, tile by tile.
//
// A tile is a run of hyperedges whose rows ("slots") one thread holds in its cache for a while. Its sums, in order:
//   down        slot <- vertices         hyperedges' rows are gathered
//   nodes_down  slot += slots            shared sums (see shared_sums.hpp) are spread, where there are any
//   nodes_up    slot <- slots            the same backwards
//   inner       vertex <- slots          vertices that no earlier tile has written
//   shared      vertex += slots          those that one has, in the order of tiles
// Rows of one length stand together: the CPU guesses how often a loop of the same length runs, and nothing else in
// these loops would keep it waiting when the rows are in its cache.

#include <cstdint>
#include <memory>
#include <vector>

#include "src/base/thread_choice.hpp"
#include "src/hypergraph/tile_kernels.hpp"

namespace galena::hyper {

/// The place of a part in a RowList.
struct RowStart {
  std::uint64_t group = 0, row = 0, source = 0;
};

/// Sums of rows, in parts.
struct RowList {
  std::vector<RowGroup> groups;
  std::vector<std::uint32_t> target;  ///< by row
  std::vector<std::uint32_t> factor;  ///< by row: where its factor is; empty: at its target
  std::vector<std::uint32_t> source;  ///< rows' sources, one row after the other
  std::vector<RowStart> start{{}};    ///< by part, and the end

  [[nodiscard]] std::size_t parts() const { return start.size() - 1; }
  [[nodiscard]] std::uint64_t bytes() const;
};

/// The sums that meet vertices below `limit`: as input (down) or as output (inner, shared).
struct Side {
  std::int64_t limit = 0;
  RowList down, inner;
  RowList shared;  ///< kStripes parts a tile: ranges of vertices
  /// A single tile's `down` and `inner`, a part a range of vertices, where the Program has ranges. All slots are in all
  /// parts of range_down, without their factors.
  RowList range_down, range_inner;
};

/// Ranges of vertices that tiles take turns at.
inline constexpr std::uint32_t kStripes = 8;

struct Program {
  std::int64_t tiles = 0;
  std::vector<std::uint64_t> first_edge;  ///< [tiles + 1] of tiles' hyperedges in slot_edge
  std::vector<std::uint32_t> slot_edge;   ///< a tile's first slots are hyperedges; then come shared sums
  std::uint32_t most_slots = 0;           ///< of a tile
  std::uint64_t incidences = 0;           ///< of the larger side
  RowList nodes_down, nodes_up;
  std::int64_t ranges = 1;  ///< of vertices that threads share a single tile by
  RowList merge;  ///< slot <- slots of all ranges, as if they stood one range after the other; a part a thread
  Side input;
  Side output;         ///< empty where `square`
  bool square = true;  ///< as many input as output vertices
  /// How many threads have been quickest.
  std::shared_ptr<base::ThreadChoice> threads = std::make_shared<base::ThreadChoice>();
  [[nodiscard]] const Side& output_side() const { return square ? input : output; }
};

}  // namespace galena::hyper
