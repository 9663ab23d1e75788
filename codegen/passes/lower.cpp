// From a pattern in matching order to a plan, in five steps:
//   1. restrictions from the stabilizer chain (order_relation.hpp);
//   2. a requirement for each walked vertex, and a shared set for each requirement;
//   3. the tail's inclusion-exclusion: a size for each block of each partition;
//   4. bounds of the sets, now that all users are known;
//   5. the loop nest, each value placed at its depth.

#include "codegen/passes/lower.hpp"

#include <algorithm>
#include <bit>
#include <map>

#include "codegen/passes/candidates.hpp"
#include "codegen/passes/membership.hpp"
#include "codegen/passes/tail.hpp"
#include "galena/error.hpp"

namespace galena::codegen {

namespace {

class Lowering {
 public:
  Lowering(const Pattern& pattern, std::span<const Mask> chain, const LowerOptions& options)
      : pattern_(pattern),
        options_(options),
        size_(pattern.size()),
        prefix_(size_ - options.tail),
        order_(chain, prefix_, options.largest, options.dropped),
        table_(plan_, order_) {
    plan_.labels_given = options.labels_given;
  }

  Plan run() {
    describe_output();
    for (int u = 0; u < prefix_; ++u) require(u);
    build_tail();
    table_.settle();
    finish_sizes();
    nest();
    return std::move(plan_);
  }

 private:
  struct PendingSize {
    int id;
    Requirement need;
    int base;
  };

  void describe_output() {
    Output output;
    output.kind = options_.kind;
    output.name = options_.name;
    output.divisor = order_.divisor();
    for (int i = 0; i < size_; ++i) output.order.push_back(i);
    for (int u = 0; u < size_; ++u) {
      const Bounds bounds = order_.reduce(order_.bounds(u, u < prefix_ ? first(u) : first(prefix_)));
      for (int i = 0; i < u; ++i) {
        if (bounds.below & bit(i)) output.restrictions.push_back("v" + std::to_string(u) + " < v" + std::to_string(i));
        if (bounds.above & bit(i)) output.restrictions.push_back("v" + std::to_string(u) + " > v" + std::to_string(i));
      }
    }
    plan_.outputs.push_back(output);
  }

  void require(int u) {
    needs_.push_back(requirement_of(plan_, pattern_, order_, u, ~Mask{0}));
    const Requirement& need = needs_.back();
    loop_sets_.push_back(need.joined.empty() ? -1 : table_.build(need, true));
  }

  void build_tail() {
    const Mask known = first(prefix_);
    std::vector<Requirement> tail;
    for (int u = prefix_; u < size_; ++u) tail.push_back(requirement_of(plan_, pattern_, order_, u, known));
    const bool twins =
        std::all_of(tail.begin(), tail.end(), [&](const Requirement& r) { return same(r, tail.front()); });
    if (twins && !tail.empty()) return add_falling_factorial(tail.front());
    std::map<std::vector<Factor>, std::int64_t> sum;
    for (const Partition& partition : injective_partitions(options_.tail)) {
      std::vector<Factor> factors;
      bool empty = false;
      for (const auto& block : partition.blocks) {
        Requirement need = tail[static_cast<std::size_t>(block[0])];
        for (std::size_t i = 1; i < block.size(); ++i)
          need = intersection(plan_, need, tail[static_cast<std::size_t>(block[i])]);
        empty = empty || need.impossible;
        if (!empty) factors.push_back(factor_for(need, block.size() == 1));
      }
      if (empty) continue;
      std::sort(factors.begin(), factors.end());
      sum[factors] += partition.coefficient;
    }
    for (const auto& [factors, coefficient] : sum)
      if (coefficient != 0) leaf_.terms.push_back({coefficient, factors});
  }

  /// Equal candidate sets: n (n-1) ... (n-t+1), to which the inclusion-exclusion adds up.
  void add_falling_factorial(const Requirement& need) {
    Term term;
    for (int i = 0; i < options_.tail; ++i) {
      Factor factor = factor_for(need, true);
      factor.minus += i;
      term.factors.push_back(factor);
    }
    leaf_.terms.push_back(term);
  }

  Factor factor_for(const Requirement& need, bool required) {
    Factor factor;
    factor.size = size_for(need, required);
    for (int i = 0; i < prefix_; ++i) {
      const Membership member = membership(plan_, pattern_, order_, need, i);
      if (member.answer == Membership::Answer::yes) ++factor.minus;
      if (member.answer == Membership::Answer::depends) factor.tests.push_back(test_for(member.atoms));
    }
    return factor;
  }

  int test_for(const std::vector<Atom>& atoms) {
    for (std::size_t t = 0; t < plan_.tests.size(); ++t)
      if (plan_.tests[t].atoms == atoms) return static_cast<int>(t);
    TestDef test;
    test.atoms = atoms;
    for (const Atom& atom : atoms) test.depth = std::max({test.depth, atom.x, atom.y});
    plan_.tests.push_back(test);
    return static_cast<int>(plan_.tests.size()) - 1;
  }

  int size_for(const Requirement& need, bool required) {
    for (const PendingSize& pending : pending_)
      if (same(pending.need, need)) return pending.id;
    SizeDef size;
    int base = table_.find(need);
    if (base >= 0 || need.joined.size() + static_cast<std::size_t>(std::popcount(need.separated)) == 1) {
      base = table_.build(need, required);
    } else {
      const SetTable::Split split = table_.build_but_last(need, required);
      base = split.base;
      size.b = split.last;
      size.subtract = split.subtract;
      size.vertex = plan_.sets[static_cast<std::size_t>(split.last)].vertex;
    }
    size.a.set = base;
    plan_.sizes.push_back(size);
    const int id = static_cast<int>(plan_.sizes.size()) - 1;
    pending_.push_back({id, need, base});
    return id;
  }

  static bool same(const Requirement& a, const Requirement& b) {
    return a.joined == b.joined && a.separated == b.separated && a.vlabel == b.vlabel && a.bounds == b.bounds;
  }

  void finish_sizes() {
    for (const PendingSize& pending : pending_) {
      SizeDef& size = plan_.sizes[static_cast<std::size_t>(pending.id)];
      size.a.bounds = table_.remaining(pending.need, pending.base);
      if (size.b >= 0) size.b_bounds = order_.reduce(pending.need.bounds);
      size.depth = plan_.sets[static_cast<std::size_t>(pending.base)].depth;
      if (size.b >= 0) size.depth = std::max(size.depth, size.vertex);
      const Mask bounds = size.a.bounds.below | size.a.bounds.above | size.b_bounds.below | size.b_bounds.above;
      if (bounds != 0) size.depth = std::max(size.depth, deepest(bounds));
    }
  }

  Loop loop_for(int u) {
    const Requirement& need = needs_[static_cast<std::size_t>(u)];
    Loop loop;
    loop.from.set = loop_sets_[static_cast<std::size_t>(u)];
    if (loop.from.set >= 0) {
      loop.from.bounds = table_.remaining(need, loop.from.set);
    } else {
      loop.from.bounds = order_.reduce(need.bounds);
      loop.vlabel = need.vlabel;
      for (int i = 0; i < u; ++i)
        if (need.separated & bit(i)) loop.checks.push_back({Atom::Kind::nonadjacent, u, i, -1, -1});
    }
    for (int i = 0; i < u; ++i)
      if (membership(plan_, pattern_, order_, need, i).answer != Membership::Answer::no) loop.except |= bit(i);
    place_conditions(loop, u);
    const int degree = std::popcount(pattern_.neighbors(u));
    if (options_.filter_degree && degree > 1) loop.min_degree = static_cast<VertexId>(degree);
    return loop;
  }

  void place_conditions(Loop& loop, int u) const {
    for (std::size_t c = 0; c < pattern_.conditions().size(); ++c) {
      const Mask used = pattern_.conditions()[c].vertices();
      const int depth = used == 0 ? 0 : deepest(used);
      if (depth == u) loop.conditions.push_back(static_cast<int>(c));
    }
  }

  void nest() {
    plan_.conditions = pattern_.conditions();
    plan_.max_depth = prefix_ - 1;
    Loop inner;
    for (int u = prefix_ - 1; u >= 0; --u) {
      Loop loop = loop_for(u);
      Block& block = loop.body;
      block.depth = u;
      fill(block);
      if (u == prefix_ - 1)
        finish(block);
      else
        block.loops.push_back(std::move(inner));
      inner = std::move(loop);
    }
    plan_.root = std::move(inner);
  }

  void fill(Block& block) {
    const auto place = [&](const auto& defs, std::vector<int>& ids) {
      for (std::size_t i = 0; i < defs.size(); ++i)
        if (defs[i].depth == block.depth) ids.push_back(static_cast<int>(i));
    };
    place(plan_.sets, block.sets);
    place(plan_.tests, block.tests);
    place(plan_.sizes, block.sizes);
  }

  void finish(Block& block) {
    if (options_.kind == Output::Kind::list || options_.kind == Output::Kind::image)
      block.emits.push_back(0);
    else
      block.sums.push_back(leaf_);
  }

  const Pattern& pattern_;
  const LowerOptions& options_;
  int size_, prefix_;
  Plan plan_;
  OrderRelation order_;
  SetTable table_;
  std::vector<Requirement> needs_;
  std::vector<int> loop_sets_;
  std::vector<PendingSize> pending_;
  Sum leaf_;
};

}  // namespace

bool tail_allowed(const Pattern& pattern, int tail) {
  const int prefix = pattern.size() - tail;
  if (prefix < 1) return false;
  const Mask walked = first(prefix);
  Mask named = 0;
  for (const Condition& condition : pattern.conditions()) named |= condition.vertices();
  for (int u = prefix; u < pattern.size(); ++u) {
    const Mask related = pattern.neighbors(u) | pattern.anti_neighbors(u);
    if ((related & ~walked) != 0 || (pattern.neighbors(u) & walked) == 0 || (named & bit(u))) return false;
  }
  return true;
}

Plan lower(const Pattern& pattern, std::span<const Mask> chain, const LowerOptions& options) {
  if (!tail_allowed(pattern, options.tail)) throw InternalError("lower: these vertices cannot be a tail");
  return Lowering(pattern, chain, options).run();
}

}  // namespace galena::codegen
