#pragma once
// A pattern as a coloured complete digraph: all that an isomorphism must keep.

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "codegen/pattern/condition.hpp"
#include "galena/pattern.hpp"

namespace galena::codegen {

using Mask = std::uint32_t;
/// p[v] is the image of vertex v.
using Permutation = std::array<std::uint8_t, kMaxPatternVertices>;

/// Vertices and ordered pairs have colours. A vertex's colour says its label set and the
/// conjuncts that name it alone; a pair's says edge or anti-edge, edge label set and the
/// conjuncts that name these two. Colours are numbered by content: isomorphic patterns have
/// equal palettes. Conjuncts that name more vertices are kept apart in `wide`, and
/// leave what they say of each vertex and pair in the colours.
struct Structure {
  int size = 0;
  std::vector<Key> vertex_palette, pair_palette;  ///< content by colour, sorted
  std::array<std::uint16_t, kMaxPatternVertices> vertex_color{};
  std::array<std::array<std::uint16_t, kMaxPatternVertices>, kMaxPatternVertices> pair_color{};
  std::vector<Condition> wide;  ///< conjuncts of three vertices and more
  Key wide_code;                ///< of `wide` under the identity

  /// rows[c][v]: the vertices u for which the pair (v, u) has the c-th colour of `telling`:
  /// all colours but the commonest, which the others imply.
  std::vector<std::array<Mask, kMaxPatternVertices>> rows;

  /// Vertices in `fixed` get a colour of their own.
  explicit Structure(const Pattern& pattern, Mask fixed = 0);

  /// Whether p is an automorphism.
  [[nodiscard]] bool kept_by(const Permutation& p) const;
  /// Whether swapping u and v is.
  [[nodiscard]] bool kept_by_swap(int u, int v) const;
  /// The sorted code of `wide` where vertex v is written p[v].
  [[nodiscard]] Key encode_wide(const Permutation& p) const;

 private:
  void color_vertices(const Pattern& pattern, Mask fixed, std::span<const Condition> conjuncts);
  void color_pairs(const Pattern& pattern, std::span<const Condition> conjuncts);
  void fill_rows();
};

inline Permutation identity_permutation() {
  Permutation p{};
  for (std::size_t v = 0; v < p.size(); ++v) p[v] = static_cast<std::uint8_t>(v);
  return p;
}

}  // namespace galena::codegen
