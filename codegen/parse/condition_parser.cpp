// Recursive descent, one function a level of precedence.
#include "codegen/parse/condition_parser.hpp"

#include <limits>
#include <utility>

#include "src/base/suggest.hpp"

namespace galena::codegen {
namespace {

constexpr int kDeepest = 200;  // parentheses and NOTs in one another: keeps the stack small

class ConditionParser {
 public:
  ConditionParser(Cursor& cursor, const Draft& draft) : cursor_(cursor), draft_(draft) {}

  Condition any_of() { return joined(Condition::Kind::any, "OR", &ConditionParser::all_of); }

 private:
  Condition all_of() { return joined(Condition::Kind::all, "AND", &ConditionParser::factor); }

  Condition joined(Condition::Kind kind, const char* keyword, Condition (ConditionParser::*operand)()) {
    Condition first = (this->*operand)();
    if (!cursor_.continues_over_lines(keyword)) return first;
    Condition group;
    group.kind = kind;
    group.children.push_back(std::move(first));
    while (cursor_.continues_over_lines(keyword)) {
      cursor_.take();
      group.children.push_back((this->*operand)());
    }
    return group;
  }

  Condition factor() {
    cursor_.skip_lines();
    if (++depth_ > kDeepest)
      cursor_.fail(cursor_.peek(), "conditions are nested deeper than " + std::to_string(kDeepest));
    Condition result = cursor_.at_keyword("NOT")           ? negation()
                       : cursor_.at(TokenKind::open_paren) ? parenthesis()
                                                           : comparison();
    --depth_;
    return result;
  }

  Condition negation() {
    cursor_.take();
    Condition result;
    result.kind = Condition::Kind::negation;
    result.children.push_back(factor());
    return result;
  }

  Condition parenthesis() {
    const Token open = cursor_.take();
    Condition result = any_of();
    cursor_.skip_lines();
    if (!cursor_.at(TokenKind::close_paren)) {
      const std::size_t line = cursor_.source().line(open.begin);
      cursor_.fail_expected("')' to close the '(' of line " + std::to_string(line) + ", AND or OR");
    }
    cursor_.take();
    return result;
  }

  Condition comparison() {
    const Token start = cursor_.peek();
    Condition result;
    result.left = term();
    cursor_.skip_lines();
    result.op = comparison_operator();
    cursor_.skip_lines();
    result.right = term();
    using Kind = Condition::Term::Kind;
    if (result.left.kind == Kind::constant && result.right.kind == Kind::constant) {
      cursor_.fail(start, "a comparison of two numbers; expected an attribute such as a.degree on one side");
    }
    return result;
  }

  Condition::Operator comparison_operator() {
    using Operator = Condition::Operator;
    const Token token = cursor_.peek();
    Operator op{};
    switch (token.kind) {
      case TokenKind::equal: op = Operator::eq; break;
      case TokenKind::not_equal: op = Operator::ne; break;
      case TokenKind::less: op = Operator::lt; break;
      case TokenKind::less_equal: op = Operator::le; break;
      case TokenKind::greater: op = Operator::gt; break;
      case TokenKind::greater_equal: op = Operator::ge; break;
      default: cursor_.fail_expected("a comparison: =, <>, <, <=, > or >=");
    }
    cursor_.take();
    return op;
  }

  Condition::Term term() {
    if (cursor_.at(TokenKind::number) || cursor_.at(TokenKind::minus)) return constant();
    if (!cursor_.at(TokenKind::word)) cursor_.fail_expected("a vertex attribute such as a.degree, or a number");
    const Token name = cursor_.take();
    if (!cursor_.at(TokenKind::dot)) {
      cursor_.fail(name, "expected a vertex attribute such as a.degree, or a number, found " + cursor_.describe(name));
    }
    Condition::Term result;
    result.vertex = draft_.find(name);
    cursor_.take();
    result.kind = attribute();
    return result;
  }

  Condition::Term::Kind attribute() {
    static const std::string kAttributes[] = {"degree", "deg", "label"};
    for (const std::string& known : kAttributes) {
      if (!cursor_.at_word(known)) continue;
      cursor_.take();
      return known == "label" ? Condition::Term::Kind::label : Condition::Term::Kind::degree;
    }
    if (!cursor_.at(TokenKind::word)) cursor_.fail_expected("an attribute: degree or label");
    const std::string suggestion = base::did_you_mean(cursor_.text(cursor_.peek()), kAttributes);
    cursor_.fail(cursor_.peek(), "vertices have no attribute " + cursor_.describe(cursor_.peek()) +
                                     (suggestion.empty() ? "; there are degree and label" : suggestion));
  }

  Condition::Term constant() {
    const bool negative = cursor_.accept(TokenKind::minus);
    constexpr auto kLargest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    const std::uint64_t value = cursor_.expect_number("a number", negative ? kLargest + 1 : kLargest).value;
    Condition::Term result;
    result.value = static_cast<std::int64_t>(negative ? 0 - value : value);
    return result;
  }

  Cursor& cursor_;
  const Draft& draft_;
  int depth_ = 0;
};

}  // namespace

Condition parse_condition(Cursor& cursor, const Draft& draft) { return ConditionParser(cursor, draft).any_of(); }

}  // namespace galena::codegen
