#include "src/mine/labelled/shape.hpp"

#include <algorithm>
#include <bit>
#include <numeric>
#include <vector>

#include "codegen/pattern/automorphism.hpp"

namespace galena::mine::labelled {

Shape::Shape(const Pattern& given, Symmetry symmetry)
    : pattern(&given), size(given.size()), all(static_cast<Mask>((std::uint64_t{1} << given.size()) - 1)) {
  for (int v = 0; v < size; ++v) {
    neighbors[at(v)] = given.neighbors(v);
    anti[at(v)] = given.anti_neighbors(v);
    if (std::popcount(neighbors[at(v)]) == 1 && anti[at(v)] == 0) leaves |= bit(v);
  }
  std::vector<int> order(at(size));
  std::iota(order.begin(), order.end(), 0);
  // Leaves last: then a level of the chain that starts at a leaf has leaves only, and can be dropped as a whole.
  std::stable_partition(order.begin(), order.end(), [&](int v) { return (leaves & bit(v)) == 0; });
  const std::vector<Mask> chain = codegen::Automorphisms(given).chain(order);
  for (int i = 0; i < size; ++i) {
    const int v = order[at(i)];
    const bool kept = symmetry == Symmetry::kept || (symmetry == Symmetry::partial && (leaves & bit(v)) != 0);
    (kept ? kept_orbits : broken_orbits) *= static_cast<unsigned>(std::popcount(chain[at(i)]));
    if (kept) continue;
    above[at(v)] |= chain[at(i)] & ~bit(v);
    for_bits(chain[at(i)] & ~bit(v), [&](int u) { below[at(u)] |= bit(v); });
  }
  for (int v = 0; v < size; ++v) related[at(v)] = neighbors[at(v)] | anti[at(v)] | below[at(v)] | above[at(v)];
}

}  // namespace galena::mine::labelled
