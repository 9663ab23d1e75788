#include "galena/pattern.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "codegen/pattern/condition.hpp"
#include "codegen/pattern/names.hpp"
#include "galena/error.hpp"

namespace galena {
namespace {

constexpr std::uint32_t bit(int v) { return std::uint32_t{1} << v; }
constexpr std::uint32_t first_bits(int count) { return count >= 32 ? ~std::uint32_t{0} : bit(count) - 1; }
std::size_t at(int v) { return static_cast<std::size_t>(v); }

LabelSet normalized(LabelSet set) {
  std::sort(set.labels.begin(), set.labels.end());
  set.labels.erase(std::unique(set.labels.begin(), set.labels.end()), set.labels.end());
  if (set.kind == LabelSet::Kind::none_of && set.labels.empty()) set.kind = LabelSet::Kind::any;
  if (set.kind == LabelSet::Kind::any) set.labels.clear();
  if (set.kind == LabelSet::Kind::one_of && set.labels.empty()) {
    throw InputError("a label set that allows no label; expected at least one");
  }
  return set;
}

bool before(const Pattern::Edge& edge, std::pair<int, int> pair) { return std::pair(edge.u, edge.v) < pair; }

}  // namespace

bool LabelSet::contains(Label label) const {
  if (kind == Kind::any) return true;
  return std::binary_search(labels.begin(), labels.end(), label) == (kind == Kind::one_of);
}

Pattern::Pattern(int size, const std::vector<std::pair<int, int>>& edges) {
  if (size < 0) throw InputError("a pattern of " + std::to_string(size) + " vertices");
  for (int v = 0; v < size; ++v) add_vertex(codegen::default_name(v));
  for (const auto& [u, v] : edges) add_edge(u, v);
}

int Pattern::add_vertex(std::string name, LabelSet label) {
  if (size() == kMaxPatternVertices) {
    throw InputError("too many vertices; a pattern has at most " + std::to_string(kMaxPatternVertices));
  }
  vertices_.emplace_back();
  adjacent_.push_back(0);
  separated_.push_back(0);
  try {
    set_name(size() - 1, std::move(name));
    set_label(size() - 1, std::move(label));
  } catch (...) {
    vertices_.pop_back();
    adjacent_.pop_back();
    separated_.pop_back();
    throw;
  }
  return size() - 1;
}

void Pattern::check_pair(int u, int v, const char* relation) const {
  for (const int x : {u, v}) {
    if (x < 0 || x >= size()) {
      throw InputError("vertex " + std::to_string(x) + " is not in the pattern, which has " + std::to_string(size()) +
                       " vertices numbered from 0");
    }
  }
  if (u != v && !adjacent(u, v) && !separated(u, v)) return;
  const std::string first = "(" + vertex(u).name + ")", second = "(" + vertex(v).name + ")";
  if (u == v) {
    throw InputError("vertex " + first + " is " + relation + " itself; a pattern's edges join two different vertices");
  }
  throw InputError(first + " and " + second + " are already " +
                   (adjacent(u, v) ? "joined by an edge" : "separated by an anti-edge"));
}

void Pattern::add_edge(int u, int v, LabelSet label) {
  check_pair(u, v, "joined to");
  if (u > v) std::swap(u, v);
  const auto place = std::lower_bound(edges_.begin(), edges_.end(), std::pair(u, v), before);
  edges_.insert(place, Edge{u, v, normalized(std::move(label))});
  adjacent_[at(u)] |= bit(v);
  adjacent_[at(v)] |= bit(u);
}

void Pattern::add_anti_edge(int u, int v) {
  check_pair(u, v, "separated from");
  separated_[at(u)] |= bit(v);
  separated_[at(v)] |= bit(u);
}

void Pattern::add_condition(Condition condition) {
  std::vector<Condition> parts = codegen::flatten_conjuncts(std::move(condition), size());
  std::move(parts.begin(), parts.end(), std::back_inserter(conditions_));
}

void Pattern::set_label(int v, LabelSet label) { vertices_.at(at(v)).label = normalized(std::move(label)); }

void Pattern::set_name(int v, std::string name) {
  if (!codegen::is_name(name)) {
    throw InputError("'" + name.substr(0, 64) +
                     "' is not a vertex name; expected a letter or '_', then letters, digits and '_'");
  }
  for (int u = 0; u < size(); ++u) {
    if (u != v && vertex(u).name == name) throw InputError("two vertices are called '" + name + "'");
  }
  vertices_.at(at(v)).name = std::move(name);
}

void Pattern::make_induced() {
  for (int v = 0; v < size(); ++v) separated_[at(v)] = first_bits(size()) & ~neighbors(v) & ~bit(v);
}

const LabelSet& Pattern::edge_label(int u, int v) const {
  static const LabelSet kAny;
  const std::pair pair(std::min(u, v), std::max(u, v));
  const auto place = std::lower_bound(edges_.begin(), edges_.end(), pair, before);
  return place != edges_.end() && std::pair(place->u, place->v) == pair ? place->label : kAny;
}

bool Pattern::connected() const {
  if (size() == 0) return true;
  std::uint32_t reached = 1, fresh = 1;
  while (fresh != 0) {
    const int v = std::countr_zero(fresh);
    fresh &= fresh - 1;
    fresh |= neighbors(v) & ~reached;
    reached |= neighbors(v);
  }
  return reached == first_bits(size());
}

bool Pattern::plain() const {
  const auto any = [](const auto& part) { return part.label.kind == LabelSet::Kind::any; };
  return conditions_.empty() && std::all_of(vertices_.begin(), vertices_.end(), any) &&
         std::all_of(edges_.begin(), edges_.end(), any) &&
         std::all_of(separated_.begin(), separated_.end(), [](std::uint32_t mask) { return mask == 0; });
}

bool Pattern::plain_induced() const {
  Pattern joined = *this;
  std::fill(joined.separated_.begin(), joined.separated_.end(), 0U);
  if (!joined.plain()) return false;
  joined.make_induced();
  return joined.separated_ == separated_;
}

Pattern Pattern::permuted(const std::vector<int>& order) const {
  std::vector<int> place(vertices_.size(), -1);
  for (std::size_t i = 0; i < order.size(); ++i) {
    const int v = order[i];
    if (v < 0 || v >= size() || place[at(v)] >= 0) throw InputError("not a permutation of the pattern's vertices");
    place[at(v)] = static_cast<int>(i);
  }
  if (order.size() != vertices_.size()) throw InputError("not a permutation of the pattern's vertices");
  Pattern result;
  for (const int v : order) result.add_vertex(vertex(v).name, vertex(v).label);
  for (const Edge& edge : edges_) result.add_edge(place[at(edge.u)], place[at(edge.v)], edge.label);
  for (int v = 0; v < size(); ++v) {
    for (std::uint32_t rest = anti_neighbors(v) & ~first_bits(v + 1); rest != 0; rest &= rest - 1) {
      result.add_anti_edge(place[at(v)], place[at(std::countr_zero(rest))]);
    }
  }
  for (const Condition& condition : conditions_) result.add_condition(codegen::renamed(condition, place));
  return result;
}

}  // namespace galena
