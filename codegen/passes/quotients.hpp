#pragma once
// Injective counts and homomorphism counts, each as a sum of the other.

#include <cstdint>
#include <map>
#include <vector>

#include "galena/pattern.hpp"

namespace galena::codegen {

/// A pattern whose vertices were merged in groups, and how often it stands in a sum.
struct QuotientTerm {
  Pattern pattern;
  std::int64_t coefficient;
};

/// By plain_code(); coefficients are never zero.
using QuotientTerms = std::map<std::uint64_t, QuotientTerm>;

/// injective(P) = sum of coefficient * homomorphisms(term): Moebius inversion over the partitions of P's vertices
/// into independent sets. `injective` counts maps that keep edges and distinguish vertices: count * |Aut|.
/// For a connected pattern without labels of at most kMaxPlainVertices; anti-edges are ignored.
QuotientTerms injective_as_homomorphisms(const Pattern& pattern);

/// homomorphisms(P) = sum of coefficient * injective(term): each homomorphism is injective on its image.
QuotientTerms homomorphisms_as_injective(const Pattern& pattern);

/// The pattern with each set in `together` (disjoint, independent) made one vertex; vertex i of the
/// result is together[i].
Pattern quotient(const Pattern& pattern, const std::vector<std::uint32_t>& together);

}  // namespace galena::codegen
