// Seeded random graphs. Every draw is a function of (seed, what it is for, which edge), so that blocks of
// edges are drawn in parallel and the graph does not depend on the number of threads.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "galena/error.hpp"
#include "galena/generate.hpp"
#include "src/base/random.hpp"
#include "src/base/threads.hpp"
#include "src/device/algorithms.hpp"
#include "src/graph/edge_block.hpp"

namespace galena {
namespace {

using base::RandomStream;
using detail::EdgeBlock;

// What a stream of draws is for: the same seed must not give two generators the same numbers.
enum Purpose : std::uint64_t { kRmat = 1, kEr, kSbm, kBa, kLabels };

constexpr std::uint64_t kEdgesPerBlock = std::uint64_t{1} << 16;
constexpr std::uint64_t kMostVertices = std::numeric_limits<VertexId>::max() - 1;

void check_vertices(std::uint64_t vertices) {
  if (vertices > kMostVertices) {
    throw InputError(fmt::format("{} vertices: at most {} are possible (ids have 32 bits)", vertices, kMostVertices));
  }
}

void check_probability(double p, const char* name) {
  if (!(p >= 0 && p <= 1)) throw InputError(fmt::format("{} = {}: expected a probability, 0 to 1", name, p));
}

// Blocks of `edges` edges, edge i made by make(i) as a pair.
template <class Make>
std::vector<EdgeBlock> make_blocks(std::uint64_t edges, const Make& make) {
  std::vector<EdgeBlock> blocks((edges + kEdgesPerBlock - 1) / kEdgesPerBlock);
  base::ErrorTrap trap;
#pragma omp parallel for schedule(dynamic, 1) num_threads(base::threads_for(blocks.size(), 1, 0))
  for (std::uint64_t b = 0; b < blocks.size(); ++b) {
    trap.run(b, [&] {
      EdgeBlock& block = blocks[b];
      const std::uint64_t first = b * kEdgesPerBlock;
      block.size = std::min(kEdgesPerBlock, edges - first);
      block.narrow = base::Array<std::uint32_t>(2 * block.size, "the edges of a random graph");
      for (std::uint64_t i = 0; i < block.size; ++i) {
        const auto [u, v] = make(first + i);
        block.narrow[2 * i] = u;
        block.narrow[2 * i + 1] = v;
      }
      block.max_id = std::numeric_limits<std::uint32_t>::max();
    });
  }
  trap.rethrow();
  return blocks;
}

Graph build(std::vector<EdgeBlock> blocks, std::uint64_t vertices) {
  detail::BlockOptions options;
  options.num_vertices = vertices;
  options.ids = detail::IdPolicy::keep;
  return detail::build_from_blocks(std::move(blocks), options);
}

using Pair = std::pair<VertexId, VertexId>;

// Pair number i of the n(n-1)/2 pairs (u, v), u < v, ordered by v: i = v(v-1)/2 + u.
Pair pair_of(std::uint64_t i) {
  auto v = static_cast<std::uint64_t>((1.0 + std::sqrt(1.0 + 8.0 * static_cast<double>(i))) / 2.0);
  while (v * (v - 1) / 2 > i) --v;  // the square root is rounded
  while (v * (v + 1) / 2 <= i) ++v;
  return {static_cast<VertexId>(i - v * (v - 1) / 2), static_cast<VertexId>(v)};
}

// `count` distinct numbers below `range`, increasing. Draws with replacement and tops up until enough are distinct;
// of more than half the range, the complement is drawn. A prefix of distinct draws is a uniform sample.
std::vector<std::uint64_t> sample(std::uint64_t range, std::uint64_t count, std::uint64_t seed) {
  std::vector<std::uint64_t> chosen;
  for (std::uint64_t drawn = 0; chosen.size() < count;) {
    const std::uint64_t missing = count - chosen.size();
    const std::size_t before = chosen.size();
    chosen.resize(before + missing);
#pragma omp parallel for schedule(static) num_threads(base::threads_for(missing, 1 << 14, 0))
    for (std::uint64_t i = 0; i < missing; ++i) {
      chosen[before + i] = RandomStream(seed, kEr, drawn + i).below(range);
    }
    drawn += missing;
    device::sort(std::span(chosen));
    chosen.resize(device::unique(std::span(chosen)));
  }
  return chosen;
}

std::vector<std::uint64_t> complement(const std::vector<std::uint64_t>& left_out, std::uint64_t range) {
  std::vector<std::uint64_t> kept;
  kept.reserve(range - left_out.size());
  auto next = left_out.begin();
  for (std::uint64_t i = 0; i < range; ++i) {
    if (next != left_out.end() && *next == i) {
      ++next;
    } else {
      kept.push_back(i);
    }
  }
  return kept;
}

}  // namespace

Graph generate_rmat(int scale, double edge_factor, std::uint64_t seed, double a, double b, double c) {
  if (scale < 0 || scale > 31) throw InputError(fmt::format("scale {}: expected 0 to 31 (2^scale vertices)", scale));
  if (!(edge_factor >= 0 && edge_factor <= 1e6)) {
    throw InputError(fmt::format("edge factor {}: expected 0 to 1000000 edges a vertex", edge_factor));
  }
  check_probability(a, "a");
  check_probability(b, "b");
  check_probability(c, "c");
  if (a + b + c > 1 + 1e-9) throw InputError(fmt::format("a + b + c = {}: expected at most 1", a + b + c));
  const std::uint64_t vertices = std::uint64_t{1} << scale;
  const auto edges = static_cast<std::uint64_t>(std::llround(edge_factor * static_cast<double>(vertices)));
  // 32-bit thresholds: comparing integers is exact on every machine.
  const auto threshold = [](double p) { return static_cast<std::uint64_t>(std::llround(p * 0x1.0p32)); };
  const std::uint64_t ta = threshold(a), tb = threshold(a + b), tc = threshold(a + b + c);
  return build(make_blocks(edges,
                           [&](std::uint64_t i) {
                             RandomStream random(seed, kRmat, i);
                             std::uint32_t u = 0, v = 0;
                             for (int level = 0; level < scale; ++level) {
                               const std::uint64_t draw = random.next32();
                               u = (u << 1) | (draw >= tb ? 1U : 0U);
                               v = (v << 1) | ((draw >= ta && draw < tb) || draw >= tc ? 1U : 0U);
                             }
                             return Pair{u, v};
                           }),
               vertices);
}

Graph generate_er(std::uint64_t vertices, std::uint64_t edges, std::uint64_t seed) {
  check_vertices(vertices);
  const std::uint64_t pairs = vertices < 2 ? 0 : vertices * (vertices - 1) / 2;
  if (edges > pairs) {
    throw InputError(fmt::format("{} edges: {} vertices have only {} pairs", edges, vertices, pairs));
  }
  base::check_memory(edges * 32, "the edges of a random graph");
  const bool dense = edges > pairs / 2;
  std::vector<std::uint64_t> chosen = sample(pairs, dense ? pairs - edges : edges, seed);
  if (dense) chosen = complement(chosen, pairs);
  return build(make_blocks(edges, [&](std::uint64_t i) { return pair_of(chosen[i]); }), vertices);
}

// Pairs with probability p, without looking at each: the gaps between chosen pairs are geometric
// (Batagelj and Brandes, "Efficient generation of large random networks", Physical Review E 71, 2005).
// Row v (pairs with smaller u) is one sequence of draws, so rows are independent.
Graph generate_sbm(std::uint64_t vertices, std::uint32_t blocks, double p_in, double p_out, std::uint64_t seed) {
  check_vertices(vertices);
  check_probability(p_in, "p_in");
  check_probability(p_out, "p_out");
  if (blocks == 0 || (blocks > vertices && vertices > 0)) {
    throw InputError(fmt::format("{} blocks: expected 1 to {} (the vertices)", blocks, vertices));
  }
  // Blocks are ranges of ids, whose sizes differ by at most one.
  const auto block_of = [&](std::uint64_t v) { return static_cast<Label>(v * blocks / vertices); };
  const auto begin_of = [&](std::uint64_t block) { return (block * vertices + blocks - 1) / blocks; };
  const auto draw_range = [&](std::uint64_t v, std::uint64_t from, std::uint64_t to, double p, std::uint64_t which,
                              std::vector<std::uint32_t>& ids) {
    if (p <= 0) return;
    RandomStream random(seed, kSbm, 2 * v + which);
    const double scale = p < 1 ? 1 / std::log1p(-p) : 0;
    for (std::uint64_t u = from;; ++u) {
      const double gap = p < 1 ? std::floor(std::log1p(-random.uniform()) * scale) : 0;
      if (gap >= static_cast<double>(to - u)) return;
      u += static_cast<std::uint64_t>(gap);
      if (u >= to) return;
      ids.push_back(static_cast<std::uint32_t>(u));
      ids.push_back(static_cast<std::uint32_t>(v));
    }
  };
  constexpr std::uint64_t kRows = 1024;
  std::vector<EdgeBlock> parts((vertices + kRows - 1) / kRows);
  base::ErrorTrap trap;
#pragma omp parallel for schedule(dynamic, 1) num_threads(base::threads_for(parts.size(), 1, 0))
  for (std::uint64_t part = 0; part < parts.size(); ++part) {
    trap.run(part, [&] {
      std::vector<std::uint32_t> ids;
      for (std::uint64_t v = part * kRows; v < std::min(vertices, (part + 1) * kRows); ++v) {
        const std::uint64_t own = begin_of(block_of(v));
        draw_range(v, 0, own, p_out, 0, ids);
        draw_range(v, own, v, p_in, 1, ids);
      }
      EdgeBlock& block = parts[part];
      block.size = ids.size() / 2;
      block.narrow = base::Array<std::uint32_t>(ids.size(), "the edges of a random graph");
      std::ranges::copy(ids, block.narrow.data());
      block.max_id = std::numeric_limits<std::uint32_t>::max();
    });
  }
  trap.rethrow();
  std::vector<Label> labels(vertices);
  for (std::uint64_t v = 0; v < vertices; ++v) labels[v] = block_of(v);
  return with_vertex_labels(build(std::move(parts), vertices), std::move(labels));
}

// Barabasi and Albert, "Emergence of scaling in random networks" (Science 286, 1999), drawn as Batagelj and
// Brandes (2005) do: edge i joins vertex i/k to whatever stands at a random earlier place of the list of all
// edge ends, where each vertex stands as often as its degree. A place of a target is itself a draw, followed
// backwards until it lands on a source (Sanders and Schulz, "Scalable generation of scale-free graphs", 2016):
// so edges need not wait for each other.
Graph generate_ba(std::uint64_t vertices, std::uint32_t edges_per_vertex, std::uint64_t seed) {
  check_vertices(vertices);
  const std::uint64_t k = edges_per_vertex;
  if (k == 0 || k > (std::uint64_t{1} << 20)) {
    throw InputError(fmt::format("{} edges a new vertex: expected 1 to {}", k, 1U << 20));
  }
  return build(make_blocks(vertices * k,
                           [&](std::uint64_t i) {
                             std::uint64_t place = 2 * i + 1;
                             while (place % 2 == 1) place = RandomStream(seed, kBa, place / 2).below(place);
                             return Pair{static_cast<VertexId>(i / k), static_cast<VertexId>(place / 2 / k)};
                           }),
               vertices);
}

Graph with_random_labels(const Graph& graph, std::uint32_t labels, std::uint64_t seed) {
  if (labels == 0) throw InputError("0 labels: expected at least one");
  std::vector<Label> drawn(graph.num_vertices());
  for (VertexId v = 0; v < graph.num_vertices(); ++v) {
    drawn[v] = static_cast<Label>(RandomStream(seed, kLabels, v).below(labels));
  }
  return with_vertex_labels(graph, std::move(drawn));
}

}  // namespace galena
