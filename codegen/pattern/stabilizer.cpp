// To find an automorphism that fixes a set pointwise and sends v to u, the partition with v
// individualized is matched cell by cell with the one with u individualized: where both are
// discrete they name a permutation, which is then checked in full, so that refinement only
// guides the search and never decides. (Stable colours alone are not orbits: all vertices of
// a triangle and of a cycle of six in one pattern have one colour.) Vertices that can be
// swapped with all else fixed, as the leaves of a star, need no search.
#include "codegen/pattern/stabilizer.hpp"

#include <algorithm>
#include <bit>

namespace galena::codegen {
namespace {

constexpr Mask bit(int v) { return Mask{1} << v; }
std::size_t at(int v) { return static_cast<std::size_t>(v); }

// Joins the orbits that contain a and b.
void join(Orbits& orbits, int a, int b) {
  const Mask both = orbits[at(a)] | orbits[at(b)];
  for (Mask rest = both; rest != 0; rest &= rest - 1) orbits[at(std::countr_zero(rest))] = both;
}

bool alike(const Partition& a, const Partition& b) {
  if (a.count != b.count || a.digest != b.digest) return false;
  for (int i = 0; i < a.count; ++i) {
    if (std::popcount(a.cells[at(i)]) != std::popcount(b.cells[at(i)])) return false;
  }
  return true;
}

}  // namespace

Stabilizer::Stabilizer(Structure structure) : structure_(std::move(structure)), root_(equitable_partition(structure_)) {
  for (int v = 0; v < structure_.size; ++v) twins_[at(v)] = bit(v);
  for (int i = 0; i < root_.count; ++i) {
    for (Mask rest = root_.cells[at(i)]; rest != 0; rest &= rest - 1) {
      const int v = std::countr_zero(rest);
      if ((twins_[at(v)] & (bit(v) - 1)) != 0) continue;  // being twins is transitive
      for (Mask others = rest & (rest - 1); others != 0; others &= others - 1) {
        const int u = std::countr_zero(others);
        if (structure_.kept_by_swap(v, u)) join(twins_, v, u);
      }
    }
  }
}

Partition Stabilizer::fix(Mask fixed) const {
  Partition partition = root_;
  for (; fixed != 0; fixed &= fixed - 1) partition = individualized(structure_, partition, std::countr_zero(fixed));
  return partition;
}

std::optional<Permutation> Stabilizer::find(Mask fixed, int v, int u) const {
  if ((fixed & (bit(v) | bit(u))) != 0 && u != v) return std::nullopt;
  return find_from(fix(fixed), v, u);
}

std::optional<Permutation> Stabilizer::find_from(const Partition& start, int v, int u) const {
  Permutation found = identity_permutation();
  if (u == v) return found;
  if ((twins_[at(v)] & bit(u)) != 0) {
    std::swap(found[at(v)], found[at(u)]);
    return found;
  }
  if (start.cell_of(v) != start.cell_of(u)) return std::nullopt;
  const bool exists = extend(individualized(structure_, start, v), individualized(structure_, start, u), found);
  return exists ? std::optional(found) : std::nullopt;
}

bool Stabilizer::extend(const Partition& from, const Partition& to, Permutation& found) const {
  if (!alike(from, to)) return false;
  const int target = from.target();
  if (target < 0) {
    for (int i = 0; i < from.count; ++i) {
      found[at(std::countr_zero(from.cells[at(i)]))] = static_cast<std::uint8_t>(std::countr_zero(to.cells[at(i)]));
    }
    return structure_.kept_by(found);
  }
  const int v = std::countr_zero(from.cells[at(target)]);
  const Partition next = individualized(structure_, from, v);
  const Mask images = to.cells[at(target)];
  // Staying in place first: most automorphisms move few vertices.
  if ((images & bit(v)) != 0 && extend(next, individualized(structure_, to, v), found)) return true;
  for (Mask rest = images & ~bit(v); rest != 0; rest &= rest - 1) {
    if (extend(next, individualized(structure_, to, std::countr_zero(rest)), found)) return true;
  }
  return false;
}

const Orbits& Stabilizer::orbits(Mask fixed) {
  const auto known = known_.find(fixed);
  if (known != known_.end()) return known->second;
  return known_.emplace(fixed, elements_.empty() ? search_orbits(fixed) : scan_orbits(fixed)).first->second;
}

Orbits Stabilizer::search_orbits(Mask fixed) const {
  const Partition partition = fix(fixed);
  Orbits orbits{};
  for (int v = 0; v < structure_.size; ++v) orbits[at(v)] = (fixed & bit(v)) != 0 ? bit(v) : twins_[at(v)] & ~fixed;
  for (int i = 0; i < partition.count; ++i) {
    Mask representatives = 0;
    for (Mask rest = partition.cells[at(i)]; rest != 0; rest &= rest - 1) {
      const int u = std::countr_zero(rest);
      if ((orbits[at(u)] & representatives) != 0) continue;
      for (Mask others = representatives; others != 0; others &= others - 1) {
        const std::optional<Permutation> found = find_from(partition, std::countr_zero(others), u);
        if (!found) continue;
        for (int v = 0; v < structure_.size; ++v) join(orbits, v, (*found)[at(v)]);
        break;
      }
      if ((orbits[at(u)] & representatives) == 0) representatives |= bit(u);
    }
  }
  return orbits;
}

Orbits Stabilizer::scan_orbits(Mask fixed) const {
  Orbits orbits{};
  for (const Permutation& element : elements_) {
    bool keeps = true;
    for (Mask rest = fixed; rest != 0 && keeps; rest &= rest - 1) {
      const int v = std::countr_zero(rest);
      keeps = element[at(v)] == v;
    }
    for (int v = 0; keeps && v < structure_.size; ++v) orbits[at(v)] |= bit(element[at(v)]);
  }
  return orbits;
}

}  // namespace galena::codegen
