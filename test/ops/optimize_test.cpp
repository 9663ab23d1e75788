#include "src/ops/optimize.hpp"

#include "galena/error.hpp"
#include "test/ops/op_support.hpp"

using namespace galena;
using namespace galena::ops;
using namespace galena::test;

namespace {

constexpr int kSteps = 12;
constexpr std::int64_t kCount = 37;

/// The gradient at step t (from 1): of a quadratic bowl with a moving centre.
double gradient(double w, int t, std::int64_t i) { return 0.8 * w - 0.1 * std::sin(static_cast<double>(t * 3 + i)); }

Tensor gradients(const Tensor& w, int t) {
  const Tensor g = Tensor::empty(w.rows(), 1, DType::f64);
  for (std::int64_t i = 0; i < w.rows(); ++i) g.at<double>(i, 0) = gradient(w.item(i), t, i);
  return g.to(w.dtype());
}

Tensor start(DType dtype) { return random_tensor(kCount, 1, dtype, 1); }

/// Runs step(w, g, t) kSteps times, and `oracle(w0, i)`, which does the same for one weight; compares.
template <class Step, class Oracle>
void compare(DType dtype, const Step& step, const Oracle& oracle) {
  const Tensor w = start(dtype), begin = w.clone();
  for (int t = 1; t <= kSteps; ++t) step(w, gradients(w, t), t);
  double worst = 0;
  for (std::int64_t i = 0; i < kCount; ++i) worst = std::max(worst, std::fabs(w.item(i) - oracle(begin.item(i), i)));
  INFO(name_of(dtype));
  CHECK(worst < (dtype == DType::f32 ? 2e-6 : 1e-14));
  CHECK(largest_difference(w, begin) > 1e-3);
}

/// As I. Sutskever et al. (ICML 2013) write momentum, over the list of gradients so far: no running state.
double sgd_oracle(const SgdStep& s, double w, std::int64_t i) {
  std::vector<double> seen;
  for (int t = 1; t <= kSteps; ++t) {
    seen.push_back(gradient(w, t, i) + s.weight_decay * w);
    const auto velocity = [&] {
      double sum = 0;
      for (std::size_t k = 0; k < seen.size(); ++k) {
        sum += std::pow(s.momentum, static_cast<double>(seen.size() - 1 - k)) * seen[k];
      }
      return sum;
    }();
    w -= s.lr * (s.nesterov ? seen.back() + s.momentum * velocity : velocity);
  }
  return w;
}

/// Adam's moments as the weighted means they stand for, divided by the sum of their weights (the bias correction).
double adam_oracle(const AdamStep& s, double w, std::int64_t i) {
  std::vector<double> seen;
  const auto mean = [&](double beta, double power) {
    double sum = 0, weights = 0, weight = 1;
    for (std::size_t k = seen.size(); k-- > 0; weight *= beta) {
      sum += weight * std::pow(std::fabs(seen[k]), power) * (power == 1 && seen[k] < 0 ? -1 : 1);
      weights += weight;
    }
    return sum / weights;
  };
  for (int t = 1; t <= kSteps; ++t) {
    seen.push_back(gradient(w, t, i) + (s.decoupled ? 0 : s.weight_decay * w));
    const double decay = s.decoupled ? s.lr * s.weight_decay * w : 0;
    w -= s.lr * mean(s.beta1, 1) / (std::sqrt(mean(s.beta2, 2)) + s.eps) + decay;
  }
  return w;
}

}  // namespace

TEST_CASE("sgd: plain, momentum, Nesterov, weight decay") {
  for (const DType dtype : {DType::f32, DType::f64}) {
    for (const double momentum : {0.0, 0.9}) {
      for (const double decay : {0.0, 0.05}) {
        for (const bool nesterov : {false, true}) {
          const SgdStep options{0.1, momentum, decay, nesterov};
          const Tensor velocity = momentum != 0 ? Tensor::zeros(kCount, 1, dtype) : Tensor();
          compare(
              dtype, [&](const Tensor& w, const Tensor& g, int) { sgd_step(options, w, g, velocity); },
              [&](double w, std::int64_t i) { return sgd_oracle(options, w, i); });
        }
      }
    }
  }
}

TEST_CASE("adam: bias correction, decay coupled and decoupled") {
  for (const DType dtype : {DType::f32, DType::f64}) {
    for (const double decay : {0.0, 0.1}) {
      for (const bool decoupled : {false, true}) {
        AdamStep options{0.02, 0.8, 0.95, 1e-6, decay, decoupled, 1};
        const Tensor m = Tensor::zeros(kCount, 1, dtype), v = Tensor::zeros(kCount, 1, dtype);
        const auto step = [&](const Tensor& w, const Tensor& g, int t) {
          options.t = t;
          adam_step(options, w, g, m, v);
        };
        compare(dtype, step, [&](double w, std::int64_t i) { return adam_oracle(options, w, i); });
      }
    }
  }
}

TEST_CASE("adam: the first step is lr in the direction of the gradient, whatever its size") {
  for (const double size : {1e-4, 1.0, 1e4}) {
    const Tensor w = Tensor::zeros(1, 1), m = Tensor::zeros(1, 1), v = Tensor::zeros(1, 1);
    adam_step({}, w, Tensor::full(1, 1, size), m, v);
    CHECK(w.item() == Approx(-0.001).epsilon(1e-3));
  }
}

TEST_CASE("optimizers: no gradient and no decay leave weights alone; no weights are fine") {
  const Tensor w = start(DType::f32), before = w.clone(), zeros = Tensor::zeros(kCount, 1);
  sgd_step({}, w, zeros, {});
  adam_step({}, w, zeros, zeros.clone(), zeros.clone());
  CHECK(same_bytes(w, before));
  const Tensor none = Tensor::zeros(0, 1);
  sgd_step({}, none, none, {});
  adam_step({}, none, none, none, none);
}

TEST_CASE("optimizers: a range of a flat tensor changes that range only") {
  const Tensor all = Tensor::full(100, 1, 1), g = Tensor::full(100, 1, 1);
  sgd_step({}, all.slice(10, 20), g.slice(10, 20), {});
  for (std::int64_t i = 0; i < 100; ++i) CHECK(all.item(i) == Approx(i >= 10 && i < 20 ? 0.99 : 1));
}

TEST_CASE("optimizers: what does not fit is named") {
  const Tensor w = Tensor::zeros(4, 1), other = Tensor::zeros(5, 1);
  CHECK_THROWS_WITH(sgd_step({}, w, other, {}), contains("sgd_step: gradient is 5 x 1 f32; expected 4 x 1 f32"));
  CHECK_THROWS_WITH(sgd_step({0.1, 0.9, 0, false}, w, w, {}), contains("velocity is undefined"));
  AdamStep zeroth;
  zeroth.t = 0;
  CHECK_THROWS_AS(adam_step(zeroth, w, w, w, w), InputError);
  CHECK_THROWS_WITH(adam_step(zeroth, w, w, w, w), contains("step number 0; the first is 1"));
}
