// A map of P's vertices groups those with equal images; adjacent ones never meet. So homomorphisms of P are
// injective maps of its quotients, and Moebius inversion in the lattice of partitions gives the way back, with
// mu = product over groups of (-1)^(size-1) (size-1)! (Lovasz, Large Networks and Graph Limits, 2012, 5.2.3;
// used for counting small patterns by Curticapean, Dell and Marx, STOC 2017).

#include "codegen/passes/quotients.hpp"

#include <array>
#include <bit>
#include <set>

#include "codegen/pattern/plain_code.hpp"

namespace galena::codegen {

namespace {

/// Adds every partition of P's vertices into independent sets, weighted.
class Partitions {
 public:
  Partitions(const Pattern& pattern, bool inverted) : pattern_(pattern), inverted_(inverted) { place(0); }
  QuotientTerms take() {
    std::erase_if(terms_, [](const auto& entry) { return entry.second.coefficient == 0; });
    return std::move(terms_);
  }

 private:
  void place(int v) {
    if (v == pattern_.size()) return add();
    for (std::size_t g = 0; g < groups_.size(); ++g) {
      if ((groups_[g] & pattern_.neighbors(v)) != 0) continue;
      groups_[g] |= std::uint32_t{1} << v;
      place(v + 1);
      groups_[g] &= ~(std::uint32_t{1} << v);
    }
    groups_.push_back(std::uint32_t{1} << v);
    place(v + 1);
    groups_.pop_back();
  }

  [[nodiscard]] std::int64_t weight() const {
    std::int64_t product = 1;
    if (inverted_)
      for (const std::uint32_t group : groups_)
        for (int i = 1; i < __builtin_popcount(group); ++i) product *= -i;
    return product;
  }

  /// Which groups are adjacent to this one.
  [[nodiscard]] std::uint32_t row_of(std::uint32_t group) const {
    std::uint32_t around = 0, row = 0;
    for (; group != 0; group &= group - 1) around |= pattern_.neighbors(std::countr_zero(group));
    for (std::size_t g = 0; g < groups_.size(); ++g) row |= (groups_[g] & around) != 0 ? std::uint32_t{1} << g : 0;
    return row;
  }

  void add() {
    std::array<std::uint32_t, kMaxPatternVertices> rows{};
    for (std::size_t g = 0; g < groups_.size(); ++g) rows[g] = row_of(groups_[g]);
    const std::uint64_t code = plain_code(std::span(rows.data(), groups_.size()));
    auto term = terms_.find(code);
    if (term == terms_.end()) term = terms_.emplace(code, QuotientTerm{quotient(pattern_, groups_), 0}).first;
    term->second.coefficient += weight();
  }

  const Pattern& pattern_;
  bool inverted_;
  std::vector<std::uint32_t> groups_;
  QuotientTerms terms_;
};

}  // namespace

Pattern quotient(const Pattern& pattern, const std::vector<std::uint32_t>& together) {
  std::vector<int> image(static_cast<std::size_t>(pattern.size()));
  for (std::size_t g = 0; g < together.size(); ++g)
    for (int v = 0; v < pattern.size(); ++v)
      if ((together[g] >> v) & 1U) image[static_cast<std::size_t>(v)] = static_cast<int>(g);
  std::set<std::pair<int, int>> edges;
  for (const Pattern::Edge& edge : pattern.edges())
    edges.insert(std::minmax(image[static_cast<std::size_t>(edge.u)], image[static_cast<std::size_t>(edge.v)]));
  return {static_cast<int>(together.size()), {edges.begin(), edges.end()}};
}

QuotientTerms injective_as_homomorphisms(const Pattern& pattern) { return Partitions(pattern, true).take(); }
QuotientTerms homomorphisms_as_injective(const Pattern& pattern) { return Partitions(pattern, false).take(); }

}  // namespace galena::codegen
