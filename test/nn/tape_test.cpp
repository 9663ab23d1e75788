#include "galena/error.hpp"
#include "test/nn/support.hpp"

using namespace galena;
using namespace galena::test;

TEST_CASE("a leaf used twice receives the sum of both gradients") {
  const nn::Var x = leaf(3, 4, 1);
  nn::backward(weighted_sum(nn::add(x, nn::multiply(x, x), 2, 3)));
  const Tensor weights = random_tensor(3, 4, 77);
  for (std::int64_t k = 0; k < 12; ++k) {
    const double expected = weights.data<double>()[k] * (2 + 6 * x.value().data<double>()[k]);
    CHECK(x.grad().data<double>()[k] == Approx(expected).epsilon(1e-12));
  }
}

TEST_CASE("gradients of two losses add up") {
  const nn::Var x = leaf(2, 2, 1);
  nn::backward(weighted_sum(nn::scale(x, 2)));
  const Tensor once = x.grad().clone();
  nn::backward(weighted_sum(nn::scale(x, 2)));
  for (std::int64_t k = 0; k < 4; ++k) CHECK(x.grad().data<double>()[k] == 2 * once.data<double>()[k]);
}

TEST_CASE("what a backward pass kept is freed as soon as it has run") {
  const nn::Var x = leaf(2, 3, 1);
  auto kept = std::make_shared<int>(1);
  nn::Var first = nn::make_op("first", x.value().clone(), {x}, [x, kept](const Tensor& dy) {
    const nn::GradientSlot slot = x.grad_slot();
    CHECK_FALSE(slot.accumulate);
    for (std::int64_t k = 0; k < dy.size(); ++k) slot.tensor.data<double>()[k] = dy.data<double>()[k];
  });
  nn::Var second = nn::make_op("second", first.value().clone(), {first}, [first, &kept](const Tensor& dy) {
    CHECK(kept.use_count() == 2);
    const nn::GradientSlot slot = first.grad_slot();
    for (std::int64_t k = 0; k < dy.size(); ++k) slot.tensor.data<double>()[k] = dy.data<double>()[k];
  });
  const nn::Var loss = weighted_sum(second);
  nn::backward(loss);
  CHECK(kept.use_count() == 1);
  CHECK(x.grad().item(1, 2) == random_tensor(2, 3, 77).item(1, 2));
}

TEST_CASE("the tape keeps no value that no backward pass asked for") {
  const nn::Var x = leaf(50, 4, 1);
  nn::Var sum = nn::add(x, x);
  const Tensor held = sum.value();
  CHECK_FALSE(held.unique());
  nn::Var scaled = nn::scale(sum, 3);
  sum = nn::Var();
  CHECK(held.unique());
  nn::backward(weighted_sum(scaled));
  CHECK(x.grad().item(0, 0) == Approx(6 * random_tensor(50, 4, 77).item(0, 0)));
}

TEST_CASE("results that are passed on are written over, those somebody holds are not") {
  const nn::Var x = leaf(5, 3, 1);
  nn::Var y = nn::scale(x, 2);
  const std::byte* const memory = y.value().raw();
  const nn::Var z = nn::relu(std::move(y));
  CHECK(z.value().raw() == memory);

  nn::Var held = nn::scale(x, 2);
  const Tensor before = held.value().clone();
  const nn::Var result = nn::relu(held);
  CHECK(result.value().raw() != held.value().raw());
  CHECK(largest_difference(held.value(), before) == 0);

  // A backward pass holds the result of the first: it must not be written over.
  nn::Var sigmoid = nn::activate(nn::Activation::sigmoid, nn::scale(x, 1));
  const std::byte* const saved = sigmoid.value().raw();
  CHECK(nn::scale(std::move(sigmoid), 3).value().raw() != saved);
  CHECK(nn::scale(x, 3).value().raw() != x.value().raw());
}

TEST_CASE("operations under NoGrad record nothing") {
  const nn::Var x = leaf(2, 2, 1);
  {
    const nn::NoGrad guard;
    CHECK_FALSE(nn::relu(x).requires_grad());
  }
  CHECK(nn::relu(x).requires_grad());
}

TEST_CASE("backward passes run from the latest operation to the first, whatever the graph's shape") {
  const nn::Var x = leaf(1, 1, 1);
  std::vector<int> order;
  const auto op = [&](int number, std::vector<nn::Var> inputs) {
    return nn::make_op("op", Tensor::zeros(1, 1, DType::f64), inputs, [&order, number, inputs](const Tensor& dy) {
      order.push_back(number);
      for (const nn::Var& input : inputs) {
        const nn::GradientSlot slot = input.grad_slot();
        slot.tensor.at<double>(0, 0) = dy.item() + (slot.accumulate ? slot.tensor.item() : 0);
      }
    });
  };
  const nn::Var a = op(0, {x}), b = op(1, {x}), c = op(2, {a, b}), d = op(3, {a, c});
  nn::backward(op(4, {b, d, c}));
  CHECK(order == std::vector<int>{4, 3, 2, 1, 0});
  CHECK(x.grad().item() == 6);  // paths from x to the end
}

TEST_CASE("an operation that nothing arrives at still runs, with zeros") {
  const nn::Var x = leaf(2, 1, 1);
  bool ran = false;
  const nn::Var exchange = nn::make_op("exchange", x.value().clone(), {x}, [&](const Tensor& dy) {
    ran = true;
    CHECK(dy.item(0) == 0);
    CHECK(dy.item(1) == 0);
  });
  nn::backward(nn::make_op("loss", Tensor::zeros(1, 1, DType::f64), {exchange}, [](const Tensor&) {}));
  CHECK(ran);
  CHECK(x.grad().item(0) == 0);
}

TEST_CASE("wrong uses of the tape are refused") {
  const nn::Var x = leaf(2, 2, 1);
  CHECK_THROWS_WITH(nn::backward(x), contains("2 x 2") && contains("expected 1 x 1"));
  CHECK_THROWS_WITH(nn::backward(nn::Var(Tensor::zeros(1, 1))), contains("depends on no parameter"));
  const nn::Var loss = weighted_sum(nn::scale(x, 2));
  nn::backward(loss);
  CHECK_THROWS_WITH(nn::backward(loss), contains("run forward again"));
  CHECK_THROWS_AS(nn::Var(Tensor{}), InputError);
  CHECK_THROWS_WITH(nn::Var(Tensor::zeros(1, 1)).grad_slot(), contains("requires_grad()"));
  CHECK_THROWS_WITH(x.gradient_only().value(), contains("not there"));
}
