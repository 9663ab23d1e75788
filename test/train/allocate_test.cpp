// What a row costs and how noisy it becomes.
#include "src/train/allocate.hpp"

#include <bit>
#include <cmath>

#include "galena/error.hpp"
#include "src/base/random.hpp"
#include "src/train/allocate_parts.hpp"
#include "test/support/catch.hpp"

using namespace galena;
using namespace galena::train;

namespace {

// Rounded to nearest, ties to even, to the upper half of the bits.
float to_bf16(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  return std::bit_cast<float>((bits + 0x7fffU + ((bits >> 16) & 1U)) & 0xffff0000U);
}

}  // namespace

TEST_CASE("rows: bytes as they are packed") {
  const std::vector<int> widths = {1, 2, 4, 8, 16, 32};
  CHECK(row_bytes(256, widths) == std::vector<std::int64_t>{36, 68, 132, 260, 512, 1024});
  CHECK(row_bytes(41, widths) == std::vector<std::int64_t>{10, 15, 25, 45, 82, 164});
  CHECK(row_bytes(1, widths) == std::vector<std::int64_t>{5, 5, 5, 5, 2, 4});
}

TEST_CASE("rows: variance of rounding") {
  CHECK(quantizer_noise(1) == 1);
  CHECK(quantizer_noise(2) == Approx(1.0 / 9));
  CHECK(quantizer_noise(8) == Approx(1.0 / 65025));
  CHECK(rounding_variance(256, 3, 4) == Approx(256 * 9 / (6 * 225.0)));
  CHECK(error_at(4, 9.0, 2, 100) == Approx(9 * 9.0 / 225));
  CHECK(error_at(2, 1.0, 8, 100) == Approx(65025.0 / 9));
  CHECK(error_at(32, 9.0, 2, 100) == 0);
  CHECK_THROWS_AS(error_at(12, 1, 2, 1), InputError);
  CHECK_THROWS_AS(error_at(4, 1, 16, 1), InputError);
  CHECK_THROWS_AS(quantizer_noise(0), InputError);
  CHECK_THROWS_AS(quantizer_noise(33), InputError);
}

TEST_CASE("rows: the bound of bf16 holds for every significand, and is tight") {
  double worst = 0;
  for (std::uint32_t bits = 0x3f800000; bits < 0x40000000; bits += 7) {
    const auto x = std::bit_cast<float>(bits);
    const double error = double{to_bf16(x)} - double{x};
    const double bound = error_at(16, 0, 8, double{x} * double{x});
    REQUIRE(error * error <= bound);
    worst = std::max(worst, error * error / bound);
  }
  CHECK(worst > 0.98);
}

TEST_CASE("hull: every point lies on or above it, its steps become less dense") {
  base::RandomStream random(4, 1);
  for (int trial = 0; trial < 500; ++trial) {
    std::vector<detail::Point> points;
    for (std::uint64_t i = 0, n = 1 + random.below(8); i < n; ++i) {
      points.push_back(
          {static_cast<double>(random.below(12)), static_cast<double>(random.below(12)), static_cast<std::uint8_t>(i)});
    }
    auto hull = points;
    hull.resize(detail::keep_hull(hull));
    for (std::size_t i = 1; i < hull.size(); ++i) {
      REQUIRE(hull[i].cost > hull[i - 1].cost);
      REQUIRE(hull[i].value < hull[i - 1].value);
      if (i < 2) continue;
      const auto density = [&](std::size_t at) {
        return (hull[at - 1].value - hull[at].value) / (hull[at].cost - hull[at - 1].cost);
      };
      REQUIRE(density(i) < density(i - 1));
    }
    for (const detail::Point& point : points) {
      REQUIRE(point.cost >= hull.front().cost);
      REQUIRE(point.value >= hull.back().value);
      for (std::size_t i = 1; i < hull.size(); ++i) {
        const double share = (point.cost - hull[i - 1].cost) / (hull[i].cost - hull[i - 1].cost);
        if (share < 0 || share > 1) continue;
        REQUIRE(point.value >= hull[i - 1].value + share * (hull[i].value - hull[i - 1].value) - 1e-12);
      }
    }
  }
}

TEST_CASE("bisection: neighbouring numbers, at any scale") {
  for (const double at : {1e-300, 1e-9, 0.3, 1.0, 7e200}) {
    const auto [low, high] = detail::bisect(0, 1e300, [at](double x) { return x >= at; });
    CHECK(high == at);
    CHECK(low == std::nextafter(at, 0));
  }
}
