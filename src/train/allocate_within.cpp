// Least variance within budgets. Groups are independent. Greedy: each row's widths lie on a convex hull, whose steps
// are taken by falling gain a unit of cost; what no longer fits is passed over. (G. Dantzig, "Discrete-variable extremum
// problems", 1957, for the relaxation; P. Sinha and A. Zoltners, "The multiple-choice knapsack problem", 1979, for the
// hulls.)
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "galena/error.hpp"
#include "src/train/allocate_frontier.hpp"
#include "src/train/allocate_setting.hpp"

namespace galena::train {
namespace {

using namespace detail;

constexpr const char* kWho = "bit assignment within a budget";

struct Group {
  std::vector<std::int32_t> channels;  // those in use
  double left = 0;                     // of the limit, when all rows take their cheapest width
  bool within = true;
};

Group open_group(const Setting& setting, const Budget& budget, std::size_t number, std::vector<std::int32_t> channels,
                 bool may_exceed) {
  Group group{.channels = std::move(channels)};
  double fixed = 0, least = 0;
  for (const std::int32_t i : group.channels) {
    const Channel& channel = setting.problem.channels[i];
    fixed += fixed_cost(channel, budget.unit);
    least += price_of(channel, budget.unit) * static_cast<double>(setting.floor_bytes(i));
  }
  group.within = !may_exceed || fixed + least <= budget.limit[number];
  if (group.within) group.left = open_limit(kWho, budget, number, fixed, least) - least;
  return group;
}

// Returns the variance that the relaxation leaves beyond all_widest().
double solve_greedy(const Setting& setting, const Budget& budget, const Group& group,
                    std::vector<std::uint8_t>& option) {
  std::vector<Increment> steps;
  for (const std::int32_t i : group.channels) {
    append_channel_steps(setting, i, price_of(setting.problem.channels[i], budget.unit), steps);
  }
  sort_steps(steps);
  return take_steps(steps, group.left, option);
}

double common_price(const Setting& setting, const Budget& budget, const Group& group) {
  const auto& channels = setting.problem.channels;
  const double price = price_of(channels[group.channels.front()], budget.unit);
  for (const std::int32_t i : group.channels) {
    const double other = price_of(channels[i], budget.unit);
    if (other == price) continue;
    throw InputError(
        fmt::format("{}: channels {} and {} share a limit in seconds, but a byte takes {} on one and {} on "
                    "the other; the exact solver wants one speed a group: use the greedy one",
                    kWho, group.channels.front(), i, price, other));
  }
  return price;
}

// Rows that cost the same at each width are one block, whichever channel they are on.
std::vector<Block> blocks_of(const Setting& setting, const Group& group) {
  const auto same = [](const std::vector<Point>& a, const std::vector<Point>& b) {
    return std::ranges::equal(a, b,
                              [](const Point& p, const Point& q) { return p.option == q.option && p.cost == q.cost; });
  };
  std::vector<std::pair<std::vector<Point>, std::vector<std::int32_t>>> kinds;
  for (const std::int32_t i : group.channels) {
    const auto& levels = setting.levels[i];
    auto kind = std::ranges::find_if(kinds, [&](const auto& known) { return same(known.first, levels); });
    if (kind == kinds.end()) kind = kinds.insert(kinds.end(), {levels, {}});
    const auto rows = setting.messages.of(i);
    kind->second.insert(kind->second.end(), rows.begin(), rows.end());
  }
  std::vector<Block> blocks;
  for (auto& [levels, rows] : kinds) {
    blocks.push_back(make_block(std::move(levels), std::move(rows), setting.problem.coefficient));
  }
  return blocks;
}

void solve_exact(const Setting& setting, const Budget& budget, const Group& group, std::vector<std::uint8_t>& option) {
  const double price = common_price(setting, budget, group);
  const auto blocks = blocks_of(setting, group);
  const Frontier frontier(blocks);
  const double unit = price * static_cast<double>(frontier.unit());
  const double slack = budget.unit == Budget::Unit::seconds ? 1e-13 : 0;
  const auto most = static_cast<double>(frontier.size() - 1);
  const double k = unit > 0 ? std::min(most, std::floor(group.left / unit * (1 + slack))) : most;
  frontier.choose(static_cast<std::int64_t>(k), option);
}

BitAssignment solve(const BitProblem& problem, const Budget& budget, Solver solver, bool may_exceed) {
  const Setting setting = prepare(problem);
  check_budget(kWho, budget, problem.channels.size());
  auto option = all_cheapest(setting);
  const double least = assess(setting, all_widest(setting)).variance;
  double rest = 0;
  bool within = true;
  const auto groups = channels_of_groups(budget, setting.messages);
  for (std::size_t g = 0; g < groups.size(); ++g) {
    if (groups[g].empty()) continue;
    const Group group = open_group(setting, budget, g, groups[g], may_exceed);
    within = within && group.within;
    if (solver == Solver::exact) solve_exact(setting, budget, group, option);
    if (solver == Solver::greedy) rest += solve_greedy(setting, budget, group, option);
  }
  BitAssignment result = assess(setting, option);
  result.objective = result.variance;
  result.lower_bound = solver == Solver::exact ? result.variance : std::min(result.variance, least + rest);
  result.within = within;
  return result;
}

}  // namespace

BitAssignment assign_within(const BitProblem& problem, const Budget& budget, Solver solver) {
  return solve(problem, budget, solver, false);
}

BitAssignment assign_overlapped(const BitProblem& problem, const Budget& budget, Solver solver) {
  return solve(problem, budget, solver, true);
}

double lp_bound(const BitProblem& problem, const Budget& budget) {
  return assign_within(problem, budget, Solver::greedy).lower_bound;
}

}  // namespace galena::train
