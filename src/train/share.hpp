#pragma once
// A rank's share of a partitioned graph: its GraphView, and who sends which rows to whom.
//
// Every rank has the whole graph's structure (the data set is read by each process), so both ends of a route work
// out the same lists by themselves: no index is ever sent.
//
// A hypergraph has two shares, one a direction: in the first, rows of vertices go to the owners of hyperedges, in the
// second, `back`, rows of hyperedges to the owners of vertices. At hop h, step(h) is the one that counts.

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "galena/graph.hpp"
#include "galena/hypergraph.hpp"
#include "src/nn/graph_view.hpp"

namespace galena::train {

/// Rows that go from one rank to another, in the order of the receiver's halo. A row is needed at hops 0 .. last_hop:
/// hop h's exchange carries the first hop_count[h] of them.
struct Route {
  int peer = 0;
  std::vector<VertexId> rows;            ///< sender: inner numbers; receiver: halo numbers, a contiguous run
  std::vector<VertexId> ids;             ///< global ids
  std::vector<std::uint32_t> hop_count;  ///< [hops] prefix needed at each hop of a pruned pass
  std::vector<float> importance;         ///< sum over the receiver's edges of squared GCN weights
};

struct Share {
  [[nodiscard]] const Share& step(int hop) const { return back && hop % 2 != 0 ? *back : *this; }
  int rank = 0, ranks = 1;
  nn::GraphView view;
  /// Inner rows at each hop of a pruned pass, hops + 1 numbers; empty where the pass is not pruned.
  std::vector<std::int64_t> hop_rows;
  std::vector<Route> sends, receives;  ///< by peer, increasing; only peers with rows
  std::uint64_t total_boundary = 0;    ///< rows of all routes of all ranks, of this direction
  std::shared_ptr<const Share> back;   ///< of a hypergraph
};

struct ShareOptions {
  /// Aggregations until the loss; < 0: nothing is pruned.
  int hops = -1;
  /// Vertices the loss reads. Of all ranks, global ids.
  std::span<const VertexId> targets;
};

/// Builds the share of `rank`. `part_of` has a rank for each vertex. Messages go along edges: in a directed graph a
/// vertex hears those that point to it. Throws InputError where part_of does not fit the graph.
Share build_share(const Graph& graph, std::span<const std::uint32_t> part_of, int ranks, int rank,
                  const ShareOptions& options);

/// The same of a hypergraph; `part_of` has a rank for each vertex, then for each hyperedge. A hop leads to hyperedges or
/// back, so an even number of hops leads to the loss.
Share build_share(const Hypergraph& hypergraph, std::span<const std::uint32_t> part_of, int ranks, int rank,
                  const ShareOptions& options);

}  // namespace galena::train
