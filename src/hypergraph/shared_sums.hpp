#pragma once
// Sums that many vertices have in common. Where two hyperedges share many vertices, the two rows are added once, and
// each of these vertices takes the sum; towards hyperedges the vertices are summed once, and both take that (Jia et al.,
// KDD 2020, do it for graphs; a class of vertices with equal hyperedges is the extreme case). Results differ in
// rounding only.

#include <cstdint>
#include <vector>

namespace galena::hyper {

/// Lists of items, one after the other.
struct Lists {
  std::vector<std::uint64_t> start{0};
  std::vector<std::uint32_t> items;
  [[nodiscard]] std::size_t count() const { return start.size() - 1; }
};

struct SharedSum {
  std::uint32_t first, second;  ///< items
};

struct SharedSums {
  Lists lists;                      ///< the same sums by fewer items
  std::vector<SharedSum> sums;      ///< item `items + i`; both of its items are hyperedges or of earlier rounds
  std::vector<std::uint32_t> ends;  ///< sums so far after each round
};

/// Replaces pairs of items, of 0 .. items - 1, that at least `least` lists have and take, round after round. Lists are
/// increasing.
SharedSums share_sums(Lists lists, std::uint32_t items, std::uint32_t least);

}  // namespace galena::hyper
