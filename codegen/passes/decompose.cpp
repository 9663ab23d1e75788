#include "codegen/passes/decompose.hpp"

#include <algorithm>
#include <bit>
#include <functional>
#include <iterator>
#include <limits>

#include "codegen/passes/quotients.hpp"
#include "codegen/passes/row_builder.hpp"

namespace galena::codegen {

namespace {

using Mask = std::uint32_t;

// Each of these adds a result to the program, or says that it cannot (the program then holds what is of no use).

bool plainly(const Pattern& pattern, int root, RowProgram& program, const RowCosts& costs, int depth) {
  auto factors = RowBuilder(program, costs, {.depth = depth}).at_root(pattern, root);
  if (!factors) return false;
  program.sums.push_back({std::move(*factors), 1, program.results++});
  return true;
}

/// Maps with first image x send an independent set of vertices S to x and all others after it.
bool in_order(const Pattern& pattern, RowProgram& program, const RowCosts& costs, int depth) {
  RowBuilder builder(program, costs, {.below = true, .depth = depth});
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
    if (!factors) return false;
    std::sort(factors->begin(), factors->end());
    const auto same =
        std::find_if(sums.begin(), sums.end(), [&](const RowSum& sum) { return sum.factors == *factors; });
    if (same != sums.end())
      ++same->coefficient;
    else
      sums.push_back({std::move(*factors), 1, program.results});
  }
  ++program.results;
  std::move(sums.begin(), sums.end(), std::back_inserter(program.sums));
  return true;
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

bool extend(const Pattern& pattern, RowProgram& program, const RowCosts& costs, int depth);

bool locally(const Pattern& pattern, int x, RowProgram& program, const RowCosts& costs, int depth) {
  if (program.local.empty()) program.local.emplace_back();
  RowFactor factor;
  factor.kind = RowFactor::Kind::local;
  const RowCosts within = inside(costs);
  for (const Pattern& part : without(pattern, x)) {
    if (!extend(part, program.local.front(), within, depth + 1)) return false;
    factor.local.push_back(program.local.front().results - 1);
  }
  program.sums.push_back({{std::move(factor)}, 1, program.results++});
  return true;
}

/// Whether an earlier vertex has the same neighbours, but for each other: to cut around either is the same.
bool repeats(const Pattern& pattern, int v) {
  for (int u = 0; u < v; ++u)
    if ((pattern.neighbors(u) & ~(Mask{1} << v)) == (pattern.neighbors(v) & ~(Mask{1} << u))) return true;
  return false;
}

/// Adds by the cheapest of the ways allowed; leaves the program as it was where none is of use.
bool extend(const Pattern& pattern, RowProgram& program, const RowCosts& costs, int depth) {
  std::vector<std::function<bool()>> ways;
  for (int root = 0; root < pattern.size(); ++root)
    if (!repeats(pattern, root)) ways.emplace_back([&, root] { return plainly(pattern, root, program, costs, depth); });
  ways.emplace_back([&] { return in_order(pattern, program, costs, depth); });
  for (int x = 0; x < pattern.size(); ++x)
    if (pattern.size() > 2 && std::popcount(pattern.neighbors(x)) == pattern.size() - 1 && !repeats(pattern, x))
      ways.emplace_back([&, x] { return locally(pattern, x, program, costs, depth); });
  const RowMark before = mark_of(program);
  const std::function<bool()>* best = nullptr;
  double least = std::numeric_limits<double>::infinity();
  for (const std::function<bool()>& way : ways) {
    const double cost = way() ? added_cost(program, before, {}, costs, depth) : least;
    take_back(program, before);
    if (!(cost < least)) continue;
    least = cost;
    best = &way;
  }
  return best != nullptr && (*best)();
}

}  // namespace

int Decomposer::add(const Pattern& pattern) { return extend(pattern, program_, costs_, 0) ? program_.results - 1 : -1; }

}  // namespace galena::codegen
