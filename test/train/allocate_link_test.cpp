// Latency and speed from samples.
#include "src/train/allocate_link.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include "galena/error.hpp"
#include "test/support/catch.hpp"
#include "test/train/allocate_instances.hpp"

using namespace galena;
using namespace galena::train;
using namespace galena::test;

namespace {

// `each` samples of every power of two from 64 bytes to 16 MiB; noise multiplies, and a share is held up.
std::vector<LinkSample> measure(double latency, double speed, double noise, double held_up, int each,
                                std::uint64_t seed) {
  RandomStream random(seed, 9);
  std::vector<LinkSample> samples;
  for (int power = 6; power <= 24; ++power) {
    const double bytes = std::ldexp(1.0, power);
    for (int i = 0; i < each; ++i) {
      double seconds = (latency + speed * bytes) * std::exp(noise * normal(random));
      if (random.uniform() < held_up) seconds += 10 * latency + 3 * speed * bytes;
      samples.push_back({bytes, seconds});
    }
  }
  return samples;
}

}  // namespace

TEST_CASE("link: exact samples give the exact line") {
  for (const double latency : {0.0, 1e-6, 2e-3}) {
    for (const double speed : {1e-10, 1e-8}) {
      const LinkFit fit = fit_link(measure(latency, speed, 0, 0, 3, 1));
      CHECK(fit.latency == Approx(latency).epsilon(1e-9).margin(1e-15));
      CHECK(fit.seconds_per_byte == Approx(speed).epsilon(1e-9));
      CHECK(fit.spread < 1e-9);
    }
  }
}

TEST_CASE("link: noise averages out") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const LinkFit fit = fit_link(measure(20e-6, 8e-9, 0.2, 0, 20, seed));
    CAPTURE(seed);
    CHECK(fit.latency == Approx(20e-6).epsilon(0.06));
    CHECK(fit.seconds_per_byte == Approx(8e-9).epsilon(0.06));
    CHECK(fit.spread == Approx(0.2 * 0.6745).epsilon(0.25));
  }
}

TEST_CASE("link: one transfer in five held up changes little") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const LinkFit fit = fit_link(measure(20e-6, 8e-9, 0.05, 0.2, 20, seed));
    CAPTURE(seed);
    CHECK(fit.latency == Approx(20e-6).epsilon(0.06));
    CHECK(fit.seconds_per_byte == Approx(8e-9).epsilon(0.06));
  }
}

TEST_CASE("link: neither parameter is negative") {
  // Faster the larger: no speed explains it.
  const std::vector<LinkSample> falling = {{1000, 3e-3}, {2000, 2e-3}, {4000, 1e-3}};
  CHECK(fit_link(falling).seconds_per_byte == 0);
  CHECK(fit_link(falling).latency >= 1e-3);
  CHECK(fit_link(falling).latency <= 3e-3);
  // Slower than in proportion: a line through them would cross zero above zero bytes.
  const std::vector<LinkSample> bending = {{1000, 1e-6}, {2000, 4e-6}, {4000, 16e-6}};
  CHECK(fit_link(bending).latency == 0);
  CHECK(fit_link(bending).seconds_per_byte > 0);
}

TEST_CASE("link: sizes of zero bytes, two samples, thousands of sizes") {
  const std::vector<LinkSample> two = {{0, 1e-5}, {1e6, 1.01e-3}};
  CHECK(fit_link(two).latency == Approx(1e-5));
  CHECK(fit_link(two).seconds_per_byte == Approx(1e-9));
  std::vector<LinkSample> many;
  for (int i = 1; i <= 5000; ++i) many.push_back({100.0 * i, 1e-5 + 1e-7 * i});
  CHECK(fit_link(many).latency == Approx(1e-5).epsilon(1e-6));
  CHECK(fit_link(many).seconds_per_byte == Approx(1e-9).epsilon(1e-6));
}

TEST_CASE("link: too few and wrong samples are refused") {
  const double infinite = std::numeric_limits<double>::infinity();
  const auto fails = [](const std::vector<LinkSample>& samples, const std::string& part) {
    CHECK_THROWS_AS(fit_link(samples), InputError);
    CHECK_THROWS_WITH(fit_link(samples), contains(part));
  };
  fails({}, "two sizes");
  fails({{10, 1}}, "two sizes");
  fails({{10, 1}, {10, 2}}, "two sizes");
  fails({{10, 1}, {20, std::nan("")}}, "sample 1");
  fails({{10, infinite}, {20, 1}}, "sample 0");
  fails({{10, 1}, {20, 0}}, "sample 1");
  fails({{-1, 1}, {20, 1}}, "sample 0");
  fails({{infinite, 1}, {20, 1}}, "sample 0");
}
