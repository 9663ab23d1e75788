#include "src/mine/algebra/costs.hpp"

#include <algorithm>
#include <limits>
#include <vector>

#include "codegen/runtime/chunk.h"
#include "src/base/hash.hpp"

namespace galena::mine {

using rt::vid;

namespace {

constexpr std::uint64_t kRoots = 48;
constexpr std::uint64_t kArcs = 1024;
constexpr std::uint64_t kEvery = 8;    ///< of these arcs the pairs of common neighbours are looked at too
constexpr double kMaxListBytes = 4e9;  ///< of triangle lists (triangles.hpp): 2 bytes a pair (arc, common neighbour)

double degree(const rt::GraphView& g, vid v) { return static_cast<double>(g.indptr[v + 1] - g.indptr[v]); }

/// The i-th of `count` draws from [0, size), one from each of equal stretches.
std::uint64_t drawn(std::uint64_t i, std::uint64_t count, std::uint64_t size) {
  const auto begin = static_cast<std::uint64_t>(static_cast<rt::u128>(size) * i / count);
  const auto end = static_cast<std::uint64_t>(static_cast<rt::u128>(size) * (i + 1) / count);
  return begin + base::mix64((i + 1) * 0x9e3779b97f4a7c15ULL) % std::max<std::uint64_t>(1, end - begin);
}

/// What lies two steps from x, and is after x where `below`.
void sample_root(const rt::GraphView& g, vid x, double weight, std::vector<vid>& seen, vid stamp,
                 codegen::RowCosts& costs) {
  for (std::uint64_t i = g.indptr[x]; i < g.indptr[x + 1]; ++i) {
    const vid y = g.indices[i];
    for (std::uint64_t j = g.indptr[y]; j < g.indptr[y + 1]; ++j) {
      const vid z = g.indices[j];
      if (seen[z] == stamp) continue;
      seen[z] = stamp;
      costs.reach += weight;
      costs.far += weight * degree(g, z);
      if (z <= x) continue;  // a few of these are reached by what is not after x: an upper bound
      costs.reach_below += weight;
      costs.far_below += weight * 2 * (degree(g, z) - g.split[z]);
    }
  }
}

std::vector<vid> common(const rt::GraphView& g, vid u, vid v) {
  const vid *a = g.indices + g.indptr[u], *a_end = g.indices + g.indptr[u + 1];
  const vid *b = g.indices + g.indptr[v], *b_end = g.indices + g.indptr[v + 1];
  std::vector<vid> found;
  while (a != a_end && b != b_end) {
    if (*a == *b) found.push_back(*a);
    const bool left = *a <= *b, right = *b <= *a;
    a += left ? 1 : 0;
    b += right ? 1 : 0;
  }
  return found;
}

/// Ordered pairs of adjacent vertices among these; of many, those among a few, evenly taken, stand for all.
double arcs_among(const rt::GraphView& g, const std::vector<vid>& vertices) {
  constexpr std::size_t kFew = 64;
  const std::size_t step = (vertices.size() + kFew - 1) / kFew;
  double adjacent = 0, asked = 0;
  for (std::size_t i = 0; i < vertices.size(); i += step) {
    const vid u = vertices[i];
    for (std::size_t j = i + step; j < vertices.size(); j += step) {
      adjacent += std::binary_search(g.indices + g.indptr[u], g.indices + g.indptr[u + 1], vertices[j]) ? 1 : 0;
      ++asked;
    }
  }
  const auto t = static_cast<double>(vertices.size());
  return asked > 0 ? adjacent / asked * t * (t - 1) : 0;
}

}  // namespace

codegen::RowCosts row_costs(const rt::GraphView& g) {
  codegen::RowCosts costs;
  if (g.n == 0 || g.indptr[g.n] == 0) return costs;
  const std::uint64_t arcs = g.indptr[g.n];
  costs.arcs = static_cast<double>(arcs);
  for (vid v = 0; v < g.n; ++v) {
    const double d = degree(g, v), s = g.split[v];
    costs.vertices += d > 0 ? 1 : 0;
    costs.wedges += d * d;
    costs.wedges_below += s * (d - 1) - s * (s - 1) / 2;
  }
  const std::uint64_t units = arcs + g.n;
  std::vector<vid> seen(g.n);
  for (std::uint64_t i = 0; i < kRoots; ++i) {
    const vid x = rt::vertex_of_unit(g, drawn(i, kRoots, units));
    const double weight = static_cast<double>(units) / (kRoots * (1 + degree(g, x)));
    sample_root(g, x, weight, seen, static_cast<vid>(i + 1), costs);
  }
  for (std::uint64_t i = 0; i < kArcs; ++i) {
    const std::uint64_t arc = drawn(i, kArcs, arcs);
    const auto after = std::upper_bound(g.indptr, g.indptr + g.n + 1, arc);
    const std::vector<vid> thirds = common(g, static_cast<vid>(after - g.indptr - 1), g.indices[arc]);
    const auto t = static_cast<double>(thirds.size());
    if (i % kEvery == 0) costs.fours += arcs_among(g, thirds) * costs.arcs * kEvery / kArcs;
    costs.triangles += t * costs.arcs / kArcs;
    costs.squares += t * t * costs.arcs / kArcs;
  }
  if (2 * costs.triangles > kMaxListBytes)
    costs.triangles = costs.squares = costs.fours = std::numeric_limits<double>::infinity();
  return costs;
}

}  // namespace galena::mine
