#include "codegen/passes/order_relation.hpp"

#include <bit>

#include "galena/error.hpp"

namespace galena::codegen {

OrderRelation::OrderRelation(std::span<const Mask> chain, int prefix, Mask largest, Mask dropped)
    : size_(static_cast<int>(chain.size())) {
  for (int i = 0; i < size_; ++i) {
    const Mask orbit = chain[static_cast<std::size_t>(i)] & ~bit(i);
    if (i >= prefix || (dropped & bit(i))) {
      const auto factor = static_cast<std::uint64_t>(std::popcount(orbit)) + 1;
      if (__builtin_mul_overflow(divisor_, factor, &divisor_)) throw InternalError("symmetry factor over 64 bits");
    } else if (largest & bit(i)) {
      for (int u = 0; u < size_; ++u)
        if (orbit & bit(u)) greater_[static_cast<std::size_t>(u)] |= bit(i);
    } else {
      greater_[static_cast<std::size_t>(i)] |= orbit;
    }
  }
  for (int k = 0; k < size_; ++k)  // transitive closure (Warshall)
    for (int i = 0; i < size_; ++i)
      if (less(i, k)) greater_[static_cast<std::size_t>(i)] |= greater_[static_cast<std::size_t>(k)];
}

Bounds OrderRelation::bounds(int u, Mask known) const {
  Bounds result;
  for (int i = 0; i < size_; ++i) {
    if (!(known & bit(i)) || i == u) continue;
    if (less(u, i)) result.below |= bit(i);
    if (less(i, u)) result.above |= bit(i);
  }
  return result;
}

Bounds OrderRelation::reduce(Bounds bounds) const {
  Bounds result = bounds;
  for (int i = 0; i < size_; ++i)
    for (int j = 0; j < size_; ++j) {
      if ((bounds.below & bit(i)) && (bounds.below & bit(j)) && less(j, i)) result.below &= ~bit(i);
      if ((bounds.above & bit(i)) && (bounds.above & bit(j)) && less(i, j)) result.above &= ~bit(i);
    }
  return result;
}

}  // namespace galena::codegen
