// Bit widths within budgets of bytes and of time.
#include <limits>
#include <numeric>

#include "galena/error.hpp"
#include "src/train/allocate_bits.hpp"
#include "test/support/catch.hpp"
#include "test/train/allocate_instances.hpp"

using namespace galena;
using namespace galena::train;
using namespace galena::test;

namespace {

// What each group costs, from its definition. Channels without messages cost nothing.
std::vector<double> costs(const BitInstance& instance, const Budget& budget, const std::vector<std::uint8_t>& option) {
  std::vector<double> bytes(instance.channels.size()), cost(budget.limit.size());
  for (std::size_t m = 0; m < option.size(); ++m) {
    bytes[instance.channel[m]] += static_cast<double>(instance.channels[instance.channel[m]].row_bytes[option[m]]);
  }
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const Channel& channel = instance.channels[i];
    const double seconds = bytes[i] > 0 ? channel.latency + channel.seconds_per_byte * bytes[i] : 0;
    cost[budget.group[i]] += budget.unit == Budget::Unit::bytes ? bytes[i] : seconds;
  }
  return cost;
}

bool keeps(const std::vector<double>& cost, const Budget& budget) {
  for (std::size_t g = 0; g < cost.size(); ++g) {
    if (cost[g] > budget.limit[g] * (1 + 1e-12)) return false;
  }
  return true;
}

double variance(const BitInstance& instance, const std::vector<std::uint8_t>& option) {
  double sum = 0;
  for (std::size_t m = 0; m < option.size(); ++m) {
    sum += instance.coefficient[m] * quantizer_noise(instance.widths[option[m]]);
  }
  return sum;
}

double least_by_force(const BitInstance& instance, const Budget& budget) {
  double least = std::numeric_limits<double>::infinity();
  for_each_choice(instance.channel.size(), instance.widths.size(), [&](const std::vector<std::uint8_t>& option) {
    if (keeps(costs(instance, budget, option), budget)) least = std::min(least, variance(instance, option));
  });
  return least;
}

std::vector<std::uint8_t> options_of(const BitInstance& instance, const BitAssignment& assignment) {
  std::vector<std::uint8_t> option;
  for (const std::uint8_t bits : assignment.bits) {
    option.push_back(static_cast<std::uint8_t>(std::ranges::find(instance.widths, bits) - instance.widths.begin()));
  }
  return option;
}

// Limits of all kinds, from those that the narrowest rows just keep to those that keep any.
Budget random_budget(RandomStream& random, const BitInstance& instance) {
  std::vector<double> limits(10, 0);
  Budget budget;
  const auto kind = random.below(4);
  if (kind == 0) budget = Budget::total_bytes(instance.channels, 0);
  if (kind == 1) budget = Budget::bytes_per_sender(instance.channels, limits);
  if (kind == 2) budget = Budget::seconds_per_round(instance.channels, limits);
  if (kind == 3) budget = Budget::seconds_per_sender(instance.channels, limits);
  const auto last = static_cast<std::uint8_t>(instance.widths.size() - 1);
  const auto low = costs(instance, budget, std::vector<std::uint8_t>(instance.channel.size(), 0));
  const auto high = costs(instance, budget, std::vector<std::uint8_t>(instance.channel.size(), last));
  for (std::size_t g = 0; g < low.size(); ++g) {
    const double share = random.below(8) == 0 ? 0 : 1.2 * random.uniform();
    budget.limit[g] = low[g] + share * (high[g] - low[g]);
    if (budget.unit == Budget::Unit::bytes) budget.limit[g] = std::floor(budget.limit[g]);
  }
  return budget;
}

// The largest step of a row in each group, summed.
double steps_of_a_row(const BitInstance& instance, const Budget& budget) {
  std::vector<double> largest(budget.limit.size());
  for (std::size_t m = 0; m < instance.channel.size(); ++m) {
    double& most = largest[budget.group[instance.channel[m]]];
    most = std::max(most, instance.coefficient[m] * quantizer_noise(instance.widths[0]));
  }
  return std::accumulate(largest.begin(), largest.end(), 0.0);
}

bool one_price(const BitInstance& instance, const Budget& budget) {
  std::vector<double> price(budget.limit.size(), -1);
  for (std::size_t m = 0; m < instance.channel.size(); ++m) {
    const std::int32_t c = instance.channel[m];
    double& known = price[budget.group[c]];
    const double here = budget.unit == Budget::Unit::bytes ? 1 : instance.channels[c].seconds_per_byte;
    if (known >= 0 && known != here) return false;
    known = here;
  }
  return true;
}

}  // namespace

TEST_CASE("budgets: exact is the best of all, greedy within a step, both within the budget") {
  RandomStream random(2, 1);
  const std::vector<std::vector<int>> sets = {{2, 4, 8}, {1, 2, 4, 8}, {2, 4, 8, 16, 32}, {4, 8}, {8}};
  int compared = 0;
  for (int trial = 0; trial < 900; ++trial) {
    const auto& widths = sets[random.below(sets.size())];
    const auto instance =
        random_bits(random, widths, random.below(widths.size() > 3 ? 6 : 8), 1 + random.below(4), 1 + random.below(2));
    const Budget budget = random_budget(random, instance);
    const double least = least_by_force(instance, budget);
    CAPTURE(trial, instance.coefficient, instance.channel, budget.limit, budget.group);
    const auto greedy = assign_within(instance.problem(), budget);
    CHECK(keeps(costs(instance, budget, options_of(instance, greedy)), budget));
    CHECK(greedy.variance == Approx(variance(instance, options_of(instance, greedy))).epsilon(1e-12));
    CHECK(greedy.variance >= least * (1 - 1e-12));
    CHECK(greedy.lower_bound <= least * (1 + 1e-12));
    CHECK(greedy.variance <= greedy.lower_bound + steps_of_a_row(instance, budget));
    CHECK(lp_bound(instance.problem(), budget) == greedy.lower_bound);
    if (!one_price(instance, budget)) {
      CHECK_THROWS_WITH(assign_within(instance.problem(), budget, Solver::exact), contains("use the greedy one"));
      continue;
    }
    ++compared;
    const auto exact = assign_within(instance.problem(), budget, Solver::exact);
    CHECK(keeps(costs(instance, budget, options_of(instance, exact)), budget));
    CHECK(exact.variance == Approx(least).epsilon(1e-12));
  }
  CHECK(compared > 500);
}

TEST_CASE("budgets: exact for rows of any bytes") {
  RandomStream random(2, 2);
  for (int trial = 0; trial < 300; ++trial) {
    auto instance = random_bits(random, {2, 4, 8, 16}, 1 + random.below(5), 1 + random.below(3), 1);
    for (Channel& channel : instance.channels) {
      for (std::int64_t& bytes : channel.row_bytes) bytes = 1 + static_cast<std::int64_t>(random.below(40));
    }
    const Budget budget = Budget::total_bytes(instance.channels, static_cast<double>(random.below(150)));
    const double least = least_by_force(instance, budget);
    CAPTURE(trial);
    if (std::isinf(least)) {
      CHECK_THROWS_AS(assign_within(instance.problem(), budget, Solver::exact), InputError);
    } else {
      CHECK(assign_within(instance.problem(), budget, Solver::exact).variance == Approx(least).epsilon(1e-12));
      const auto greedy = assign_within(instance.problem(), budget, Solver::greedy);
      CHECK(keeps(costs(instance, budget, options_of(instance, greedy)), budget));
      CHECK(greedy.variance >= least * (1 - 1e-12));
      CHECK(greedy.lower_bound <= least * (1 + 1e-12));
      CHECK(greedy.variance <= greedy.lower_bound + steps_of_a_row(instance, budget));
    }
  }
}

TEST_CASE("budgets: more bytes, never more variance") {
  RandomStream random(2, 3);
  for (int trial = 0; trial < 12; ++trial) {
    const auto instance = random_bits(random, {2, 4, 8}, 1 + random.below(50), 3, 1);
    const auto at = [&](std::int64_t bytes, Solver solver) {
      return assign_within(instance.problem(), Budget::total_bytes(instance.channels, static_cast<double>(bytes)),
                           solver)
          .variance;
    };
    std::int64_t low = 0, high = 0;
    for (const std::int32_t c : instance.channel) {
      low += instance.channels[c].row_bytes.front(), high += instance.channels[c].row_bytes.back();
    }
    double greedy = std::numeric_limits<double>::infinity(), exact = greedy;
    const std::int64_t step = std::max<std::int64_t>(1, (high - low) / 200);
    for (std::int64_t bytes = low; bytes <= high + step; bytes += step) {
      CAPTURE(trial, bytes, low, high);
      const double next_greedy = at(bytes, Solver::greedy), next_exact = at(bytes, Solver::exact);
      REQUIRE(next_greedy <= greedy * (1 + 1e-12));
      REQUIRE(next_exact <= exact * (1 + 1e-12));
      REQUIRE(next_exact <= next_greedy * (1 + 1e-12));
      greedy = next_greedy, exact = next_exact;
    }
  }
}

TEST_CASE("budgets: 100,000 messages within 0.1% of the bound") {
  for (const std::int64_t features : {256, 47, 602}) {
    const auto instance = large_bits(100000, features, {2, 4, 8});
    const auto bytes = row_bytes(features, instance.widths);
    for (const double share : {0.05, 0.3, 0.6}) {
      const double limit = 1e5 * (static_cast<double>(bytes[0]) + share * static_cast<double>(bytes[2] - bytes[0]));
      const auto greedy = assign_within(instance.problem(), Budget::total_bytes(instance.channels, limit));
      CAPTURE(features, share, greedy.variance, greedy.lower_bound);
      CHECK(greedy.variance - greedy.lower_bound <= 1e-3 * greedy.lower_bound);
      CHECK(static_cast<double>(greedy.bytes) <= limit);
      CHECK(static_cast<double>(greedy.bytes) >= limit - static_cast<double>(bytes[2]));
      const std::vector<double> each(4, limit / 3.5);
      const auto senders = assign_within(instance.problem(), Budget::bytes_per_sender(instance.channels, each));
      CHECK(senders.variance - senders.lower_bound <= 1e-3 * senders.lower_bound);
    }
  }
}

TEST_CASE("overlap: time that is hidden is used, time that is not is kept as short as it can be") {
  const auto instance = large_bits(30000, 256, {2, 4, 8});
  const auto at = [&](double seconds) {
    return assign_overlapped(instance.problem(),
                             Budget::seconds_per_round(instance.channels, std::vector<double>(4, seconds)));
  };
  const auto none = at(0), some = at(7e-4), plenty = at(1);
  CHECK_FALSE(none.within);
  CHECK(std::ranges::all_of(none.bits, [](int bits) { return bits == 2; }));
  CHECK(some.within);
  CHECK(some.seconds <= 3 * 7e-4 * (1 + 1e-12));
  CHECK(some.seconds >= 3 * 7e-4 * 0.99);
  CHECK(some.variance - some.lower_bound <= 1e-3 * some.lower_bound);
  CHECK(plenty.within);
  CHECK(std::ranges::all_of(plenty.bits, [](int bits) { return bits == 8; }));
  double before = none.variance;
  for (int step = 0; step < 50; ++step) {
    const auto next = at(1e-5 * std::pow(1.1, step));
    CHECK(next.variance <= before * (1 + 1e-12));
    before = next.variance;
  }
}

TEST_CASE("overlap: a rank's transfers one after the other") {
  const auto instance = large_bits(3000, 256, {2, 4, 8});
  std::vector<double> seconds = {1e-4, 2e-4, 3e-4, 1};
  const auto budget = Budget::seconds_per_sender(instance.channels, seconds);
  const auto assignment = assign_overlapped(instance.problem(), budget);
  const auto cost = costs(instance, budget, options_of(instance, assignment));
  CHECK(assignment.within);
  CHECK(keeps(cost, budget));
  CHECK(cost[2] >= 0.99 * seconds[2]);
  for (std::size_t m = 0; m < instance.channel.size(); ++m) {
    if (instance.channels[instance.channel[m]].sender == 3) REQUIRE(assignment.bits[m] == 8);
  }
}

TEST_CASE("budgets: too little is refused with what would do; the least and plenty are not") {
  const auto instance = large_bits(1000, 256, {2, 4, 8});
  const auto within = [&](double bytes, Solver solver) {
    return assign_within(instance.problem(), Budget::total_bytes(instance.channels, bytes), solver);
  };
  for (const Solver solver : {Solver::exact, Solver::greedy}) {
    CHECK_THROWS_WITH(within(67999, solver), contains("takes 68000"));
    CHECK(std::ranges::all_of(within(68000, solver).bits, [](int bits) { return bits == 2; }));
    CHECK(std::ranges::all_of(within(260000, solver).bits, [](int bits) { return bits == 8; }));
    CHECK(within(1e12, solver).bytes == 260000);
  }
}

TEST_CASE("budgets: wrong ones are refused") {
  const auto instance = large_bits(100, 256, {2, 4, 8});
  const auto fails = [&](const Budget& budget, const std::string& part) {
    CHECK_THROWS_AS(assign_within(instance.problem(), budget), InputError);
    CHECK_THROWS_WITH(assign_overlapped(instance.problem(), budget), contains(part));
  };
  fails(Budget::total_bytes(instance.channels, std::nan("")), "limit[0]");
  fails(Budget::total_bytes(instance.channels, std::numeric_limits<double>::infinity()), "limit[0]");
  fails(Budget::total_bytes(instance.channels, -5), "limit[0]");
  fails(Budget::total_bytes({}, 1e9), "0 channels");
  Budget budget = Budget::total_bytes(instance.channels, 1e9);
  budget.group[3] = 1;
  fails(budget, "channel 3 is in group 1");
  const std::vector<double> three(3, 1e9);
  CHECK_THROWS_WITH(Budget::bytes_per_sender(instance.channels, three), contains("sender 3"));
  CHECK_THROWS_WITH(Budget::seconds_per_round(instance.channels, three), contains("round 3"));
}

TEST_CASE("budgets: nothing to send needs nothing") {
  BitInstance instance{.widths = {2, 4, 8}, .channels = ring(2, 16, std::vector<int>{2, 4, 8})};
  const auto none = assign_within(instance.problem(), Budget::total_bytes(instance.channels, 0), Solver::exact);
  CHECK(none.bits.empty());
  CHECK(none.within);
  // Without a message there is no latency either.
  const auto idle =
      assign_within(instance.problem(), Budget::seconds_per_round(instance.channels, std::vector<double>(2, 0)));
  CHECK(idle.seconds == 0);
}
