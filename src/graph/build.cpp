// From edges to a Graph: which ids are kept, and what is reported.

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "galena/error.hpp"
#include "src/base/threads.hpp"
#include "src/graph/edge_block.hpp"
#include "src/graph/storage.hpp"

namespace galena {
namespace detail {
namespace {

constexpr std::uint64_t kMostVertices = std::numeric_limits<VertexId>::max() - 1;
// Ids this much further than there are edges still make good array positions.
constexpr std::uint64_t kDense = 4;

// The exact largest id; blocks know an upper bound.
std::uint64_t find_max_id(const std::vector<EdgeBlock>& blocks, int threads) {
  std::uint64_t largest = 0;
#pragma omp parallel for schedule(dynamic, 1) reduction(max        \
                                                        : largest) \
    num_threads(base::threads_for(blocks.size(), 2, threads))
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    const EdgeBlock& block = blocks[b];
    if (block.size == 0 || block.max_id <= largest) continue;
    const std::uint64_t ids = 2 * block.size;
    largest = std::max<std::uint64_t>(largest, block.is_wide
                                                   ? *std::max_element(block.wide.data(), block.wide.data() + ids)
                                                   : *std::max_element(block.narrow.data(), block.narrow.data() + ids));
  }
  return largest;
}

void check_count(std::uint64_t vertices) {
  if (vertices <= kMostVertices) return;
  throw InputError(fmt::format("the graph has {} vertices, and at most {} are possible (ids have 32 bits)", vertices,
                               kMostVertices));
}

bool keep_ids(const BlockOptions& options, std::uint64_t reach, std::uint64_t edges) {
  if (options.ids != IdPolicy::automatic) return options.ids == IdPolicy::keep;
  return reach <= options.num_vertices || reach <= kDense * (edges + options.num_vertices);
}

}  // namespace

Graph build_from_blocks(std::vector<EdgeBlock> blocks, const BlockOptions& options) {
  std::uint64_t edges = 0;
  for (const EdgeBlock& block : blocks) edges += block.size;
  // One past the largest id; an id of 2^64-1 still compares as large.
  const std::uint64_t max_id = find_max_id(blocks, options.threads);
  const std::uint64_t reach = edges == 0                                            ? 0
                              : max_id == std::numeric_limits<std::uint64_t>::max() ? max_id
                                                                                    : max_id + 1;
  std::uint64_t vertices = std::max(options.num_vertices, reach);
  const bool keep = keep_ids(options, reach, edges) && (vertices <= kMostVertices || options.ids == IdPolicy::keep);
  auto storage = std::make_shared<Graph::Storage>();
  check_count(options.num_vertices);
  if (keep) {
    check_count(vertices);
  } else {
    const auto& originals = storage->keep(compact_ids(blocks, options.num_vertices, options.threads));
    vertices = originals.size();
    check_count(vertices);
    // Ids that turn out to be 0..n-1 already need no names.
    if (vertices != reach) storage->original_ids = originals.span();
  }
  Csr csr = build_csr(std::move(blocks), vertices, options.directed, options.threads);
  storage->report = csr.report;
  storage->report.relabelled = !storage->original_ids.empty();
  storage->directed = options.directed;
  storage->edge_labels = storage->keep(std::move(csr.labels)).span();
  storage->indptr = storage->keep(std::move(csr.indptr)).span();
  storage->indices = storage->keep(std::move(csr.indices)).span();
  storage->max_degree = find_max_degree(storage->indptr, options.threads);
  return Graph(std::move(storage));
}

}  // namespace detail

namespace {

constexpr std::size_t kEdgesPerBlock = std::size_t{1} << 17;

detail::EdgeBlock make_block(const EdgeList& edges, std::size_t from, std::size_t to) {
  detail::EdgeBlock block;
  block.size = to - from;
  for (std::size_t i = from; i < to; ++i) block.max_id = std::max({block.max_id, edges.source[i], edges.target[i]});
  block.is_wide = block.max_id > std::numeric_limits<std::uint32_t>::max();
  const auto fill = [&](auto& ids) {
    ids = std::remove_reference_t<decltype(ids)>(2 * block.size, "the edges");
    using Id = std::remove_reference_t<decltype(ids[0])>;
    for (std::size_t i = from; i < to; ++i) {
      ids[2 * (i - from)] = static_cast<Id>(edges.source[i]);
      ids[2 * (i - from) + 1] = static_cast<Id>(edges.target[i]);
    }
  };
  if (block.is_wide) {
    fill(block.wide);
  } else {
    fill(block.narrow);
  }
  if (!edges.labels.empty()) {
    block.labels.assign(edges.labels.begin() + static_cast<std::ptrdiff_t>(from),
                        edges.labels.begin() + static_cast<std::ptrdiff_t>(to));
  }
  return block;
}

}  // namespace

Graph build_graph(EdgeList edges, const BuildOptions& options) {
  const std::size_t count = edges.source.size();
  if (edges.target.size() != count || (!edges.labels.empty() && edges.labels.size() != count)) {
    throw InputError(fmt::format("an edge list of {} sources, {} targets and {} labels: expected equal lengths", count,
                                 edges.target.size(), edges.labels.size()));
  }
  std::vector<detail::EdgeBlock> blocks((count + kEdgesPerBlock - 1) / kEdgesPerBlock);
  base::ErrorTrap trap;
#pragma omp parallel for schedule(dynamic, 1) num_threads(base::threads_for(blocks.size(), 1, options.threads))
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    trap.run(b, [&] { blocks[b] = make_block(edges, b * kEdgesPerBlock, std::min(count, (b + 1) * kEdgesPerBlock)); });
  }
  trap.rethrow();
  edges = {};
  detail::BlockOptions block_options;
  block_options.directed = options.directed;
  block_options.num_vertices = options.num_vertices;
  block_options.threads = options.threads;
  return detail::build_from_blocks(std::move(blocks), block_options);
}

}  // namespace galena
