#pragma once
// Which matched vertices are known to be smaller than which, by the symmetry-breaking
// restrictions: a strict partial order on depths, transitively closed.

#include <array>
#include <span>

#include "codegen/plan/plan.hpp"

namespace galena::codegen {

/// For each level i < prefix the restriction "v[i] is the smallest (or largest) of its orbit".
/// Taking one representative per coset at every level of a stabilizer chain leaves exactly one
/// of the |Aut| images of each match (Grochow and Kellis, RECOMB 2007). A level i >= prefix
/// cannot be expressed; dropping it whole overcounts every instance exactly |orbit| times.
class OrderRelation {
 public:
  /// Levels in `dropped` are left out too.
  OrderRelation(std::span<const Mask> chain, int prefix, Mask largest, Mask dropped = 0);

  /// Whether v[i] < v[j] is certain.
  [[nodiscard]] bool less(int i, int j) const { return (greater_[static_cast<std::size_t>(i)] >> j) & 1U; }
  /// Every certain bound on v[u] by a depth in `known`.
  [[nodiscard]] Bounds bounds(int u, Mask known) const;
  /// The same bounds without those that others imply.
  [[nodiscard]] Bounds reduce(Bounds bounds) const;
  /// Product of the orbit sizes of the levels dropped.
  [[nodiscard]] std::uint64_t divisor() const { return divisor_; }

 private:
  std::array<Mask, kMaxPatternVertices> greater_{};  ///< greater_[i]: depths j with v[i] < v[j]
  int size_;
  std::uint64_t divisor_ = 1;
};

}  // namespace galena::codegen
