// Bit widths under AdaQP's objective.
#include "src/train/allocate_bits.hpp"

#include <limits>
#include <map>
#include <numeric>

#include "galena/error.hpp"
#include "test/support/catch.hpp"
#include "test/train/allocate_instances.hpp"

using namespace galena;
using namespace galena::train;
using namespace galena::test;

namespace {

// The objective from its definition, by option numbers.
struct Definition {
  const BitInstance& instance;
  double lambda;
  double v_best = 0, v_worst = 0, t_best = 0, t_worst = 0;

  Definition(const BitInstance& i, double l) : instance(i), lambda(l) {
    const auto cheapest = extreme([](std::int64_t bytes, std::int64_t than) { return bytes <= than; });
    const std::vector<std::uint8_t> widest(i.channel.size(), static_cast<std::uint8_t>(i.widths.size() - 1));
    // Narrower than the widest at the same bytes is never chosen, but has the same time.
    v_best = variance(widest), t_worst = seconds(widest);
    v_worst = variance(cheapest), t_best = seconds(cheapest);
  }
  template <class Better>
  [[nodiscard]] std::vector<std::uint8_t> extreme(const Better& better) const {
    std::vector<std::uint8_t> option;
    for (const std::int32_t c : instance.channel) {
      const auto& bytes = instance.channels[c].row_bytes;
      std::size_t best = 0;
      for (std::size_t w = 1; w < bytes.size(); ++w) best = better(bytes[w], bytes[best]) ? w : best;
      option.push_back(static_cast<std::uint8_t>(best));
    }
    return option;
  }
  [[nodiscard]] double variance(const std::vector<std::uint8_t>& option) const {
    double sum = 0;
    for (std::size_t m = 0; m < option.size(); ++m) {
      sum += instance.coefficient[m] * std::pow(std::pow(2.0, instance.widths[option[m]]) - 1, -2);
    }
    return sum;
  }
  [[nodiscard]] double seconds(const std::vector<std::uint8_t>& option) const {
    std::map<std::int32_t, double> bytes, slowest;
    for (std::size_t m = 0; m < option.size(); ++m) {
      const std::int32_t c = instance.channel[m];
      bytes[c] += static_cast<double>(instance.channels[c].row_bytes[option[m]]);
    }
    for (const auto& [c, sum] : bytes) {
      const Channel& channel = instance.channels[c];
      slowest[channel.round] = std::max(slowest[channel.round], channel.latency + channel.seconds_per_byte * sum);
    }
    return std::accumulate(slowest.begin(), slowest.end(), 0.0, [](double s, const auto& r) { return s + r.second; });
  }
  [[nodiscard]] double objective(const std::vector<std::uint8_t>& option) const {
    const double v = v_worst > v_best ? (variance(option) - v_best) / (v_worst - v_best) : 0;
    const double t = t_worst > t_best ? (seconds(option) - t_best) / (t_worst - t_best) : 0;
    return lambda * v + (1 - lambda) * t;
  }
  [[nodiscard]] double least() const {
    double least = 2;
    for_each_choice(instance.channel.size(), instance.widths.size(),
                    [&](const auto& option) { least = std::min(least, objective(option)); });
    return least;
  }
};

std::vector<std::uint8_t> options_of(const BitInstance& instance, const BitAssignment& assignment) {
  std::vector<std::uint8_t> option;
  for (const std::uint8_t bits : assignment.bits) {
    const auto at = std::ranges::find(instance.widths, bits);
    REQUIRE(at != instance.widths.end());
    option.push_back(static_cast<std::uint8_t>(at - instance.widths.begin()));
  }
  return option;
}

// The answer's own figures are those of the definition.
void check_figures(const BitInstance& instance, const Definition& definition, const BitAssignment& assignment) {
  const auto option = options_of(instance, assignment);
  CHECK(assignment.variance == Approx(definition.variance(option)).epsilon(1e-12));
  CHECK(assignment.seconds == Approx(definition.seconds(option)).epsilon(1e-12));
  CHECK(assignment.objective == Approx(definition.objective(option)).epsilon(1e-9).margin(1e-12));
  std::int64_t bytes = 0;
  for (std::size_t m = 0; m < option.size(); ++m) bytes += instance.channels[instance.channel[m]].row_bytes[option[m]];
  CHECK(assignment.bytes == bytes);
}

// The most that one step of one row can be worth, summed over the channels.
double steps_of_a_row(const BitInstance& instance, const Definition& definition) {
  std::vector<double> largest(instance.channels.size());
  for (std::size_t m = 0; m < instance.channel.size(); ++m) {
    double& most = largest[instance.channel[m]];
    most = std::max(most, instance.coefficient[m] * std::pow(std::pow(2.0, instance.widths[0]) - 1, -2));
  }
  const double scale = definition.v_worst - definition.v_best;
  return scale > 0 ? definition.lambda * std::accumulate(largest.begin(), largest.end(), 0.0) / scale : 0;
}

const std::vector<std::vector<int>> kWidths = {{2, 4, 8}, {1, 2, 4, 8}, {2, 4, 8, 16, 32}, {4, 8}, {8}, {1, 32}};

double some_lambda(RandomStream& random) {
  const auto kind = random.below(6);
  return kind == 0 ? 0 : kind == 1 ? 1 : random.uniform();
}

}  // namespace

TEST_CASE("bits: the exact assignment is the best of all, the greedy one near it, the bound below") {
  RandomStream random(1, 1);
  for (int trial = 0; trial < 900; ++trial) {
    const auto& widths = kWidths[random.below(kWidths.size())];
    const std::size_t most = widths.size() > 3 ? 6 : 8;
    const auto instance = random_bits(random, widths, random.below(most), 1 + random.below(4), 1 + random.below(2));
    const double lambda = some_lambda(random);
    const Definition definition(instance, lambda);
    const double least = definition.least();
    CAPTURE(trial, lambda, instance.coefficient, instance.channel, widths);
    const auto exact = assign_exact(instance.problem(), lambda);
    CHECK(exact.objective == Approx(least).epsilon(1e-10).margin(1e-13));
    check_figures(instance, definition, exact);
    const auto greedy = assign_greedy(instance.problem(), lambda);
    check_figures(instance, definition, greedy);
    CHECK(greedy.objective >= least - 1e-12);
    CHECK(greedy.lower_bound <= least + 1e-12);
    CHECK(greedy.objective <= greedy.lower_bound + steps_of_a_row(instance, definition) + 1e-12);
    CHECK(lp_bound(instance.problem(), lambda) == greedy.lower_bound);
  }
}

// Rows whose bytes are not ordered as those of packed rows are: level by level does not apply.
TEST_CASE("bits: exact for rows of any bytes") {
  RandomStream random(1, 2);
  for (int trial = 0; trial < 400; ++trial) {
    auto instance = random_bits(random, {2, 4, 8, 16}, 1 + random.below(5), 1 + random.below(3), 1);
    for (Channel& channel : instance.channels) {
      for (std::int64_t& bytes : channel.row_bytes) bytes = 1 + static_cast<std::int64_t>(random.below(40));
    }
    const double lambda = some_lambda(random);
    const Definition definition(instance, lambda);
    CAPTURE(trial, lambda);
    const double least = definition.least();
    const auto exact = assign_exact(instance.problem(), lambda), greedy = assign_greedy(instance.problem(), lambda);
    check_figures(instance, definition, exact);
    check_figures(instance, definition, greedy);
    CHECK(exact.objective == Approx(least).epsilon(1e-10).margin(1e-13));
    CHECK(greedy.objective >= least - 1e-12);
    CHECK(greedy.lower_bound <= least + 1e-12);
    CHECK(greedy.objective <= greedy.lower_bound + steps_of_a_row(instance, definition) + 1e-12);
  }
}

TEST_CASE("bits: lambda runs from the least time to the least variance") {
  const auto instance = large_bits(3000, 64, {2, 4, 8});
  const Definition definition(instance, 0.5);
  const auto fast = assign_exact(instance.problem(), 0), fine = assign_exact(instance.problem(), 1);
  CHECK(fast.objective == 0);  // AdaQP's own bound on the time is below what any assignment reaches
  CHECK(fast.seconds == Approx(definition.t_best).epsilon(1e-14));
  CHECK(fine.objective == Approx(0).margin(1e-15));
  CHECK(fine.variance == Approx(definition.v_best).epsilon(1e-12));
  CHECK(std::ranges::all_of(fine.bits, [](int bits) { return bits == 8; }));
  double before = std::numeric_limits<double>::infinity();
  for (int percent = 0; percent <= 100; percent += 5) {
    const auto assignment = assign_exact(instance.problem(), percent / 100.0);
    CHECK(assignment.variance <= before * (1 + 1e-12));
    CHECK(assignment.objective >= 0);
    CHECK(assignment.objective <= 1);
    before = assignment.variance;
  }
}

TEST_CASE("bits: time that a slower channel takes anyway is used") {
  const BitInstance instance{.widths = {2, 4, 8},
                             .channels = {{.seconds_per_byte = 1e-6, .row_bytes = {10, 20, 40}},
                                          {.seconds_per_byte = 1e-6, .row_bytes = {10, 20, 40}}},
                             .coefficient = {1, 1, 1},
                             .channel = {0, 0, 1}};
  const std::vector<std::uint8_t> expected = {2, 2, 4};
  CHECK(assign_exact(instance.problem(), 0).bits == expected);
  CHECK(assign_greedy(instance.problem(), 0).bits == expected);
}

TEST_CASE("bits: of two messages on a channel the noisier has no fewer bits") {
  RandomStream random(1, 3);
  const auto instance = random_bits(random, {2, 4, 8}, 500, 4, 2);
  for (const auto& assignment : {assign_exact(instance.problem(), 0.5), assign_greedy(instance.problem(), 0.5)}) {
    for (std::size_t i = 0; i < 500; ++i) {
      for (std::size_t j = 0; j < 500; ++j) {
        if (instance.channel[i] != instance.channel[j]) continue;
        if (instance.coefficient[i] <= instance.coefficient[j]) continue;
        REQUIRE(assignment.bits[i] >= assignment.bits[j]);
      }
    }
  }
}

TEST_CASE("bits: 100,000 messages within 0.1% of the bound") {
  for (const std::int64_t features : {256, 47, 602}) {
    const auto instance = large_bits(100000, features, {2, 4, 8});
    for (const double lambda : {0.1, 0.5, 0.9}) {
      const auto greedy = assign_greedy(instance.problem(), lambda);
      CAPTURE(features, lambda, greedy.objective, greedy.lower_bound);
      CHECK(greedy.lower_bound > 0);
      CHECK(greedy.objective - greedy.lower_bound <= 1e-3 * greedy.lower_bound);
      if (features != 256) continue;
      const auto exact = assign_exact(instance.problem(), lambda);
      CHECK(exact.objective <= greedy.objective + 1e-13);
      CHECK(exact.objective >= greedy.lower_bound - 1e-13);
    }
  }
}

TEST_CASE("bits: the same each time, and whatever the order of the messages") {
  auto instance = large_bits(20000, 256, {2, 4, 8});
  const auto first = assign_greedy(instance.problem(), 0.5), again = assign_greedy(instance.problem(), 0.5);
  CHECK(first.bits == again.bits);
  CHECK(assign_exact(instance.problem(), 0.5).bits == assign_exact(instance.problem(), 0.5).bits);
  std::ranges::reverse(instance.coefficient);
  std::ranges::reverse(instance.channel);
  auto reversed = assign_greedy(instance.problem(), 0.5).bits;
  std::ranges::reverse(reversed);
  CHECK(reversed == first.bits);
}

TEST_CASE("bits: no messages, one, equal ones, noiseless ones") {
  BitInstance instance{.widths = {2, 4, 8}, .channels = ring(3, 256, std::vector<int>{2, 4, 8})};
  for (const double lambda : {0.0, 0.5, 1.0}) {
    const auto none = assign_exact(instance.problem(), lambda);
    CHECK(none.bits.empty());
    CHECK(none.objective == 0);
    CHECK(none.seconds == 0);
    CHECK(assign_greedy(instance.problem(), lambda).objective == 0);
  }
  instance.coefficient = {3}, instance.channel = {1};
  CHECK(assign_exact(instance.problem(), 1).bits == std::vector<std::uint8_t>{8});
  CHECK(assign_exact(instance.problem(), 0).bits == std::vector<std::uint8_t>{2});
  instance.coefficient.assign(50, 0), instance.channel.assign(50, 2);
  for (const auto& zero : {assign_exact(instance.problem(), 1), assign_greedy(instance.problem(), 1)}) {
    CHECK(zero.bits == std::vector<std::uint8_t>(50, 2));
    CHECK(zero.objective == 0);
  }
  instance.coefficient.assign(50, 2);
  const auto exact = assign_exact(instance.problem(), 0.5), greedy = assign_greedy(instance.problem(), 0.5);
  CHECK(greedy.objective == Approx(exact.objective).epsilon(1e-9));
  BitInstance nothing;
  nothing.widths = {8};
  CHECK(assign_exact(nothing.problem(), 0.5).bits.empty());
}

TEST_CASE("bits: wrong input is refused, with its place") {
  RandomStream random(1, 4);
  const auto good = random_bits(random, {2, 4, 8}, 10, 3, 1);
  const auto fails = [](const BitInstance& instance, const std::string& part, double lambda = 0.5) {
    CHECK_THROWS_AS(assign_exact(instance.problem(), lambda), InputError);
    CHECK_THROWS_WITH(assign_greedy(instance.problem(), lambda), contains(part));
  };
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity(), -1.0, 1e101}) {
    auto instance = good;
    instance.coefficient[7] = bad;
    fails(instance, "coefficient[7]");
    instance = good;
    instance.channels[1].seconds_per_byte = bad;
    fails(instance, "channel 1");
    instance = good;
    instance.channels[2].latency = bad;
    fails(instance, "latency");
    fails(good, "lambda", bad);
  }
  auto instance = good;
  instance.channel[4] = 3;
  fails(instance, "message 4 is on channel 3");
  instance.channel[4] = -1;
  fails(instance, "message 4");
  instance = good;
  instance.coefficient.pop_back();
  fails(instance, "9 numbers; expected 10");
  instance = good;
  instance.channels[0].row_bytes.pop_back();
  fails(instance, "row_bytes");
  instance = good;
  instance.channels[0].row_bytes[1] = 0;
  fails(instance, "a row of 0 bytes");
  instance = good;
  instance.channels[0].round = -2;
  fails(instance, "round -2");
  for (const std::vector<int>& widths : {std::vector<int>{2, 2, 8}, {0, 4, 8}, {2, 4, 33}, {8, 4, 2}}) {
    instance = good;
    instance.widths = widths;
    fails(instance, "widths[");
  }
  instance = good;
  instance.widths.clear();
  fails(instance, "no widths");
}

TEST_CASE("bits: a table too large for the exact solver is refused, with the way out") {
  auto instance = large_bits(20000, 256, {2, 4, 8});
  for (Channel& channel : instance.channels) channel.row_bytes = {100, 201, 200000003};
  CHECK_THROWS_WITH(assign_exact(instance.problem(), 0.5), contains("greedy"));
  CHECK(assign_greedy(instance.problem(), 0.5).bits.size() == 20000);
}
