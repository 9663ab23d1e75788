#include "codegen/passes/edges.hpp"

#include <algorithm>

namespace galena::codegen {

namespace {

class EdgePass {
 public:
  explicit EdgePass(Plan& plan) : plan_(plan), root_(plan.root.body) {}

  void run() {
    if (plan_.outputs.size() != 1 || plan_.outputs.front().kind != Output::Kind::count) return;
    if (!bare(plan_.root) || plan_.root.from.set >= 0 || root_.loops.size() != 1 || !root_.sums.empty()) return;
    Loop& loop = root_.loops.front();
    if (!bare(loop) || !all_around(loop.from, 0) || !loop.body.loops.empty()) return;
    if (!known(root_) || !known(loop.body)) return;
    for (Sum& sum : loop.body.sums)
      for (const Term& term : sum.terms)
        if (std::ranges::any_of(term.factors, [](const Factor& f) { return !f.tests.empty(); })) return;
    loop.from.bounds.above |= bit(0);
    for (Sum& sum : loop.body.sums) add_other_end(loop.body, sum);
    plan_.outputs.front().restrictions.emplace_back("v1 > v0 for both ends");
  }

 private:
  [[nodiscard]] const SizeDef& size(int id) const { return plan_.sizes[static_cast<std::size_t>(id)]; }

  /// Nothing but a walk over a set.
  static bool bare(const Loop& loop) {
    return loop.vlabel < 0 && loop.except == 0 && loop.checks.empty() && loop.conditions.empty() &&
           loop.min_degree == 0 && loop.body.tests.empty() && loop.body.emits.empty();
  }

  /// Whether it is all of N(v[vertex]).
  [[nodiscard]] bool all_around(const SetUse& use, int vertex) const {
    if (use.set < 0 || use.bounds != Bounds{}) return false;
    const SetDef& def = plan_.sets[static_cast<std::size_t>(use.set)];
    return def.op == SetDef::Op::adjacency && def.vertex == vertex && def.elabel < 0 && def.vlabel < 0 &&
           def.bounds == Bounds{};
  }
  [[nodiscard]] int end_of(const SetUse& use) const { return all_around(use, 0) ? 0 : all_around(use, 1) ? 1 : -1; }

  /// Whether the sizes are those that the pass knows.
  [[nodiscard]] bool known(const Block& block) const {
    return std::ranges::all_of(block.sizes, [&](int id) {
      const SizeDef& n = size(id);
      const int a = end_of(n.a);
      return a >= 0 && (n.b < 0 || (!n.subtract && n.b_bounds == Bounds{} && end_of({n.b, {}}) == 1 - a));
    });
  }

  void add_other_end(Block& body, Sum& sum) {
    const std::size_t terms = sum.terms.size();
    for (std::size_t t = 0; t < terms; ++t) {
      Term other = sum.terms[t];
      for (Factor& factor : other.factors)
        if (size(factor.size).b < 0) factor.size = degree(body, 1 - end_of(size(factor.size).a));
      sum.terms.push_back(std::move(other));
    }
  }

  /// The size |N(v[end])|, new where there is none.
  int degree(Block& body, int end) {
    Block& block = end == 0 ? root_ : body;
    for (const int id : block.sizes)
      if (size(id).b < 0 && end_of(size(id).a) == end) return id;
    SizeDef n;
    n.depth = end;
    n.a.set = around(block, end);
    plan_.sizes.push_back(n);
    block.sizes.push_back(static_cast<int>(plan_.sizes.size()) - 1);
    return block.sizes.back();
  }

  int around(Block& block, int end) {
    for (const int id : block.sets)
      if (all_around({id, {}}, end)) return id;
    SetDef def;
    def.depth = end;
    def.vertex = end;
    plan_.sets.push_back(def);
    block.sets.push_back(static_cast<int>(plan_.sets.size()) - 1);
    return block.sets.back();
  }

  Plan& plan_;
  Block& root_;
};

}  // namespace

void walk_edges_once(Plan& plan) { EdgePass(plan).run(); }

}  // namespace galena::codegen
