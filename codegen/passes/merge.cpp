#include "codegen/passes/merge.hpp"

#include <algorithm>

#include "codegen/plan/walk.hpp"
#include "galena/error.hpp"

namespace galena::codegen {

namespace {

/// Adds one plan to another; `*_map_` give the new number of each of its values.
class Merger {
 public:
  Merger(Plan& into, const Plan& from) : into_(into), from_(from) {
    sets_.assign(from.sets.size(), -1);
    tests_.assign(from.tests.size(), -1);
    sizes_.assign(from.sizes.size(), -1);
    outputs_ = static_cast<int>(into.outputs.size());
  }

  void run() {
    for (const LabelSet& set : from_.labels) labels_.push_back(intern(into_.labels, set));
    conditions_ = static_cast<int>(into_.conditions.size());
    into_.conditions.insert(into_.conditions.end(), from_.conditions.begin(), from_.conditions.end());
    into_.outputs.insert(into_.outputs.end(), from_.outputs.begin(), from_.outputs.end());
    into_.max_depth = std::max(into_.max_depth, from_.max_depth);
    into_.checked = into_.checked || from_.checked;
    if (!same_loop(into_.root, from_.root)) throw InternalError("merge: plans with different roots");
    block(into_.root.body, from_.root.body);
  }

  /// Instead of run(), which it is a part of: what is merged then is of no use.
  bool finds_a_loop() {
    if (!into_.labels.empty() || !from_.labels.empty() || !same_loop(into_.root, from_.root)) return false;
    std::vector<int> shared;
    for (const int s : from_.root.body.sets) merge_set(into_.root.body, s, false, shared);
    return std::ranges::any_of(from_.root.body.loops, [&](const Loop& theirs) {
      const Loop header = renamed_header(theirs);
      return std::ranges::any_of(into_.root.body.loops, [&](const Loop& mine) { return same_loop(mine, header); });
    });
  }

 private:
  template <class T>
  static int intern(std::vector<T>& values, const T& value) {
    const auto found = std::find(values.begin(), values.end(), value);
    if (found != values.end()) return static_cast<int>(found - values.begin());
    values.push_back(value);
    return static_cast<int>(values.size()) - 1;
  }

  [[nodiscard]] int set(int id) const { return id < 0 ? id : sets_[static_cast<std::size_t>(id)]; }
  [[nodiscard]] int label(int id) const { return id < 0 ? id : labels_[static_cast<std::size_t>(id)]; }
  [[nodiscard]] SetUse use(SetUse u) const { return {set(u.set), u.bounds}; }
  [[nodiscard]] Atom atom(Atom a) const {
    if (a.labels >= 0) a.labels = label(a.labels);
    return a;
  }

  [[nodiscard]] SetDef renamed(SetDef def) const {
    def.a = set(def.a);
    def.b = set(def.b);
    def.elabel = label(def.elabel);
    def.vlabel = label(def.vlabel);
    return def;
  }

  /// A plan may name the same neighbourhood twice, as a loop's set and as an operand.
  [[nodiscard]] bool same_value(int a, int b) const {
    if (a == b) return true;
    if (a < 0 || b < 0) return false;
    const SetDef& x = into_.sets[static_cast<std::size_t>(a)];
    const SetDef& y = into_.sets[static_cast<std::size_t>(b)];
    return x.op == SetDef::Op::adjacency && same_set(x, y);
  }
  [[nodiscard]] bool same_use(const SetUse& a, const SetUse& b) const {
    return same_value(a.set, b.set) && a.bounds == b.bounds;
  }

  [[nodiscard]] bool same_set(const SetDef& a, const SetDef& b) const {
    return a.op == b.op && a.vertex == b.vertex && same_value(a.a, b.a) && same_value(a.b, b.b) &&
           a.elabel == b.elabel && a.vlabel == b.vlabel && a.bounds == b.bounds;
  }

  [[nodiscard]] bool same_size(const SizeDef& a, const SizeDef& b) const {
    return same_use(a.a, b.a) && same_value(a.b, b.b) && a.b_bounds == b.b_bounds && a.subtract == b.subtract &&
           a.vertex == b.vertex;
  }

  [[nodiscard]] Loop renamed_header(const Loop& loop) const {
    Loop header;
    header.from = use(loop.from);
    header.vlabel = label(loop.vlabel);
    header.except = loop.except;
    for (const Atom& a : loop.checks) header.checks.push_back(atom(a));
    for (const int c : loop.conditions) header.conditions.push_back(c + conditions_);
    header.min_degree = loop.min_degree;
    header.body.depth = loop.body.depth;
    return header;
  }

  [[nodiscard]] bool same_loop(const Loop& a, const Loop& b) const {
    return same_use(a.from, b.from) && a.vlabel == b.vlabel && a.except == b.except && a.checks == b.checks &&
           a.conditions.empty() && b.conditions.empty() && a.min_degree == b.min_degree;
  }

  Loop copy(const Loop& loop) {
    Loop result = renamed_header(loop);
    Block empty;
    empty.depth = loop.body.depth;
    result.body = empty;
    block(result.body, loop.body, true);
    return result;
  }

  void block(Block& into, const Block& from, bool fresh = false) {
    std::vector<int> shared;
    for (const int s : from.sets) merge_set(into, s, fresh, shared);
    if (!fresh)  // a set that only some of the patterns use decides nothing for the others
      for (const int s : into.sets)
        if (std::find(shared.begin(), shared.end(), s) == shared.end())
          into_.sets[static_cast<std::size_t>(s)].least = 0;
    for (const int t : from.tests) merge_test(into, t);
    for (const int s : from.sizes) merge_size(into, s);
    for (Sum sum : from.sums) {
      sum.output += outputs_;
      for (Term& term : sum.terms)
        for (Factor& factor : term.factors) rename(factor);
      into.sums.push_back(sum);
    }
    for (const int e : from.emits) into.emits.push_back(e + outputs_);
    for (const Loop& loop : from.loops) merge_loop(into, loop);
  }

  void rename(Factor& factor) const {
    factor.size = sizes_[static_cast<std::size_t>(factor.size)];
    for (int& t : factor.tests) t = tests_[static_cast<std::size_t>(t)];
  }

  void merge_set(Block& into, int id, bool fresh, std::vector<int>& shared) {
    SetDef def = renamed(from_.sets[static_cast<std::size_t>(id)]);
    for (const int s : into.sets) {
      SetDef& mine = into_.sets[static_cast<std::size_t>(s)];
      if (!same_set(mine, def)) continue;
      mine.least = std::min(mine.least, def.least);
      sets_[static_cast<std::size_t>(id)] = s;
      shared.push_back(s);
      return;
    }
    if (!fresh) def.least = 0;
    into_.sets.push_back(def);
    const int added = static_cast<int>(into_.sets.size()) - 1;
    into.sets.push_back(added);
    sets_[static_cast<std::size_t>(id)] = added;
    shared.push_back(added);
  }

  void merge_test(Block& into, int id) {
    TestDef def = from_.tests[static_cast<std::size_t>(id)];
    for (Atom& a : def.atoms) a = atom(a);
    for (const int t : into.tests)
      if (into_.tests[static_cast<std::size_t>(t)].atoms == def.atoms) {
        tests_[static_cast<std::size_t>(id)] = t;
        return;
      }
    into_.tests.push_back(def);
    into.tests.push_back(static_cast<int>(into_.tests.size()) - 1);
    tests_[static_cast<std::size_t>(id)] = into.tests.back();
  }

  void merge_size(Block& into, int id) {
    SizeDef def = from_.sizes[static_cast<std::size_t>(id)];
    def.a = use(def.a);
    def.b = set(def.b);
    for (const int s : into.sizes)
      if (same_size(into_.sizes[static_cast<std::size_t>(s)], def)) {
        sizes_[static_cast<std::size_t>(id)] = s;
        return;
      }
    into_.sizes.push_back(def);
    into.sizes.push_back(static_cast<int>(into_.sizes.size()) - 1);
    sizes_[static_cast<std::size_t>(id)] = into.sizes.back();
  }

  void merge_loop(Block& into, const Loop& loop) {
    const Loop header = renamed_header(loop);
    for (Loop& mine : into.loops)
      if (same_loop(mine, header)) return block(mine.body, loop.body);
    into.loops.push_back(copy(loop));
  }

  Plan& into_;
  const Plan& from_;
  std::vector<int> sets_, tests_, sizes_, labels_;
  int outputs_ = 0;
  int conditions_ = 0;
};

}  // namespace

Plan merge(const std::vector<Plan>& plans) {
  Plan result = plans.front();
  for (std::size_t i = 1; i < plans.size(); ++i) Merger(result, plans[i]).run();
  return result;
}

bool share_a_loop(const Plan& a, const Plan& b) {
  Plan scratch = a;
  return Merger(scratch, b).finds_a_loop();
}

}  // namespace galena::codegen
