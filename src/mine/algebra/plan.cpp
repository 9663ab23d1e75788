// count(P) = injective(P) / |Aut(P)|, and injective(P) is a sum over quotients of homomorphisms. A quotient that
// the decomposer cannot take apart is replaced by the injective counts of its own quotients, the first of which is
// itself, enumerated; the others have fewer vertices, so this ends.

#include "src/mine/algebra/plan.hpp"

#include <algorithm>
#include <map>

#include "codegen/passes/decompose.hpp"
#include "codegen/passes/quotients.hpp"
#include "codegen/pattern/automorphism.hpp"
#include "codegen/pattern/plain_code.hpp"
#include "galena/error.hpp"

namespace galena::mine {

using codegen::QuotientTerm;
using codegen::QuotientTerms;
using rt::i128;

namespace {

/// Cliques are enumerated, in order, unless all that neighbourhoods hold takes less time (ns, a guess per step) than
/// starting an enumeration does.
constexpr double kStep = 10, kStart = 2e6;

bool is_clique(const Pattern& pattern) {
  const auto k = static_cast<std::size_t>(pattern.size());
  return k > 3 && pattern.edges().size() == k * (k - 1) / 2;
}

std::int64_t group_size(const Pattern& pattern) {
  return static_cast<std::int64_t>(codegen::Automorphisms(pattern).size());
}

/// A sum of homomorphism counts and of injective counts, by plain code.
struct Form {
  QuotientTerms homomorphisms, injective;

  static void add(QuotientTerms& to, std::uint64_t code, const Pattern& pattern, std::int64_t coefficient) {
    to.try_emplace(code, QuotientTerm{pattern, 0}).first->second.coefficient += coefficient;
  }
  void add(const Form& other, std::int64_t coefficient) {
    for (const auto& [code, term] : other.homomorphisms)
      add(homomorphisms, code, term.pattern, coefficient * term.coefficient);
    for (const auto& [code, term] : other.injective) add(injective, code, term.pattern, coefficient * term.coefficient);
  }
};

class Maker {
 public:
  explicit Maker(const codegen::RowCosts& costs)
      : costs_(costs), cuts_cliques_(kStep * (costs.triangles + costs.squares + costs.fours) < kStart) {}

  std::optional<AlgebraPlan> run(const std::vector<Pattern>& patterns) {
    std::vector<Form> forms;
    for (const Pattern& pattern : patterns) forms.push_back(injective(pattern));
    Form all;
    for (const Form& form : forms) all.add(form, 1);
    AlgebraPlan plan;
    place(all, plan);
    if (plan.shapes.empty()) return std::nullopt;
    for (std::size_t i = 0; i < patterns.size(); ++i) plan.counts.push_back(combination(forms[i], patterns[i]));
    return plan;
  }

 private:
  bool can_cut(std::uint64_t code, const Pattern& pattern) {
    const auto [it, fresh] = can_cut_.try_emplace(code, false);
    if (fresh) it->second = (cuts_cliques_ || !is_clique(pattern)) && codegen::Decomposer(costs_).add(pattern) >= 0;
    return it->second;
  }

  Form injective(const Pattern& pattern) {
    const std::uint64_t code = codegen::plain_code(skeleton(pattern));
    Form form;
    if (!can_cut(code, skeleton(pattern))) {
      Form::add(form.injective, code, skeleton(pattern), 1);
      return form;
    }
    for (const auto& [_, term] : codegen::injective_as_homomorphisms(pattern))
      form.add(homomorphisms(term.pattern), term.coefficient);
    return form;
  }

  Form homomorphisms(const Pattern& pattern) {
    const std::uint64_t code = codegen::plain_code(pattern);
    Form form;
    if (can_cut(code, pattern)) {
      Form::add(form.homomorphisms, code, pattern, 1);
      return form;
    }
    for (const auto& [_, term] : codegen::homomorphisms_as_injective(pattern))
      form.add(injective(term.pattern), term.coefficient);
    return form;
  }

  static Pattern skeleton(const Pattern& pattern) {
    std::vector<std::pair<int, int>> edges;
    for (const Pattern::Edge& edge : pattern.edges()) edges.emplace_back(edge.u, edge.v);
    return {pattern.size(), edges};
  }

  /// Large shapes first: small ones then find the rows they need.
  void place(const Form& all, AlgebraPlan& plan) {
    std::vector<std::pair<std::uint64_t, const Pattern*>> order;
    for (const auto& [code, term] : all.homomorphisms) order.emplace_back(code, &term.pattern);
    std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
      const auto rank = [](const Pattern& p) { return std::pair(-p.size(), -static_cast<int>(p.edges().size())); };
      return rank(*a.second) < rank(*b.second);
    });
    codegen::Decomposer decomposer(costs_);
    for (const auto& [code, pattern] : order) {
      result_[code] = decomposer.add(*pattern);
      plan.shapes.push_back(*pattern);
    }
    plan.program = decomposer.program();
    codegen::sum_diamonds(plan.program);
    plan.estimate = codegen::row_cost(plan.program, costs_);
    for (const auto& [code, term] : all.injective) {
      enumerated_[code] = static_cast<int>(plan.enumerated.size());
      plan.enumerated.push_back(term.pattern);
    }
  }

  Combination combination(const Form& form, const Pattern& pattern) {
    Combination sum;
    sum.divisor = group_size(skeleton(pattern));
    for (const auto& [code, term] : form.homomorphisms)
      if (term.coefficient != 0) sum.homomorphisms.emplace_back(result_.at(code), term.coefficient);
    for (const auto& [code, term] : form.injective)
      if (term.coefficient != 0)
        sum.enumerated.emplace_back(enumerated_.at(code), term.coefficient * group_size(term.pattern));
    return sum;
  }

  const codegen::RowCosts& costs_;
  bool cuts_cliques_;
  std::map<std::uint64_t, bool> can_cut_;
  std::map<std::uint64_t, int> result_, enumerated_;
};

}  // namespace

std::optional<AlgebraPlan> plan_algebra(const std::vector<Pattern>& patterns, const codegen::RowCosts& costs) {
  for (const Pattern& pattern : patterns)
    if (!pattern.plain() || pattern.size() > kMostAlgebraVertices || pattern.size() < 2 || !pattern.connected())
      return std::nullopt;
  return Maker(costs).run(patterns);
}

void add_product(i128& sum, i128 n, std::int64_t coefficient) {
  i128 product = 0;
  if (__builtin_mul_overflow(n, static_cast<i128>(coefficient), &product) || __builtin_add_overflow(sum, product, &sum))
    throw InputError("the counts that this one is made of leave 127 bits; no exact result fits");
}

i128 combine(const Combination& sum, const std::vector<i128>& homomorphisms, const std::vector<i128>& enumerated) {
  i128 total = 0;
  for (const auto& [i, coefficient] : sum.homomorphisms)
    add_product(total, homomorphisms[static_cast<std::size_t>(i)], coefficient);
  for (const auto& [i, coefficient] : sum.enumerated)
    add_product(total, enumerated[static_cast<std::size_t>(i)], coefficient);
  if (total < 0 || total % sum.divisor != 0)
    throw InternalError("a sum of homomorphism counts is no multiple of its pattern's symmetry");
  return total / sum.divisor;
}

std::string describe(const AlgebraPlan& plan) {
  std::string text = "algebra: " + std::to_string(plan.shapes.size()) + " homomorphism counts in " +
                     std::to_string(plan.program.stages()) +
                     " passes, modelled cost on one core: " + std::to_string(plan.estimate / 1e6) + " ms\n";
  for (std::size_t i = 0; i < plan.shapes.size(); ++i)
    text += "  h" + std::to_string(i) + " counts maps of " + plan.shapes[i].to_string() + "\n";
  text += codegen::print(plan.program);
  for (std::size_t i = 0; i < plan.counts.size(); ++i) {
    text += "  count " + std::to_string(i) + " = (";
    for (const auto& [h, c] : plan.counts[i].homomorphisms)
      text += (c < 0 ? " - " : " + ") + std::to_string(c < 0 ? -c : c) + " h" + std::to_string(h);
    for (const auto& [e, c] : plan.counts[i].enumerated)
      text += (c < 0 ? " - " : " + ") + std::to_string(c < 0 ? -c : c) + " enumerated " + std::to_string(e);
    text += ") / " + std::to_string(plan.counts[i].divisor) + "\n";
  }
  return text;
}

}  // namespace galena::mine
