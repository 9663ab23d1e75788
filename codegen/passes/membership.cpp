#include "codegen/passes/membership.hpp"

#include <algorithm>

namespace galena::codegen {

namespace {

using Answer = Membership::Answer;

bool subset(const LabelSet& inner, const LabelSet& outer) {
  using Kind = LabelSet::Kind;
  if (outer.kind == Kind::any) return true;
  if (inner.kind == Kind::any) return false;
  if (inner.kind == Kind::one_of)
    return std::all_of(inner.labels.begin(), inner.labels.end(), [&](Label l) { return outer.contains(l); });
  return outer.kind == Kind::none_of &&
         std::includes(inner.labels.begin(), inner.labels.end(), outer.labels.begin(), outer.labels.end());
}

bool disjoint(const LabelSet& a, const LabelSet& b) {
  using Kind = LabelSet::Kind;
  if (a.kind != Kind::one_of && b.kind != Kind::one_of) return false;
  const LabelSet& list = a.kind == Kind::one_of ? a : b;
  const LabelSet& other = a.kind == Kind::one_of ? b : a;
  return std::none_of(list.labels.begin(), list.labels.end(), [&](Label l) { return other.contains(l); });
}

/// By label sets: what is known of a value in `mine` with regard to `wanted`. Labels yet to be given may be equal.
Answer by_labels(const Plan& plan, const LabelSet& mine, int set) {
  const LabelSet& wanted = plan.labels[static_cast<std::size_t>(set)];
  if (plan.labels_given && mine != wanted) return Answer::depends;
  if (subset(mine, wanted)) return Answer::yes;
  return disjoint(mine, wanted) ? Answer::no : Answer::depends;
}

class Decision {
 public:
  void add(Answer answer, const Atom& atom) {
    if (answer == Answer::no) result_.answer = Answer::no;
    if (answer == Answer::depends) result_.atoms.push_back(atom);
  }
  Membership take() {
    if (result_.answer == Answer::no)
      result_.atoms.clear();
    else if (!result_.atoms.empty())
      result_.answer = Answer::depends;
    return result_;
  }

 private:
  Membership result_;
};

Answer joined(const Plan& plan, const Pattern& pattern, int i, const Requirement::Neighbor& to) {
  if (i == to.depth || pattern.separated(i, to.depth)) return Answer::no;
  if (!pattern.adjacent(i, to.depth)) return Answer::depends;
  if (to.elabel < 0) return Answer::yes;
  return by_labels(plan, pattern.edge_label(i, to.depth), to.elabel);
}

Answer separated(const Pattern& pattern, int i, int from) {
  if (i == from || pattern.separated(i, from)) return Answer::yes;
  return pattern.adjacent(i, from) ? Answer::no : Answer::depends;
}

Answer smaller(const OrderRelation& order, int i, int j) {
  if (i == j || order.less(j, i)) return Answer::no;
  return order.less(i, j) ? Answer::yes : Answer::depends;
}

}  // namespace

Membership membership(Plan& plan, const Pattern& pattern, const OrderRelation& order, const Requirement& need, int i) {
  Decision decision;
  for (const auto& to : need.joined)
    decision.add(joined(plan, pattern, i, to), {Atom::Kind::adjacent, i, to.depth, to.elabel, -1});
  for (int j = 0; j < pattern.size(); ++j) {
    if (need.separated & bit(j)) decision.add(separated(pattern, i, j), {Atom::Kind::nonadjacent, i, j, -1, -1});
    if (need.bounds.below & bit(j)) decision.add(smaller(order, i, j), {Atom::Kind::less, i, j, -1, -1});
    if (need.bounds.above & bit(j)) decision.add(smaller(order, j, i), {Atom::Kind::less, j, i, -1, -1});
  }
  if (need.vlabel >= 0)
    decision.add(by_labels(plan, pattern.vertex(i).label, need.vlabel), {Atom::Kind::label, i, i, need.vlabel, -1});
  return decision.take();
}

}  // namespace galena::codegen
