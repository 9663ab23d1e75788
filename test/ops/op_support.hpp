#pragma once
// What tests of operations share: random matrices, finite differences, numbers of threads.

#include <omp.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "galena/tensor.hpp"
#include "src/base/random.hpp"
#include "test/support/catch.hpp"

namespace galena::test {

/// Uniform in [low, high).
inline Tensor random_tensor(std::int64_t rows, std::int64_t cols, DType dtype, std::uint64_t seed, double low = -1,
                            double high = 1) {
  base::RandomStream random(seed, 1);
  std::vector<double> values(static_cast<std::size_t>(rows * cols));
  for (double& value : values) value = low + (high - low) * random.uniform();
  return Tensor::from<double>(rows, cols, values).to(dtype);
}

/// sum_i weight_i * y_i: a scalar whose gradient with respect to y is `weight`.
inline double dot(const Tensor& weight, const Tensor& y) {
  double sum = 0;
  for (std::int64_t i = 0; i < y.rows(); ++i) {
    for (std::int64_t c = 0; c < y.cols(); ++c) sum += weight.item(i, c) * y.item(i, c);
  }
  return sum;
}

/// The largest |a - b|.
inline double largest_difference(const Tensor& a, const Tensor& b) {
  REQUIRE(a.rows() == b.rows());
  REQUIRE(a.cols() == b.cols());
  double largest = 0;
  for (std::int64_t i = 0; i < a.rows(); ++i) {
    for (std::int64_t c = 0; c < a.cols(); ++c) {
      const double difference = std::fabs(a.item(i, c) - b.item(i, c));
      if (!(difference <= largest)) largest = difference;  // NaN counts
    }
  }
  return largest;
}

/// Compares `gradient` with central differences of loss() by the elements of x, all in f64: relative to the largest
/// element, below 1e-6.
template <class Loss>
void check_gradient(const Tensor& x, const Tensor& gradient, const Loss& loss) {
  REQUIRE(x.dtype() == DType::f64);
  REQUIRE(gradient.rows() == x.rows());
  REQUIRE(gradient.cols() == x.cols());
  double largest = 0, worst = 0;
  for (double& element : x.span<double>()) {
    const double before = element, step = 1e-5 * std::max(1.0, std::fabs(before));
    element = before + step;
    const double up = loss();
    element = before - step;
    const double down = loss();
    element = before;
    const double expected = (up - down) / (2 * step);
    const double found = gradient.data<double>()[&element - x.data<double>()];
    largest = std::max(largest, std::fabs(expected));
    const double error = std::fabs(found - expected);
    if (!(error <= worst)) worst = error;
  }
  INFO("largest element " << largest);
  CHECK(worst <= 1e-6 * std::max(largest, 1e-3));
}

inline bool same_bytes(const Tensor& a, const Tensor& b) {
  return a.bytes() == b.bytes() && std::memcmp(a.raw(), b.raw(), a.bytes()) == 0;
}

/// Sets the number of OpenMP threads while it lives.
class Threads {
 public:
  explicit Threads(int count) : before_(omp_get_max_threads()) { omp_set_num_threads(count); }
  ~Threads() { omp_set_num_threads(before_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int before_;
};

/// Checks that compute() gives the same bytes on 1, 2, 3 and 7 threads.
template <class Compute>
void check_any_threads(const Compute& compute) {
  const auto on = [&](int count) {
    const Threads threads(count);
    return compute();
  };
  const Tensor one = on(1);
  for (const int count : {2, 3, 7}) {
    INFO(count << " threads");
    CHECK(same_bytes(one, on(count)));
  }
}

}  // namespace galena::test
