// Patterns and conditions as the language writes them. Vertices appear in order of their
// numbers, so that the text parses back to the same numbering.
#include <bit>

#include "codegen/pattern/condition.hpp"
#include "galena/pattern.hpp"

namespace galena {
namespace {

constexpr std::uint32_t bit(int v) { return std::uint32_t{1} << v; }

std::string label_text(const LabelSet& set) {
  if (set.kind == LabelSet::Kind::any) return "";
  std::string text = set.kind == LabelSet::Kind::none_of ? ":!" : ":";
  for (std::size_t i = 0; i < set.labels.size(); ++i) text += (i > 0 ? "|" : "") + std::to_string(set.labels[i]);
  return text;
}

// Draws the edges as few and long paths: each step goes to the next vertex not yet shown if
// it can, else to the first neighbour by an edge not yet drawn.
class Drawing {
 public:
  explicit Drawing(const Pattern& pattern) : pattern_(pattern) {
    for (int v = 0; v < pattern.size(); ++v) left_[v] = pattern.neighbors(v);
  }

  std::string text() {
    for (int start = next_start(); start >= 0; start = next_start()) draw_path(start);
    draw_anti_edges();
    return text_;
  }

 private:
  [[nodiscard]] std::uint32_t reachable(int v) const {
    const std::uint32_t seen = shown_ >= 32 ? ~0U : bit(shown_) - 1;
    return left_[v] & (seen | (shown_ < 32 ? bit(shown_) : 0U));
  }

  [[nodiscard]] int next_start() const {
    for (int v = 0; v < shown_; ++v) {
      if (reachable(v) != 0) return v;
    }
    return shown_ < pattern_.size() ? shown_ : -1;
  }

  void draw_path(int v) {
    if (!text_.empty()) text_ += ", ";
    show(v);
    for (std::uint32_t options = reachable(v); options != 0; options = reachable(v)) {
      const bool fresh = shown_ < 32 && (options & bit(shown_)) != 0;
      const int next = fresh ? shown_ : std::countr_zero(options);
      const std::string label = label_text(pattern_.edge_label(v, next));
      text_ += label.empty() ? "--" : "-[" + label + "]-";
      show(next);
      left_[v] &= ~bit(next);
      left_[next] &= ~bit(v);
      v = next;
    }
  }

  void show(int v) {
    const Pattern::Vertex& vertex = pattern_.vertex(v);
    text_ += "(" + vertex.name;
    if (v == shown_) {
      text_ += label_text(vertex.label);
      ++shown_;
    }
    text_ += ")";
  }

  void draw_anti_edges() {
    for (int u = 0; u < pattern_.size(); ++u) {
      for (int v = u + 1; v < pattern_.size(); ++v) {
        if (pattern_.separated(u, v)) text_ += ", (" + pattern_.vertex(u).name + ")!-(" + pattern_.vertex(v).name + ")";
      }
    }
  }

  const Pattern& pattern_;
  std::uint32_t left_[kMaxPatternVertices] = {};  // edges not yet drawn, by vertex
  int shown_ = 0;                                 // vertices 0..shown_-1 have appeared
  std::string text_;
};

std::string term_text(const Condition::Term& term, std::span<const Pattern::Vertex> vertices) {
  if (term.kind == Condition::Term::Kind::constant) return std::to_string(term.value);
  const std::string& name = vertices[static_cast<std::size_t>(term.vertex)].name;
  return name + (term.kind == Condition::Term::Kind::degree ? ".degree" : ".label");
}

std::string child_text(const Condition& child, std::span<const Pattern::Vertex> vertices) {
  const std::string text = codegen::to_text(child, vertices);
  const bool bare = child.kind == Condition::Kind::compare || child.kind == Condition::Kind::negation;
  return bare ? text : "(" + text + ")";
}

}  // namespace

std::string codegen::to_text(const Condition& condition, std::span<const Pattern::Vertex> vertices) {
  constexpr const char* kOperators[] = {" = ", " <> ", " < ", " <= ", " > ", " >= "};
  if (condition.kind == Condition::Kind::compare) {
    return term_text(condition.left, vertices) + kOperators[static_cast<int>(condition.op)] +
           term_text(condition.right, vertices);
  }
  if (condition.kind == Condition::Kind::negation) {
    const Condition& child = condition.children.front();
    const std::string text = codegen::to_text(child, vertices);
    return child.kind == Condition::Kind::negation ? "NOT " + text : "NOT (" + text + ")";
  }
  std::string text;
  for (const Condition& child : condition.children) {
    if (!text.empty()) text += condition.kind == Condition::Kind::all ? " AND " : " OR ";
    text += child_text(child, vertices);
  }
  return text;
}

std::string Pattern::to_string() const {
  std::string text = Drawing(*this).text();
  for (std::size_t i = 0; i < conditions_.size(); ++i) {
    text += i == 0 ? " WHERE " : " AND ";
    const std::string part = codegen::to_text(conditions_[i], vertices_);
    text += conditions_[i].kind == Condition::Kind::any && conditions_.size() > 1 ? "(" + part + ")" : part;
  }
  return text;
}

}  // namespace galena
