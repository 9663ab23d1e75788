#include "src/base/random.hpp"

#include <array>
#include <cmath>

#include "test/support/catch.hpp"

using namespace galena::base;

// Known answers of the authors' Random123 library.
TEST_CASE("philox: known answers") {
  CHECK(philox({0, 0, 0, 0}, {0, 0}) == PhiloxBlock{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  const std::uint32_t f = 0xffffffff;
  CHECK(philox({f, f, f, f}, {f, f}) == PhiloxBlock{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        PhiloxBlock{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("random stream: seeds, streams and indices differ; the same name repeats") {
  const auto first = [](std::uint64_t seed, std::uint64_t stream, std::uint64_t index) {
    return RandomStream(seed, stream, index).next64();
  };
  CHECK(first(1, 2, 3) == first(1, 2, 3));
  CHECK(first(1, 2, 3) != first(2, 2, 3));
  CHECK(first(1, 2, 3) != first(1, 3, 3));
  CHECK(first(1, 2, 3) != first(1, 2, 4));
  CHECK(first(1, 2, 3) != first(1, 2, 3 + (std::uint64_t{1} << 32)));
  RandomStream stream(1, 2, 3);
  CHECK(stream.next64() != stream.next64());
}

TEST_CASE("random stream: below() is even, uniform() within [0, 1)") {
  RandomStream stream(7, 1);
  std::array<int, 6> counts{};
  double sum = 0;
  constexpr int kDraws = 60000;
  for (int i = 0; i < kDraws; ++i) {
    ++counts.at(stream.below(6));
    const double u = stream.uniform();
    REQUIRE(u >= 0);
    REQUIRE(u < 1);
    sum += u;
  }
  // Five standard deviations of a binomial and of the mean.
  for (const int count : counts) CHECK(std::abs(count - kDraws / 6) < 5 * 92);
  CHECK(std::abs(sum / kDraws - 0.5) < 5 * 0.289 / std::sqrt(kDraws));
  CHECK(stream.below(1) == 0);
}
