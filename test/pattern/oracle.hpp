#pragma once
// Isomorphism and automorphisms by trying every permutation.

#include <algorithm>
#include <bit>
#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

#include "galena/pattern.hpp"

namespace galena::test {

/// Whether mapping vertex v of `a` to p[v] of `b` keeps edges, anti-edges and labels (not conditions).
inline bool maps_structure(const Pattern& a, const Pattern& b, const std::vector<int>& p) {
  const auto at = [&](int v) { return p[static_cast<std::size_t>(v)]; };
  for (int v = 0; v < a.size(); ++v) {
    if (a.vertex(v).label != b.vertex(at(v)).label) return false;
    for (int u = 0; u < v; ++u) {
      if (a.adjacent(u, v) != b.adjacent(at(u), at(v)) || a.separated(u, v) != b.separated(at(u), at(v))) return false;
      if (a.edge_label(u, v) != b.edge_label(at(u), at(v))) return false;
    }
  }
  return true;
}

inline std::vector<int> identity(int size) {
  std::vector<int> p(static_cast<std::size_t>(size));
  std::iota(p.begin(), p.end(), 0);
  return p;
}

inline bool isomorphic_by_brute_force(const Pattern& a, const Pattern& b) {
  if (a.size() != b.size() || a.edges().size() != b.edges().size()) return false;
  std::vector<int> p = identity(a.size());
  do {
    if (maps_structure(a, b, p)) return true;
  } while (std::next_permutation(p.begin(), p.end()));
  return false;
}

/// A random pattern; each probability in [0, 1]. Labels are 0..1.
struct RandomPattern {
  double edge = 0.5, anti_edge = 0, vertex_label = 0, edge_label = 0;
  Pattern operator()(int size, std::mt19937& random) const {
    const auto chance = [&](double p) { return std::uniform_real_distribution<>(0, 1)(random) < p; };
    const auto label = [&](double p) {
      if (!chance(p)) return LabelSet{};
      return LabelSet{chance(0.3) ? LabelSet::Kind::none_of : LabelSet::Kind::one_of, {chance(0.5) ? 1U : 0U}};
    };
    Pattern pattern(size, {});
    for (int v = 0; v < size; ++v) {
      pattern.set_label(v, label(vertex_label));
      for (int u = 0; u < v; ++u) {
        if (chance(edge)) {
          pattern.add_edge(u, v, label(edge_label));
        } else if (chance(anti_edge)) {
          pattern.add_anti_edge(u, v);
        }
      }
    }
    return pattern;
  }
};

}  // namespace galena::test
