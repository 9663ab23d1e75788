#include "src/ops/norm.hpp"

#include "galena/error.hpp"
#include "test/ops/op_support.hpp"

using namespace galena;
using namespace galena::ops;
using namespace galena::test;

namespace {

constexpr double kEps = 1e-5;

struct Normalised {
  Tensor y, mean, rstd;
};

Normalised normalise(const Tensor& x, const Tensor& gamma, const Tensor& beta) {
  Normalised out{Tensor::empty(x.rows(), x.cols(), x.dtype()), Tensor::empty(x.rows(), 1, x.dtype()),
                 Tensor::empty(x.rows(), 1, x.dtype())};
  layer_norm(x, gamma, beta, kEps, out.y, out.mean, out.rstd);
  return out;
}

struct ColumnStatistics {
  std::vector<double> mean, rstd;
};

/// As a caller on one rank makes them of column_moments().
ColumnStatistics statistics(const Tensor& x, const std::vector<double>& shift) {
  const auto cols = static_cast<std::size_t>(x.cols());
  std::vector<double> sums(2 * cols);
  column_moments(x, shift, sums);
  ColumnStatistics out;
  const auto n = static_cast<double>(x.rows());
  for (std::size_t c = 0; c < cols; ++c) {
    const double mean = sums[c] / n;
    out.mean.push_back(mean + (shift.empty() ? 0 : shift[c]));
    out.rstd.push_back(1 / std::sqrt(sums[cols + c] / n - mean * mean + kEps));
  }
  return out;
}

Tensor batch_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta) {
  const ColumnStatistics s = statistics(x, {});
  Tensor y = Tensor::empty(x.rows(), x.cols(), x.dtype());
  batch_norm_apply(x, s.mean, s.rstd, gamma, beta, y);
  return y;
}

}  // namespace

TEST_CASE("l2 norm: rows of length 1 along the old ones, in place too; zero rows stay") {
  for (const DType dtype : {DType::f32, DType::f64}) {
    for (const std::int64_t cols : {1, 2, 7, 64, 65}) {
      const Tensor x = random_tensor(20, cols, dtype, 1, -3, 5), y = Tensor::empty(20, cols, dtype);
      const Tensor norm = Tensor::empty(20, 1, dtype);
      x.slice(3, 4).fill(0);
      l2_norm(x, y, norm);
      const double tolerance = dtype == DType::f32 ? 1e-6 : 1e-14;
      for (std::int64_t i = 0; i < 20; ++i) {
        double length = 0;  // by hypot(), which squares nothing
        for (std::int64_t c = 0; c < cols; ++c) length = std::hypot(length, x.item(i, c));
        CHECK(norm.item(i) == Approx(length).epsilon(tolerance));
        for (std::int64_t c = 0; c < cols; ++c)
          CHECK(y.item(i, c) == Approx(i == 3 ? 0 : x.item(i, c) / length).margin(tolerance));
      }
      const Tensor in_place = x.clone();
      l2_norm(in_place, in_place, norm);
      CHECK(same_bytes(in_place, y));
    }
  }
}

TEST_CASE("l2 norm: gradients by finite differences, written, added and in place") {
  for (const std::int64_t cols : {1, 2, 9}) {
    const Tensor x = random_tensor(7, cols, DType::f64, 6), weight = random_tensor(7, cols, DType::f64, 9);
    const Tensor y = Tensor::empty(7, cols, DType::f64), norm = Tensor::empty(7, 1, DType::f64);
    const Tensor dx = Tensor::empty(7, cols, DType::f64), twice = Tensor::full(7, cols, 2, DType::f64);
    const auto loss = [&] {
      l2_norm(x, y, norm);
      return dot(weight, y);
    };
    loss();
    l2_norm_backward(y, norm, weight, dx, false);
    l2_norm_backward(y, norm, weight, twice, true);
    const Tensor over = weight.clone();
    l2_norm_backward(y, norm, over, over, false);
    check_gradient(x, dx, loss);
    CHECK(same_bytes(over, dx));
    for (std::int64_t c = 0; c < cols; ++c) CHECK(twice.item(4, c) == Approx(2 + dx.item(4, c)).epsilon(1e-14));
  }
  const Tensor zeros = Tensor::zeros(2, 3), dx = Tensor::full(2, 3, 9);
  l2_norm_backward(zeros, Tensor::zeros(2, 1), Tensor::full(2, 3, 1), dx, false);
  CHECK(largest_difference(dx, zeros) == 0);
}

TEST_CASE("layer norm: rows have the mean of beta and the spread of gamma") {
  for (const DType dtype : {DType::f32, DType::f64}) {
    for (const std::int64_t cols : {1, 2, 7, 64, 65}) {
      const Tensor x = random_tensor(20, cols, dtype, 1, 5, 9);
      const Tensor gamma = random_tensor(1, cols, dtype, 2), beta = random_tensor(1, cols, dtype, 3);
      const Normalised out = normalise(x, gamma, beta);
      const double tolerance = dtype == DType::f32 ? 1e-5 : 1e-12;
      for (std::int64_t i = 0; i < 20; ++i) {
        long double sum = 0, squares = 0;  // by the moments, not by differences
        for (std::int64_t c = 0; c < cols; ++c) {
          sum += x.item(i, c);
          squares += static_cast<long double>(x.item(i, c)) * x.item(i, c);
        }
        const long double mean = sum / cols, variance = squares / cols - mean * mean;
        CHECK(out.mean.item(i) == Approx(static_cast<double>(mean)).margin(tolerance));
        for (std::int64_t c = 0; c < cols; ++c) {
          const auto xhat = static_cast<double>((x.item(i, c) - mean) / std::sqrt(variance + kEps));
          CHECK(out.y.item(i, c) == Approx(xhat * gamma.item(0, c) + beta.item(0, c)).margin(tolerance));
        }
      }
    }
  }
}

TEST_CASE("layer norm: a large common offset costs no digits, constant rows become beta") {
  const Tensor ones = Tensor::full(1, 64, 1, DType::f64), zeros = Tensor::zeros(1, 64, DType::f64);
  const Tensor x = random_tensor(4, 64, DType::f64, 4), far = x.clone();
  for (double& v : far.span<double>()) v += 1e6;
  CHECK(largest_difference(normalise(x, ones, zeros).y, normalise(far, ones, zeros).y) < 1e-8);
  const Tensor beta = random_tensor(1, 64, DType::f32, 5);
  const Tensor y = normalise(Tensor::full(3, 64, 7.25), Tensor::full(1, 64, 1), beta).y;
  for (std::int64_t i = 0; i < 3; ++i) CHECK(largest_difference(y.slice(i, i + 1), beta) == 0);
}

TEST_CASE("layer norm: gradients of x, gamma and beta by finite differences") {
  for (const std::int64_t cols : {1, 2, 9}) {
    const Tensor x = random_tensor(7, cols, DType::f64, 6), gamma = random_tensor(1, cols, DType::f64, 7, 0.5, 2);
    const Tensor beta = random_tensor(1, cols, DType::f64, 8), weight = random_tensor(7, cols, DType::f64, 9);
    const Normalised out = normalise(x, gamma, beta);
    const Tensor dx = Tensor::empty(7, cols, DType::f64);
    const Tensor dgamma = Tensor::zeros(1, cols, DType::f64), dbeta = Tensor::zeros(1, cols, DType::f64);
    layer_norm_backward(x, gamma, out.mean, out.rstd, weight, dx, dgamma, dbeta, false);
    const auto loss = [&] { return dot(weight, normalise(x, gamma, beta).y); };
    check_gradient(x, dx, loss);
    check_gradient(gamma, dgamma, loss);
    check_gradient(beta, dbeta, loss);
    const Tensor twice = dx.clone(), dgamma2 = dgamma.clone(), dbeta2 = dbeta.clone();
    layer_norm_backward(x, gamma, out.mean, out.rstd, weight, twice, dgamma2, dbeta2, true);
    for (const auto& [once, both] : {std::pair{dx, twice}, std::pair{dgamma, dgamma2}, std::pair{dbeta, dbeta2}}) {
      for (std::int64_t c = 0; c < cols; ++c) CHECK(both.item(0, c) == Approx(2 * once.item(0, c)).margin(1e-14));
    }
  }
}

TEST_CASE("column moments: about any number, and of no rows") {
  const Tensor x = random_tensor(1000, 5, DType::f32, 10, 99, 101);
  const std::vector<double> near(5, 100.0);
  const ColumnStatistics plain = statistics(x.to(DType::f64), {}), shifted = statistics(x, near);
  for (std::size_t c = 0; c < 5; ++c) {
    CHECK(shifted.mean[c] == Approx(plain.mean[c]).epsilon(1e-12));
    CHECK(shifted.rstd[c] == Approx(plain.rstd[c]).epsilon(1e-9));
  }
  std::vector<double> sums(10, 3.0);
  column_moments(Tensor::zeros(0, 5), near, sums);
  CHECK(sums == std::vector<double>(10, 0.0));
}

TEST_CASE("column moments: shifted ones keep the variance where plain ones lose it") {
  const Tensor x = random_tensor(500, 1, DType::f64, 11);
  const double exact = statistics(x, {}).rstd[0];
  for (double& v : x.span<double>()) v += 1e9;
  CHECK(statistics(x, {1e9}).rstd[0] == Approx(exact).epsilon(1e-6));
}

TEST_CASE("batch norm: columns have the mean of beta and the spread of gamma") {
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Tensor x = random_tensor(300, 17, dtype, 12, -4, 2);
    const Tensor gamma = random_tensor(1, 17, dtype, 13, 0.5, 2), beta = random_tensor(1, 17, dtype, 14);
    const Tensor y = batch_norm(x, gamma, beta);
    const ColumnStatistics s = statistics(y, {});
    for (std::int64_t c = 0; c < 17; ++c) {
      CHECK(s.mean[static_cast<std::size_t>(c)] == Approx(beta.item(0, c)).margin(1e-5));
      CHECK(1 / s.rstd[static_cast<std::size_t>(c)] == Approx(gamma.item(0, c)).epsilon(1e-4));
    }
  }
}

TEST_CASE("batch norm: the gradient of x by finite differences through the statistics") {
  const std::int64_t n = 8, cols = 5;
  const Tensor x = random_tensor(n, cols, DType::f64, 15), gamma = random_tensor(1, cols, DType::f64, 16, 0.5, 2);
  const Tensor beta = random_tensor(1, cols, DType::f64, 17), weight = random_tensor(n, cols, DType::f64, 18);
  const ColumnStatistics s = statistics(x, {});
  std::vector<double> sums(2 * cols);
  batch_norm_backward_sums(x, s.mean, s.rstd, weight, sums);
  const Tensor dx = Tensor::empty(n, cols, DType::f64);
  batch_norm_backward_apply(x, s.mean, s.rstd, gamma, weight, sums, n, dx, false);
  const auto loss = [&] { return dot(weight, batch_norm(x, gamma, beta)); };
  check_gradient(x, dx, loss);
  // The sums are the gradients of beta and gamma.
  check_gradient(beta, Tensor::from<double>(1, cols, std::span(sums).first(cols)), loss);
  check_gradient(gamma, Tensor::from<double>(1, cols, std::span(sums).last(cols)), loss);
  const Tensor twice = dx.clone();
  batch_norm_backward_apply(x, s.mean, s.rstd, gamma, weight, sums, n, twice, true);
  for (std::int64_t c = 0; c < cols; ++c) CHECK(twice.item(3, c) == Approx(2 * dx.item(3, c)).margin(1e-14));
}

TEST_CASE("batch norm: two ranks' sums give what one rank has, an empty rank adds nothing") {
  const Tensor x = random_tensor(30, 4, DType::f64, 19), dy = random_tensor(30, 4, DType::f64, 20);
  const ColumnStatistics s = statistics(x, {});
  std::vector<double> whole(8), total(8), part(8);
  batch_norm_backward_sums(x, s.mean, s.rstd, dy, whole);
  for (const auto& [begin, end] : {std::pair{0, 11}, std::pair{11, 11}, std::pair{11, 30}}) {
    batch_norm_backward_sums(x.slice(begin, end), s.mean, s.rstd, dy.slice(begin, end), part);
    for (std::size_t c = 0; c < 8; ++c) total[c] += part[c];
  }
  for (std::size_t c = 0; c < 8; ++c) CHECK(total[c] == Approx(whole[c]).margin(1e-12));
  const Tensor none = Tensor::empty(0, 4, DType::f64), gamma = Tensor::full(1, 4, 1, DType::f64);
  batch_norm_apply(none, s.mean, s.rstd, gamma, gamma, none);
  batch_norm_backward_apply(none, s.mean, s.rstd, gamma, none, whole, 30, none, false);
}

TEST_CASE("norms: the same on any number of threads") {
  const Tensor x = random_tensor(4000, 30, DType::f32, 21), dy = random_tensor(4000, 30, DType::f32, 22);
  const Tensor gamma = random_tensor(1, 30, DType::f32, 23);
  const Normalised out = normalise(x, gamma, gamma);
  check_any_threads([&] {
    Tensor all = Tensor::zeros(4002, 30);
    layer_norm_backward(x, gamma, out.mean, out.rstd, dy, all.head(4000), all.slice(4000, 4001), all.slice(4001, 4002),
                        false);
    return all;
  });
  check_any_threads([&] {
    std::vector<double> sums(60);
    column_moments(x, {}, sums);
    return Tensor::from<double>(1, 60, sums);
  });
}

TEST_CASE("norms: what does not fit is named") {
  const Tensor x = Tensor::zeros(3, 4), gamma = Tensor::zeros(1, 4), column = Tensor::zeros(3, 1);
  CHECK_THROWS_WITH(layer_norm(x, x, gamma, kEps, x, column, column), contains("gamma is 3 x 4 f32; expected 1 x 4"));
  std::vector<double> sums(7);
  CHECK_THROWS_AS(column_moments(x, {}, sums), InputError);
  CHECK_THROWS_WITH(column_moments(x, {}, sums), contains("sums has 7 elements; expected 8"));
}
