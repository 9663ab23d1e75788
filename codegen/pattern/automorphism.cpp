// A group by its stabilizer chain (Sims 1970): let G_i be the automorphisms that fix vertices
// 0..i-1. Each element of G_i is t g with g in G_{i+1} and t one of |orbit of i under G_i|
// coset representatives, in one way; so the orbit sizes multiply to |G|, and the
// representatives multiply to every element.
#include "codegen/pattern/automorphism.hpp"

#include <bit>

#include "codegen/pattern/stabilizer.hpp"
#include "galena/error.hpp"

namespace galena::codegen {
namespace {

constexpr Mask bit(int v) { return Mask{1} << v; }
std::size_t at(int v) { return static_cast<std::size_t>(v); }

Permutation product(const Permutation& after, const Permutation& first) {
  Permutation result;
  for (std::size_t v = 0; v < result.size(); ++v) result[v] = after[first[v]];
  return result;
}

}  // namespace

Automorphisms::Automorphisms(const Pattern& pattern, Mask fixed)
    : stabilizer_(std::make_unique<Stabilizer>(Structure(pattern, fixed))) {
  for (int v = 0; v < pattern.size(); ++v) {
    size_ *= static_cast<unsigned>(std::popcount(stabilizer_->orbits(bit(v) - 1)[at(v)]));
  }
  if (size_ <= kMaxListed) list_elements();
}

Automorphisms::~Automorphisms() = default;
Automorphisms::Automorphisms(Automorphisms&&) noexcept = default;
Automorphisms& Automorphisms::operator=(Automorphisms&&) noexcept = default;

void Automorphisms::list_elements() {
  std::vector<Permutation> elements{identity_permutation()};
  elements.reserve(static_cast<std::size_t>(size_));
  for (int v = stabilizer_->structure().size - 1; v >= 0; --v) {
    const Mask before = bit(v) - 1;
    const std::size_t deeper = elements.size();
    for (Mask rest = stabilizer_->orbits(before)[at(v)] & ~bit(v); rest != 0; rest &= rest - 1) {
      const auto representative = stabilizer_->find(before, v, std::countr_zero(rest));
      if (!representative) throw InternalError("an orbit of a pattern's automorphisms holds an unreachable vertex");
      for (std::size_t i = 0; i < deeper; ++i) elements.push_back(product(*representative, elements[i]));
    }
  }
  stabilizer_->adopt_elements(std::move(elements));
}

std::vector<Mask> Automorphisms::chain(std::span<const int> order) const {
  const int size = stabilizer_->structure().size;
  std::vector<Mask> result;
  result.reserve(order.size());
  Mask fixed = 0;
  for (const int v : order) {
    if (v < 0 || v >= size || (fixed & bit(v)) != 0) throw InternalError("a matching order is not a permutation");
    result.push_back(stabilizer_->orbits(fixed)[at(v)]);
    fixed |= bit(v);
  }
  if (static_cast<int>(order.size()) != size) throw InternalError("a matching order leaves vertices out");
  return result;
}

std::vector<Mask> Automorphisms::orbits_fixing(Mask vertices) const {
  const Orbits& orbits = stabilizer_->orbits(vertices);
  return {orbits.begin(), orbits.begin() + stabilizer_->structure().size};
}

std::span<const Permutation> Automorphisms::elements() const { return stabilizer_->elements(); }

}  // namespace galena::codegen
