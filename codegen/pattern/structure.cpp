#include "codegen/pattern/structure.hpp"

#include <algorithm>
#include <bit>
#include <map>

namespace galena::codegen {
namespace {

constexpr Mask bit(int v) { return Mask{1} << v; }
std::size_t at(int v) { return static_cast<std::size_t>(v); }

void append(Key& key, const LabelSet& set) {
  key.push_back(static_cast<int>(set.kind));
  key.push_back(static_cast<std::int64_t>(set.labels.size()));
  key.insert(key.end(), set.labels.begin(), set.labels.end());
}

// What the conjuncts that name all of `roles` say when those vertices are written 0, 1, ... and
// every other one as roles.size().
void append_roles(Key& key, std::span<const Condition> conjuncts, std::span<const Mask> named,
                  std::initializer_list<int> roles) {
  std::array<int, kMaxPatternVertices> rename;
  rename.fill(static_cast<int>(roles.size()));
  Mask mask = 0;
  int next = 0;
  for (const int v : roles) {
    rename[at(v)] = next++;
    mask |= bit(v);
  }
  std::vector<Key> parts;
  for (std::size_t i = 0; i < conjuncts.size(); ++i) {
    if ((named[i] & mask) == mask) parts.push_back(encode(conjuncts[i], rename));
  }
  std::sort(parts.begin(), parts.end());
  key.push_back(static_cast<std::int64_t>(parts.size()));
  for (const Key& part : parts) key.insert(key.end(), part.begin(), part.end());
}

std::vector<Mask> masks_of(std::span<const Condition> conjuncts) {
  std::vector<Mask> masks;
  for (const Condition& conjunct : conjuncts) masks.push_back(conjunct.vertices());
  return masks;
}

// Repeated conjuncts say nothing new.
std::vector<Condition> distinct_conjuncts(const Pattern& pattern) {
  std::array<int, kMaxPatternVertices> same;
  for (int v = 0; v < kMaxPatternVertices; ++v) same[at(v)] = v;
  std::map<Key, Condition> distinct;
  for (Condition& conjunct : normal_conjuncts(pattern.conditions())) {
    Key key = encode(conjunct, same);
    distinct.emplace(std::move(key), std::move(conjunct));
  }
  std::vector<Condition> result;
  for (auto& [key, conjunct] : distinct) result.push_back(std::move(conjunct));
  return result;
}

std::uint16_t rank_in(const std::vector<Key>& palette, const Key& key) {
  return static_cast<std::uint16_t>(std::lower_bound(palette.begin(), palette.end(), key) - palette.begin());
}

void sort_palette(std::vector<Key>& palette) {
  std::sort(palette.begin(), palette.end());
  palette.erase(std::unique(palette.begin(), palette.end()), palette.end());
}

}  // namespace

Structure::Structure(const Pattern& pattern, Mask fixed) : size(pattern.size()) {
  const std::vector<Condition> conjuncts = distinct_conjuncts(pattern);
  color_vertices(pattern, fixed, conjuncts);
  color_pairs(pattern, conjuncts);
  for (const Condition& conjunct : conjuncts) {
    if (std::popcount(conjunct.vertices()) > 2) wide.push_back(conjunct);
  }
  wide_code = encode_wide(identity_permutation());
  fill_rows();
}

void Structure::color_vertices(const Pattern& pattern, Mask fixed, std::span<const Condition> conjuncts) {
  const std::vector<Mask> named = masks_of(conjuncts);
  std::vector<Key> keys(at(size));
  for (int v = 0; v < size; ++v) {
    Key& key = keys[at(v)];
    key.push_back((fixed & bit(v)) != 0 ? v + 1 : 0);
    append(key, pattern.vertex(v).label);
    append_roles(key, conjuncts, named, {v});
  }
  vertex_palette = keys;
  sort_palette(vertex_palette);
  for (int v = 0; v < size; ++v) vertex_color[at(v)] = rank_in(vertex_palette, keys[at(v)]);
}

void Structure::color_pairs(const Pattern& pattern, std::span<const Condition> conjuncts) {
  const std::vector<Mask> named = masks_of(conjuncts);
  std::map<Key, std::vector<std::pair<int, int>>> pairs;
  for (int v = 0; v < size; ++v) {
    for (int u = 0; u < size; ++u) {
      if (u == v) continue;
      Key key{pattern.adjacent(v, u) ? 1 : pattern.separated(v, u) ? 2 : 0};
      append(key, pattern.edge_label(v, u));
      if (!conjuncts.empty()) append_roles(key, conjuncts, named, {v, u});
      pairs[std::move(key)].emplace_back(v, u);
    }
  }
  for (const auto& [key, members] : pairs) {
    for (const auto& [v, u] : members) pair_color[at(v)][at(u)] = static_cast<std::uint16_t>(pair_palette.size());
    pair_palette.push_back(key);
  }
}

void Structure::fill_rows() {
  std::vector<std::array<Mask, kMaxPatternVertices>> all(pair_palette.size());
  std::vector<int> count(pair_palette.size());
  for (int v = 0; v < size; ++v) {
    for (int u = 0; u < size; ++u) {
      if (u == v) continue;
      const std::size_t color = pair_color[at(v)][at(u)];
      all[color][at(v)] |= bit(u);
      ++count[color];
    }
  }
  if (all.empty()) return;
  // The first of the commonest, so that isomorphic structures leave out the same.
  all.erase(all.begin() + (std::max_element(count.begin(), count.end()) - count.begin()));
  rows = std::move(all);
}

Key Structure::encode_wide(const Permutation& p) const {
  const std::vector<int> rename(p.begin(), p.end());
  std::vector<Key> parts;
  for (const Condition& conjunct : wide) parts.push_back(encode(conjunct, rename));
  std::sort(parts.begin(), parts.end());
  Key code{static_cast<std::int64_t>(parts.size())};
  for (const Key& part : parts) code.insert(code.end(), part.begin(), part.end());
  return code;
}

bool Structure::kept_by(const Permutation& p) const {
  for (int v = 0; v < size; ++v) {
    if (vertex_color[at(v)] != vertex_color[p[at(v)]]) return false;
    for (int u = 0; u < size; ++u) {
      if (pair_color[at(v)][at(u)] != pair_color[p[at(v)]][p[at(u)]]) return false;
    }
  }
  return wide.empty() || encode_wide(p) == wide_code;
}

bool Structure::kept_by_swap(int u, int v) const {
  if (vertex_color[at(u)] != vertex_color[at(v)]) return false;
  if (pair_color[at(u)][at(v)] != pair_color[at(v)][at(u)]) return false;
  for (int w = 0; w < size; ++w) {
    if (w == u || w == v) continue;
    if (pair_color[at(u)][at(w)] != pair_color[at(v)][at(w)]) return false;
    if (pair_color[at(w)][at(u)] != pair_color[at(w)][at(v)]) return false;
  }
  if (wide.empty()) return true;
  Permutation swap = identity_permutation();
  std::swap(swap[at(u)], swap[at(v)]);
  return encode_wide(swap) == wide_code;
}

}  // namespace galena::codegen
