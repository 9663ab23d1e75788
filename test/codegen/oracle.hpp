#pragma once
// Matches by trying every injective map, and random patterns to try it on.

#include <algorithm>
#include <cstdint>
#include <random>
#include <set>
#include <vector>

#include "codegen/pattern/automorphism.hpp"
#include "galena/pattern.hpp"
#include "test/codegen/small_graph.hpp"

namespace galena::test {

/// A match: image[v] is the vertex that pattern vertex v goes to.
using Image = std::vector<rt::vid>;

/// The semantics of the language, read off its definition: no symmetry, no order, no sharing.
class BruteForce {
 public:
  BruteForce(const Pattern& pattern, const SmallGraph& graph) : pattern_(pattern), graph_(graph) { extend(); }

  [[nodiscard]] const std::vector<Image>& embeddings() const { return found_; }
  [[nodiscard]] std::int64_t instances() const {
    return static_cast<std::int64_t>(found_.size()) /
           static_cast<std::int64_t>(codegen::Automorphisms(pattern_).size());
  }

 private:
  void extend() {
    if (static_cast<int>(image_.size()) == pattern_.size()) {
      const auto& all = pattern_.conditions();
      if (std::all_of(all.begin(), all.end(), [this](const Condition& c) { return holds(c); }))
        found_.push_back(image_);
      return;
    }
    for (rt::vid x = 0; x < graph_.view().n; ++x) {
      if (!fits(x)) continue;
      image_.push_back(x);
      extend();
      image_.pop_back();
    }
  }

  [[nodiscard]] bool fits(rt::vid x) const {
    const int v = static_cast<int>(image_.size());
    if (!pattern_.vertex(v).label.contains(graph_.label(x))) return false;
    for (int u = 0; u < v; ++u) {
      const rt::vid y = image_[static_cast<std::size_t>(u)];
      if (x == y || (pattern_.separated(u, v) && graph_.joined(x, y))) return false;
      if (!pattern_.adjacent(u, v)) continue;
      if (!graph_.joined(x, y) || !pattern_.edge_label(u, v).contains(graph_.edge_label(x, y))) return false;
    }
    return true;
  }

  [[nodiscard]] std::int64_t value(const Condition::Term& term) const {
    if (term.kind == Condition::Term::Kind::constant) return term.value;
    const rt::vid x = image_[static_cast<std::size_t>(term.vertex)];
    return term.kind == Condition::Term::Kind::degree ? graph_.degree(x) : graph_.label(x);
  }

  [[nodiscard]] bool holds(const Condition& c) const {
    const auto is = [this](const Condition& child) { return holds(child); };
    if (c.kind == Condition::Kind::all) return std::all_of(c.children.begin(), c.children.end(), is);
    if (c.kind == Condition::Kind::any) return std::any_of(c.children.begin(), c.children.end(), is);
    if (c.kind == Condition::Kind::negation) return !holds(c.children.front());
    const std::int64_t a = value(c.left), b = value(c.right);
    using Operator = Condition::Operator;
    return c.op == Operator::eq   ? a == b
           : c.op == Operator::ne ? a != b
           : c.op == Operator::lt ? a < b
           : c.op == Operator::le ? a <= b
           : c.op == Operator::gt ? a > b
                                  : a >= b;
  }

  const Pattern& pattern_;
  const SmallGraph& graph_;
  Image image_;
  std::vector<Image> found_;
};

/// The least image of a match under the automorphisms: equal for matches of one instance.
inline Image representative(const Image& image, const codegen::Automorphisms& group) {
  Image least = image;
  for (const codegen::Permutation& p : group.elements()) {
    Image moved(image.size());
    for (std::size_t v = 0; v < image.size(); ++v) moved[v] = image[static_cast<std::size_t>(p[v])];
    least = std::min(least, moved);
  }
  return least;
}

/// Every connected graph on the vertices 0..k-1: every connected pattern in every numbering.
inline std::vector<Pattern> numbered_patterns(int k) {
  std::vector<std::pair<int, int>> pairs;
  for (int u = 0; u < k; ++u)
    for (int v = u + 1; v < k; ++v) pairs.emplace_back(u, v);
  std::vector<Pattern> result;
  for (std::uint32_t chosen = 0; chosen < std::uint32_t{1} << pairs.size(); ++chosen) {
    std::vector<std::pair<int, int>> edges;
    for (std::size_t i = 0; i < pairs.size(); ++i)
      if ((chosen >> i) & 1U) edges.push_back(pairs[i]);
    if (Pattern pattern(k, edges); pattern.connected()) result.push_back(std::move(pattern));
  }
  return result;
}

/// Adds what the language has beyond plain edges; each probability in [0, 1].
struct Decoration {
  double anti_edge = 0, vertex_label = 0, edge_label = 0, condition = 0;

  [[nodiscard]] Pattern operator()(const Pattern& plain, std::mt19937& random) const {
    Pattern result(plain.size(), {});
    for (int v = 0; v < plain.size(); ++v) {
      if (chance(vertex_label, random)) result.set_label(v, labels(3, random));
      for (int u = 0; u < v; ++u) {
        if (plain.adjacent(u, v))
          result.add_edge(u, v, chance(edge_label, random) ? labels(2, random) : LabelSet{});
        else if (chance(anti_edge, random))
          result.add_anti_edge(u, v);
      }
    }
    while (chance(condition, random)) result.add_condition(compound(plain.size(), random));
    return result;
  }

 private:
  static bool chance(double p, std::mt19937& random) { return std::uniform_real_distribution<>(0, 1)(random) < p; }

  static LabelSet labels(unsigned count, std::mt19937& random) {
    std::set<Label> chosen{static_cast<Label>(random() % count)};
    if (count > 2 && random() % 3 == 0) chosen.insert(static_cast<Label>(random() % count));
    return {random() % 3 == 0 ? LabelSet::Kind::none_of : LabelSet::Kind::one_of, {chosen.begin(), chosen.end()}};
  }

  static Condition compound(int size, std::mt19937& random) {
    Condition result = compare(size, random);
    if (random() % 3 != 0) return result;
    Condition outer;
    outer.kind = random() % 2 == 0 ? Condition::Kind::any : Condition::Kind::negation;
    outer.children.push_back(result);
    if (outer.kind == Condition::Kind::any) outer.children.push_back(compare(size, random));
    return outer;
  }

  static Condition compare(int size, std::mt19937& random) {
    using Kind = Condition::Term::Kind;
    Condition result;
    const Kind kind = random() % 2 == 0 ? Kind::degree : Kind::label;
    const int left = static_cast<int>(random() % static_cast<unsigned>(size));
    const int right = static_cast<int>(random() % static_cast<unsigned>(size));
    const auto most = kind == Kind::degree ? 5 : 3;
    result.op = static_cast<Condition::Operator>(random() % 6);
    result.left = {kind, left, 0};
    result.right = right == left ? Condition::Term{Kind::constant, -1, static_cast<std::int64_t>(random() % most)}
                                 : Condition::Term{kind, right, 0};
    return result;
  }
};

}  // namespace galena::test
