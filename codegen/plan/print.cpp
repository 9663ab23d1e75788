#include <string>

#include "codegen/plan/hash.hpp"
#include "codegen/plan/plan.hpp"
#include "codegen/plan/walk.hpp"

namespace galena::codegen {

namespace {

std::string v(int i) { return "v" + std::to_string(i); }

std::string text(const LabelSet& set) {
  std::string out = set.kind == LabelSet::Kind::none_of ? "!" : "";
  for (std::size_t i = 0; i < set.labels.size(); ++i) out += (i > 0 ? "|" : "") + std::to_string(set.labels[i]);
  return set.kind == LabelSet::Kind::any ? "*" : out;
}

std::string text(const Bounds& bounds) {
  std::string out;
  for (int i = 0; i < kMaxPatternVertices; ++i) {
    if (bounds.below & bit(i)) out += " <" + v(i);
    if (bounds.above & bit(i)) out += " >" + v(i);
  }
  return out;
}

std::string text(const Condition::Term& term) {
  if (term.kind == Condition::Term::Kind::constant) return std::to_string(term.value);
  return v(term.vertex) + (term.kind == Condition::Term::Kind::degree ? ".degree" : ".label");
}

std::string text(const Condition& condition) {
  static const char* const operators[] = {" = ", " <> ", " < ", " <= ", " > ", " >= "};
  if (condition.kind == Condition::Kind::compare)
    return text(condition.left) + operators[static_cast<int>(condition.op)] + text(condition.right);
  if (condition.kind == Condition::Kind::negation) return "NOT (" + text(condition.children.front()) + ")";
  std::string out;
  for (const Condition& child : condition.children)
    out += (out.empty() ? "(" : condition.kind == Condition::Kind::all ? ") AND (" : ") OR (") + text(child);
  return out + ")";
}

class Printer {
 public:
  explicit Printer(const Plan& plan) : plan_(plan) {}

  std::string run() {
    for (std::size_t i = 0; i < plan_.outputs.size(); ++i) header(i);
    loop(plan_.root, 0);
    return out_;
  }

 private:
  void line(int depth, const std::string& s) {
    out_.append(static_cast<std::size_t>(2 * depth), ' ').append(s).append("\n");
  }

  void header(std::size_t i) {
    static const char* const kinds[] = {"count", "list", "exists", "local", "image"};
    const Output& output = plan_.outputs[i];
    std::string s = "output " + std::to_string(i) + ": " + kinds[static_cast<int>(output.kind)] + " " + output.name;
    s += ", order";
    for (const int u : output.order) s += " " + std::to_string(u);
    if (output.divisor != 1) s += ", divide by " + std::to_string(output.divisor);
    for (std::size_t r = 0; r < output.restrictions.size(); ++r)
      s += (r == 0 ? ", where " : ", ") + output.restrictions[r];
    line(0, s);
  }

  [[nodiscard]] std::string use(const SetUse& u) const {
    return (u.set < 0 ? std::string("V") : "s" + std::to_string(u.set)) + text(u.bounds);
  }

  [[nodiscard]] std::string labels(int id) const {
    return (plan_.labels_given ? "$" : "") + text(plan_.labels[static_cast<std::size_t>(id)]);
  }

  [[nodiscard]] std::string set_text(int id) const {
    const SetDef& def = plan_.sets[static_cast<std::size_t>(id)];
    std::string s = "s" + std::to_string(id) + " = ";
    if (def.op == SetDef::Op::adjacency) {
      s += "N(" + v(def.vertex) + ")";
      if (def.elabel >= 0) s += " edge:" + labels(def.elabel);
      if (def.vlabel >= 0) s += " label:" + labels(def.vlabel);
    } else {
      s += "s" + std::to_string(def.a) + (def.op == SetDef::Op::intersect ? " & " : " \\ ") + "s" +
           std::to_string(def.b);
    }
    s += text(def.bounds);
    if (def.slot >= 0) s += "  [slot " + std::to_string(def.slot) + "]";
    if (def.least > 0) s += "  [at least " + std::to_string(def.least) + "]";
    s += local_text(def.local);
    return s;
  }

  static std::string local_text(int local) { return local < 0 ? "" : "  [local " + std::to_string(local) + "]"; }

  [[nodiscard]] std::string atom(const Atom& a) const {
    const std::string by = a.mark >= 0 ? " [mark " + std::to_string(a.mark) + "]" : "";
    switch (a.kind) {
      case Atom::Kind::less: return v(a.x) + " < " + v(a.y);
      case Atom::Kind::label: return v(a.x) + " label:" + labels(a.labels);
      case Atom::Kind::adjacent:
        return v(a.x) + "--" + v(a.y) + (a.labels >= 0 ? " edge:" + labels(a.labels) : "") + by;
      case Atom::Kind::nonadjacent: break;
    }
    return v(a.x) + "!-" + v(a.y) + by;
  }

  [[nodiscard]] std::string size_text(int id) const {
    const SizeDef& def = plan_.sizes[static_cast<std::size_t>(id)];
    std::string s = "n" + std::to_string(id) + " = ";
    if (def.moment > 0)
      return s + "sum of counter " + std::to_string(def.counter) + (def.moment == 2 ? " squared" : "");
    std::string both = "|" + use(def.a) + "|";
    if (def.counter >= 0) both = "counter " + std::to_string(def.counter) + "[" + v(def.vertex) + "]";
    if (def.b >= 0) both = "|" + use(def.a) + " & s" + std::to_string(def.b) + text(def.b_bounds) + "|";
    const std::string by = def.mark >= 0 ? " [mark " + std::to_string(def.mark) + "]" : "";
    return s + (def.subtract ? "|" + use(def.a) + "| - " + both : both) + by + local_text(def.local);
  }

  [[nodiscard]] static std::string sum_text(const Sum& sum) {
    std::string s;
    for (const Term& term : sum.terms) {
      s += term.coefficient < 0 ? " - " : (s.empty() ? " " : " + ");
      const std::int64_t size = term.coefficient < 0 ? -term.coefficient : term.coefficient;
      std::string product = size != 1 || term.factors.empty() ? std::to_string(size) : "";
      for (const Factor& factor : term.factors) {
        if (!product.empty()) product += " * ";
        const bool bare = factor.minus == 0 && factor.tests.empty();
        product += (bare ? "n" : "(n") + std::to_string(factor.size);
        if (factor.minus != 0) product += " - " + std::to_string(factor.minus);
        for (const int t : factor.tests) product += " - t" + std::to_string(t);
        if (!bare) product += ")";
      }
      s += product;
    }
    return "out" + std::to_string(sum.output) + " +=" + (s.empty() ? " 0" : s);
  }

  void loop(const Loop& l, int indent) {
    std::string s = "for " + v(l.body.depth) + " in " + use(l.from);
    if (l.vlabel >= 0) s += " label:" + labels(l.vlabel);
    if (l.min_degree > 0) s += " degree>=" + std::to_string(l.min_degree);
    for (int i = 0; i < kMaxPatternVertices; ++i)
      if (l.except & bit(i)) s += " not " + v(i);
    for (const Atom& a : l.checks) s += " if " + atom(a);
    for (const int c : l.conditions) s += " if " + text(plan_.conditions[static_cast<std::size_t>(c)]);
    line(indent, s + ":");
    block(l.body, indent + 1);
  }

  void block(const Block& b, int indent) {
    for (const int s : b.sets) line(indent, set_text(s));
    for (const int l : b.locals) {
      const LocalDef& def = plan_.locals[static_cast<std::size_t>(l)];
      line(indent, "local " + std::to_string(l) + " = neighbours of each of s" + std::to_string(def.rows) +
                       " as bits over s" + std::to_string(def.columns));
    }
    for (const int m : b.marks)
      line(indent, "mark " + std::to_string(m) + " = " + use(plan_.marks[static_cast<std::size_t>(m)].set));
    for (const int c : b.counters) {
      const CounterDef& def = plan_.counters[static_cast<std::size_t>(c)];
      line(indent, "counter " + std::to_string(c) + " = neighbours of " + use(def.set) + ", each" +
                       (def.bounds.empty() ? " whole" : text(def.bounds)));
    }
    for (const int t : b.tests) {
      std::string s = "t" + std::to_string(t) + " =";
      for (const Atom& a : plan_.tests[static_cast<std::size_t>(t)].atoms) s += " [" + atom(a) + "]";
      line(indent, s);
    }
    for (const int s : b.sizes) line(indent, size_text(s));
    for (const Sum& sum : b.sums) line(indent, sum_text(sum));
    for (const int e : b.emits) line(indent, "emit " + std::to_string(e));
    for (const Loop& l : b.loops) loop(l, indent);
  }

  const Plan& plan_;
  std::string out_;
};

}  // namespace

std::string print(const Plan& plan) { return Printer(plan).run(); }

std::uint64_t fingerprint(const Plan& plan) {
  std::string text = print(plan) + (plan.checked ? "checked" : "");
  return text_hash(text);
}

}  // namespace galena::codegen
