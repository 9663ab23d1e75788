#include <cmath>

#include "galena/error.hpp"
#include "test/nn/support.hpp"

using namespace galena;
using namespace galena::test;
using nn::Initializer;

TEST_CASE("parameters lie flat, groups side by side, and layers see them") {
  nn::ParameterStore store(1, DType::f64);
  const nn::Var a = store.add("a", 2, 3, Initializer::glorot_uniform);
  const nn::Var b = store.add("b", 1, 4, Initializer::ones, "other");
  const nn::Var c = store.add("c", 3, 1, Initializer::kaiming_uniform);
  const Tensor before = a.value().clone();
  store.seal();
  CHECK(store.count() == 13);
  REQUIRE(store.ranges().size() == 2);
  CHECK(store.flat_size() == 24);  // each at a multiple of 64 bytes
  CHECK((store.ranges()[0].group.empty() && store.ranges()[0].begin == 0 && store.ranges()[0].end == 16));
  CHECK((store.ranges()[1].group == "other" && store.ranges()[1].begin == 16 && store.ranges()[1].end == 24));
  CHECK(largest_difference(a.value(), before) == 0);
  CHECK(a.value().same_memory(store.flat_values()));
  store.flat_values().at<double>(17, 0) = 5;
  CHECK(b.value().item(0, 1) == 5);
  CHECK(c.value().item(0, 0) == store.flat_values().item(8));
}

TEST_CASE("what lies between parameters is zero, and stays so") {
  nn::ParameterStore store(1, DType::f64);
  const nn::Var a = store.add("a", 3, 7, Initializer::glorot_uniform);
  const nn::Var b = store.add("b", 1, 7, Initializer::ones);
  store.seal();
  REQUIRE(store.flat_size() == 32);
  CHECK(reinterpret_cast<std::uintptr_t>(b.value().raw()) % 64 == 0);
  CHECK(reinterpret_cast<std::uintptr_t>(b.grad().raw()) % 64 == 0);
  for (const char* const name : {"sgd", "adam", "adamw"}) {
    nn::OptimizerOptions options;
    options.name = name;
    options.weight_decay = 0.1;
    options.momentum = 0.9;
    nn::Optimizer optimizer(options, store, 3);
    for (int epoch = 0; epoch < 3; ++epoch) {
      store.zero_gradients();
      nn::backward(weighted_sum(nn::scale(a, 2)));
      nn::backward(weighted_sum(nn::scale(b, 3)));
      optimizer.step(epoch);
    }
    std::vector<Tensor> flat{store.flat_values(), store.flat_gradients()};
    for (const auto& [key, state] : optimizer.state())
      if (state.rows() == store.flat_size()) flat.push_back(state);
    CHECK(flat.size() > 2);
    for (const Tensor& x : flat)
      for (const std::int64_t k : {21, 22, 23, 31}) CHECK(x.item(k) == 0);
  }
}

TEST_CASE("gradients of parameters are views of one tensor, zero where nothing arrived") {
  nn::ParameterStore store(1, DType::f64);
  const nn::Var a = store.add("a", 2, 2, Initializer::glorot_uniform);
  const nn::Var b = store.add("b", 1, 3, Initializer::ones);
  store.seal();
  nn::backward(weighted_sum(nn::scale(a, 2)));
  nn::backward(weighted_sum(nn::scale(b, 3)));
  const Tensor weights = random_tensor(2, 2, 77);
  CHECK(a.grad().same_memory(store.flat_gradients()));
  CHECK(store.flat_gradients().item(3) == 2 * weights.item(1, 1));
  CHECK(store.flat_gradients().item(9) != 0);

  store.zero_gradients();
  nn::backward(weighted_sum(nn::scale(a, 1)));
  CHECK(store.flat_gradients().item(3) == weights.item(1, 1));
  CHECK(store.flat_gradients().item(9) == 0);
  CHECK(b.grad().item(0, 1) == 0);
}

TEST_CASE("initial values depend on the seed, and on nothing else") {
  const auto draw = [](std::uint64_t seed, DType dtype) {
    nn::ParameterStore store(seed, dtype);
    store.add("a", 1, 1, Initializer::glorot_uniform);
    const nn::Var b = store.add("b", 30, 50, Initializer::glorot_uniform);
    store.seal();
    return b.value();
  };
  CHECK(largest_difference(draw(3, DType::f64), draw(3, DType::f64)) == 0);
  CHECK(largest_difference(draw(3, DType::f64), draw(3, DType::f32)) < 1e-7);
  CHECK(largest_difference(draw(3, DType::f64), draw(4, DType::f64)) > 0.1);
}

TEST_CASE("initial values have the bounds and moments they should") {
  nn::ParameterStore store(9, DType::f64);
  const nn::Var glorot = store.add("g", 60, 90, Initializer::glorot_uniform);
  const nn::Var kaiming = store.add("k", 60, 90, Initializer::kaiming_uniform);
  const auto check = [](const Tensor& values, double limit) {
    double sum = 0, squares = 0, largest = 0;
    for (const double value : values.span<double>()) {
      sum += value;
      squares += value * value;
      largest = std::max(largest, std::abs(value));
    }
    const auto n = static_cast<double>(values.size());
    CHECK(largest <= limit);
    CHECK(largest > 0.99 * limit);
    CHECK(std::abs(sum / n) < 4 * limit / std::sqrt(3 * n));
    CHECK(squares / n == Approx(limit * limit / 3).epsilon(0.05));
  };
  check(glorot.value(), std::sqrt(6.0 / 150));
  check(kaiming.value(), std::sqrt(6.0 / 60));
}

TEST_CASE("a store refuses names twice, late parameters and odd types") {
  nn::ParameterStore store(1);
  store.add("a", 1, 1, Initializer::zeros);
  store.add_buffer("mean", 1, 2, 0.5);
  CHECK(store.buffers()[0].second.item(0, 1) == 0.5);
  CHECK_THROWS_WITH(store.add("a", 1, 1, Initializer::zeros), contains("'a' is taken"));
  CHECK_THROWS_WITH(store.add("mean", 1, 1, Initializer::zeros), contains("'mean' is taken"));
  store.seal();
  CHECK_THROWS_WITH(store.add("b", 1, 1, Initializer::zeros), contains("after seal()"));
  CHECK_THROWS_WITH(store.seal(), contains("second time"));
  CHECK_THROWS_WITH(nn::ParameterStore(1, DType::i32), contains("i32"));
}
