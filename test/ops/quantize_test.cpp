// Layout, limits and errors of packed rows. Their statistics are in quantize_statistics_test.cpp.

#include "src/ops/quantize.hpp"
#include "src/ops/codec_math.hpp"

#include <cmath>
#include <limits>

#include "galena/error.hpp"
#include "src/ops/codec_kernels.hpp"
#include "test/ops/packed_support.hpp"
#include "test/ops/reference.hpp"

using namespace galena;
using namespace galena::ops;
using namespace galena::test;

namespace {

constexpr std::int64_t kWidths[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 256, 1500};

/// What must hold of a packed row of b <= 8 bits for any x: its parameters are bf16 numbers whose interval contains
/// the row, no wider than it must be, and every element decodes to one of its two neighbours among the levels.
void check_row(const PackedRows& packed, std::int64_t r, const Tensor& x, const Tensor& decoded) {
  const auto at = static_cast<std::size_t>(r);
  const float zero = packed.zero[at], scale = packed.scale[at];
  const double levels = (1 << packed.bits[at]) - 1;
  REQUIRE(is_bf16(zero));
  REQUIRE(is_bf16(scale));
  double low = x.item(r, 0), high = low;
  for (std::int64_t c = 0; c < x.cols(); ++c) {
    low = std::min(low, x.item(r, c));
    high = std::max(high, x.item(r, c));
    REQUIRE(std::fabs(decoded.item(r, c) - x.item(r, c)) <= static_cast<double>(scale));
  }
  REQUIRE(static_cast<double>(zero) <= low);
  REQUIRE(static_cast<double>(zero) + levels * static_cast<double>(scale) >= high);
  if (scale == 0) return;
  const float smaller = std::bit_cast<float>(std::bit_cast<std::uint32_t>(scale) - 0x10000U);
  REQUIRE(static_cast<double>(zero) + levels * static_cast<double>(smaller) < high);
}

}  // namespace

TEST_CASE("the least of a row is no negative zero, whichever zero was found") {
  for (const float low : {0.0F, -0.0F}) CHECK_FALSE(std::signbit(ops::math::parameters_of({low, 1, true}, 8).zero));
}

TEST_CASE("packed rows: where they begin, and what they take") {
  CHECK(packed_bytes(0, 4) == 0);
  CHECK(packed_bytes(9, 1) == 2);
  CHECK(packed_bytes(9, 4) == 5);
  CHECK(packed_bytes(3, 16) == 6);
  CHECK(parameter_bytes(8) == 4);
  CHECK(parameter_bytes(16) == 0);
  const std::vector<std::uint8_t> bits{1, 32, 4, 16, 2, 8};
  const PackedRows rows = layout_rows(9, bits);
  CHECK(rows.offset == std::vector<std::uint64_t>{0, 2, 38, 43, 61, 64, 73});
  CHECK(rows.bytes.size() == 73 + 64);
  CHECK(rows.zero.size() == 6);
  CHECK(layout_rows(9, bits, DType::f64).offset.back() == 73 + 36);
  CHECK(layout_rows(9, {}).offset == std::vector<std::uint64_t>{0});
}

TEST_CASE("packed rows: every width of row and code, elements within a step, neighbours untouched") {
  for (const DType dtype : {DType::f32, DType::f64}) {
    for (const std::int64_t cols : kWidths) {
      const Tensor x = random_tensor(13, cols, dtype, 1, -2, 3);
      std::vector<std::uint8_t> bits = mixed_bits(13);
      const PackedRows packed = pack(x, bits);
      const Tensor y = unpack(packed, dtype);
      for (std::int64_t r = 0; r < 13; ++r) {
        const int b = bits[static_cast<std::size_t>(r)];
        INFO(name_of(dtype) << " width " << cols << ", row " << r << " of " << b << " bits");
        if (b == 32) {
          REQUIRE(same_bytes(x.slice(r, r + 1), y.slice(r, r + 1)));
        } else if (b == 16) {
          for (std::int64_t c = 0; c < cols; ++c) {
            REQUIRE(is_bf16(static_cast<float>(y.item(r, c))));
            REQUIRE(std::fabs(y.item(r, c) - x.item(r, c)) <= std::fabs(x.item(r, c)) / 128);
          }
        } else {
          check_row(packed, r, x.to(DType::f32), y);
        }
      }
      for (std::size_t k = packed.offset.back(); k < packed.bytes.size(); ++k) REQUIRE(packed.bytes[k] == 0);
    }
  }
}

TEST_CASE("packed rows: an element at the maximum never reaches its neighbour's bits") {
  // Rounding up at the largest code must not carry: a row of maxima beside one minimum, and a row after it.
  for (const int bits : kCodedBits) {
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
      Tensor x = Tensor::full(3, 37, 1.7);
      const Tensor noise = random_tensor(3, 37, DType::f32, seed, 1.69, 1.7);
      if (seed % 2 == 1) x = noise;
      x.at<float>(0, 5) = x.at<float>(1, 0) = x.at<float>(2, 36) = -0.3F;
      const PackedRows packed = pack(x, same_bits(3, bits), static_cast<VertexId>(1000 * seed));
      const Tensor y = unpack(packed);
      for (std::int64_t r = 0; r < 3; ++r) check_row(packed, r, x, y);
      const int used = 37 * bits % 8;  // bits after the last element are 0
      if (used == 0) continue;
      for (std::size_t r = 0; r < 3; ++r) CHECK(packed.bytes[packed.offset[r + 1] - 1] >> used == 0);
    }
  }
}

TEST_CASE("packed rows: what some code meets is exact: integers, zeros of nonnegative rows, the largest") {
  for (const int bits : kCodedBits) {
    const int levels = (1 << bits) - 1;
    Tensor x = Tensor::empty(4, 50);
    for (std::int64_t c = 0; c < 50; ++c) {
      const auto code = static_cast<float>(c == 0 ? levels : c == 1 ? 0 : c * 37 % (levels + 1));
      x.at<float>(0, c) = code;
      x.at<float>(1, c) = -8 + 0.25F * code;
      x.at<float>(2, c) = 3 * code;  // quotients by 3 round
      x.at<float>(3, c) = c % 2 == 0 ? 0 : 0.1F * static_cast<float>(c);
    }
    const Tensor y = unpack(pack(x, same_bits(4, bits)));
    CHECK(largest_difference(y.head(3), x.head(3)) == 0);
    for (std::int64_t c = 0; c < 50; c += 2) CHECK(y.item(3, c) == 0);
  }
}

TEST_CASE("packed rows: signed zeros, denormals, huge ranges") {
  const float least = std::numeric_limits<float>::denorm_min(), tiny = 1e-41F;
  const std::vector<std::vector<float>> rows{{0, -0.0F, 0, -0.0F},          {-0.0F, -0.0F, -0.0F, -0.0F},
                                             {least, 0, -least, 3 * least}, {tiny, -tiny, 2 * tiny, 0},
                                             {1e38F, -1e38F, 0, 1},         {1.6e38F, -1.6e38F, 1e-30F, -1},
                                             {1e38F, 1e38F, 1e38F, 1e38F},  {1, 1 + 1e-7F, 1, 1},
                                             {1e38F, 1, 1e-38F, 0},         {-1, -1e-45F, -3e38F / 2, -1e-3F}};
  for (const auto& row : rows) {
    const Tensor x = Tensor::from<float>(1, 4, row);
    for (const int bits : kCodedBits) {
      const PackedRows packed = pack(x, same_bits(1, bits));
      check_row(packed, 0, x, unpack(packed));
      const Tensor decoded = unpack(packed, DType::f32);
      for (const float v : decoded.span<float>()) CHECK(std::isfinite(v));
    }
    CHECK(same_bytes(unpack(pack(x, same_bits(1, 32)), DType::f32), x));
  }
  const std::vector<float> zeros{0, -0.0F, 0, 0};
  CHECK(pack(Tensor::from<float>(1, 4, zeros), same_bits(1, 2)).scale[0] == 0);
}

TEST_CASE("packed rows: NaN, infinity and what bf16 parameters cannot span are errors that name the vertex") {
  const double infinity = std::numeric_limits<double>::infinity();
  for (const DType dtype : {DType::f32, DType::f64}) {
    for (const int bits : {1, 2, 4, 8, 16, 32}) {
      for (const double bad : {std::nan(""), infinity, -infinity, 3e38, -2e38, 1e300}) {
        if (bits == 32 && std::isfinite(bad) && (dtype == DType::f64 || bad < 1e39)) continue;
        if (bits == 32 && bad == 1e300) continue;  // infinity in f32
        const Tensor x = random_tensor(300, 40, DType::f64, 2);
        x.at<double>(150, 33) = bad;
        x.at<double>(290, 1) = bad;  // the first is reported, whichever thread meets one first
        const Tensor typed = x.to(dtype);
        INFO(bits << " bits, " << bad);
        CHECK_THROWS_AS(pack(typed, same_bits(300, bits), 5000), InputError);
        CHECK_THROWS_WITH(pack(typed, same_bits(300, bits), 5000), contains("feature 33 of vertex 5150 is "));
      }
    }
  }
}

TEST_CASE("packed rows: index chooses rows, ids name the draws, threads do not matter") {
  const Tensor x = random_tensor(500, 48, DType::f32, 3);
  for (const int bits : {1, 2, 4, 8, 16}) {
    const PackedRows whole = pack(x, same_bits(500, bits), 70);
    const std::vector<VertexId> index{499, 3, 3, 42}, ids{569, 73, 9, 112};
    PackedRows some = layout_rows(48, same_bits(4, bits));
    pack_rows(x, index, ids, kQuantizeKey, some);
    const auto row = [](const PackedRows& rows, std::size_t r) {
      return std::vector<std::uint8_t>(rows.bytes.begin() + static_cast<std::ptrdiff_t>(rows.offset[r]),
                                       rows.bytes.begin() + static_cast<std::ptrdiff_t>(rows.offset[r + 1]));
    };
    CHECK(row(some, 0) == row(whole, 499));
    CHECK(row(some, 1) == row(whole, 3));
    CHECK(row(some, 2) != row(whole, 3));  // another id, another draw
    CHECK(row(some, 3) == row(whole, 42));
    for (const int count : {1, 3}) {
      const Threads threads(count);
      const PackedRows again = pack(x, same_bits(500, bits), 70);
      CHECK(again.bytes == whole.bytes);
      CHECK(again.zero == whole.zero);
    }
  }
}

TEST_CASE("packed rows: coding writes a row's own bytes only") {
  for (const std::int64_t cols : {1, 7, 63, 65, 129}) {
    const Tensor x = random_tensor(1, cols, DType::f32, 6);
    const std::vector<std::uint16_t> draws(static_cast<std::size_t>(cols), 4711);
    for (const int bits : {1, 2, 4, 8, 16}) {
      on_each_level([&] {
        std::vector<std::uint8_t> out(2 * static_cast<std::size_t>(cols) + 100, 0xa5);
        codec_kernels().encode({x.data<float>(), cols, bits, {-1, 2}, draws.data(), out.data()});
        for (std::size_t k = packed_bytes(cols, bits); k < out.size(); ++k) REQUIRE(out[k] == 0xa5);
      });
    }
  }
}

TEST_CASE("packed rows: every instruction set gives the same bytes, variances nearly, and elements") {
  for (const std::int64_t cols : {1, 13, 64, 100, 257}) {
    const Tensor x = random_tensor(60, cols, DType::f32, 5, -3, 4);
    std::vector<PackedRows> packed;
    std::vector<std::vector<double>> variance;
    std::vector<Tensor> decoded;
    on_each_level([&] {
      variance.emplace_back(60);
      packed.push_back(pack(x, mixed_bits(60), 9, variance.back()));
      decoded.push_back(unpack(packed.back(), DType::f32));
    });
    for (std::size_t level = 1; level < packed.size(); ++level) {
      CHECK(packed[level].bytes == packed[0].bytes);
      CHECK(packed[level].zero == packed[0].zero);
      CHECK(packed[level].scale == packed[0].scale);
      CHECK(same_bytes(decoded[level], decoded[0]));
      for (std::size_t r = 0; r < 60; ++r) CHECK(variance[level][r] == Approx(variance[0][r]).epsilon(1e-5));
    }
  }
}

TEST_CASE("packed rows: no rows, no columns, what does not fit") {
  CHECK(unpack(pack(Tensor::zeros(0, 5), {})).rows() == 0);
  CHECK(unpack(pack(Tensor::zeros(3, 0), same_bits(3, 4))).cols() == 0);
  CHECK_THROWS_AS(layout_rows(4, same_bits(2, 3)), InputError);
  CHECK_THROWS_WITH(layout_rows(4, same_bits(2, 3)), contains("row 0 has 3 bits an element; expected 1, 2, 4"));
  PackedRows packed = layout_rows(4, same_bits(2, 32));
  const Tensor x = Tensor::zeros(2, 4), wide = Tensor::zeros(2, 4, DType::f64);
  const auto pack_into = [&](const Tensor& from, const std::vector<VertexId>& index) {
    pack_rows(from, index, iota_ids(2), kQuantizeKey, packed);
  };
  CHECK_THROWS_WITH(pack_into(x, {0}), contains("index has 1 elements; expected 2"));
  CHECK_THROWS_WITH(pack_into(x, {0, 2}), contains("entry 1 names row 2"));
  CHECK_THROWS_WITH(pack_into(Tensor::zeros(2, 5), {0, 1}), contains("x is 2 x 5 f32; expected 2 x 4 f32"));
  CHECK_THROWS_WITH(pack_into(wide, {0, 1}), contains("laid out for f32, elements are f64; name the type"));
  CHECK_THROWS_WITH(unpack_rows(packed, Tensor::zeros(3, 4)), contains("y is 3 x 4 f32; expected 2 x 4 f32"));
}
