#include "codegen/passes/assist.hpp"

#include <algorithm>

#include "codegen/plan/walk.hpp"

namespace galena::codegen {

namespace {

bool plain_adjacency(const SetDef& set, int vertex) {
  return is_view(set) && set.vertex == vertex && set.bounds.empty();
}

/// The block at `depth` among those that enclose the one being visited.
Block* block_at(std::vector<Loop*>& path, int depth) { return &path[static_cast<std::size_t>(depth)]->body; }

class MarkPass {
 public:
  explicit MarkPass(Plan& plan) : plan_(plan) {}

  void visit(Loop& loop) {
    path_.push_back(&loop);
    for (Atom& atom : loop.checks) convert(atom);
    for (const int t : loop.body.tests)
      for (Atom& atom : plan_.tests[static_cast<std::size_t>(t)].atoms) convert(atom);
    for (Loop& inner : loop.body.loops) visit(inner);
    path_.pop_back();
  }

 private:
  void convert(Atom& atom) {
    const bool asks = atom.kind == Atom::Kind::adjacent || atom.kind == Atom::Kind::nonadjacent;
    if (!asks || atom.labels >= 0 || atom.mark >= 0) return;
    if (atom.x < atom.y) std::swap(atom.x, atom.y);
    atom.mark = mark_of(atom.y);
  }

  int mark_of(int depth) {
    Block& block = *block_at(path_, depth);
    for (const int m : block.marks) {
      const SetUse& use = plan_.marks[static_cast<std::size_t>(m)].set;
      if (plain_adjacency(plan_.sets[static_cast<std::size_t>(use.set)], depth)) return m;
    }
    plan_.marks.push_back({depth, {adjacency_of(block, depth), {}}});
    block.marks.push_back(static_cast<int>(plan_.marks.size()) - 1);
    return block.marks.back();
  }

  int adjacency_of(Block& block, int depth) {
    for (const int s : block.sets)
      if (plain_adjacency(plan_.sets[static_cast<std::size_t>(s)], depth)) return s;
    SetDef def;
    def.depth = def.vertex = depth;
    plan_.sets.push_back(def);
    block.sets.push_back(static_cast<int>(plan_.sets.size()) - 1);
    return block.sets.back();
  }

  Plan& plan_;
  std::vector<Loop*> path_;
};

class MarkedSizePass {
 public:
  explicit MarkedSizePass(Plan& plan) : plan_(plan) {}

  void visit(Loop& loop) {
    path_.push_back(&loop);
    for (const int s : loop.body.sizes) convert(plan_.sizes[static_cast<std::size_t>(s)]);
    for (Loop& inner : loop.body.loops) visit(inner);
    path_.pop_back();
  }

 private:
  [[nodiscard]] const SetDef& set(int id) const { return plan_.sets[static_cast<std::size_t>(id)]; }

  void convert(SizeDef& size) {
    if (size.b < 0 || size.counter >= 0 || size.local >= 0 || !(size.b_bounds == size.a.bounds)) return;
    if (!is_view(set(size.a.set)) || !is_view(set(size.b))) return;
    const int depth = set(size.a.set).depth;
    if (depth + 1 != size.depth || path_.back()->from.set != size.a.set) return;
    size.mark = mark_of(*block_at(path_, depth), size.a.set);
  }

  int mark_of(Block& block, int set) {
    const SetUse whole{set, {}};
    for (const int m : block.marks)
      if (plan_.marks[static_cast<std::size_t>(m)].set == whole) return m;
    plan_.marks.push_back({block.depth, whole});
    block.marks.push_back(static_cast<int>(plan_.marks.size()) - 1);
    return block.marks.back();
  }

  Plan& plan_;
  std::vector<Loop*> path_;
};

class CounterPass {
 public:
  CounterPass(Plan& plan, const std::function<bool(int, int)>& worthwhile) : plan_(plan), worthwhile_(worthwhile) {}

  void visit(Loop& loop) {
    path_.push_back(&loop);
    for (const int s : loop.body.sizes) convert(s);
    for (Loop& inner : loop.body.loops) visit(inner);
    path_.pop_back();
  }

 private:
  void convert(int id) {
    SizeDef& size = plan_.sizes[static_cast<std::size_t>(id)];
    if (size.b < 0 || size.counter >= 0 || size.local >= 0) return;
    if (!is_view(plan_.sets[static_cast<std::size_t>(size.b)])) return;
    int settled = plan_.sets[static_cast<std::size_t>(size.a.set)].depth;
    const Mask bounds = size.a.bounds.below | size.a.bounds.above;
    if (bounds != 0) settled = std::max(settled, deepest(bounds));
    if (settled >= size.vertex || !worthwhile_(id, settled)) return;
    size.counter = counter_of(size, settled);
    size.b = -1;
  }

  int counter_of(const SizeDef& size, int depth) {
    Block& block = *block_at(path_, depth);
    const Bounds reach = bounds_of_vertex(size.vertex, depth);
    for (const int c : block.counters) {
      CounterDef& counter = plan_.counters[static_cast<std::size_t>(c)];
      if (!(counter.set == size.a)) continue;
      counter.bounds = {counter.bounds.below & reach.below, counter.bounds.above & reach.above};
      return c;
    }
    plan_.counters.push_back({depth, size.a, reach});
    block.counters.push_back(static_cast<int>(plan_.counters.size()) - 1);
    return block.counters.back();
  }

  /// The bounds that the loop binding v[vertex] obeys and that are known at `depth`.
  Bounds bounds_of_vertex(int vertex, int depth) const {
    const Loop& loop = *path_[static_cast<std::size_t>(vertex)];
    Bounds bounds = loop.from.bounds;
    if (loop.from.set >= 0) {
      const Bounds& own = plan_.sets[static_cast<std::size_t>(loop.from.set)].bounds;
      bounds = {bounds.below | own.below, bounds.above | own.above};
    }
    const Mask known = first(depth + 1);
    return {bounds.below & known, bounds.above & known};
  }

  Plan& plan_;
  const std::function<bool(int, int)>& worthwhile_;
  std::vector<Loop*> path_;
};

class FoldPass {
 public:
  explicit FoldPass(Plan& plan) : plan_(plan) {}

  void visit(Block& block) {
    for (std::size_t i = 0; i < block.loops.size();) {
      if (fold(block, block.loops[i])) {
        block.loops.erase(block.loops.begin() + static_cast<std::ptrdiff_t>(i));
      } else {
        visit(block.loops[i].body);
        ++i;
      }
    }
  }

 private:
  static bool unfiltered(const Loop& loop) {
    return loop.vlabel < 0 && loop.except == 0 && loop.checks.empty() && loop.conditions.empty() &&
           loop.min_degree == 0;
  }

  [[nodiscard]] bool only_views(const Block& block) const {
    return block.locals.empty() && block.marks.empty() && block.counters.empty() && block.tests.empty() &&
           block.emits.empty() && std::all_of(block.sets.begin(), block.sets.end(), [this](int s) {
             return is_view(plan_.sets[static_cast<std::size_t>(s)]);
           });
  }

  /// Whether the loop visits just the neighbours of v[vertex] within `bounds`.
  [[nodiscard]] bool walks(const Loop& loop, int vertex, const Bounds& bounds) const {
    if (loop.from.set < 0) return false;
    const SetDef& set = plan_.sets[static_cast<std::size_t>(loop.from.set)];
    const Bounds both{set.bounds.below | loop.from.bounds.below, set.bounds.above | loop.from.bounds.above};
    return is_view(set) && set.vertex == vertex && both == bounds;
  }

  [[nodiscard]] bool reads_only(const Block& leaf, int counter) const {
    const bool plain = only_views(leaf) && leaf.loops.empty() && !leaf.sums.empty();
    return plain && std::all_of(leaf.sums.begin(), leaf.sums.end(), [&](const Sum& sum) {
             return plan_.outputs[static_cast<std::size_t>(sum.output)].kind != Output::Kind::exists &&
                    std::all_of(sum.terms.begin(), sum.terms.end(),
                                [&](const Term& term) { return reads(term, counter); });
           });
  }

  [[nodiscard]] bool reads(const Term& term, int counter) const {
    if (term.factors.empty()) return true;
    const SizeDef& size = plan_.sizes[static_cast<std::size_t>(term.factors.front().size)];
    return term.factors.size() == 1 && term.factors.front().tests.empty() && size.counter == counter && !size.subtract;
  }

  bool fold(Block& block, const Loop& outer) {
    const Block& middle = outer.body;
    if (!unfiltered(outer) || !only_views(middle) || !middle.sizes.empty() || !middle.sums.empty() ||
        middle.loops.size() != 1)
      return false;
    const Loop& inner = middle.loops.front();
    for (const int c : block.counters) {
      const CounterDef& counter = plan_.counters[static_cast<std::size_t>(c)];
      if (!(counter.set == outer.from) || !unfiltered(inner) || !walks(inner, middle.depth, counter.bounds)) continue;
      if (!reads_only(inner.body, c)) continue;
      for (const Sum& sum : inner.body.sums) block.sums.push_back(folded(block, sum, c));
      return true;
    }
    return false;
  }

  Sum folded(Block& block, const Sum& sum, int counter) {
    Sum result{sum.output, {}};
    for (const Term& term : sum.terms) {
      const bool reads_counter = !term.factors.empty();
      if (reads_counter) result.terms.push_back({term.coefficient, {moment(block, counter, 2)}});
      const std::int64_t once = reads_counter ? -term.coefficient * term.factors.front().minus : term.coefficient;
      if (once != 0) result.terms.push_back({once, {moment(block, counter, 1)}});
    }
    return result;
  }

  Factor moment(Block& block, int counter, int power) {
    SizeDef size;
    size.depth = block.depth;
    size.counter = counter;
    size.moment = power;
    plan_.sizes.push_back(size);
    block.sizes.push_back(static_cast<int>(plan_.sizes.size()) - 1);
    return {block.sizes.back(), 0, {}};
  }

  Plan& plan_;
};

void assign(Plan& plan, Loop& loop, int used) {
  for (const int s : loop.body.sets) {
    SetDef& set = plan.sets[static_cast<std::size_t>(s)];
    set.slot = is_view(set) ? -1 : used++;
  }
  plan.slots = std::max(plan.slots, used);
  for (Loop& inner : loop.body.loops) assign(plan, inner, used);
}

/// One more than the greatest number of a mark that a loop's checks ask for.
int marks_of_checks(const Loop& loop) {
  int marks = 0;
  for (const Atom& atom : loop.checks) marks = std::max(marks, atom.mark + 1);
  for (const Loop& inner : loop.body.loops) marks = std::max(marks, marks_of_checks(inner));
  return marks;
}

void drop_marks(Block& block, int from) {
  std::erase_if(block.marks, [from](int m) { return m >= from; });
  for (Loop& inner : block.loops) drop_marks(inner.body, from);
}

}  // namespace

Plan without_marked_sizes(Plan plan) {
  for (SizeDef& size : plan.sizes) size.mark = -1;
  int kept = marks_of_checks(plan.root);
  for (const TestDef& test : plan.tests)
    for (const Atom& atom : test.atoms) kept = std::max(kept, atom.mark + 1);
  plan.marks.resize(static_cast<std::size_t>(kept));
  drop_marks(plan.root.body, kept);
  return plan;
}

void add_marks(Plan& plan) { MarkPass(plan).visit(plan.root); }

void add_marked_sizes(Plan& plan) { MarkedSizePass(plan).visit(plan.root); }

void add_counters(Plan& plan, const std::function<bool(int, int)>& worthwhile) {
  CounterPass(plan, worthwhile).visit(plan.root);
}

void fold_counters(Plan& plan) { FoldPass(plan).visit(plan.root.body); }

void assign_slots(Plan& plan) {
  plan.slots = 0;
  assign(plan, plan.root, 0);
}

}  // namespace galena::codegen
