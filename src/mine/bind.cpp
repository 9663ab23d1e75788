#include "src/mine/bind.hpp"

#include <algorithm>
#include <set>
#include <string>

#include "galena/error.hpp"

namespace galena::mine {

namespace {

/// "0, 1, 2 and 4 more"
std::string listing(const std::set<Label>& labels) {
  constexpr std::size_t kShown = 12;
  std::string text;
  std::size_t shown = 0;
  for (const Label label : labels) {
    if (shown == kShown) return text + " and " + std::to_string(labels.size() - shown) + " more";
    text += (shown++ > 0 ? ", " : "") + std::to_string(label);
  }
  return text;
}

/// The label of the graph that is nearest in value: a slip of the finger is off by little.
Label nearest(const std::set<Label>& labels, Label wanted) {
  const auto distance = [wanted](Label l) { return l > wanted ? l - wanted : wanted - l; };
  return *std::min_element(labels.begin(), labels.end(), [&](Label a, Label b) { return distance(a) < distance(b); });
}

void check(const LabelSet& set, const std::set<Label>& present, const std::string& where, const char* kind) {
  if (set.kind == LabelSet::Kind::any) return;
  if (present.empty())
    throw InputError(
        where + " asks for a label, but the graph has no " + kind + " labels (put " +
        (kind[0] == 'v' ? "vlabels.txt" : "edge_labels.txt") + " beside edges.txt in a dataset folder" +
        (kind[0] == 'v' ? ")" : "; or, where they are a third column of the edges, read them by --edge-labels)"));
  for (const Label label : set.labels)
    if (!present.contains(label))
      throw InputError(where + ": no " + kind + " has label " + std::to_string(label) + "; did you mean " +
                       std::to_string(nearest(present, label)) + "? (labels of this graph: " + listing(present) + ")");
}

/// A comparison of a label for (in)equality with a number that is no label of the graph.
void check(const Condition& condition, const std::set<Label>& present) {
  for (const Condition& child : condition.children) check(child, present);
  const bool equality = condition.op == Condition::Operator::eq || condition.op == Condition::Operator::ne;
  if (condition.kind != Condition::Kind::compare || !equality) return;
  using Kind = Condition::Term::Kind;
  const auto wants = [&](const Condition::Term& one, const Condition::Term& other) {
    if (one.kind != Kind::label || other.kind != Kind::constant) return;
    const bool fits = other.value >= 0 && other.value <= static_cast<std::int64_t>(UINT32_MAX);
    const Label label = fits ? static_cast<Label>(other.value) : 0;
    if (fits && present.contains(label)) return;
    throw InputError("WHERE: no vertex has label " + std::to_string(other.value) + "; did you mean " +
                     std::to_string(nearest(present, label)) + "? (labels of this graph: " + listing(present) + ")");
  };
  wants(condition.left, condition.right);
  wants(condition.right, condition.left);
}

}  // namespace

void check_query(const Query& query, const Graph& graph) {
  if (query.kind == QueryKind::motifs || query.kind == QueryKind::frequent || query.kind == QueryKind::cliques) return;
  const Pattern& pattern = query.pattern;
  bool vertex_labels = false;
  bool edge_labels = false;
  for (int v = 0; v < pattern.size(); ++v)
    vertex_labels = vertex_labels || pattern.vertex(v).label.kind != LabelSet::Kind::any;
  for (const Pattern::Edge& edge : pattern.edges()) edge_labels = edge_labels || edge.label.kind != LabelSet::Kind::any;
  for (const Condition& condition : pattern.conditions())
    if (condition.uses_labels() && graph.vertex_labels().empty() && graph.num_vertices() > 0)
      throw InputError("WHERE compares labels, but the graph has no vertex labels");
  const bool compared = std::any_of(pattern.conditions().begin(), pattern.conditions().end(),
                                    [](const Condition& condition) { return condition.uses_labels(); });
  if (compared && graph.num_vertices() > 0) {
    const std::set<Label> present(graph.vertex_labels().begin(), graph.vertex_labels().end());
    for (const Condition& condition : pattern.conditions()) check(condition, present);
  }
  if (vertex_labels) {
    const std::set<Label> present(graph.vertex_labels().begin(), graph.vertex_labels().end());
    for (int v = 0; v < pattern.size(); ++v)
      check(pattern.vertex(v).label, present, "vertex '" + pattern.vertex(v).name + "'", "vertex");
  }
  if (edge_labels) {
    const std::set<Label> present(graph.edge_labels().begin(), graph.edge_labels().end());
    for (const Pattern::Edge& edge : pattern.edges())
      check(edge.label, present, "edge " + pattern.vertex(edge.u).name + "--" + pattern.vertex(edge.v).name, "edge");
  }
}

}  // namespace galena::mine
