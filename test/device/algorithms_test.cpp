#include "src/device/algorithms.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

#include "src/base/random.hpp"
#include "src/device/cuda_device.hpp"
#include "test/support/catch.hpp"

using namespace galena;

namespace {

template <class T>
std::vector<T> random_values(std::size_t size, std::uint64_t bound) {
  base::RandomStream random(size, 1);
  std::vector<T> values(size);
  for (T& value : values) value = static_cast<T>(random.below(bound));
  return values;
}

}  // namespace

TEMPLATE_TEST_CASE("device algorithms agree with the standard library", "", std::uint32_t, std::uint64_t) {
  for (const std::size_t size : {0UL, 1UL, 1000UL, 100'000UL, 1'000'003UL}) {
    for (const int threads : {1, 2, 3}) {
      const auto values = random_values<TestType>(size, 50'000);
      auto sorted = values, expected = values;
      std::sort(expected.begin(), expected.end());
      device::sort(std::span(sorted), threads);
      REQUIRE(sorted == expected);

      sorted.resize(device::unique(std::span(sorted), threads));
      expected.erase(std::unique(expected.begin(), expected.end()), expected.end());
      REQUIRE(sorted == expected);

      auto scanned = values, sums = values;
      std::exclusive_scan(sums.begin(), sums.end(), sums.begin(), TestType{0});
      const TestType total = device::exclusive_scan(std::span(scanned), threads);
      REQUIRE(scanned == sums);
      CHECK(total == std::accumulate(values.begin(), values.end(), TestType{0}));
    }
  }
}

TEST_CASE("cuda devices: names, or the reason why there are none") {
  CHECK(device::cuda_device_names().empty() != device::why_no_cuda().empty());
}
