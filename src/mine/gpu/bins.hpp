#pragma once
// Which chunks go to warps and which to blocks, and how large their buffers must be.

#include <cstdint>
#include <span>
#include <vector>

#include "codegen/plan/plan.hpp"
#include "codegen/runtime/abi.h"
#include "codegen/runtime/gpu_job.h"
#include "src/mine/gpu/machine.hpp"

namespace galena::mine::gpu {

/// What bounds the sets of a chunk.
struct Reach {
  rt::vid root = 0;         ///< the largest degree of its v0
  rt::vid second = 0;       ///< the largest degree of their neighbours
  rt::vid below = 0;        ///< the most neighbours below its v0
  rt::vid first = 0;        ///< of its v0
  std::uint64_t roots = 0;  ///< how many those are
};

/// The largest sets that the chunks of one graph can lead to.
class Bounds {
 public:
  /// Of a graph whose vertices are numbered by falling degree, as mining has them.
  explicit Bounds(const rt::GraphView& graph) : graph_(graph) {}

  /// Of each chunk, in one walk where they are in order.
  [[nodiscard]] std::vector<Reach> reach(std::span<const rt::Chunk> chunks) const;

  /// Elements that no set the plan writes to a buffer has more of while it runs this chunk. Sets around v0 and v1
  /// are bounded by the degrees there are in the chunk, deeper ones by the graph's largest.
  [[nodiscard]] std::uint64_t slot(const codegen::Plan& plan, const Reach& chunk) const;
  /// Words that the plan's largest local graph takes while it runs this chunk: with all rows, or with one.
  struct LocalWords {
    std::uint64_t all = 0, row = 0;
  };
  [[nodiscard]] LocalWords local(const codegen::Plan& plan, const Reach& chunk) const;

 private:
  /// Elements of a set at the most, while the chunk runs.
  class Most;
  const rt::GraphView& graph_;
};

struct Limits {
  /// Elements that a warp's buffers hold at the most; chunks that turn out to need more go on to blocks.
  std::uint64_t warp_slot = 4096;
  /// Words that a local graph takes at the most, unless one row is longer.
  std::uint64_t warp_local = rt::kWarpLocal, block_local = rt::kBlockLocal;
  /// Words of matches that a worker keeps of a LIST chunk.
  std::uint64_t warp_log = 1 << 16, block_log = 1 << 20;
  /// Words of matches, or of local counts of chunks in pieces, for which a launch has room beside its workers' logs.
  std::uint64_t rows = 1 << 24;
  /// Pieces of chunks that a launch's teams may give each other.
  std::uint64_t pieces = 1 << 18;
  std::uint32_t give_every = rt::kGiveEvery;
};

/// The team that a chunk begins with, by its share of the work relative to the average: a block where it is heavy, else
/// a warp. Where the plan has tables of all vertices, a block too where its lists keep one busy, or where the memory
/// does not hold tables for warps.
inline constexpr double kHeavy = 4;
inline constexpr rt::vid kLongList = 512;
Team team_for(const codegen::Plan& plan, double weight, const Reach& reach, bool warps_hold_tables);
/// Whether tables of so many warps fit a share of so many bytes.
bool warps_hold_tables(const codegen::Plan& plan, std::uint64_t n_padded, std::uint64_t warps, std::uint64_t bytes);

/// Vertices of a worker's table.
std::uint64_t padded_vertices(const rt::GraphView& graph);
/// Bytes of a worker's tables.
std::uint64_t table_bytes(const codegen::Plan& plan, std::uint64_t n_padded);

/// What one worker needs.
struct Room {
  std::uint64_t slot = 0;   ///< elements a slot
  std::uint64_t local = 0;  ///< words a local graph
  std::uint64_t log = 0;    ///< words
  std::uint64_t bytes = 0;
};
Room room_for(const codegen::Plan& plan, const Bounds& bounds, Team team, std::uint64_t n_padded,
              std::span<const Reach> chunks, const Limits& limits);

}  // namespace galena::mine::gpu
