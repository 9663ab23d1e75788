// Everything that a block comes to is reached by loops and products of sizes. On the way there, each vertex that a loop
// takes from the set or a subset of it is one more element of it, if the subset cannot hold those taken before: because
// it consists of neighbours of theirs, or is bounded by them, or the loop says so. Likewise a product of |T|, |T| - 1,
// ..., |T| - m + 1 is zero unless a subset T has m elements.

#include "codegen/passes/least.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <set>

#include "codegen/plan/walk.hpp"

namespace galena::codegen {

namespace {

constexpr int kNothing = std::numeric_limits<int>::max();  ///< nothing is done at all

/// What is known of a subset of the set in question.
struct Part {
  Mask without = 0;  ///< v[i] is no element, for each i
};

class Search {
 public:
  explicit Search(const Plan& plan) : plan_(plan), parts_(plan.sets.size()) {}

  /// The set is the k-th that its block defines.
  int least(const Block& block, std::size_t k) {
    parts_.assign(plan_.sets.size(), std::nullopt);
    parts_[index(block.sets[k])] = Part{};
    const int found = within(block, k + 1, 0, 0);
    return found == kNothing ? 0 : found;
  }

 private:
  static std::size_t index(int id) { return static_cast<std::size_t>(id); }

  /// A subset of a set in question, by intersection or bounds; none where it is not known to be one.
  [[nodiscard]] std::optional<Part> used(const SetUse& use) const {
    if (use.set < 0 || !parts_[index(use.set)]) return std::nullopt;
    return Part{parts_[index(use.set)]->without | use.bounds.below | use.bounds.above};
  }
  /// What a and the neighbours of v[vertex] have in common, or a without them.
  [[nodiscard]] std::optional<Part> combined(const SetUse& a, const SetUse& b, int vertex, bool subtract) const {
    std::optional<Part> part = used(a);
    if (subtract) return part;
    if (const std::optional<Part> other = used(b)) part = Part{(part ? part->without : 0) | other->without};
    if (part && vertex >= 0) part->without |= bit(vertex);
    return part;
  }
  [[nodiscard]] std::optional<Part> of(const SetDef& def) const {
    if (def.op == SetDef::Op::adjacency) return std::nullopt;
    std::optional<Part> part = combined({def.a, {}}, {def.b, {}}, def.vertex, def.op == SetDef::Op::subtract);
    if (part) part->without |= def.bounds.below | def.bounds.above;
    return part;
  }
  [[nodiscard]] std::optional<Part> of(const SizeDef& def) const {
    if (def.moment > 0 || def.counter >= 0) return std::nullopt;
    if (def.b < 0 && def.local < 0) return used(def.a);
    return combined(def.a, {def.b, def.b_bounds}, def.vertex, def.subtract);
  }

  /// The least number of elements with which the block does something, from its k-th set on: `taken` are the depths of
  /// those, `count` of them, which are known.
  int within(const Block& block, std::size_t k, Mask taken, int count) {
    for (; k < block.sets.size(); ++k) {
      const int s = block.sets[k];
      parts_[index(s)] = of(plan_.sets[index(s)]);
    }
    int least = block.emits.empty() ? kNothing : count;
    for (const Sum& sum : block.sums)
      for (const Term& term : sum.terms) least = std::min(least, count + left(term, taken));
    for (const Loop& loop : block.loops) {
      const std::optional<Part> part = used(loop.from);
      const bool another = part && (taken & ~(part->without | loop.except)) == 0;
      least = std::min(least, within(loop.body, 0, another ? taken | bit(loop.body.depth) : taken, count + another));
    }
    return least;
  }

  /// How many elements besides those taken a term needs for its factors.
  [[nodiscard]] int left(const Term& term, Mask taken) const {
    std::map<int, std::set<int>> minus;  // of each size
    for (const Factor& f : term.factors)
      if (f.tests.empty()) minus[f.size].insert(f.minus);
    int most = 0;
    for (const auto& [size, all] : minus) {
      const std::optional<Part> part = of(plan_.sizes[index(size)]);
      if (!part || (taken & ~part->without) != 0) continue;
      int needed = 0;
      while (all.contains(needed)) ++needed;
      most = std::max(most, needed);
    }
    return most;
  }

  const Plan& plan_;
  std::vector<std::optional<Part>> parts_;  ///< of sets in scope
};

/// Sets that a block defines, and then those of its loops.
void raise(Plan& plan, Search& search, const Block& block) {
  for (std::size_t k = 0; k < block.sets.size(); ++k) {
    SetDef& def = plan.sets[static_cast<std::size_t>(block.sets[k])];
    const bool all_neighbours = is_view(def) && def.bounds.empty();
    if (!all_neighbours || def.least > 0) def.least = std::max(def.least, search.least(block, k));
  }
  for (const Loop& loop : block.loops) raise(plan, search, loop.body);
}

}  // namespace

void raise_least(Plan& plan) {
  Search search(plan);
  raise(plan, search, plan.root.body);
}

}  // namespace galena::codegen
