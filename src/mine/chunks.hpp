#pragma once
// Cutting a graph's units of work into chunks.

#include <cstdint>
#include <vector>

#include "codegen/runtime/abi.h"

namespace galena::mine {

struct ChunkPlan {
  std::vector<rt::Chunk> chunks;
  std::vector<double> weight;  ///< by chunk: its share of the work, in sum 1
};

/// About `pieces` chunks of like weight, the weight of arc (u, v) being 1 + deg(u) + deg(v), or
/// for `deep` plans 1 + deg(u) * deg(v). An arc heavier than two chunks is split into parts.
/// Depends on the graph and the arguments only, not on the machine: checkpoints name chunks.
ChunkPlan cut(const rt::GraphView& graph, std::uint64_t pieces, bool deep);

/// About so many chunks of whole vertices, for plans that walk only the neighbours of v below v, of which there are
/// `split[v]`: the weight of v is that squared, and a share of its degree. Cut by arcs, a hub would be prepared again
/// for each of many chunks that have next to nothing to do.
ChunkPlan cut_whole(const rt::GraphView& graph, std::uint64_t pieces);

}  // namespace galena::mine
