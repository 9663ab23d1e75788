#include <algorithm>
#include <bit>
#include <numeric>

#include "galena/hypergraph.hpp"

namespace galena {
namespace {

// Lengths of the lists of a CSR, in bins 0, 1, 2-3, 4-7, ...
std::vector<DegreeBin> bin_lengths(std::span<const EdgeOffset> indptr, std::uint64_t& largest) {
  std::vector<DegreeBin> bins;
  for (std::size_t i = 0; i + 1 < indptr.size(); ++i) {
    const std::uint64_t length = indptr[i + 1] - indptr[i];
    largest = std::max(largest, length);
    const auto bin = static_cast<std::size_t>(std::bit_width(length));
    while (bins.size() <= bin) {
      const std::uint64_t low = bins.empty() ? 0 : std::uint64_t{1} << (bins.size() - 1);
      bins.push_back({low, bins.empty() ? 0 : 2 * low - 1, 0});
    }
    ++bins[bin].vertices;
  }
  return bins;
}

std::uint64_t count_distinct(const Hypergraph& hypergraph) {
  std::vector<HyperedgeId> order(hypergraph.num_hyperedges());
  std::iota(order.begin(), order.end(), HyperedgeId{0});
  const auto less = [&](HyperedgeId a, HyperedgeId b) {
    return std::ranges::lexicographical_compare(hypergraph.members(a), hypergraph.members(b));
  };
  std::ranges::sort(order, less);
  const auto same = [&](HyperedgeId a, HyperedgeId b) {
    return std::ranges::equal(hypergraph.members(a), hypergraph.members(b));
  };
  return static_cast<std::uint64_t>(std::unique(order.begin(), order.end(), same) - order.begin());
}

}  // namespace

HypergraphStats hypergraph_stats(const Hypergraph& hypergraph) {
  HypergraphStats stats;
  stats.vertices = hypergraph.num_vertices();
  stats.hyperedges = hypergraph.num_hyperedges();
  stats.incidences = hypergraph.num_incidences();
  stats.sizes = bin_lengths(hypergraph.edge_indptr(), stats.max_hyperedge);
  stats.degrees = bin_lengths(hypergraph.vertex_indptr(), stats.max_degree);
  if (stats.sizes.size() > 1) stats.singletons = stats.sizes[1].vertices;
  if (!stats.degrees.empty()) stats.isolated = stats.degrees[0].vertices;
  stats.distinct_hyperedges = count_distinct(hypergraph);
  return stats;
}

}  // namespace galena
