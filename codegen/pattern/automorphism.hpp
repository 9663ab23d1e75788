#pragma once
// The automorphism group of a pattern, as the orbits along stabilizer chains.
//
// An automorphism keeps edges, anti-edges, vertex and edge label sets, and the set of WHERE
// conjuncts in normal form (a.degree > b.degree as b.degree < a.degree; a.label = b.label
// either way round). It is found by search and checked in full: no stable-colour shortcuts.

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "codegen/pattern/structure.hpp"

namespace galena::codegen {

__extension__ typedef unsigned __int128 u128;

class Stabilizer;

/// Not for use by two threads at once: orbits are remembered as they are asked for.
class Automorphisms {
 public:
  /// Groups up to this size are listed.
  static constexpr std::size_t kMaxListed = 5040;

  /// The automorphisms that fix each vertex in the mask `fixed` (LIST columns, LOCAL BY).
  explicit Automorphisms(const Pattern& pattern, Mask fixed = 0);
  ~Automorphisms();
  Automorphisms(Automorphisms&&) noexcept;
  Automorphisms& operator=(Automorphisms&&) noexcept;

  /// How many there are; at most 32!, which is below 2^118.
  [[nodiscard]] u128 size() const { return size_; }

  /// result[i]: the vertices that order[i] can be sent to by those automorphisms that fix
  /// order[0..i-1], order[i] among them. The sizes multiply to size().
  /// `order` names every vertex once, else InternalError.
  [[nodiscard]] std::vector<Mask> chain(std::span<const int> order) const;

  /// result[v]: the vertices that v can be sent to, v among them.
  [[nodiscard]] std::vector<Mask> orbits() const { return orbits_fixing(0); }
  /// The same by those automorphisms that fix every vertex in the mask.
  [[nodiscard]] std::vector<Mask> orbits_fixing(Mask vertices) const;

  /// All of them, the identity included, if size() <= kMaxListed; else empty.
  [[nodiscard]] std::span<const Permutation> elements() const;

 private:
  void list_elements();

  std::unique_ptr<Stabilizer> stabilizer_;
  u128 size_ = 1;
};

}  // namespace galena::codegen
