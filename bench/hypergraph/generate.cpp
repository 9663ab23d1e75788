#include "bench/hypergraph/generate.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "src/base/random.hpp"

namespace galena::bench {
namespace {

constexpr std::uint64_t kGiants = 4;

std::uint64_t draw_size(Sizes sizes, double mean, base::RandomStream& random) {
  if (sizes != Sizes::power_law) return static_cast<std::uint64_t>(mean / 2 + random.uniform() * mean + 0.5);
  // P(size > s) = (s / least)^-1.5, whose mean is 3 * least.
  return static_cast<std::uint64_t>(std::max(1.0, mean / 3 * std::pow(1 - random.uniform(), -1 / 1.5)));
}

}  // namespace

Hypergraph generate(Sizes sizes, std::uint64_t vertices, std::uint64_t hyperedges, double mean, std::uint64_t seed) {
  base::RandomStream random(seed, 1);
  const auto window = std::min<std::uint64_t>(vertices, 512);
  HypergraphArrays arrays;
  arrays.num_vertices = vertices;
  std::vector<VertexId> members;
  for (std::uint64_t e = 0; e < hyperedges; ++e) {
    members.clear();
    const bool giant = sizes == Sizes::giants && e % std::max<std::uint64_t>(hyperedges / kGiants, 1) == 0;
    const std::uint64_t size =
        std::min(vertices, giant ? vertices / kGiants : std::max<std::uint64_t>(draw_size(sizes, mean, random), 1));
    // Windows in an order that hides them, as in real data.
    const std::uint64_t start = e * 0x9E3779B97F4A7C15U % vertices;
    for (std::uint64_t k = 0; k < size; ++k) {
      const bool anywhere = giant || size > window / 2 || random.below(8) == 0;
      const std::uint64_t v = anywhere ? random.below(vertices) : (start + random.below(window)) % vertices;
      members.push_back(static_cast<VertexId>(v));
    }
    std::ranges::sort(members);
    members.erase(std::unique(members.begin(), members.end()), members.end());
    arrays.members.insert(arrays.members.end(), members.begin(), members.end());
    arrays.indptr.push_back(arrays.members.size());
  }
  return Hypergraph::from_arrays(std::move(arrays));
}

}  // namespace galena::bench
