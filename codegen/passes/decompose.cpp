#include "codegen/passes/decompose.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <optional>

#include "codegen/passes/quotients.hpp"
#include "codegen/passes/row_builder.hpp"

namespace galena::codegen {

namespace {

using Mask = std::uint32_t;

std::optional<RowProgram> plainly(const Pattern& pattern, int root, const RowProgram& program, const RowCosts& costs,
                                  RowRules rules) {
  RowBuilder builder(program, costs, rules);
  auto factors = builder.at_root(pattern, root);
  if (!factors) return std::nullopt;
  RowProgram result = builder.take();
  result.sums.push_back({std::move(*factors), 1, result.results++});
  return result;
}

/// Maps with first image x send an independent set of vertices S to x and all others after it.
std::optional<RowProgram> in_order(const Pattern& pattern, const RowProgram& program, const RowCosts& costs) {
  RowBuilder builder(program, costs, {.below = true});
  std::vector<RowSum> sums;
  for (Mask set = 1; set < Mask{1} << pattern.size(); ++set) {
    std::vector<Mask> together{set};
    bool independent = true;
    for (int v = 0; v < pattern.size(); ++v) {
      if (((set >> v) & 1U) == 0)
        together.push_back(Mask{1} << v);
      else
        independent = independent && (pattern.neighbors(v) & set) == 0;
    }
    if (!independent) continue;
    auto factors = builder.at_root(quotient(pattern, together), 0);
    if (!factors) return std::nullopt;
    std::sort(factors->begin(), factors->end());
    const auto same =
        std::find_if(sums.begin(), sums.end(), [&](const RowSum& sum) { return sum.factors == *factors; });
    if (same != sums.end())
      ++same->coefficient;
    else
      sums.push_back({std::move(*factors), 1, program.results});
  }
  RowProgram result = builder.take();
  ++result.results;
  for (RowSum& sum : sums) result.sums.push_back(std::move(sum));
  return result;
}

/// The connected parts of the pattern without vertex x.
std::vector<Pattern> without(const Pattern& pattern, int x) {
  const Mask all = ((Mask{1} << (pattern.size() - 1)) << 1) - 1;
  std::vector<Pattern> parts;
  for (Mask left = all & ~(Mask{1} << x); left != 0;) {
    const Mask part = component(pattern, left, std::countr_zero(left));
    parts.push_back(induced_part(pattern, part));
    left &= ~part;
  }
  return parts;
}

std::optional<RowProgram> locally(const Pattern& pattern, int x, const RowProgram& program, const RowCosts& costs,
                                  int depth);

/// The cheapest of the ways allowed; inside a neighbourhood (depth > 0) there are no tables.
std::optional<RowProgram> extend(const Pattern& pattern, const RowProgram& program, const RowCosts& costs, int depth) {
  std::optional<RowProgram> best;
  double least = std::numeric_limits<double>::infinity();
  const auto consider = [&](std::optional<RowProgram> candidate) {
    if (!candidate) return;
    const double cost = row_cost(*candidate, costs, depth);
    if (!(cost < least)) return;
    least = cost;
    best = std::move(candidate);
  };
  for (int root = 0; root < pattern.size(); ++root) {
    consider(plainly(pattern, root, program, costs, {.tables = depth == 0}));
  }
  consider(in_order(pattern, program, costs));
  for (int x = 0; x < pattern.size(); ++x)
    if (pattern.size() > 2 && std::popcount(pattern.neighbors(x)) == pattern.size() - 1)
      consider(locally(pattern, x, program, costs, depth));
  return best;
}

std::optional<RowProgram> locally(const Pattern& pattern, int x, const RowProgram& program, const RowCosts& costs,
                                  int depth) {
  RowProgram result = program;
  if (result.local.empty()) result.local.emplace_back();
  RowFactor factor;
  factor.kind = RowFactor::Kind::local;
  for (const Pattern& part : without(pattern, x)) {
    auto inner = extend(part, result.local.front(), inside(costs), depth + 1);
    if (!inner) return std::nullopt;
    factor.local.push_back(inner->results - 1);
    result.local.front() = std::move(*inner);
  }
  result.sums.push_back({{std::move(factor)}, 1, result.results++});
  return result;
}

}  // namespace

int Decomposer::add(const Pattern& pattern) {
  auto extended = extend(pattern, program_, costs_, 0);
  if (!extended) return -1;
  program_ = std::move(*extended);
  return program_.results - 1;
}

}  // namespace galena::codegen
