#include "codegen/parse/draft.hpp"

#include <bit>
#include <utility>

#include "codegen/pattern/condition.hpp"
#include "galena/error.hpp"
#include "src/base/suggest.hpp"

namespace galena::codegen {
namespace {

constexpr Mask bit(int v) { return Mask{1} << v; }
std::size_t at_index(int v) { return static_cast<std::size_t>(v); }

// Runs `change`; its InputError becomes one that points at the token.
template <typename Change>
void located(const Cursor& cursor, const Token& at, Change&& change) {
  std::string message;
  try {
    change();
    return;
  } catch (const InputError& error) {
    message = error.what();
  }
  cursor.fail(at, message);
}

std::vector<std::string> vertex_names(const Pattern& pattern) {
  std::vector<std::string> names;
  for (int v = 0; v < pattern.size(); ++v) names.push_back(pattern.vertex(v).name);
  return names;
}

}  // namespace

int Draft::lookup(const std::string& name) const {
  for (int v = 0; v < pattern_.size(); ++v) {
    if (pattern_.vertex(v).name == name) return v;
  }
  return -1;
}

int Draft::find(const Token& name) const {
  const int v = lookup(cursor_.text(name));
  if (v >= 0) return v;
  const std::vector<std::string> names = vertex_names(pattern_);
  std::string known;
  for (const std::string& other : names) known += (known.empty() ? "" : ", ") + other;
  const std::string suggestion = base::did_you_mean(cursor_.text(name), names);
  cursor_.fail(name, "the pattern has no vertex " + cursor_.describe(name) +
                         (suggestion.empty() ? "; its vertices are " + known : suggestion));
}

std::string Draft::unused_name() {
  std::string name;
  do {
    name = "_" + std::to_string(++names_tried_);
  } while (lookup(name) >= 0);
  return name;
}

int Draft::add(const std::string& name, const std::optional<LabelSet>& label, const Token& at) {
  int v = -1;
  located(cursor_, at, [&] { v = pattern_.add_vertex(name); });
  if (label) give_label(v, *label, at);
  return v;
}

int Draft::vertex(const std::string& name, const std::optional<LabelSet>& label, const Token& at) {
  const int known = lookup(name);
  if (known >= 0 && (anonymous_ & bit(known)) == 0) {
    if (label) give_label(known, *label, at);
    return known;
  }
  if (known >= 0) pattern_.set_name(known, unused_name());
  return add(name, label, at);
}

int Draft::anonymous_vertex(const std::optional<LabelSet>& label, const Token& at) {
  const int v = add(unused_name(), label, at);
  anonymous_ |= bit(v);
  return v;
}

void Draft::give_label(int v, const LabelSet& label, const Token& at) {
  if ((labelled_ & bit(v)) != 0) {
    Pattern other(1, {});
    other.set_label(0, label);
    if (other.vertex(0).label == pattern_.vertex(v).label) return;
    cursor_.fail(at, "vertex (" + pattern_.vertex(v).name + ") already has another label; write it in one place");
  }
  pattern_.set_label(v, label);
  labelled_ |= bit(v);
}

void Draft::edge(int u, int v, LabelSet label, const Token& at) {
  located(cursor_, at, [&] { pattern_.add_edge(u, v, std::move(label)); });
}

void Draft::anti_edge(int u, int v, const Token& at) {
  located(cursor_, at, [&] { pattern_.add_anti_edge(u, v); });
}

void Draft::condition(Condition condition, const Token& at) {
  located(cursor_, at, [&] { pattern_.add_condition(std::move(condition)); });
}

void Draft::include(const Definition& other, const std::vector<std::string>& names, const Token& at) {
  const Pattern& part = other.pattern;
  std::vector<int> place;
  for (int v = 0; v < part.size(); ++v) {
    std::optional<LabelSet> label = part.vertex(v).label;
    if (label->kind == LabelSet::Kind::any) label.reset();
    const bool nameless = (other.anonymous & bit(v)) != 0 && names[at_index(v)] == part.vertex(v).name;
    place.push_back(nameless ? anonymous_vertex(label, at) : vertex(names[at_index(v)], label, at));
  }
  for (const Pattern::Edge& e : part.edges()) edge(place[at_index(e.u)], place[at_index(e.v)], e.label, at);
  for (int u = 0; u < part.size(); ++u) {
    for (Mask rest = part.anti_neighbors(u) & ~(bit(u) | (bit(u) - 1)); rest != 0; rest &= rest - 1) {
      anti_edge(place[at_index(u)], place[at_index(std::countr_zero(rest))], at);
    }
  }
  for (const Condition& c : part.conditions()) condition(renamed(c, place), at);
}

}  // namespace galena::codegen
