// What stochastic rounding promises: decoded rows have the right mean, and the variance that was reported.

#include <numeric>

#include "test/ops/packed_support.hpp"

using namespace galena;
using namespace galena::ops;
using namespace galena::test;

namespace {

constexpr std::int64_t kDraws = 100000;

struct Moments {
  std::vector<double> error, variance;  ///< of each element: mean of decoded - x, mean of (decoded - x)^2
  double fourth = 0;                    ///< sum over elements of the mean of (decoded - x)^4
  double reported = 0;                  ///< the row's variance as pack_rows() told it
  float scale = 0;
};

/// Codes one row under kDraws ids.
Moments draw_many(const Tensor& row, int bits) {
  const std::int64_t cols = row.cols(), batch = 10000;
  Moments out;
  out.error.resize(static_cast<std::size_t>(cols));
  out.variance.resize(out.error.size());
  const std::vector<VertexId> index(static_cast<std::size_t>(batch), 0);
  PackedRows packed = layout_rows(cols, same_bits(batch, bits), row.dtype());
  std::vector<double> reported(index.size());
  for (std::int64_t first = 0; first < kDraws; first += batch) {
    pack_rows(row, index, iota_ids(batch, static_cast<VertexId>(first)), kQuantizeKey, packed, reported);
    const Tensor y = unpack(packed);
    for (std::int64_t r = 0; r < batch; ++r) {
      for (std::int64_t c = 0; c < cols; ++c) {
        const double error = y.at<double>(r, c) - row.item(0, c);
        out.error[static_cast<std::size_t>(c)] += error / kDraws;
        out.variance[static_cast<std::size_t>(c)] += error * error / kDraws;
        out.fourth += error * error * error * error / kDraws;
      }
    }
  }
  out.reported = reported[0];
  out.scale = packed.scale[0];
  return out;
}

/// Every element's mean within four of its standard errors; the row's variance within 5% of the reported one, or four
/// standard errors where rounding up is so rare that 5% is less. An f32 fraction has the rounding of its element, so
/// nothing is compared with less than that.
void check_moments(const Tensor& row, int bits) {
  const Moments m = draw_many(row, bits);
  double magnitude = 0;
  for (std::int64_t c = 0; c < row.cols(); ++c) magnitude = std::max(magnitude, std::fabs(row.item(0, c)));
  const double rounding = magnitude * 0x1p-24;
  for (std::size_t c = 0; c < m.error.size(); ++c) {
    INFO(bits << " bits, element " << c << ": " << row.item(0, static_cast<std::int64_t>(c)));
    CHECK(std::fabs(m.error[c]) <= 4 * std::sqrt(m.variance[c] / kDraws) + rounding);
  }
  const double total = std::accumulate(m.variance.begin(), m.variance.end(), 0.0);
  const double standard_error = std::sqrt(m.fourth / kDraws);
  CHECK(std::fabs(total - m.reported) <=
        std::max(0.05 * m.reported, 4 * standard_error) + rounding * rounding * static_cast<double>(row.cols()));
}

Tensor row_of(const std::vector<double>& values) {
  return Tensor::from<double>(1, static_cast<std::int64_t>(values.size()), values).to(DType::f32);
}

}  // namespace

TEST_CASE("coded rows are unbiased, with the variance reported: spread, shifted and skewed rows") {
  const Tensor spread = random_tensor(1, 21, DType::f32, 1), far = random_tensor(1, 5, DType::f32, 2, 1000, 1003);
  const Tensor skewed = row_of({0, 0, 0.01, 0.02, 0.5, 1, 17.3, 0, 1e-6});
  for (const int bits : {1, 2, 4, 8, 16}) {
    check_moments(spread, bits);
    check_moments(far, bits);
    check_moments(skewed, bits);
    check_moments(spread.to(DType::f64), bits);
  }
}

TEST_CASE("coded rows are unbiased: one column, and constant rows whose value bf16 does not have") {
  for (const int bits : {1, 2, 4, 8, 16}) {
    for (const double value : {1001.0, -1001.0, 0.1, -0.1, 3.14159265, 1e-39, -1.23456e37}) {
      check_moments(row_of({value}), bits);
      check_moments(row_of({value, value, value}), bits);
    }
  }
}

TEST_CASE("constant rows that bf16 has are exact") {
  for (const int bits : kCodedBits) {
    for (const double value : {0.0, 1.0, -3.0, 0.15625, 1000.0}) {
      const Tensor x = Tensor::full(1, 77, value);
      const PackedRows packed = pack(x, same_bits(1, bits));
      CHECK(packed.scale[0] == 0);
      CHECK(largest_difference(unpack(packed), x) == 0);
    }
  }
}

TEST_CASE("coded rows of 1500 columns are unbiased in every column") {
  const Tensor x = random_tensor(1, 1500, DType::f32, 3);
  const std::int64_t draws = 4000;
  const Tensor same = Tensor::empty(draws, 1500);
  for (std::int64_t r = 0; r < draws; ++r) std::copy_n(x.data<float>(), 1500, same.data<float>() + r * 1500);
  for (const int bits : kCodedBits) {
    const PackedRows packed = pack(same, same_bits(draws, bits));
    const Tensor y = unpack(packed);
    double squares = 0;  // of errors of means in standard errors: a mean square of 1
    for (std::int64_t c = 0; c < 1500; ++c) {
      double sum = 0;
      for (std::int64_t r = 0; r < draws; ++r) sum += y.at<double>(r, c) - x.item(0, c);
      const double scale = packed.scale[0], t = (x.item(0, c) - packed.zero[0]) / scale, f = t - std::floor(t);
      const double expected = std::max(f * (1 - f), 1e-3) * scale * scale * static_cast<double>(draws);
      CHECK(std::fabs(sum) < 5 * std::sqrt(expected));
      squares += sum * sum / expected;
    }
    CHECK(std::fabs(squares / 1500 - 1) < 4 * std::sqrt(2.0 / 1500));
  }
}

TEST_CASE("the reported variance is the sum of f (1 - f) scale^2, near d scale^2 / 6 for spread rows") {
  const Tensor x = random_tensor(20, 1500, DType::f32, 4, -3, 1);
  for (const int bits : kCodedBits) {
    std::vector<double> variance(20), norm2(20);
    const PackedRows packed = pack(x, same_bits(20, bits), 0, variance, norm2);
    for (std::size_t r = 0; r < 20; ++r) {
      const double scale = packed.scale[r];
      double expected = 0, norm = 0;
      for (std::int64_t c = 0; c < 1500; ++c) {
        const double v = x.item(static_cast<std::int64_t>(r), c), t = (v - packed.zero[r]) / scale;
        expected += (t - std::floor(t)) * (std::ceil(t) - t) * scale * scale;
        norm += v * v;
      }
      CHECK(variance[r] == Approx(expected).epsilon(1e-4));
      CHECK(norm2[r] == Approx(norm).epsilon(1e-6));
      CHECK(variance[r] == Approx(1500 * scale * scale / 6).epsilon(0.06));
    }
  }
  std::vector<double> none(20, 5.0);
  pack(x, same_bits(20, 32), 0, none);
  CHECK(none == std::vector<double>(20, 0.0));
}

TEST_CASE("zeros of nonnegative rows add no variance") {
  Tensor x = random_tensor(1, 1000, DType::f32, 5);
  for (float& v : x.span<float>()) v = std::max(v, 0.0F);
  std::vector<double> variance(1);
  const PackedRows packed = pack(x, same_bits(1, 4), 0, variance);
  const double scale = packed.scale[0];
  CHECK(variance[0] < 0.6 * 1000 * scale * scale / 6);
}

TEST_CASE("defect of AdaQP: parameters rounded to bf16 after coding leave a bias; rounded before, none") {
  // There: zero and scale in fp32, codes made with them, and the decoder given their bf16 roundings.
  const auto nearest_bf16 = [](float x) {
    const auto bits = std::bit_cast<std::uint32_t>(x);
    return std::bit_cast<float>((bits + 0x7fffU + ((bits >> 16) & 1U)) & 0xffff0000U);
  };
  const int bits = 8;
  double worst_there = 0, worst_here = 0;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const Tensor x = random_tensor(1, 16, DType::f32, 10 + seed, -1.3, 2.1);
    const auto [low, high] = std::minmax_element(x.span<float>().begin(), x.span<float>().end());
    const float zero = *low, step = (*high - *low) / 255;
    const Moments m = draw_many(x, bits);
    for (std::int64_t c = 0; c < 16; ++c) {
      const double code = (x.item(0, c) - zero) / step;  // the mean of its stochastic rounding
      const double decoded = nearest_bf16(zero) + code * static_cast<double>(nearest_bf16(step));
      worst_there = std::max(worst_there, std::fabs(decoded - x.item(0, c)) / step);
      worst_here = std::max(worst_here, std::fabs(m.error[static_cast<std::size_t>(c)]) / static_cast<double>(m.scale));
    }
  }
  CHECK(worst_there > 0.2);  // of a step: as large as the noise itself
  CHECK(worst_here < 4 * 0.5 / std::sqrt(static_cast<double>(kDraws)));
}
