#include "src/ops/pointwise.hpp"
#include "src/ops/pointwise_math.hpp"

#include <limits>

#include "galena/error.hpp"
#include "test/ops/op_support.hpp"

using namespace galena;
using namespace galena::ops;
using namespace galena::test;

namespace {

constexpr std::pair<std::int64_t, std::int64_t> kShapes[] = {{0, 5},  {3, 0},   {1, 1},    {7, 1},
                                                             {5, 17}, {33, 64}, {1000, 3}, {700, 130}};
constexpr Activation kActivations[] = {Activation::identity, Activation::relu, Activation::leaky_relu, Activation::elu,
                                       Activation::sigmoid,  Activation::tanh, Activation::gelu};
constexpr DType kTypes[] = {DType::f32, DType::f64};

double tolerance(DType dtype) { return dtype == DType::f32 ? 1e-6 : 1e-14; }

double formula(Activation f, double x, double slope) {
  switch (f) {
    case Activation::identity: return x;
    case Activation::relu: return std::max(x, 0.0);
    case Activation::leaky_relu: return std::max(x, 0.0) + slope * std::min(x, 0.0);
    case Activation::elu: return std::max(x, 0.0) + slope * (std::exp(std::min(x, 0.0)) - 1);
    case Activation::sigmoid: return 0.5 * (1 + std::tanh(x / 2));
    case Activation::tanh: return 1 - 2 / (std::exp(2 * x) + 1);
    case Activation::gelu: return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
  }
  return 0;
}

/// Checks y[i, c] = expected(i, c) within the type's tolerance.
template <class Expected>
void check_elements(const Tensor& y, const Expected& expected) {
  double worst = 0;
  for (std::int64_t i = 0; i < y.rows(); ++i) {
    for (std::int64_t c = 0; c < y.cols(); ++c) {
      const double error = std::fabs(y.item(i, c) - expected(i, c));
      if (!(error <= worst)) worst = error;
    }
  }
  CHECK(worst <= 4 * tolerance(y.dtype()));
}

/// run(dtype, rows, cols) for every type and shape.
template <class Run>
void for_cases(const Run& run) {
  for (const DType dtype : kTypes) {
    for (const auto& [rows, cols] : kShapes) {
      INFO(name_of(dtype) << " " << rows << " x " << cols);
      run(dtype, rows, cols);
    }
  }
}

}  // namespace

TEST_CASE("activations: every one, in place too") {
  for_cases([](DType dtype, std::int64_t rows, std::int64_t cols) {
    const Tensor x = random_tensor(rows, cols, dtype, 1, -3, 3);
    for (const Activation f : kActivations) {
      const Tensor y = Tensor::full(rows, cols, 9, dtype), in_place = x.clone();
      activate(f, x, y, 0.3);
      check_elements(y, [&](auto i, auto c) { return formula(f, x.item(i, c), 0.3); });
      activate(f, in_place, in_place, 0.3);
      CHECK(same_bytes(y, in_place));
    }
  });
}

TEST_CASE("exponentials of floats are right to a few units in the last place") {
  double exponential = 0, less_one = 0, tanh = 0;
  for (double x = -86.9; x < 88; x = x < -1 || x > 1 ? x + 1e-3 : x + 1e-5) {
    const auto at = static_cast<float>(x);
    const auto error = [](double got, double wanted) { return std::fabs(got - wanted) / std::fabs(wanted); };
    exponential = std::max(exponential, error(math::exponential(at), std::exp(double{at})));
    if (at == 0) continue;
    less_one = std::max(less_one, error(math::exponential_less_one(at), std::expm1(double{at})));
    tanh = std::max(tanh, error(math::Tanh<float>{}.value(at), std::tanh(double{at})));
  }
  CHECK(exponential < 2.5e-7);
  CHECK(less_one < 4e-7);
  CHECK(tanh < 6e-7);
}

TEST_CASE("activations: gradients by finite differences, written and added") {
  const Tensor x = random_tensor(9, 13, DType::f64, 2, -2, 2), weight = random_tensor(9, 13, DType::f64, 3);
  const Tensor y = Tensor::empty(9, 13, DType::f64), dx = Tensor::empty(9, 13, DType::f64);
  for (const Activation f : kActivations) {
    const auto loss = [&] {
      const Tensor out = Tensor::empty(9, 13, DType::f64);
      activate(f, x, out, 0.3);
      return dot(weight, out);
    };
    activate(f, x, y, 0.3);
    const Tensor& known = f == Activation::gelu ? x : y;
    activate_backward(f, known, weight, dx, false, 0.3);
    check_gradient(x, dx, loss);
    const Tensor more = Tensor::full(9, 13, 2, DType::f64);
    activate_backward(f, known, weight, more, true, 0.3);
    check_elements(more, [&](auto i, auto c) { return 2 + dx.item(i, c); });
    const Tensor in_place = weight.clone();
    activate_backward(f, known, in_place, in_place, false, 0.3);
    CHECK(same_bytes(in_place, dx));
  }
}

TEST_CASE("activations: extremes overflow to their limits, NaN passes") {
  const float infinity = std::numeric_limits<float>::infinity(), nan = std::nanf("");
  const std::vector<float> values{-infinity, -1e30F, 1e30F, infinity, nan};
  const Tensor x = Tensor::from<float>(1, 5, values), y = Tensor::empty(1, 5);
  const std::vector<std::pair<Activation, std::vector<float>>> expected{{Activation::relu, {0, 0, 1e30F, infinity}},
                                                                        {Activation::elu, {-1, -1, 1e30F, infinity}},
                                                                        {Activation::sigmoid, {0, 0, 1, 1}},
                                                                        {Activation::tanh, {-1, -1, 1, 1}},
                                                                        {Activation::gelu, {0, 0, 1e30F, infinity}}};
  for (const auto& [f, limits] : expected) {
    activate(f, x, y, 1);
    for (std::size_t c = 0; c < limits.size(); ++c) CHECK(y.at<float>(0, static_cast<std::int64_t>(c)) == limits[c]);
    CHECK(std::isnan(y.at<float>(0, 4)));
  }
  const Tensor ones = Tensor::full(1, 5, 1);
  activate_backward(Activation::gelu, x, ones, y, false);
  for (const auto& [c, slope] : {std::pair{0, 0.0F}, {1, 0.0F}, {2, 1.0F}, {3, 1.0F}})
    CHECK(y.at<float>(0, c) == slope);
  CHECK(std::isnan(y.at<float>(0, 4)));
}

TEST_CASE("axpby and multiply: formulas, in place, and an uninitialised y at beta 0") {
  for_cases([](DType dtype, std::int64_t rows, std::int64_t cols) {
    const Tensor a = random_tensor(rows, cols, dtype, 4), b = random_tensor(rows, cols, dtype, 5);
    const Tensor y = b.clone();
    axpby(2, a, -0.5, y);
    check_elements(y, [&](auto i, auto c) { return 2 * a.item(i, c) - 0.5 * b.item(i, c); });
    y.fill(std::nan(""));
    axpby(3, a, 0, y);
    check_elements(y, [&](auto i, auto c) { return 3 * a.item(i, c); });
    multiply(a, b, y);
    check_elements(y, [&](auto i, auto c) { return a.item(i, c) * b.item(i, c); });
    multiply(a, b, y, true);
    check_elements(y, [&](auto i, auto c) { return 2 * a.item(i, c) * b.item(i, c); });
    const Tensor square = a.clone();
    multiply(square, square, square);
    check_elements(square, [&](auto i, auto c) { return a.item(i, c) * a.item(i, c); });
    const Tensor both = a.clone();
    axpby(1, both, 1, both);
    check_elements(both, [&](auto i, auto c) { return 2 * a.item(i, c); });
  });
}

TEST_CASE("add_row, scale_rows, column_sums: formulas; adding a row and summing columns are adjoint") {
  for_cases([](DType dtype, std::int64_t rows, std::int64_t cols) {
    const Tensor x = random_tensor(rows, cols, dtype, 6), bias = random_tensor(1, cols, dtype, 7);
    const Tensor factor = random_tensor(rows, 1, dtype, 8);
    const Tensor y = x.clone();
    add_row(bias, y);
    check_elements(y, [&](auto i, auto c) { return x.item(i, c) + bias.item(0, c); });
    scale_rows(factor, x, y);
    check_elements(y, [&](auto i, auto c) { return factor.item(i, 0) * x.item(i, c); });
    scale_rows(factor, x, y, true);
    check_elements(y, [&](auto i, auto c) { return 2 * factor.item(i, 0) * x.item(i, c); });
    const Tensor sums = Tensor::full(1, cols, 5, dtype);
    column_sums(x, sums);
    const auto sum_of = [&](std::int64_t c) {
      double sum = 0;
      for (std::int64_t i = rows; i-- > 0;) sum += x.item(i, c);
      return sum;
    };
    const double slack = 1 + 0.01 * static_cast<double>(rows);
    for (std::int64_t c = 0; c < cols; ++c)
      CHECK(sums.item(0, c) == Approx(sum_of(c)).margin(tolerance(dtype) * slack));
    column_sums(x, sums, true);
    for (std::int64_t c = 0; c < cols; ++c) {
      CHECK(sums.item(0, c) == Approx(2 * sum_of(c)).margin(2 * tolerance(dtype) * slack));
    }
  });
}

TEST_CASE("column_sums: of many f32 rows loses nothing to order or to threads") {
  const Tensor x = Tensor::full(300000, 3, 0.1);
  check_any_threads([&] {
    const Tensor y = Tensor::empty(1, 3);
    column_sums(x, y);
    return y;
  });
  const Tensor y = Tensor::empty(1, 3);
  column_sums(x, y);
  CHECK(y.item(0, 1) == Approx(static_cast<double>(0.1F) * 300000).epsilon(1e-7));  // a float sum is off by 1e-3
}

TEST_CASE("columns side by side, and back") {
  for_cases([](DType dtype, std::int64_t rows, std::int64_t cols) {
    const Tensor a = random_tensor(rows, cols, dtype, 9), b = random_tensor(rows, 3, dtype, 10);
    const Tensor y = Tensor::empty(rows, cols + 3, dtype);
    concat_columns(a, b, y);
    check_elements(y, [&](auto i, auto c) { return c < cols ? a.item(i, c) : b.item(i, c - cols); });
    const Tensor left = Tensor::empty(rows, cols, dtype), right = Tensor::empty(rows, 3, dtype);
    split_columns(y, left, right, false);
    CHECK(same_bytes(left, a));
    CHECK(same_bytes(right, b));
    split_columns(y, left, right, true);
    check_elements(left, [&](auto i, auto c) { return 2 * a.item(i, c); });
    check_elements(right, [&](auto i, auto c) { return 2 * b.item(i, c); });
  });
}

TEST_CASE("gather_rows and scatter_add_rows: each is the other's adjoint") {
  for (const DType dtype : kTypes) {
    const std::vector<VertexId> rows{4, 0, 8, 7};
    const Tensor x = random_tensor(9, 33, dtype, 11), y = Tensor::empty(4, 33, dtype);
    gather_rows(x, rows, y);
    check_elements(y, [&](auto i, auto c) { return x.item(rows[static_cast<std::size_t>(i)], c); });
    const Tensor back = Tensor::full(9, 33, 1, dtype), weight = random_tensor(4, 33, dtype, 12);
    scatter_add_rows(weight, rows, back);
    for (std::int64_t i = 0; i < 9; ++i) {
      const auto at = std::find(rows.begin(), rows.end(), static_cast<VertexId>(i)) - rows.begin();
      for (std::int64_t c = 0; c < 33; ++c) {
        CHECK(back.item(i, c) == Approx(at < 4 ? 1 + weight.item(at, c) : 1).margin(1e-6));
      }
    }
    gather_rows(x, {}, Tensor::empty(0, 33, dtype));
    scatter_add_rows(Tensor::empty(0, 33, dtype), {}, back);
  }
  const std::vector<VertexId> beyond{0, 9};
  const Tensor x = Tensor::zeros(9, 2), y = Tensor::zeros(2, 2);
  CHECK_THROWS_WITH(gather_rows(x, beyond, y), contains("entry 1 names row 9; expected one of the 9 rows"));
  CHECK_THROWS_WITH(scatter_add_rows(y, beyond, x), contains("entry 1 names row 9"));
}

TEST_CASE("shapes and types that do not fit are named") {
  const Tensor x = Tensor::zeros(3, 4), other = Tensor::zeros(4, 3), wide = Tensor::zeros(3, 4, DType::f64);
  CHECK_THROWS_AS(activate(Activation::relu, x, other), InputError);
  CHECK_THROWS_WITH(activate(Activation::relu, x, other), contains("activate: y is 4 x 3 f32; expected 3 x 4 f32"));
  CHECK_THROWS_WITH(axpby(1, x, 1, wide), contains("y is 3 x 4 f64; expected 3 x 4 f32"));
  CHECK_THROWS_WITH(multiply(x, Tensor(), x), contains("b is undefined"));
  CHECK_THROWS_WITH(add_row(other, x), contains("bias is 4 x 3 f32; expected 1 x 4 f32"));
  const Tensor counts = Tensor::zeros(3, 4, DType::i32);
  CHECK_THROWS_WITH(activate(Activation::relu, counts, counts), contains("elements are i32; expected f32 or f64"));
}
