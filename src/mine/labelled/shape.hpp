#pragma once
// What a labelled search must know of a pattern, by vertex and as masks.

#include <array>
#include <cstdint>

#include "codegen/pattern/structure.hpp"
#include "codegen/runtime/abi.h"
#include "galena/pattern.hpp"

namespace galena::mine::labelled {

using codegen::Mask;

constexpr std::size_t at(int v) { return static_cast<std::size_t>(v); }
constexpr Mask bit(int v) { return Mask{1} << v; }
template <class F>
void for_bits(Mask mask, const F& f) {
  for (; mask != 0; mask &= mask - 1) f(__builtin_ctz(mask));
}

/// Which of the maps that differ by a symmetry are looked for.
enum class Symmetry {
  broken,   ///< one of them
  partial,  ///< one, but all where only vertices of degree 1 differ, which are counted together
  kept,     ///< all
};

struct Shape {
  explicit Shape(const Pattern& pattern, Symmetry symmetry);

  const Pattern* pattern;  ///< borrowed
  int size;
  Mask all;
  std::array<Mask, kMaxPatternVertices> neighbors{}, anti{};
  /// Vertices whose image must be smaller (greater) than this one's: these break symmetry.
  std::array<Mask, kMaxPatternVertices> below{}, above{};
  std::array<Mask, kMaxPatternVertices> related{};  ///< all of the above
  Mask leaves = 0;                                  ///< of degree 1
  /// maps found = instances * kept_orbits; embeddings = maps found * broken_orbits.
  rt::u128 kept_orbits = 1, broken_orbits = 1;
};

}  // namespace galena::mine::labelled
