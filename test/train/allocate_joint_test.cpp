// Probabilities and widths together.
#include "src/train/allocate_joint.hpp"

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

const std::vector<int> kAll = {2, 4, 8, 16, 32};

double bytes_of(const JointInstance& instance, std::size_t message, std::size_t option) {
  return static_cast<double>(instance.channels[instance.channel[message]].row_bytes[option]);
}

double error_of(const JointInstance& instance, std::size_t message, std::size_t option) {
  return instance.error[message * instance.widths.size() + option];
}

std::size_t option_of(const JointInstance& instance, int bits) {
  return static_cast<std::size_t>(std::ranges::find(instance.widths, bits) - instance.widths.begin());
}

// The variance from its definition.
double variance(const JointInstance& instance, const std::vector<double>& keep,
                const std::vector<std::uint8_t>& option) {
  double sum = 0;
  for (std::size_t m = 0; m < keep.size(); ++m) {
    const double p = keep[m], e = instance.energy[m];
    sum += instance.weight[m] * ((1 / p - 1) * e + error_of(instance, m, option[m]) / p);
  }
  return sum;
}

double cost(const JointInstance& instance, const std::vector<double>& keep, const std::vector<std::uint8_t>& option) {
  double sum = 0;
  for (std::size_t m = 0; m < keep.size(); ++m) sum += keep[m] * bytes_of(instance, m, option[m]);
  return sum;
}

// With these widths the best probabilities, by trying which messages stand at a bound: 0 low, 1 high, 2 between.
double least_with(const JointInstance& instance, const std::vector<std::uint8_t>& option, double budget,
                  double keep_min) {
  const std::size_t n = option.size();
  double least = std::numeric_limits<double>::infinity();
  std::vector<double> keep(n);
  for_each_choice(n, 3, [&](const std::vector<std::uint8_t>& state) {
    double fixed = 0, free = 0;
    std::vector<double> root(n);
    for (std::size_t m = 0; m < n; ++m) {
      const double c = bytes_of(instance, m, option[m]);
      root[m] = std::sqrt(instance.weight[m] * (instance.energy[m] + error_of(instance, m, option[m])) / c);
      if (state[m] < 2) fixed += (state[m] == 0 ? keep_min : 1) * c;
      if (state[m] == 2) free += root[m] * c;
    }
    for (std::size_t m = 0; m < n; ++m) {
      keep[m] = state[m] == 0 ? keep_min : state[m] == 1 ? 1 : (budget - fixed) / free * root[m];
      if (!(keep[m] >= keep_min && keep[m] <= 1)) return;
    }
    if (fixed <= budget) least = std::min(least, variance(instance, keep, option));
  });
  return least;
}

double least_by_force(const JointInstance& instance, double budget, double keep_min) {
  double least = std::numeric_limits<double>::infinity();
  for_each_choice(instance.channel.size(), instance.widths.size(), [&](const std::vector<std::uint8_t>& option) {
    least = std::min(least, least_with(instance, option, budget, keep_min));
  });
  return least;
}

Budget total(const JointInstance& instance, double bytes) { return Budget::total_bytes(instance.channels, bytes); }

// Bytes when all rows are sent at one width.
double bytes_at(const JointInstance& instance, int bits) {
  double sum = 0;
  for (std::size_t m = 0; m < instance.channel.size(); ++m) sum += bytes_of(instance, m, option_of(instance, bits));
  return sum;
}

// From the least possible to more than fp32 for all; low ones are frequent.
double random_limit(RandomStream& random, const JointInstance& instance, double keep_min) {
  const double low = keep_min * bytes_at(instance, instance.widths.front());
  return low + std::pow(random.uniform(), 3) * (1.05 * bytes_at(instance, instance.widths.back()) - low);
}

std::vector<std::uint8_t> options_of(const JointInstance& instance, const JointAllocation& joint) {
  std::vector<std::uint8_t> option;
  for (const std::uint8_t bits : joint.bits) option.push_back(static_cast<std::uint8_t>(option_of(instance, bits)));
  return option;
}

// The answer keeps the budget, and its own figures are those of the definition.
void check_figures(const JointInstance& instance, const JointAllocation& joint, double limit, double keep_min) {
  const auto option = options_of(instance, joint);
  CHECK(cost(instance, joint.keep, option) <= limit * (1 + 1e-12));
  CHECK(joint.expected_bytes == Approx(cost(instance, joint.keep, option)).epsilon(1e-12));
  CHECK(joint.variance == Approx(variance(instance, joint.keep, option)).epsilon(1e-9).margin(1e-280));
  CHECK(joint.variance == Approx(joint_variance(instance.problem(), joint.keep, joint.bits)).epsilon(1e-9));
  CHECK(joint.lower_bound <= joint.variance);
  CHECK(std::ranges::all_of(joint.keep, [&](double keep) { return keep >= keep_min && keep <= 1; }));
}

JointInstance large_joint(std::size_t messages, std::int64_t features) {
  RandomStream random(12, 4, messages);
  return random_joint(random, kAll, messages, features);
}

}  // namespace

TEST_CASE("joint: against every choice of widths with the best probabilities for each") {
  RandomStream random(3, 1);
  int equal = 0, trials = 0;
  for (std::size_t n = 1; n <= 4; ++n) {
    for (int trial = 0; trial < 150; ++trial, ++trials) {
      const auto instance = random_joint(random, kAll, n, 1 + static_cast<std::int64_t>(random.below(300)));
      const double keep_min = random.below(4) == 0 ? 1 : 0.01, limit = random_limit(random, instance, keep_min);
      const auto joint = allocate_joint(instance.problem(), total(instance, limit), keep_min);
      const double least = least_by_force(instance, limit, keep_min);
      CAPTURE(n, trial, limit, keep_min, instance.weight, instance.energy, instance.error);
      check_figures(instance, joint, limit, keep_min);
      CHECK(joint.lower_bound <= least * (1 + 1e-9));
      CHECK(joint.variance >= least * (1 - 1e-9));
      // Off by at most one message's step, and seldom at all.
      CHECK(joint.variance <= 1.2 * least);
      equal += joint.variance <= least * (1 + 1e-9);
    }
  }
  CHECK(equal >= 0.98 * trials);
}

// The oracle above shares the formula of the best probability; a grid shares nothing.
TEST_CASE("joint: against a grid of probabilities and widths") {
  RandomStream random(3, 2);
  constexpr std::size_t kGrid = 12, kMessages = 3;
  for (int trial = 0; trial < 40; ++trial) {
    const auto instance = random_joint(random, {2, 4, 32}, kMessages, 64);
    const double limit = random_limit(random, instance, 0.01);
    double least = std::numeric_limits<double>::infinity();
    std::vector<double> keep(kMessages);
    std::vector<std::uint8_t> option(kMessages);
    for_each_choice(kMessages, 3 * kGrid, [&](const std::vector<std::uint8_t>& point) {
      for (std::size_t m = 0; m < kMessages; ++m) {
        option[m] = static_cast<std::uint8_t>(point[m] / kGrid);
        keep[m] = std::pow(0.01, static_cast<double>(point[m] % kGrid) / (kGrid - 1));
      }
      if (cost(instance, keep, option) <= limit) least = std::min(least, variance(instance, keep, option));
    });
    const auto joint = allocate_joint(instance.problem(), total(instance, limit));
    CAPTURE(trial, limit, instance.weight, instance.energy, instance.error);
    CHECK(joint.lower_bound <= least * (1 + 1e-12));
    CHECK(joint.variance <= least * (1 + 1e-12));
  }
}

TEST_CASE("joint: never worse than BNS-GCN, than importance sampling, than AdaQP") {
  RandomStream random(3, 3);
  int adaqp = 0;
  for (int trial = 0; trial < 3000; ++trial) {
    const std::size_t n = 1 + random.below(trial % 10 == 0 ? 60 : 6);
    const auto instance = random_joint(random, kAll, n, 1 + static_cast<std::int64_t>(random.below(300)));
    const double limit = random_limit(random, instance, 0.01);
    const auto joint = allocate_joint(instance.problem(), total(instance, limit));
    CAPTURE(trial, n, limit, instance.weight, instance.energy, instance.error);
    check_figures(instance, joint, limit, 0.01);
    for (const int bits : kAll) {  // a uniform rate at one width; 32: BNS-GCN
      const double rate = std::min(1.0, limit / bytes_at(instance, bits));
      if (rate < 0.01) continue;
      const std::vector<std::uint8_t> option(n, static_cast<std::uint8_t>(option_of(instance, bits)));
      CHECK(joint.variance <= variance(instance, std::vector<double>(n, rate), option) * (1 + 1e-12));
    }
    if (limit < bytes_at(instance, 2)) continue;
    ++adaqp;
    BitInstance bits{.widths = {2, 4, 8}, .channels = instance.channels, .channel = instance.channel};
    for (Channel& channel : bits.channels) channel.row_bytes.resize(3);
    for (std::size_t m = 0; m < n; ++m) bits.coefficient.push_back(instance.weight[m] * error_of(instance, m, 0) * 9);
    for (const Solver solver : {Solver::greedy, Solver::exact}) {
      const auto assignment = assign_within(bits.problem(), total(instance, limit), solver);
      CHECK(joint.variance <= assignment.variance * (1 + 1e-12));
    }
  }
  CHECK(adaqp > 1000);
}

TEST_CASE("joint: more bytes, never more variance") {
  RandomStream random(3, 4);
  for (int trial = 0; trial < 40; ++trial) {
    const std::size_t n = trial < 30 ? 1 + random.below(12) : 400;
    const auto instance = random_joint(random, kAll, n, 1 + static_cast<std::int64_t>(random.below(300)));
    const double low = 0.01 * bytes_at(instance, 2), high = 1.01 * bytes_at(instance, 32);
    double before = std::numeric_limits<double>::infinity();
    for (int step = 0; step <= 300; ++step) {
      const double limit = low * std::pow(high / low, step / 300.0);
      const auto joint = allocate_joint(instance.problem(), total(instance, limit));
      CAPTURE(trial, n, step, limit);
      REQUIRE(joint.variance <= before * (1 + 1e-10));
      before = joint.variance;
    }
    CHECK(before == 0);  // fp32 for all
  }
}

TEST_CASE("joint: large ones meet the bound and the conditions of optimality") {
  const auto instance = large_joint(100000, 256);
  const double all = bytes_at(instance, 32);
  for (const double share : {0.004, 0.02, 0.05, 0.1, 0.2, 0.5}) {
    const auto joint = allocate_joint(instance.problem(), total(instance, share * all));
    CAPTURE(share, joint.variance, joint.lower_bound);
    check_figures(instance, joint, share * all, 0.01);
    CHECK(joint.variance - joint.lower_bound <= 1e-3 * joint.lower_bound);
    CHECK(joint.expected_bytes >= share * all - 1024);
    for (std::size_t m = 0; m < instance.channel.size(); ++m) {
      const std::size_t option = option_of(instance, joint.bits[m]);
      const double u = instance.weight[m] * (instance.energy[m] + error_of(instance, m, option));
      const double worth = u / (joint.keep[m] * joint.keep[m] * bytes_of(instance, m, option));
      // What another byte on this message would bring is the price, or less at the least and more at 1.
      if (joint.keep[m] < 1) REQUIRE(worth <= joint.price[0] * (1 + 1e-3));
      if (joint.keep[m] > 0.01) REQUIRE(worth >= joint.price[0] * (1 - 1e-3));
    }
  }
}

// A wider row sampled can beat a narrower one sent always, though the narrower has the smaller product u c and is the
// better of the two where both are sampled.
TEST_CASE("joint: the best width of a sampled row depends on the price") {
  JointInstance instance{.widths = {2, 4}, .channels = {{.row_bytes = {100, 200}}}, .weight = {1}, .energy = {1e-9}};
  instance.error = {1, 0.51};
  instance.channel = {0};
  const auto at = [&](double limit) { return allocate_joint(instance.problem(), total(instance, limit)); };
  CHECK(at(60).bits[0] == 2);
  const auto between = at(150);
  CHECK(between.bits[0] == 4);
  CHECK(between.keep[0] == Approx(0.75));
  CHECK(between.variance == Approx(0.68));
  CHECK(at(200).keep[0] == 1);
}

// The middle width lies above the hull of the other two: prices alone never choose it.
TEST_CASE("joint: a width that no price chooses is chosen where it fits best") {
  JointInstance instance{.widths = {2, 4, 8},
                         .channels = {{.seconds_per_byte = 1, .row_bytes = {100, 150, 200}}},
                         .weight = {1},
                         .energy = {100},
                         .error = {1, 0.8, 0},
                         .channel = {0}};
  const std::vector<double> seconds = {150};
  const auto timed = allocate_joint(instance.problem(), Budget::seconds_per_sender(instance.channels, seconds));
  CHECK(timed.variance == Approx(0.8));
  // Ten rows of zeros beside it take a hundredth of a row each.
  for (int i = 0; i < 10; ++i) {
    instance.weight.push_back(1), instance.energy.push_back(0), instance.channel.push_back(0);
    instance.error.insert(instance.error.end(), {0, 0, 0});
  }
  CHECK(allocate_joint(instance.problem(), total(instance, 160)).variance == Approx(0.8));
}

// Rows of 256 elements as networks have them. Relative to a row's squared norm.
TEST_CASE("joint: what bytes buy, for normal and ReLU rows of 256") {
  RandomStream random(3, 5);
  struct Kind {
    bool relu;
    double two_bits, four_bits, two_bits_sampled;
  };
  for (const Kind kind : {Kind{true, 0.15, 0.006, 10.5}, Kind{false, 0.60, 0.024, 15}}) {
    const std::size_t rows = 500;
    JointInstance instance{.widths = {2, 4, 32},
                           .channels = {{.row_bytes = row_bytes(256, std::vector<int>{2, 4, 32})}}};
    double two = 0, four = 0;
    for (std::size_t m = 0; m < rows; ++m) {
      std::vector<double> x(256);
      for (double& value : x) value = kind.relu ? std::max(0.0, normal(random)) : normal(random);
      const double energy = std::inner_product(x.begin(), x.end(), x.begin(), 0.0);
      const auto [low, high] = std::ranges::minmax(x);
      const auto measured = [&, low = low, high = high](double levels) {
        double sum = 0;
        for (const double value : x) {
          const double at = (value - low) / (high - low) * levels, f = at - std::floor(at);
          sum += f * (1 - f) * std::pow((high - low) / levels, 2);
        }
        return sum;
      };
      two += measured(3) / energy, four += measured(15) / energy;
      instance.weight.push_back(1 / energy / rows);
      instance.energy.push_back(energy);
      instance.error.insert(instance.error.end(), {measured(3), measured(15), 0});
      instance.channel.push_back(0);
    }
    CHECK(two / rows == Approx(kind.two_bits).epsilon(0.05));
    CHECK(four / rows == Approx(kind.four_bits).epsilon(0.05));
    const auto all = [&](double keep, int bits) {
      return joint_variance(instance.problem(), std::vector<double>(rows, keep),
                            std::vector<std::uint8_t>(rows, static_cast<std::uint8_t>(bits)));
    };
    CHECK(all(0.1, 2) == Approx(kind.two_bits_sampled).epsilon(0.02));
    CHECK(all(0.1, 32) == Approx(9).epsilon(1e-9));
    CHECK(all(0.01, 32) == Approx(99).epsilon(1e-9));
    // So: all rows at 2 bits rather than some at more, and at 2 bits whatever is sampled. Beyond, ReLU rows go to 4 bits
    // one by one; of normal rows, whose 2 bits are much worse, more go to 4 bits and are then sampled at a high rate.
    const auto at = [&](double bytes) {
      return allocate_joint(instance.problem(), total(instance, bytes * rows), 0.001);
    };
    const auto sparse = at(6.8), exact = at(68), rich = at(100);
    CHECK(std::ranges::all_of(sparse.bits, [](int bits) { return bits == 2; }));
    CHECK(sparse.variance <= all(0.1, 2));
    CHECK(sparse.variance == Approx(all(0.1, 2)).epsilon(0.05));
    CHECK(std::ranges::count(exact.bits, 2) >= (kind.relu ? 500 : 490));
    CHECK((!kind.relu || exact.keep == std::vector<double>(rows, 1)));
    CHECK(exact.variance <= all(1, 2));
    CHECK(exact.variance >= 0.99 * all(1, 2));
    CHECK(std::ranges::count(rich.bits, 4) >= (kind.relu ? 250 : 260));
    CHECK(std::ranges::count(rich.bits, 4) <= (kind.relu ? 250 : 300));
    CHECK(std::ranges::min(rich.keep) >= (kind.relu ? 1 : 0.85));
    CHECK(at(102.4).variance < all(0.1, 32) / 10);  // the bytes of BNS-GCN at 0.1
  }
}

TEST_CASE("joint: the variance is what sampling and rounding give") {
  RandomStream random(3, 6);
  const std::vector<double> x = {0.3, -1.2, 2.5, 0, 0.7, 1.9};
  constexpr double kLow = -1.2, kStep = (2.5 + 1.2) / 3, kKeep = 0.4, kWeight = 1.7;
  constexpr int kDraws = 200000;
  double energy = 0, error = 0, squares = 0;
  for (const double value : x) {
    const double at = (value - kLow) / kStep, f = at - std::floor(at);
    energy += value * value, error += f * (1 - f) * kStep * kStep;
  }
  for (int draw = 0; draw < kDraws; ++draw) {
    const bool kept = random.uniform() < kKeep;
    for (const double value : x) {
      const double level = std::floor((value - kLow) / kStep + random.uniform());
      const double sent = kept ? (kLow + level * kStep) / kKeep : 0;
      squares += kWeight * (sent - value) * (sent - value) / kDraws;
    }
  }
  const JointInstance instance{.widths = {2},
                               .channels = {{.row_bytes = {6}}},
                               .weight = {kWeight},
                               .energy = {energy},
                               .error = {error},
                               .channel = {0}};
  const std::vector<double> keep = {kKeep};
  const std::vector<std::uint8_t> bits = {2};
  CHECK(squares == Approx(joint_variance(instance.problem(), keep, bits)).epsilon(0.01));
}

TEST_CASE("joint: budgets of seconds, a sender each") {
  auto instance = large_joint(4000, 64);
  const std::vector<double> seconds = {6e-5, 2e-4};
  const auto budget = Budget::seconds_per_sender(instance.channels, seconds);
  const auto joint = allocate_joint(instance.problem(), budget);
  const auto option = options_of(instance, joint);
  for (std::size_t c = 0; c < 2; ++c) {
    double bytes = 0;
    for (std::size_t m = 0; m < option.size(); ++m) {
      if (instance.channel[m] == static_cast<std::int32_t>(c))
        bytes += joint.keep[m] * bytes_of(instance, m, option[m]);
    }
    const double limit = seconds[instance.channels[c].sender];
    const double time = instance.channels[c].latency + instance.channels[c].seconds_per_byte * bytes;
    CHECK(time <= limit * (1 + 1e-12));
    CHECK(time >= limit * 0.999);
  }
  CHECK(joint.price[0] > joint.price[1]);
  CHECK(joint.variance - joint.lower_bound <= 1e-3 * joint.lower_bound);
  // What costs nothing is sent in full.
  for (Channel& channel : instance.channels) channel.seconds_per_byte = 0;
  const auto free = allocate_joint(instance.problem(), Budget::seconds_per_sender(instance.channels, seconds));
  CHECK(free.variance == 0);
}

TEST_CASE("joint: no message, rows without weight, zero rows, constant rows") {
  JointInstance instance{.widths = kAll, .channels = ring(2, 64, kAll)};
  const auto none = allocate_joint(instance.problem(), total(instance, 0));
  CHECK(none.keep.empty());
  CHECK(none.variance == 0);
  // weightless, zero, constant, plain
  instance.weight = {0, 1, 1, 1}, instance.energy = {5, 0, 5, 5}, instance.channel = {0, 0, 0, 0};
  for (const double relative : {0.2, 0.0, 0.0, 0.2}) {
    for (const double scale : {1.0, 0.04, 1e-4, 1e-5, 0.0}) instance.error.push_back(5 * relative * scale);
  }
  for (const double limit : {1.0, 10.0, 40.0, 1000.0}) {
    const auto joint = allocate_joint(instance.problem(), total(instance, limit));
    CAPTURE(limit);
    CHECK(joint.keep[0] == 0.01);
    CHECK(joint.keep[1] == 0.01);
    CHECK(joint.bits[2] == 2);
    CHECK(joint.keep[2] <= joint.keep[3] * 1.2);
    CHECK(std::isfinite(joint.variance));
  }
  const auto plenty = allocate_joint(instance.problem(), total(instance, 1e9));
  CHECK(plenty.variance == 0);
  CHECK(plenty.bits[3] == 32);
  CHECK(plenty.price[0] == 0);
}

TEST_CASE("joint: keep_min = 1 sends everything; the same each time") {
  const auto instance = large_joint(5000, 128);
  const double limit = 1.7 * bytes_at(instance, 2);
  const auto joint = allocate_joint(instance.problem(), total(instance, limit), 1);
  CHECK(std::ranges::all_of(joint.keep, [](double keep) { return keep == 1; }));
  const auto sampled = allocate_joint(instance.problem(), total(instance, limit));
  CHECK(sampled.variance <= joint.variance);
  const auto again = allocate_joint(instance.problem(), total(instance, limit));
  CHECK(again.keep == sampled.keep);
  CHECK(again.bits == sampled.bits);
}

TEST_CASE("joint: wrong input is refused, with its place") {
  const auto good = large_joint(20, 64);
  const auto fails = [](const JointInstance& instance, const std::string& part, double keep_min = 0.01,
                        double limit = 1e9) {
    CHECK_THROWS_AS(allocate_joint(instance.problem(), total(instance, limit), keep_min), InputError);
    CHECK_THROWS_WITH(allocate_joint(instance.problem(), total(instance, limit), keep_min), contains(part));
  };
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity(), -1.0}) {
    auto instance = good;
    instance.weight[3] = bad;
    fails(instance, "weight[3]");
    instance = good;
    instance.energy[4] = bad;
    fails(instance, "energy[4]");
    instance = good;
    instance.error[99] = bad;
    fails(instance, "error[99]");
    fails(good, "keep_min", bad);
    fails(good, "limit[0]", 0.01, bad);
  }
  fails(good, "keep_min", 0);
  fails(good, "takes 4", 0.01, 3);  // 20 rows of 20 bytes at 0.01
  fails(good, "takes 400", 1, 399);
  auto instance = good;
  instance.error.pop_back();
  fails(instance, "error has 99 numbers; expected 100");
  instance = good;
  instance.channel[2] = 9;
  fails(instance, "message 2");
  std::vector<double> keep(20, 1);
  std::vector<std::uint8_t> bits(20, 8);
  keep[5] = 0;
  CHECK_THROWS_WITH(joint_variance(good.problem(), keep, bits), contains("message 5"));
  keep[5] = 1, bits[6] = 3;
  CHECK_THROWS_WITH(joint_variance(good.problem(), keep, bits), contains("message 6"));
}
