#include <string>
#include <vector>

#include "codegen/plan/plan.hpp"
#include "codegen/plan/walk.hpp"
#include "galena/error.hpp"

namespace galena::codegen {

namespace {

/// Walks the plan as a run would and checks that each value is defined before it is used,
/// in the block it says, and that no buffer is written while its set is alive.
class Verifier {
 public:
  explicit Verifier(const Plan& plan)
      : plan_(plan),
        sets_(plan.sets.size()),
        locals_(plan.locals.size()),
        marks_(plan.marks.size()),
        counters_(plan.counters.size()),
        tests_(plan.tests.size()),
        sizes_(plan.sizes.size()),
        slots_(static_cast<std::size_t>(plan.slots)) {}

  void run() {
    loop(plan_.root, 0);
    given_labels();
    images();
  }

 private:
  [[noreturn]] static void fail(const std::string& what) { throw InternalError("plan verifier: " + what); }

  static void check(bool good, const std::string& what) {
    if (!good) fail(what);
  }

  template <class T>
  static void alive(const std::vector<T>& values, int id, const char* kind) {
    check(id >= 0 && static_cast<std::size_t>(id) < values.size(), std::string(kind) + " out of range");
    check(values[static_cast<std::size_t>(id)] != 0,
          std::string(kind) + " " + std::to_string(id) + " used before its definition");
  }

  void bounded(const Bounds& bounds, int depth) const {
    check(((bounds.below | bounds.above) & ~first(depth + 1)) == 0, "bound by a vertex not yet matched");
  }

  void use(const SetUse& u, int depth) const {
    alive(sets_, u.set, "set");
    bounded(u.bounds, depth);
  }

  void given_labels() const {
    for (const LabelSet& set : plan_.labels)
      check(!plan_.labels_given || (set.kind == LabelSet::Kind::one_of && set.labels.size() == 1),
            "a label to be given that is not one number");
  }

  /// A nest that is left in its middle clears no tables, and leaves nothing to other outputs.
  void images() const {
    if (!of_images(plan_)) {
      check(!plan_.labels_given, "labels to be given to a plan that is not of images");
      for (const Output& output : plan_.outputs)
        check(output.kind != Output::Kind::image, "images beside another output");
      return;
    }
    check(plan_.outputs.size() == 1, "images beside another output");
    check(plan_.marks.empty() && plan_.counters.empty(), "images and a table");
    for_each_loop(plan_, [](const Loop& l) { check(l.body.sums.empty(), "a sum of images"); });
  }

  void list(int id, int depth) const {
    use({id, {}}, depth);
    check(local_of(id) < 0, "bits used as a list");
  }

  [[nodiscard]] int local_of(int id) const { return plan_.sets[static_cast<std::size_t>(id)].local; }

  /// Set `a` is over the columns of the local graph, and v[vertex] has a row in it.
  void row(int local, int a, int vertex) const {
    alive(locals_, local, "local graph");
    const LocalDef& def = plan_.locals[static_cast<std::size_t>(local)];
    const int columns = local_of(a) < 0 ? a : plan_.locals[static_cast<std::size_t>(local_of(a))].columns;
    check(columns == def.columns, "bits over other columns");
    check(vertex > def.depth && vertex < static_cast<int>(path_.size()) &&
              home_of(plan_, *path_[static_cast<std::size_t>(vertex)]) == def.rows,
          "row of a vertex that has none");
  }

  void labels(int id) const { check(id >= -1 && id < static_cast<int>(plan_.labels.size()), "label set out of range"); }

  void atom(const Atom& a, int depth) const {
    check(a.x >= 0 && a.x <= depth && a.y >= 0 && a.y <= depth, "test on a vertex not yet matched");
    labels(a.labels);
    if (a.mark >= 0) alive(marks_, a.mark, "mark");
  }

  void set(int id, int depth) {
    check(id >= 0 && id < static_cast<int>(plan_.sets.size()), "set out of range");
    const SetDef& def = plan_.sets[static_cast<std::size_t>(id)];
    check(def.depth == depth, "set defined at another depth than it says");
    check(sets_[static_cast<std::size_t>(id)] == 0, "set defined twice");
    check(def.vertex >= 0 && def.vertex <= depth, "neighbours of a vertex not yet matched");
    labels(def.elabel);
    labels(def.vlabel);
    bounded(def.bounds, depth);
    if (def.op != SetDef::Op::adjacency) {
      alive(sets_, def.a, "set");
      alive(sets_, def.b, "set");
      check(local_of(def.b) < 0 && (def.local >= 0 || local_of(def.a) < 0), "bits used as a list");
    }
    if (def.local >= 0) {
      check(def.op != SetDef::Op::adjacency, "neighbours of all vertices as bits");
      row(def.local, def.a, def.vertex);
    }
    if (!is_view(def)) {
      check(def.slot >= 0 && def.slot < plan_.slots, "set without a buffer");
      check(slots_[static_cast<std::size_t>(def.slot)] == 0, "buffer written while in use");
      slots_[static_cast<std::size_t>(def.slot)] = 1;
    }
    sets_[static_cast<std::size_t>(id)] = 1;
  }

  void size(int id, int depth) {
    const SizeDef& def = plan_.sizes[static_cast<std::size_t>(id)];
    check(def.depth == depth, "size defined at another depth than it says");
    if (def.moment > 0) {
      alive(counters_, def.counter, "counter");
      check(plan_.counters[static_cast<std::size_t>(def.counter)].depth == depth, "sum of a counter of another block");
      sizes_[static_cast<std::size_t>(id)] = 1;
      return;
    }
    use(def.a, depth);
    bounded(def.b_bounds, depth);
    if (def.b >= 0) list(def.b, depth);
    if (def.local >= 0) {
      check(def.b >= 0 && def.counter < 0, "size by two means");
      row(def.local, def.a.set, def.vertex);
    }
    if (def.local < 0 && (def.b >= 0 || def.counter >= 0)) list(def.a.set, depth);
    if (def.mark >= 0) {
      alive(marks_, def.mark, "mark");
      const SetUse& marked = plan_.marks[static_cast<std::size_t>(def.mark)].set;
      check(def.b >= 0 && def.counter < 0 && def.local < 0 && marked.set == def.a.set && marked.bounds.empty() &&
                def.b_bounds == def.a.bounds,
            "mark of another set than the size's");
    }
    if (def.counter >= 0) {
      alive(counters_, def.counter, "counter");
      check(def.vertex >= 0 && def.vertex <= depth, "counter of a vertex not yet matched");
    }
    sizes_[static_cast<std::size_t>(id)] = 1;
  }

  void sum(const Sum& s) const {
    check(s.output >= 0 && s.output < static_cast<int>(plan_.outputs.size()), "output out of range");
    for (const Term& term : s.terms)
      for (const Factor& factor : term.factors) {
        alive(sizes_, factor.size, "size");
        for (const int t : factor.tests) alive(tests_, t, "test");
      }
  }

  void loop(const Loop& l, int depth) {
    check(l.body.depth == depth && depth <= plan_.max_depth && depth < kMaxPatternVertices, "loop at a wrong depth");
    if (l.from.set >= 0)
      use(l.from, depth - 1);
    else
      bounded(l.from.bounds, depth - 1);
    check((l.except & ~first(depth)) == 0, "exception of a vertex not yet matched");
    labels(l.vlabel);
    for (const Atom& a : l.checks) atom(a, depth);
    for (const int c : l.conditions) {
      check(c >= 0 && c < static_cast<int>(plan_.conditions.size()), "condition out of range");
      check((plan_.conditions[static_cast<std::size_t>(c)].vertices() & ~first(depth + 1)) == 0,
            "condition on a vertex not yet matched");
    }
    path_.push_back(&l);
    block(l.body);
    path_.pop_back();
  }

  void block(const Block& b) {
    for (const int s : b.sets) set(s, b.depth);
    for (const int l : b.locals) {
      const LocalDef& def = plan_.locals[static_cast<std::size_t>(l)];
      check(def.depth == b.depth, "local graph defined at another depth than it says");
      list(def.rows, b.depth);
      list(def.columns, b.depth);
      locals_[static_cast<std::size_t>(l)] = 1;
    }
    for (const int m : b.marks) {
      list(plan_.marks[static_cast<std::size_t>(m)].set.set, b.depth);
      use(plan_.marks[static_cast<std::size_t>(m)].set, b.depth);
      marks_[static_cast<std::size_t>(m)] = 1;
    }
    for (const int c : b.counters) {
      list(plan_.counters[static_cast<std::size_t>(c)].set.set, b.depth);
      use(plan_.counters[static_cast<std::size_t>(c)].set, b.depth);
      bounded(plan_.counters[static_cast<std::size_t>(c)].bounds, b.depth);
      counters_[static_cast<std::size_t>(c)] = 1;
    }
    for (const int t : b.tests) {
      for (const Atom& a : plan_.tests[static_cast<std::size_t>(t)].atoms) atom(a, b.depth);
      tests_[static_cast<std::size_t>(t)] = 1;
    }
    for (const int s : b.sizes) size(s, b.depth);
    for (const Sum& s : b.sums) sum(s);
    for (const Loop& inner : b.loops) loop(inner, b.depth + 1);
    leave(b);
  }

  void leave(const Block& b) {
    for (const int s : b.sets) {
      const SetDef& def = plan_.sets[static_cast<std::size_t>(s)];
      if (def.slot >= 0) slots_[static_cast<std::size_t>(def.slot)] = 0;
      sets_[static_cast<std::size_t>(s)] = 0;
    }
    for (const int l : b.locals) locals_[static_cast<std::size_t>(l)] = 0;
    for (const int m : b.marks) marks_[static_cast<std::size_t>(m)] = 0;
    for (const int c : b.counters) counters_[static_cast<std::size_t>(c)] = 0;
    for (const int t : b.tests) tests_[static_cast<std::size_t>(t)] = 0;
    for (const int s : b.sizes) sizes_[static_cast<std::size_t>(s)] = 0;
  }

  const Plan& plan_;
  std::vector<const Loop*> path_;
  std::vector<char> sets_, locals_, marks_, counters_, tests_, sizes_, slots_;
};

}  // namespace

void verify(const Plan& plan) { Verifier(plan).run(); }

}  // namespace galena::codegen
