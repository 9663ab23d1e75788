#include <algorithm>
#include <cmath>

#include "galena/error.hpp"
#include "test/nn/support.hpp"

using namespace galena;
using namespace galena::test;

namespace {

/// Optimizers as textbooks write them, a number at a time.
struct Oracle {
  nn::OptimizerOptions o;
  std::vector<double> w, m, v;
  int t = 0;

  void step(const std::vector<double>& gradients, const std::vector<double>& decay, double lr) {
    ++t;
    m.resize(w.size());
    v.resize(w.size());
    for (std::size_t k = 0; k < w.size(); ++k) {
      double g = gradients[k];
      if (o.name != "adamw") g += decay[k] * w[k];
      if (o.name == "sgd") {
        m[k] = o.momentum * m[k] + g;
        w[k] -= lr * (o.nesterov ? g + o.momentum * m[k] : m[k]);
        continue;
      }
      if (o.name == "adamw") w[k] -= lr * decay[k] * w[k];
      m[k] = o.beta1 * m[k] + (1 - o.beta1) * g;
      v[k] = o.beta2 * v[k] + (1 - o.beta2) * g * g;
      const double mean = m[k] / (1 - std::pow(o.beta1, t)), var = v[k] / (1 - std::pow(o.beta2, t));
      w[k] -= lr * mean / (std::sqrt(var) + o.eps);
    }
  }
};

struct Problem {
  nn::ParameterStore store{5, DType::f64};
  nn::Var a, b;
  Problem() {
    a = store.add("a", 2, 3, nn::Initializer::glorot_uniform);
    b = store.add("b", 1, 2, nn::Initializer::glorot_uniform, "first");
    store.seal();
  }
  void gradients() {
    store.zero_gradients();
    nn::backward(weighted_sum(nn::multiply(a, a)));
    nn::backward(weighted_sum(nn::multiply(b, b)));
  }
  [[nodiscard]] std::vector<double> values() const {
    const auto span = store.flat_values().span<double>();
    return {span.begin(), span.end()};
  }
};

}  // namespace

TEST_CASE("optimizers do what their formulas say, by parameter group") {
  nn::OptimizerOptions options;
  options.name = GENERATE("sgd", "adam", "adamw");
  options.lr = 0.05;
  options.weight_decay = 0.1;
  options.group_weight_decay = {{"first", 0.3}};
  if (options.name == "sgd") options.momentum = GENERATE(0.0, 0.9);
  if (options.momentum > 0) options.nesterov = GENERATE(false, true);
  CAPTURE(options.name, options.momentum, options.nesterov);
  Problem problem;
  nn::Optimizer optimizer(options, problem.store, 100);
  Oracle oracle{options, problem.values(), {}, {}, 0};
  std::vector<double> decay(16, 0.1);  // a, then from 64 bytes on b
  std::fill(decay.begin() + 8, decay.end(), 0.3);
  for (int epoch = 0; epoch < 7; ++epoch) {
    problem.gradients();
    const auto g = problem.store.flat_gradients().span<double>();
    oracle.step({g.begin(), g.end()}, decay, options.lr);
    optimizer.step(epoch);
    for (std::size_t k = 0; k < oracle.w.size(); ++k)
      CHECK(problem.values()[k] == Approx(oracle.w[k]).epsilon(1e-12).margin(1e-14));
  }
}

TEST_CASE("learning rates follow their schedule") {
  Problem problem;
  const auto rates = [&](const std::string& schedule, int warmup) {
    nn::OptimizerOptions options;
    options.lr = 1;
    options.schedule = schedule;
    options.warmup_epochs = warmup;
    const nn::Optimizer optimizer(options, problem.store, 12);
    std::vector<double> result;
    for (int epoch = 0; epoch < 12; ++epoch) result.push_back(optimizer.lr(epoch));
    return result;
  };
  CHECK(rates("constant", 0) == std::vector<double>(12, 1.0));
  const auto warm = rates("constant", 4);
  CHECK((warm[0] == 0.25 && warm[2] == 0.75 && warm[3] == 1 && warm[11] == 1));
  const auto cosine = rates("cosine", 2);
  CHECK(cosine[1] == 1);
  CHECK(cosine[2] == 1);
  CHECK(cosine[7] == Approx(0.5));
  CHECK(cosine[11] == Approx(0.5 * (1 + std::cos(0.9 * std::acos(-1)))));
  const auto step = rates("step", 0);
  CHECK((step[3] == 1 && step[4] == 0.1 && step[7] == 0.1 && step[8] == 0.01 && step[11] == 0.01));
  const auto linear = rates("linear", 0);
  CHECK((linear[0] == 1 && linear[6] == 0.5));
  CHECK(linear[11] == Approx(1.0 / 12));
}

TEST_CASE("an optimizer goes on from its state as if it had not stopped") {
  nn::OptimizerOptions options;
  options.name = GENERATE("sgd", "adam");
  options.momentum = options.name == "sgd" ? 0.9 : 0;
  Problem whole, half;
  nn::Optimizer through(options, whole.store, 10);
  const auto epoch = [](Problem& problem, nn::Optimizer& optimizer, int number) {
    problem.gradients();
    optimizer.step(number);
  };
  std::vector<std::pair<std::string, Tensor>> saved;
  for (int k = 0; k < 6; ++k) {
    epoch(whole, through, k);
    if (k != 2) continue;
    for (const auto& [name, tensor] : through.state()) saved.emplace_back(name, tensor.clone());
    std::copy_n(whole.store.flat_values().raw(), whole.store.flat_values().bytes(), half.store.flat_values().raw());
  }
  nn::Optimizer resumed(options, half.store, 10);
  resumed.load_state(saved);
  for (int k = 3; k < 6; ++k) epoch(half, resumed, k);
  CHECK(half.values() == whole.values());

  saved.back().second = Tensor::zeros(3, 1, DType::f64);
  CHECK_THROWS_WITH(resumed.load_state(saved), contains("3 x 1") && contains("16 x 1"));
  saved.pop_back();
  CHECK_THROWS_WITH(resumed.load_state(saved), contains("nothing"));
}

TEST_CASE("optimizer options that make no sense are refused") {
  Problem problem;
  const auto make = [&](const std::function<void(nn::OptimizerOptions&)>& change) {
    nn::OptimizerOptions options;
    change(options);
    nn::Optimizer(options, problem.store, 10);
  };
  CHECK_NOTHROW(make([](auto&) {}));
  CHECK_THROWS_WITH(make([](auto& o) { o.name = "adm"; }), contains("did you mean 'adam'"));
  CHECK_THROWS_WITH(make([](auto& o) { o.schedule = "cosin"; }), contains("did you mean 'cosine'"));
  CHECK_THROWS_WITH(make([](auto& o) { o.lr = -1; }), contains("lr is -1"));
  CHECK_THROWS_WITH(make([](auto& o) { o.lr = NAN; }), contains("lr is nan"));
  CHECK_THROWS_WITH(make([](auto& o) { o.beta2 = 1; }), contains("beta2"));
  CHECK_THROWS_WITH(make([](auto& o) { o.nesterov = true; }), contains("momentum"));
  CHECK_THROWS_WITH(make([](auto& o) { o.group_weight_decay = {{"none", 1}}; }), contains("'none'"));
  nn::ParameterStore open(1);
  CHECK_THROWS_WITH(nn::Optimizer({}, open, 1), contains("seal()"));
}
