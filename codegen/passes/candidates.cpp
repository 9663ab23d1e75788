#include "codegen/passes/candidates.hpp"

#include <algorithm>
#include <iterator>

namespace galena::codegen {

bool Requirement::joins(int depth) const {
  return std::any_of(joined.begin(), joined.end(), [&](const Neighbor& n) { return n.depth == depth; });
}

int intern_labels(Plan& plan, const LabelSet& set) {
  if (set.kind == LabelSet::Kind::any) return -1;
  const auto found = std::find(plan.labels.begin(), plan.labels.end(), set);
  if (found != plan.labels.end()) return static_cast<int>(found - plan.labels.begin());
  plan.labels.push_back(set);
  return static_cast<int>(plan.labels.size()) - 1;
}

int intersect_labels(Plan& plan, int a, int b, bool& empty) {
  if (a < 0 || a == b) return b;
  if (b < 0) return a;
  const LabelSet first = plan.labels[static_cast<std::size_t>(a)];
  const LabelSet second = plan.labels[static_cast<std::size_t>(b)];
  LabelSet result;
  if (first.kind == LabelSet::Kind::none_of && second.kind == LabelSet::Kind::none_of) {
    result.kind = LabelSet::Kind::none_of;
    std::set_union(first.labels.begin(), first.labels.end(), second.labels.begin(), second.labels.end(),
                   std::back_inserter(result.labels));
  } else {
    result.kind = LabelSet::Kind::one_of;
    const LabelSet& list = first.kind == LabelSet::Kind::one_of ? first : second;
    const LabelSet& other = first.kind == LabelSet::Kind::one_of ? second : first;
    std::copy_if(list.labels.begin(), list.labels.end(), std::back_inserter(result.labels),
                 [&](Label label) { return other.contains(label); });
    empty = empty || result.labels.empty();
  }
  return intern_labels(plan, result);
}

Requirement requirement_of(Plan& plan, const Pattern& pattern, const OrderRelation& order, int u, Mask known) {
  Requirement need;
  for (int i = 0; i < u; ++i) {
    if (!(known & bit(i))) continue;
    if (pattern.adjacent(u, i)) need.joined.push_back({i, intern_labels(plan, pattern.edge_label(u, i))});
  }
  need.separated = pattern.anti_neighbors(u) & known & first(u);
  need.vlabel = intern_labels(plan, pattern.vertex(u).label);
  need.bounds = order.bounds(u, known & first(u));
  return need;
}

Requirement intersection(Plan& plan, const Requirement& a, const Requirement& b) {
  Requirement both = a;
  for (const auto& neighbor : b.joined) {
    const auto same = std::find_if(both.joined.begin(), both.joined.end(),
                                   [&](const Requirement::Neighbor& n) { return n.depth == neighbor.depth; });
    if (same == both.joined.end())
      both.joined.push_back(neighbor);
    else
      same->elabel = intersect_labels(plan, same->elabel, neighbor.elabel, both.impossible);
  }
  std::sort(both.joined.begin(), both.joined.end(), [](const auto& x, const auto& y) { return x.depth < y.depth; });
  both.separated |= b.separated;
  for (const auto& neighbor : both.joined)
    if (both.separated & bit(neighbor.depth)) both.impossible = true;
  both.vlabel = intersect_labels(plan, a.vlabel, b.vlabel, both.impossible);
  both.bounds = {a.bounds.below | b.bounds.below, a.bounds.above | b.bounds.above};
  both.impossible = both.impossible || b.impossible;
  return both;
}

std::vector<SetTable::Step> SetTable::steps_of(const Requirement& need) {
  std::vector<Step> steps;
  for (const auto& neighbor : need.joined) steps.push_back({neighbor.depth, neighbor.elabel, false});
  for (int i = 0; i < kMaxPatternVertices; ++i)
    if (need.separated & bit(i)) steps.push_back({i, -1, true});
  // A neighbourhood comes first, since there is nothing to take away from before it.
  std::sort(steps.begin() + 1, steps.end(), [](const Step& x, const Step& y) { return x.depth < y.depth; });
  return steps;
}

std::string SetTable::key_of(const Requirement& need, const std::vector<Step>& steps, std::size_t count) {
  std::string key = std::to_string(need.vlabel);
  for (std::size_t i = 0; i < count; ++i) {
    key += steps[i].subtract ? '-' : '&';
    key += std::to_string(steps[i].depth) + ':' + std::to_string(steps[i].elabel);
  }
  return key;
}

int SetTable::adjacency(int depth, int elabel) {
  const std::string key = "adj" + std::to_string(depth) + ':' + std::to_string(elabel);
  const auto [it, fresh] = ids_.try_emplace(key, static_cast<int>(plan_.sets.size()));
  if (fresh) {
    SetDef def;
    def.depth = def.vertex = depth;
    def.elabel = elabel;
    plan_.sets.push_back(def);
    closed_.emplace_back();
    used_.push_back(true);  // an operand: no bounds of its own
  }
  return it->second;
}

void SetTable::add_user(int set, const Requirement& need, bool required) {
  const auto i = static_cast<std::size_t>(set);
  SetDef& def = plan_.sets[i];
  const Mask known = first(def.depth + 1);
  const Bounds mine{need.bounds.below & known, need.bounds.above & known};
  closed_[i] = used_[i] ? Bounds{closed_[i].below & mine.below, closed_[i].above & mine.above} : mine;
  used_[i] = true;
  if (required) def.least = std::max(def.least, 1);
}

int SetTable::build_steps(const Requirement& need, const std::vector<Step>& steps, bool required) {
  int current = -1;
  int depth = 0;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    depth = std::max(depth, steps[i].depth);
    const std::string key = key_of(need, steps, i + 1);
    auto found = ids_.find(key);
    if (found == ids_.end()) {
      SetDef def;
      def.depth = depth;
      def.vertex = steps[i].depth;
      if (i == 0) {
        def.elabel = steps[i].elabel;
        def.vlabel = need.vlabel;
      } else {
        def.op = steps[i].subtract ? SetDef::Op::subtract : SetDef::Op::intersect;
        def.a = current;
        def.b = adjacency(steps[i].depth, steps[i].elabel);
      }
      found = ids_.emplace(key, static_cast<int>(plan_.sets.size())).first;
      plan_.sets.push_back(def);
      closed_.emplace_back();
      used_.push_back(false);
    }
    current = found->second;
    add_user(current, need, required);
  }
  return current;
}

int SetTable::build(const Requirement& need, bool required) { return build_steps(need, steps_of(need), required); }

int SetTable::find(const Requirement& need) const {
  const auto steps = steps_of(need);
  const auto found = ids_.find(key_of(need, steps, steps.size()));
  return found == ids_.end() ? -1 : found->second;
}

SetTable::Split SetTable::build_but_last(const Requirement& need, bool required) {
  auto steps = steps_of(need);
  const Step last = steps.back();
  steps.pop_back();
  const int base = build_steps(need, steps, required);
  return {base, adjacency(last.depth, last.elabel), last.subtract};
}

void SetTable::settle() {
  for (std::size_t i = 0; i < plan_.sets.size(); ++i) plan_.sets[i].bounds = order_.reduce(closed_[i]);
}

Bounds SetTable::remaining(const Requirement& need, int set) const {
  const Bounds wanted = order_.reduce(need.bounds);
  const Bounds& have = closed_[static_cast<std::size_t>(set)];
  return {wanted.below & ~have.below, wanted.above & ~have.above};
}

}  // namespace galena::codegen
