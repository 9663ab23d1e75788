#include "codegen/passes/statistics.hpp"

#include <algorithm>
#include <cmath>

namespace galena::codegen {

namespace {

/// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): a counter-based stream of random words.
std::uint64_t random_word(std::uint64_t counter) {
  std::uint64_t z = (counter + 1) * 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

double share_of(const std::map<Label, double>& shares, const LabelSet& set) {
  if (set.kind == LabelSet::Kind::any) return 1;
  double listed = 0;
  for (const Label label : set.labels) {
    const auto found = shares.find(label);
    if (found != shares.end()) listed += found->second;
  }
  return std::max(1e-9, set.kind == LabelSet::Kind::one_of ? listed : 1 - listed);
}

double closure_of(const rt::GraphView& g) {
  const std::uint64_t arcs = g.indptr[g.n];
  if (arcs == 0) return 0;
  constexpr std::uint64_t kSamples = 4096;
  std::uint64_t wedges = 0;
  std::uint64_t closed = 0;
  for (std::uint64_t i = 0; i < kSamples; ++i) {
    const std::uint64_t arc = random_word(2 * i) % arcs;
    const rt::vid centre = g.indices[arc];
    const std::uint64_t degree = g.indptr[centre + 1] - g.indptr[centre];
    const rt::vid one = g.indices[g.indptr[centre] + random_word(2 * i + 1) % degree];
    const auto* end = std::upper_bound(g.indptr, g.indptr + g.n + 1, arc);
    const auto other = static_cast<rt::vid>(end - g.indptr - 1);
    if (one == other) continue;
    ++wedges;
    if (std::binary_search(g.indices + g.indptr[one], g.indices + g.indptr[one + 1], other)) ++closed;
  }
  return wedges == 0 ? 0 : static_cast<double>(closed) / static_cast<double>(wedges);
}

}  // namespace

double GraphStatistics::vertex_share(const LabelSet& set) const { return share_of(vertex_labels, set); }
double GraphStatistics::edge_share(const LabelSet& set) const { return share_of(edge_labels, set); }

GraphStatistics GraphStatistics::typical() {
  GraphStatistics s;
  s.vertices = 50'000;
  s.arcs = 800'000;
  s.max_degree = 2'000;
  s.max_below = 200;
  s.mean_degree = 16;
  s.biased_degree = 150;
  s.biased_below = 20;
  s.biased_above = 130;
  s.closure = 0.12;
  return s;
}

GraphStatistics GraphStatistics::of(const rt::GraphView& g) {
  GraphStatistics s;
  s.vertices = g.n;
  s.arcs = g.n == 0 ? 0 : static_cast<double>(g.indptr[g.n]);
  s.max_degree = g.max_degree;
  if (s.arcs == 0) return s;
  for (rt::vid v = 0; v < g.n; ++v) {
    const auto degree = static_cast<double>(g.indptr[v + 1] - g.indptr[v]);
    s.biased_degree += degree * degree;
    s.biased_below += degree * g.split[v];
    s.max_below = std::max<double>(s.max_below, g.split[v]);
    if (g.vlabels != nullptr) s.vertex_labels[g.vlabels[v]] += degree / s.arcs;
  }
  if (g.elabels != nullptr)
    for (std::uint64_t a = 0; a < g.indptr[g.n]; ++a) s.edge_labels[g.elabels[a]] += 1 / s.arcs;
  s.mean_degree = s.arcs / s.vertices;
  s.biased_degree /= s.arcs;
  s.biased_below /= s.arcs;
  s.biased_above = s.biased_degree - s.biased_below;
  s.closure = closure_of(g);
  return s;
}

}  // namespace galena::codegen
