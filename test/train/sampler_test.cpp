// Sampling of boundary rows: sizes, probabilities, agreement of both ends.

#include <algorithm>
#include <cmath>
#include <numeric>

#include "src/train/sampler.hpp"
#include "test/support/catch.hpp"

namespace galena::train {
namespace {

Route route_of(std::uint32_t rows, std::vector<std::uint32_t> hop_count = {}) {
  Route route;
  for (std::uint32_t k = 0; k < rows; ++k) {
    route.rows.push_back(k);
    route.ids.push_back(1000 + 7 * k);
  }
  route.hop_count = std::move(hop_count);
  return route;
}

constexpr int kDraws = 100'000;

// |mean - p| of `draws` draws of an event of probability p, in standard errors.
double deviations(double hits, double draws, double p) {
  return std::abs(hits - draws * p) / std::sqrt(std::max(draws * p * (1 - p), 1e-300));
}

}  // namespace

TEST_CASE("uniform samples: every row has probability p, also where p |B| < 1") {
  struct Case {
    std::uint32_t rows;
    double rate;
  };
  for (const auto& [rows, rate] : {Case{1, 0.1}, Case{1, 0.5}, Case{3, 0.1}, Case{7, 0.3}, Case{20, 0.01}}) {
    const Route route = route_of(rows);
    std::vector<double> hits(rows, 0);
    double weight = 0;
    for (int draw = 0; draw < kDraws; ++draw) {
      const Sample sample = sample_uniform(route, rate, 0, {5, static_cast<std::uint32_t>(draw), 0, 1, 2});
      REQUIRE(static_cast<double>(sample.positions.size()) <= std::ceil(rate * rows));
      for (const auto k : sample.positions) ++hits[k];
      for (const float w : sample.weights) weight += w;
    }
    INFO(rows << " rows at " << rate);
    for (const double h : hits) CHECK(deviations(h, kDraws, rate) < 4.5);
    // E[sum of weights] = rows: sums are unbiased.
    CHECK(weight / kDraws == Approx(rows).epsilon(0.1));
  }
}

TEST_CASE("uniform samples hold the rate at every hop") {
  const Route route = route_of(1000, {900, 500, 100});
  for (std::uint32_t epoch = 0; epoch < 50; ++epoch) {
    const Sample sample = sample_uniform(route, 0.1, 3, {5, epoch, 0, 1, 2});
    for (const auto& [hop_rows, wanted] : {std::pair{900U, 90}, {500U, 50}, {100U, 10}}) {
      const auto drawn = std::count_if(sample.positions.begin(), sample.positions.end(),
                                       [limit = hop_rows](std::uint32_t k) { return k < limit; });
      CHECK(drawn == wanted);
    }
    CHECK(std::is_sorted(sample.positions.begin(), sample.positions.end()));
  }
}

TEST_CASE("no draw has more rows than it is said to, at any hop, and some have as many") {
  const Route route = route_of(103, {103, 61, 17});
  std::vector<float> importance;
  for (std::uint32_t k = 0; k < 103; ++k) importance.push_back(static_cast<float>(1 + k * k % 37));
  for (const double rate : {0.0, 0.013, 0.25, 0.731, 1.0})
    for (const std::uint32_t needed : {103U, 61U, 17U}) {
      const std::vector<double> probability = probabilities_by_importance(importance, rate);
      const std::uint32_t uniform = most_uniform(route, rate, 3, needed), unequal = most_unequal(probability, needed);
      CAPTURE(rate, needed, uniform, unequal);
      std::uint32_t most = 0;
      for (std::uint32_t epoch = 0; epoch < 2000; ++epoch) {
        const auto drawn = [&](const Sample& sample) {
          return static_cast<std::uint32_t>(
              std::ranges::count_if(sample.positions, [&](auto k) { return k < needed; }));
        };
        most = std::max(most, drawn(sample_uniform(route, rate, 3, {5, epoch, 0, 1, 2})));
        REQUIRE(drawn(sample_unequal(route, probability, {5, epoch, 0, 1, 2})) <= unequal);
      }
      CHECK(most == uniform);
    }
  const Route whole = route_of(10);
  CHECK(most_uniform(whole, 0.25, 0, 10) == 3);
}

TEST_CASE("rates 0 and 1") {
  const Route route = route_of(10);
  CHECK(sample_uniform(route, 0, 0, {}).positions.empty());
  const Sample all = sample_uniform(route, 1, 0, {});
  CHECK(all.positions.size() == 10);
  CHECK(all.weights.empty());
}

TEST_CASE("samples differ by epoch, receiver and seed, and not by anything else") {
  const Route route = route_of(200);
  const SampleKey key{1, 2, 0, 3, 4};
  const auto positions = [&](SampleKey k) { return sample_uniform(route, 0.2, 0, k).positions; };
  CHECK(positions(key) == positions(key));
  CHECK(positions(key) != positions({2, 2, 0, 3, 4}));
  CHECK(positions(key) != positions({1, 3, 0, 3, 4}));
  CHECK(positions(key) != positions({1, 2, 0, 3, 5}));
}

TEST_CASE("unequal samples: each row its own probability, sizes within one of the sum") {
  const Route route = route_of(8);
  const std::vector<double> probability{1, 0.9, 0.5, 0.5, 0.25, 0.1, 0.05, 0};
  const double sum = std::accumulate(probability.begin(), probability.end(), 0.0);
  std::vector<double> hits(8, 0);
  for (int draw = 0; draw < kDraws; ++draw) {
    const Sample sample = sample_unequal(route, probability, {5, static_cast<std::uint32_t>(draw), 1, 0, 1});
    REQUIRE(std::abs(static_cast<double>(sample.positions.size()) - sum) < 1);
    for (std::size_t k = 0; k < sample.positions.size(); ++k) {
      ++hits[sample.positions[k]];
      REQUIRE(sample.weights[k] == Approx(1 / probability[sample.positions[k]]));
    }
  }
  CHECK(hits[0] == kDraws);
  CHECK(hits[7] == 0);
  for (std::size_t k = 1; k < 7; ++k) CHECK(deviations(hits[k], kDraws, probability[k]) < 4.5);
}

TEST_CASE("probabilities by importance sum to the rate and stay at most 1") {
  const std::vector<float> importance{100, 4, 4, 1, 1, 1, 0.25F, 0};
  for (const double rate : {0.1, 0.5, 0.8}) {
    const auto p = probabilities_by_importance(importance, rate);
    CHECK(std::accumulate(p.begin(), p.end(), 0.0) == Approx(rate * 8));
    for (const double x : p) CHECK((x >= 0 && x <= 1));
    CHECK(p[1] == Approx(std::min(1.0, 2 * p[3])));
  }
}

}  // namespace galena::train
