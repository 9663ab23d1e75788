#include <array>
#include <cmath>
#include <limits>

#include "galena/error.hpp"
#include "src/ops/bf16.hpp"
#include "test/ops/reference.hpp"

using namespace galena;
using galena::test::contains;

TEST_CASE("a tensor has its shape, type and elements", "[tensor]") {
  const std::array<float, 6> values{1, 2, 3, 4, 5, 6};
  const Tensor x = Tensor::from<float>(2, 3, values);
  CHECK(x.rows() == 2);
  CHECK(x.cols() == 3);
  CHECK(x.bytes() == 24);
  CHECK(x.item(1, 2) == 6);
  CHECK(x.reshape(3, 2).item(2, 0) == 5);
  CHECK(x.slice(1, 2).item(0, 1) == 5);
  CHECK(x.slice(2, 2).size() == 0);
  CHECK(x.slice(0, 2).same_memory(x));
  CHECK_FALSE(x.slice(1, 2).same_memory(x));
  x.slice(1, 2).fill(9);
  CHECK(x.item(0, 2) == 3);
  CHECK(x.item(1, 0) == 9);
}

TEST_CASE("a tensor without elements is defined, an undefined one is not", "[tensor]") {
  CHECK_FALSE(Tensor().defined());
  CHECK(Tensor().clone().size() == 0);
  for (const auto& [rows, cols] : {std::pair{0, 5}, {5, 0}, {0, 0}}) {
    const Tensor x = Tensor::zeros(rows, cols);
    CHECK(x.defined());
    CHECK(x.rows() == rows);
    CHECK(x.cols() == cols);
    CHECK(x.bytes() == 0);
    CHECK(x.to(DType::f64).cols() == cols);
    CHECK(x.clone().rows() == rows);
  }
}

TEST_CASE("a clone is another's memory, a copy the same", "[tensor]") {
  const Tensor x = Tensor::full(1000, 100, 2.5, DType::f64);
  const Tensor copy = x, clone = x.clone();
  x.fill(1);
  CHECK(copy.item(999, 99) == 1);
  CHECK(clone.item(999, 99) == 2.5);
}

TEST_CASE("every type converts to every other", "[tensor]") {
  constexpr std::array kTypes{DType::f32, DType::f64, DType::bf16, DType::i32, DType::i64, DType::u8};
  for (const DType from : kTypes) {
    const Tensor x = Tensor::full(3, 2, 200, from);
    for (const DType to : kTypes) {
      const Tensor y = x.to(to);
      INFO(name_of(from) << " to " << name_of(to));
      CHECK(y.dtype() == to);
      CHECK(y.bytes() == 6 * size_of(to));
      CHECK(y.item(2, 1) == 200);
      CHECK(y.same_memory(x) == (from == to));
    }
  }
}

TEST_CASE("bf16 is rounded to nearest, ties to even", "[tensor]") {
  using ops::from_bf16;
  using ops::to_bf16;
  constexpr float kInf = std::numeric_limits<float>::infinity();
  constexpr float kUlp = 0x1p-7F;  // of bf16 at 1
  CHECK(from_bf16(to_bf16(1 + kUlp)) == 1 + kUlp);
  CHECK(from_bf16(to_bf16(1 + kUlp / 2)) == 1);                    // tie: 1 is even
  CHECK(from_bf16(to_bf16(1 + 3 * kUlp / 2)) == 1 + 2 * kUlp);     // tie: away from the odd
  CHECK(from_bf16(to_bf16(1 + kUlp / 2 + 0x1p-20F)) == 1 + kUlp);  // above the tie
  CHECK(from_bf16(to_bf16(-1 - 3 * kUlp / 2)) == -1 - 2 * kUlp);
  CHECK(std::signbit(from_bf16(to_bf16(-0.0F))));
  CHECK(from_bf16(to_bf16(kInf)) == kInf);
  CHECK(from_bf16(to_bf16(-kInf)) == -kInf);
  CHECK(from_bf16(to_bf16(std::numeric_limits<float>::max())) == kInf);
  CHECK(from_bf16(to_bf16(0x1p-133F)) == 0x1p-133F);  // subnormal
  for (const std::uint32_t bits : {0x7f800001U, 0x7fc00000U, 0xff80ffffU, 0x7fffffffU}) {
    CHECK(std::isnan(from_bf16(to_bf16(std::bit_cast<float>(bits)))));
  }
}

TEST_CASE("bf16 is the nearest of its neighbours for all upper halves", "[tensor]") {
  std::mt19937 random(5);
  std::int64_t wrong = 0;
  for (std::uint32_t upper = 0; upper < 0x7f7fU; ++upper) {  // positive and finite, with a finite neighbour above
    const float low = ops::from_bf16(static_cast<std::uint16_t>(upper));
    const float high = ops::from_bf16(static_cast<std::uint16_t>(upper + 1));
    const float x = std::bit_cast<float>((upper << 16) | static_cast<std::uint32_t>(random() & 0xffffU));
    const double middle = (static_cast<double>(low) + static_cast<double>(high)) / 2;
    const float nearest = x < middle ? low : x > middle ? high : (upper % 2 == 0 ? low : high);
    wrong += ops::from_bf16(ops::to_bf16(x)) != nearest;
  }
  CHECK(wrong == 0);
}

TEST_CASE("misuse of a tensor says what is wrong", "[tensor]") {
  const Tensor x = Tensor::zeros(2, 3);
  CHECK_THROWS_AS(Tensor::empty(-1, 3), InputError);
  CHECK_THROWS_AS(Tensor::empty(std::int64_t{1} << 62, 16), InputError);
  CHECK_THROWS_AS(Tensor::empty(std::int64_t{1} << 40, 16), EnvironmentError);
  CHECK_THROWS_AS(x.data<double>(), InternalError);
  CHECK_THROWS_AS(x.item(2, 0), InputError);
  CHECK_THROWS_AS(x.slice(1, 3), InputError);
  CHECK_THROWS_AS(x.slice(2, 1), InputError);
  CHECK_THROWS_WITH(x.reshape(4, 2), contains("2 x 3 f32 as 4 x 2"));
  const std::array<double, 5> five{};
  CHECK_THROWS_WITH(Tensor::from<double>(2, 3, five), contains("5 values for 2 x 3 f64"));
}
