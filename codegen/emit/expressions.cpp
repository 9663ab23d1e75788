#include "codegen/emit/expressions.hpp"

namespace galena::codegen {

namespace {

std::string fold(Mask mask, const char* function) {
  std::string text;
  for (int i = 0; i < kMaxPatternVertices; ++i) {
    if (!(mask & bit(i))) continue;
    text = text.empty() ? vertex_name(i) : std::string(function) + "(" + text + ", " + vertex_name(i) + ")";
  }
  return text;
}

std::string term_text(const Condition::Term& term) {
  switch (term.kind) {
    case Condition::Term::Kind::degree: return "(int64_t)x.degree(" + vertex_name(term.vertex) + ")";
    case Condition::Term::Kind::label: return "(int64_t)x.vlabel(" + vertex_name(term.vertex) + ")";
    case Condition::Term::Kind::constant: break;
  }
  return "INT64_C(" + std::to_string(term.value) + ")";
}

const char* operator_text(Condition::Operator op) {
  switch (op) {
    case Condition::Operator::eq: return " == ";
    case Condition::Operator::ne: return " != ";
    case Condition::Operator::lt: return " < ";
    case Condition::Operator::le: return " <= ";
    case Condition::Operator::gt: return " > ";
    case Condition::Operator::ge: break;
  }
  return " >= ";
}

std::string factor_text(const Factor& factor, const SumStyle& style) {
  const bool part = style.is_part && style.is_part(factor.size);
  std::string minus = factor.minus != 0 ? std::to_string(factor.minus) : "";
  for (const int t : factor.tests) minus += (minus.empty() ? "t" : (part ? " + t" : " - t")) + std::to_string(t);
  if (part && !minus.empty()) minus = style.once + "((int64_t)" + minus + ")";
  return "(n" + std::to_string(factor.size) + (minus.empty() ? "" : " - " + minus) + ")";
}

std::string product_text(const Term& term, const std::string& type, const SumStyle& style) {
  std::string product = "(" + type + ")" + std::to_string(term.coefficient);
  if (term.coefficient == 1 && !term.factors.empty()) product.clear();
  for (const Factor& factor : term.factors) {
    const std::string text = factor_text(factor, style);
    if (product.empty())
      product = "(" + type + ")" + text;
    else
      product = style.checked ? "x.mul(" + product + ", " + text + ")" : product + " * " + text;
  }
  return product;
}

}  // namespace

std::string vertex_name(int depth) { return "v" + std::to_string(depth); }
std::string set_name(int id) { return "s" + std::to_string(id); }
std::string least_of(Mask mask) { return fold(mask, "lesser"); }
std::string greatest_of(Mask mask) { return fold(mask, "greater"); }
std::string labels_text(int id) { return "kLabels" + std::to_string(id); }

std::string condition_text(const Condition& c) {
  switch (c.kind) {
    case Condition::Kind::compare: return term_text(c.left) + operator_text(c.op) + term_text(c.right);
    case Condition::Kind::negation: return "!(" + condition_text(c.children.front()) + ")";
    case Condition::Kind::all:
    case Condition::Kind::any: break;
  }
  std::string text;
  for (const Condition& child : c.children) {
    if (!text.empty()) text += c.kind == Condition::Kind::all ? " && " : " || ";
    text += "(" + condition_text(child) + ")";
  }
  if (text.empty()) return c.kind == Condition::Kind::all ? "true" : "false";
  return text;
}

std::string atom_text(const Atom& atom) {
  const std::string x = vertex_name(atom.x);
  const std::string y = vertex_name(atom.y);
  switch (atom.kind) {
    case Atom::Kind::less: return x + " < " + y;
    case Atom::Kind::label: return "has_label(" + labels_text(atom.labels) + ", x.vlabel(" + x + "))";
    case Atom::Kind::adjacent:
    case Atom::Kind::nonadjacent: break;
  }
  std::string text;
  if (atom.mark >= 0)
    text = "(k" + std::to_string(atom.mark) + "[" + x + "] != 0)";
  else if (atom.labels >= 0)
    text = "x.joined(" + x + ", " + y + ", " + labels_text(atom.labels) + ")";
  else
    text = "has(x.adj(" + y + "), " + x + ")";
  return atom.kind == Atom::Kind::adjacent ? text : "!" + text;
}

std::string sum_text(const std::vector<Term>& terms, const SumStyle& style) {
  const std::string type = style.narrow ? "Product" : "i128";
  std::string text;
  for (const Term& term : terms) {
    const std::string product = product_text(term, type, style);
    if (text.empty())
      text = product;
    else
      text = style.checked ? "x.add(" + text + ", " + product + ")" : text + " + " + product;
  }
  return text.empty() ? "(i128)0" : text;
}

}  // namespace galena::codegen
