#include "src/ops/loss.hpp"

#include <numeric>

#include "galena/error.hpp"
#include "test/ops/op_support.hpp"

using namespace galena;
using namespace galena::ops;
using namespace galena::test;

namespace {

std::vector<VertexId> every(std::int64_t step, std::int64_t n) {
  std::vector<VertexId> rows;
  for (std::int64_t i = 0; i < n; i += step) rows.push_back(static_cast<VertexId>(i));
  return rows;
}

std::vector<std::int32_t> labels_of(std::int64_t n, std::int64_t classes) {
  std::vector<std::int32_t> labels;
  for (std::int64_t i = 0; i < n; ++i) labels.push_back(static_cast<std::int32_t>(i * 7 % classes));
  return labels;
}

std::vector<std::uint8_t> targets_of(std::int64_t count) {
  std::vector<std::uint8_t> targets;
  for (std::int64_t i = 0; i < count; ++i) targets.push_back(i * 5 % 3 == 0 ? 1 : 0);
  return targets;
}

}  // namespace

TEST_CASE("cross entropy: the definition, over the rows asked for") {
  for (const DType dtype : {DType::f32, DType::f64}) {
    for (const std::int64_t classes : {1, 2, 7, 40}) {
      const Tensor x = random_tensor(50, classes, dtype, 1, -4, 4);
      const auto labels = labels_of(50, classes);
      const auto rows = every(3, 50);
      long double expected = 0;
      for (const VertexId row : rows) {
        long double sum = 0;
        for (std::int64_t c = 0; c < classes; ++c) sum += std::exp(static_cast<long double>(x.item(row, c)));
        expected -= std::log(std::exp(static_cast<long double>(x.item(row, labels[row]))) / sum);
      }
      const double loss = softmax_cross_entropy(x, labels, rows, 0.25, {});
      CHECK(loss == Approx(static_cast<double>(0.25L * expected)).epsilon(dtype == DType::f32 ? 1e-6 : 1e-13));
    }
  }
}

TEST_CASE("cross entropy: the gradient by finite differences; 0 in other rows") {
  const Tensor x = random_tensor(9, 5, DType::f64, 2, -3, 3), dx = Tensor::full(9, 5, 8, DType::f64);
  const auto labels = labels_of(9, 5);
  const std::vector<VertexId> rows{7, 2, 5};
  softmax_cross_entropy(x, labels, rows, 0.3, dx);
  check_gradient(x, dx, [&] { return softmax_cross_entropy(x, labels, rows, 0.3, {}); });
  for (std::int64_t c = 0; c < 5; ++c) CHECK(dx.item(3, c) == 0);
}

TEST_CASE("cross entropy: logits of any size neither overflow nor vanish") {
  const std::vector<float> values{1e30F, -1e30F, 0, 1000, 0, 1000};
  const Tensor x = Tensor::from<float>(3, 2, values), dx = Tensor::empty(3, 2);
  const std::vector<std::int32_t> labels{0, 0, 1};
  CHECK(softmax_cross_entropy(x, labels, every(1, 3), 1, dx) == Approx(1000));
  CHECK(dx.at<float>(0, 0) == 0);
  CHECK(dx.at<float>(1, 0) == -1);
  CHECK(dx.at<float>(1, 1) == 1);
  const std::vector<float> close{0, -30};  // exp(-30) is lost beside 1 unless the difference is taken first
  const std::vector<std::int32_t> second{1};
  CHECK(softmax_cross_entropy(Tensor::from<float>(1, 2, close), second, every(1, 1), 1, {}) == Approx(30));
}

TEST_CASE("cross entropy: NaN logits give a NaN loss, not an error") {
  const Tensor x = Tensor::full(2, 3, std::nan(""));
  CHECK(std::isnan(softmax_cross_entropy(x, labels_of(2, 3), every(1, 2), 1, {})));
}

TEST_CASE("cross entropy: labels that are none are named") {
  const Tensor x = Tensor::zeros(3, 4);
  const std::vector<std::int32_t> labels{0, -1, 4};
  const std::vector<VertexId> fine{0}, without{0, 1}, above{2}, beyond{3};
  CHECK(softmax_cross_entropy(x, labels, fine, 1, {}) == Approx(std::log(4.0)));
  CHECK_THROWS_AS(softmax_cross_entropy(x, labels, without, 1, {}), InputError);
  CHECK_THROWS_WITH(softmax_cross_entropy(x, labels, without, 1, {}),
                    contains("row 1 has label -1; expected 0 to 3 (leave out rows without a label)"));
  CHECK_THROWS_WITH(softmax_cross_entropy(x, labels, above, 1, {}), contains("row 2 has label 4; expected 0 to 3"));
  CHECK_THROWS_WITH(softmax_cross_entropy(x, labels, beyond, 1, {}), contains("names row 3"));
}

TEST_CASE("losses: no rows is a loss of 0 and a gradient of 0") {
  const Tensor x = random_tensor(3, 4, DType::f32, 3), dx = Tensor::full(3, 4, 1);
  CHECK(softmax_cross_entropy(x, labels_of(3, 4), {}, 1, dx) == 0);
  CHECK(largest_difference(dx, Tensor::zeros(3, 4)) == 0);
  CHECK(binary_cross_entropy(Tensor::zeros(0, 4), {}, {}, 1, Tensor::zeros(0, 4)) == 0);
}

TEST_CASE("binary cross entropy: the definition, over the rows asked for") {
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Tensor x = random_tensor(50, 6, dtype, 4, -4, 4);
    const auto targets = targets_of(300);
    const auto rows = every(4, 50);
    long double expected = 0;
    for (const VertexId row : rows) {
      for (std::int64_t c = 0; c < 6; ++c) {
        const long double p = 1 / (1 + std::exp(-static_cast<long double>(x.item(row, c))));
        expected -= std::log(targets[row * 6 + static_cast<std::size_t>(c)] == 1 ? p : 1 - p);
      }
    }
    CHECK(binary_cross_entropy(x, targets, rows, 0.5, {}) == Approx(static_cast<double>(expected / 2)).epsilon(1e-6));
  }
}

TEST_CASE("binary cross entropy: the gradient by finite differences, extremes, bad targets") {
  const Tensor x = random_tensor(8, 3, DType::f64, 5, -3, 3), dx = Tensor::full(8, 3, 8, DType::f64);
  const auto targets = targets_of(24);
  const std::vector<VertexId> rows{6, 1};
  binary_cross_entropy(x, targets, rows, 0.7, dx);
  check_gradient(x, dx, [&] { return binary_cross_entropy(x, targets, rows, 0.7, {}); });
  const std::vector<float> extremes{1e30F, -1e30F, 800, -800};
  const std::vector<std::uint8_t> wrong{1, 0, 0, 1};
  const Tensor far = Tensor::from<float>(1, 4, extremes), dfar = Tensor::empty(1, 4);
  CHECK(binary_cross_entropy(far, wrong, every(1, 1), 1, dfar) == Approx(1600));
  CHECK(dfar.at<float>(0, 0) == 0);
  CHECK(dfar.at<float>(0, 2) == 1);
  CHECK(dfar.at<float>(0, 3) == -1);
  const std::vector<std::uint8_t> strange{1, 0, 2, 1};
  CHECK_THROWS_WITH(binary_cross_entropy(far, strange, every(1, 1), 1, {}),
                    contains("row 0, class 2 has target 2; expected 0 or 1"));
}

TEST_CASE("losses: the same on any number of threads, as sums that parts add up to") {
  const Tensor x = random_tensor(5000, 20, DType::f32, 6, -3, 3);
  const auto labels = labels_of(5000, 20);
  const auto targets = targets_of(100000);
  const auto rows = every(1, 5000);
  check_any_threads([&] {
    const std::vector<double> both{softmax_cross_entropy(x, labels, rows, 1e-3, {}),
                                   binary_cross_entropy(x, targets, rows, 1e-3, {})};
    return Tensor::from<double>(1, 2, both);
  });
  const double whole = softmax_cross_entropy(x, labels, rows, 1.0 / 5000, {});
  const std::span<const VertexId> all = rows;
  const double parts = softmax_cross_entropy(x, labels, all.first(1234), 1.0 / 5000, {}) +
                       softmax_cross_entropy(x, labels, all.subspan(1234), 1.0 / 5000, {});
  CHECK(parts == Approx(whole).epsilon(1e-12));
}
