#include "codegen/passes/local.hpp"

#include <algorithm>

#include "codegen/plan/walk.hpp"

namespace galena::codegen {

namespace {

/// One attempt, with the sets that have turned out to be needed as lists.
class LocalPass {
 public:
  LocalPass(Plan& plan, int from, std::vector<char>& lists) : plan_(plan), from_(from), lists_(lists) {
    for (const SetDef& def : plan.sets) bounds_.push_back(def.bounds);
  }

  /// False where another set has to be a list: the plan is then of no use.
  bool run() {
    visit(plan_.root);
    return good_;
  }

 private:
  SetDef& set(int id) { return plan_.sets[static_cast<std::size_t>(id)]; }

  void visit(Loop& loop) {
    path_.push_back(&loop);
    for (const int s : loop.body.sets) convert(s);
    for (const int s : loop.body.sizes) convert_size(s);
    for (Loop& inner : loop.body.loops) visit(inner);
    path_.pop_back();
  }

  void convert(int id) {
    SetDef& def = set(id);
    if (def.op == SetDef::Op::adjacency) return;
    if (def.depth >= from_ && lists_[static_cast<std::size_t>(id)] == 0)
      def.local = local_for(def.a, def.b, def.vertex, def.depth);
    if (def.local < 0) return need_list(def.a);
    const Bounds& had = bounds_[static_cast<std::size_t>(def.a)];  // a subset of `a` obeys them as well
    def.bounds = {def.bounds.below & ~had.below, def.bounds.above & ~had.above};
  }

  void convert_size(int id) {
    SizeDef& size = plan_.sizes[static_cast<std::size_t>(id)];
    if (size.b < 0) return;
    if (size.depth >= from_) size.local = local_for(size.a.set, size.b, size.vertex, size.depth);
    if (size.local < 0) need_list(size.a.set);
  }

  void need_list(int id) {
    if (set(id).local < 0) return;
    lists_[static_cast<std::size_t>(id)] = 1;
    good_ = false;
  }

  /// The local graph with a row of v[vertex] over the columns of set `a`, or -1; `b` are the neighbours.
  int local_for(int a, int b, int vertex, int depth) {
    const SetDef& neighbours = set(b);
    if (!is_view(neighbours) || !neighbours.bounds.empty()) return -1;
    LocalDef def;
    def.rows = home_of(plan_, *path_[static_cast<std::size_t>(vertex)]);
    def.columns = set(a).local < 0 ? a : plan_.locals[static_cast<std::size_t>(set(a).local)].columns;
    if (def.rows < 0) return -1;
    def.depth = std::max(set(def.rows).depth, set(def.columns).depth);
    if (def.depth >= vertex || def.depth >= depth) return -1;
    const auto same = [&](const LocalDef& other) { return other.rows == def.rows && other.columns == def.columns; };
    const auto found = std::find_if(plan_.locals.begin(), plan_.locals.end(), same);
    if (found != plan_.locals.end()) return static_cast<int>(found - plan_.locals.begin());
    plan_.locals.push_back(def);
    const int id = static_cast<int>(plan_.locals.size()) - 1;
    path_[static_cast<std::size_t>(def.depth)]->body.locals.push_back(id);
    return id;
  }

  Plan& plan_;
  int from_;
  std::vector<char>& lists_;
  std::vector<Bounds> bounds_;  ///< by set, as they were
  std::vector<Loop*> path_;
  bool good_ = true;
};

}  // namespace

void add_locals(Plan& plan, int from) {
  std::vector<char> lists(plan.sets.size());
  for (;;) {
    Plan attempt = plan;
    if (!LocalPass(attempt, from, lists).run()) continue;
    plan = std::move(attempt);
    return;
  }
}

}  // namespace galena::codegen
