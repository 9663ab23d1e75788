#include "codegen/pattern/condition.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "galena/error.hpp"

namespace galena {
namespace {

bool any_term(const Condition& c, auto&& test) {
  if (c.kind == Condition::Kind::compare) return test(c.left) || test(c.right);
  return std::any_of(c.children.begin(), c.children.end(),
                     [&](const Condition& child) { return any_term(child, test); });
}

}  // namespace

std::uint32_t Condition::vertices() const {
  std::uint32_t mask = 0;
  any_term(*this, [&](const Term& term) {
    if (term.kind != Term::Kind::constant) mask |= std::uint32_t{1} << term.vertex;
    return false;
  });
  return mask;
}

bool Condition::uses_labels() const {
  return any_term(*this, [](const Term& term) { return term.kind == Term::Kind::label; });
}

namespace codegen {
namespace {

using Kind = Condition::Kind;
using Operator = Condition::Operator;
using Term = Condition::Term;

Operator negate(Operator op) {
  constexpr Operator kOpposite[] = {Operator::ne, Operator::eq, Operator::ge, Operator::gt, Operator::le, Operator::lt};
  return kOpposite[static_cast<int>(op)];
}

void check_comparison(const Condition& c, int size) {
  for (const Term* term : {&c.left, &c.right}) {
    if (term->kind != Term::Kind::constant && (term->vertex < 0 || term->vertex >= size)) {
      throw InputError("condition names vertex " + std::to_string(term->vertex) + " of a pattern of " +
                       std::to_string(size) + " vertices");
    }
  }
  if (c.left.kind == Term::Kind::constant && c.right.kind == Term::Kind::constant) {
    throw InputError("condition compares two numbers; expected an attribute of a vertex on one side");
  }
}

// Children of the same kind are replaced by their own children; a lone child stands for its parent.
Condition flatten(Condition c) {
  if (c.kind == Kind::compare) return c;
  std::vector<Condition> flat;
  for (Condition& child : c.children) {
    Condition part = flatten(std::move(child));
    if (part.kind == c.kind && c.kind != Kind::negation) {
      std::move(part.children.begin(), part.children.end(), std::back_inserter(flat));
    } else {
      flat.push_back(std::move(part));
    }
  }
  if (flat.size() == 1 && c.kind != Kind::negation) {
    Condition only = std::move(flat.front());
    return only;
  }
  c.children = std::move(flat);
  return c;
}

void check(const Condition& c, int size) {
  if (c.kind == Kind::compare) return check_comparison(c, size);
  if (c.children.empty()) throw InputError("a condition under AND, OR or NOT is missing");
  if (c.kind == Kind::negation && c.children.size() != 1) throw InputError("NOT takes one condition");
  for (const Condition& child : c.children) check(child, size);
}

std::vector<Condition> split(Condition c) {
  if (c.kind == Kind::all) return std::move(c.children);
  std::vector<Condition> one;
  one.push_back(std::move(c));
  return one;
}

// Negation normal form: `negated` says whether an odd number of NOTs stands above.
Condition push_down(const Condition& c, bool negated) {
  if (c.kind == Kind::negation) return push_down(c.children.front(), !negated);
  Condition result = c;
  if (c.kind == Kind::compare) {
    if (negated) result.op = negate(c.op);
    return result;
  }
  if (negated) result.kind = c.kind == Kind::all ? Kind::any : Kind::all;
  for (Condition& child : result.children) child = push_down(child, negated);
  return result;
}

void append(Key& key, const Term& term, std::span<const int> rename) {
  key.push_back(static_cast<int>(term.kind));
  key.push_back(term.kind == Term::Kind::constant ? term.value : rename[static_cast<std::size_t>(term.vertex)]);
}

// x < 5 becomes x <= 4, and 5 < x becomes 6 <= x: degrees and labels are integers.
void loosen(Operator& op, Term& left, Term& right) {
  if (op != Operator::lt) return;
  if (right.kind == Term::Kind::constant && right.value != std::numeric_limits<std::int64_t>::min()) {
    op = Operator::le;
    --right.value;
  } else if (left.kind == Term::Kind::constant && left.value != std::numeric_limits<std::int64_t>::max()) {
    op = Operator::le;
    ++left.value;
  }
}

Key encode_comparison(const Condition& c, std::span<const int> rename) {
  Operator op = c.op;
  Term left = c.left, right = c.right;
  if (op == Operator::gt || op == Operator::ge) {
    std::swap(left, right);
    op = op == Operator::gt ? Operator::lt : Operator::le;
  }
  loosen(op, left, right);
  Key first, second;
  append(first, left, rename);
  append(second, right, rename);
  if ((op == Operator::eq || op == Operator::ne) && second < first) std::swap(first, second);
  Key key{static_cast<int>(Kind::compare), static_cast<int>(op)};
  key.insert(key.end(), first.begin(), first.end());
  key.insert(key.end(), second.begin(), second.end());
  return key;
}

}  // namespace

std::vector<Condition> flatten_conjuncts(Condition condition, int size) {
  check(condition, size);
  return split(flatten(std::move(condition)));
}

std::vector<Condition> normal_conjuncts(std::span<const Condition> conditions) {
  std::vector<Condition> result;
  for (const Condition& condition : conditions) {
    std::vector<Condition> parts = split(flatten(push_down(condition, false)));
    std::move(parts.begin(), parts.end(), std::back_inserter(result));
  }
  return result;
}

Key encode(const Condition& condition, std::span<const int> rename) {
  if (condition.kind == Kind::compare) return encode_comparison(condition, rename);
  std::vector<Key> parts;
  for (const Condition& child : condition.children) parts.push_back(encode(child, rename));
  std::sort(parts.begin(), parts.end());
  parts.erase(std::unique(parts.begin(), parts.end()), parts.end());
  if (parts.size() == 1 && condition.kind != Kind::negation) return parts.front();
  Key key{static_cast<int>(condition.kind), static_cast<std::int64_t>(parts.size())};
  for (const Key& part : parts) key.insert(key.end(), part.begin(), part.end());
  return key;
}

Condition renamed(Condition condition, std::span<const int> rename) {
  for (Term* term : {&condition.left, &condition.right}) {
    if (term->kind != Term::Kind::constant) term->vertex = rename[static_cast<std::size_t>(term->vertex)];
  }
  for (Condition& child : condition.children) child = renamed(std::move(child), rename);
  return condition;
}

}  // namespace codegen
}  // namespace galena
