#pragma once
// Automorphisms that fix given vertices: search, and the orbits of what is found.

#include <array>
#include <optional>
#include <unordered_map>
#include <vector>

#include "codegen/pattern/refinement.hpp"
#include "codegen/pattern/structure.hpp"

namespace galena::codegen {

/// orbit[v]: the vertices that v can be sent to, v among them.
using Orbits = std::array<Mask, kMaxPatternVertices>;

/// Answers are remembered: not for use by two threads at once.
class Stabilizer {
 public:
  explicit Stabilizer(Structure structure);

  [[nodiscard]] const Structure& structure() const { return structure_; }
  /// The orbits of the automorphisms that fix every vertex in `fixed`.
  const Orbits& orbits(Mask fixed);
  /// An automorphism that fixes every vertex in `fixed` and sends v to u, if there is one.
  [[nodiscard]] std::optional<Permutation> find(Mask fixed, int v, int u) const;
  /// From now on orbits are read off this list of all automorphisms.
  void adopt_elements(std::vector<Permutation> elements) { elements_ = std::move(elements); }
  [[nodiscard]] const std::vector<Permutation>& elements() const { return elements_; }

 private:
  [[nodiscard]] Partition fix(Mask fixed) const;
  [[nodiscard]] std::optional<Permutation> find_from(const Partition& start, int v, int u) const;
  bool extend(const Partition& from, const Partition& to, Permutation& found) const;
  [[nodiscard]] Orbits search_orbits(Mask fixed) const;
  [[nodiscard]] Orbits scan_orbits(Mask fixed) const;

  Structure structure_;
  Partition root_;
  std::array<Mask, kMaxPatternVertices> twins_{};  ///< those that v can be swapped with, all else fixed; v too
  std::vector<Permutation> elements_;
  std::unordered_map<Mask, Orbits> known_;
};

}  // namespace galena::codegen
