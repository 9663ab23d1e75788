// Every vertex set that induces pattern q holds a number of copies of p that depends on p and q
// alone, so edge-induced counts are sums of induced ones, and back again by Moebius inversion
// over the sets of added edges (used for motifs since Hocevar and Demsar 2014 and Pinar et al.
// 2017; for single patterns by Pattern Morphing, Jamshidi et al. 2020):
//   I(p) = sum over q containing p of (-1)^(edges(q) - edges(p)) copies(p in q) E(q).

#include "codegen/passes/spanning.hpp"

#include <algorithm>
#include <map>

#include "codegen/pattern/automorphism.hpp"
#include "codegen/pattern/canonical.hpp"

namespace galena::codegen {

namespace {

constexpr int kMaxVertices = 6;

/// Bijections that send every edge of part to an edge of host.
std::uint64_t embeddings(const Pattern& part, const Pattern& host, std::vector<int>& image, std::uint32_t used) {
  const int u = static_cast<int>(image.size());
  if (u == part.size()) return 1;
  std::uint64_t total = 0;
  for (int x = 0; x < host.size(); ++x) {
    if ((used >> x) & 1U) continue;
    bool kept = true;
    for (int w = 0; w < u && kept; ++w)
      kept = !part.adjacent(u, w) || host.adjacent(x, image[static_cast<std::size_t>(w)]);
    if (!kept) continue;
    image.push_back(x);
    total += embeddings(part, host, image, used | (std::uint32_t{1} << x));
    image.pop_back();
  }
  return total;
}

/// The pattern without labels and anti-edges.
Pattern skeleton(const Pattern& pattern) {
  std::vector<std::pair<int, int>> edges;
  for (const Pattern::Edge& edge : pattern.edges()) edges.emplace_back(edge.u, edge.v);
  return {pattern.size(), edges};
}

}  // namespace

std::uint64_t spanning_copies(const Pattern& part, const Pattern& host) {
  std::vector<int> image;
  return embeddings(part, host, image, 0) / static_cast<std::uint64_t>(Automorphisms(part).size());
}

std::vector<std::vector<std::uint64_t>> spanning_matrix(const std::vector<Pattern>& patterns) {
  std::vector<std::vector<std::uint64_t>> matrix(patterns.size(), std::vector<std::uint64_t>(patterns.size()));
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    const auto symmetries = static_cast<std::uint64_t>(Automorphisms(patterns[i]).size());
    std::vector<int> image;
    for (std::size_t j = 0; j < patterns.size(); ++j)
      if (patterns[i].edges().size() <= patterns[j].edges().size())
        matrix[i][j] = embeddings(patterns[i], patterns[j], image, 0) / symmetries;
  }
  return matrix;
}

std::optional<InducedSum> induced_as_sum(const Pattern& pattern) {
  if (pattern.size() > kMaxVertices || !pattern.connected()) return std::nullopt;
  InducedSum result;
  result.patterns.push_back(skeleton(pattern));
  std::map<std::string, bool> seen{{canonical_code(result.patterns.front()), true}};
  for (std::size_t i = 0; i < result.patterns.size(); ++i) {
    for (int u = 0; u < pattern.size(); ++u)
      for (int w = u + 1; w < pattern.size(); ++w) {
        Pattern denser = result.patterns[i];
        if (denser.adjacent(u, w)) continue;
        denser.add_edge(u, w);
        if (seen.emplace(canonical_code(denser), true).second) result.patterns.push_back(denser);
      }
  }
  for (const Pattern& host : result.patterns) {
    const auto copies = static_cast<std::int64_t>(spanning_copies(result.patterns.front(), host));
    const bool odd = (host.edges().size() - pattern.edges().size()) % 2 == 1;
    result.coefficients.push_back(odd ? -copies : copies);
  }
  return result;
}

}  // namespace galena::codegen
