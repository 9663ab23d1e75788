// What operations do with rows of other ranks: as if the rank had them, gradients sent back where they belong.

#include <cmath>

#include "test/nn/support.hpp"

using namespace galena;
using namespace galena::test;
using nn::Aggregation;

namespace {

constexpr int kAll = 14, kInner = 9;

/// An operation on x of hop 0, with weights of its own.
using Operation = std::function<nn::Var(nn::Context&, const nn::Var&)>;

Operation any_operation() {
  static const nn::Var a = leaf(2, 3, 21), b = leaf(2, 3, 22), w = leaf(6, 6, 23);
  nn::MessageFunctionOf<double> product;
  product.width = 6;
  product.message = [](auto target, auto source, auto out) {
    for (std::size_t c = 0; c < out.size(); ++c) out[c] = target[c] * source[c] + source[c];
  };
  product.adjoint = [](auto target, auto source, auto gradient, auto d_target, auto d_source) {
    for (std::size_t c = 0; c < gradient.size(); ++c) {
      d_target[c] += gradient[c] * source[c];
      d_source[c] += gradient[c] * (target[c] + 1);
    }
  };
  const int which = GENERATE(range(0, 8));
  CAPTURE(which);
  switch (which) {
    case 0: return [](auto& ctx, const auto& x) { return nn::aggregate(ctx, x, Aggregation::sum()); };
    case 1: return [](auto& ctx, const auto& x) { return nn::aggregate(ctx, x, Aggregation::mean(true)); };
    case 2: return [](auto& ctx, const auto& x) { return nn::aggregate(ctx, x, Aggregation::symmetric()); };
    case 3: return [](auto& ctx, const auto& x) { return nn::aggregate(ctx, x, Aggregation::max()); };
    case 4: return [](auto& ctx, const auto& x) { return nn::aggregate(ctx, x, Aggregation::max(true)); };
    case 5: return [](auto& ctx, const auto& x) { return nn::attend(ctx, x, x, a, b, {2}); };
    case 6:
      return [](auto& ctx, const auto& x) {
        nn::Attention how{2};
        how.v2 = true;
        return nn::attend(ctx, x, nn::linear(x, w), a, {}, how);
      };
    default:
      return [product](auto& ctx, const auto& x) { return nn::propagate(ctx, x, product, Aggregation::mean(true)); };
  }
}

}  // namespace

TEST_CASE("with all halo rows, results and gradients are those of the rank that has all vertices") {
  const Operation operation = any_operation();
  const bool directed = GENERATE(false, true);
  const Edges edges = random_edges(kAll, 40, 6, directed);
  const nn::GraphView whole = one_rank(kAll, edges, directed), part = with_halo(kAll, kInner, edges, directed);
  const nn::Var x = leaf(kAll, 6, 1);
  nn::Context all(whole, nullptr, {});
  const Tensor weights = random_tensor(kInner, 6, 3);
  const nn::Var expected = nn::head(operation(all, x), kInner);
  nn::backward(weighted_sum(expected, weights));

  FixedExchange exchange(part, x.value().slice(kInner, kAll).clone());
  nn::Context ctx(part, &exchange, {});
  const nn::Var mine(x.value().head(kInner).clone(), true);
  const nn::Var y = operation(ctx, mine);
  nn::backward(weighted_sum(y, weights));
  CHECK(largest_difference(y.value(), expected.value()) < 1e-13);
  CHECK(largest_difference(mine.grad(), x.grad().head(kInner)) < 1e-13);
  CHECK(largest_difference(exchange.gradient, x.grad().slice(kInner, kAll)) < 1e-13);
  CHECK(exchange.log ==
        std::vector<std::string>{"begin_forward", "finish_forward", "begin_backward", "finish_backward"});
}

TEST_CASE("sampled halo rows: gradients of local and halo rows by finite differences") {
  const Operation operation = any_operation();
  const nn::GraphView part = with_halo(kAll, kInner, random_edges(kAll, 40, 6));
  FixedExchange exchange(part, random_tensor(kAll - kInner, 6, 2), {0, 1, 3}, {2, 1.5F, 4});
  const nn::Var mine = leaf(kInner, 6, 1);
  exchange.returned = random_tensor(kInner, 6, 5);
  const auto loss = [&] {
    nn::Context ctx(part, &exchange, {});
    return weighted_sum(operation(ctx, mine));
  };
  nn::backward(loss());
  const Tensor arrived = exchange.gradient.clone();
  // What other ranks sent back was added to the gradient.
  const nn::Var again(mine.value(), true);
  exchange.returned = {};
  nn::Context ctx(part, &exchange, {});
  nn::backward(weighted_sum(operation(ctx, again)));
  const Tensor more = random_tensor(kInner, 6, 5);
  for (std::int64_t k = 0; k < more.size(); ++k) {
    CHECK(mine.grad().data<double>()[k] ==
          Approx(again.grad().data<double>()[k] + more.data<double>()[k]).margin(1e-13));
  }
  check_gradients({mine}, loss);
  for (std::int64_t k = 0; k < arrived.size(); ++k) {
    const nn::NoGrad guard;
    double& element = exchange.halo_rows.data<double>()[k];
    const double before = element;
    element = before + 1e-5;
    const double up = loss().value().item();
    element = before - 1e-5;
    const double down = loss().value().item();
    element = before;
    CHECK(arrived.data<double>()[k] == Approx((up - down) / 2e-5).epsilon(1e-6).margin(1e-8));
  }
}

TEST_CASE("sampled columns are weighted by 1 / probability, the mean divides by the full degree") {
  const nn::GraphView part = with_halo(4, 1, {{0, 1}, {0, 2}, {0, 3}});
  FixedExchange exchange(part, random_tensor(3, 1, 2), {1}, {3});
  nn::Context ctx(part, &exchange, {});
  const nn::Var x = leaf(1, 1, 1);
  const double sampled = exchange.halo_rows.item(1);
  CHECK(nn::aggregate(ctx, x, Aggregation::sum()).value().item() == Approx(3 * sampled));
  CHECK(nn::aggregate(ctx, x, Aggregation::mean()).value().item() == Approx(3 * sampled / 3));
  CHECK(nn::aggregate(ctx, x, Aggregation::mean(true)).value().item() == Approx((3 * sampled + x.value().item()) / 4));
}

TEST_CASE("attention gives a sampled neighbour the weight of those it stands for") {
  // Three neighbours with the same row; one is sampled, with weight 3: the softmax must be that of all three.
  const nn::GraphView part = with_halo(4, 1, {{0, 1}, {0, 2}, {0, 3}});
  const Tensor rows = Tensor::full(3, 2, 0.7, DType::f64);
  FixedExchange all(part, rows), sampled(part, rows, {1}, {3});
  const nn::Var x = leaf(1, 2, 1), a = leaf(1, 2, 2), b = leaf(1, 2, 3);
  nn::Context full(part, &all, {}), some(part, &sampled, {});
  const Tensor expected = nn::attend(full, x, x, a, b, {}).value();
  CHECK(largest_difference(nn::attend(some, x, x, a, b, {}).value(), expected) < 1e-14);
}

TEST_CASE("unchanged features are exchanged once, in full") {
  const nn::GraphView part = with_halo(kAll, kInner, random_edges(kAll, 40, 6));
  FixedExchange exchange(part, random_tensor(kAll - kInner, 6, 2), {0, 1, 3}, {2, 1.5F, 4});
  const nn::Var features(random_tensor(kInner, 6, 1));
  for (int pass = 0; pass < 3; ++pass) {
    nn::Context ctx(part, &exchange, {});
    nn::aggregate(ctx, features, Aggregation::mean());
  }
  CHECK(exchange.log == std::vector<std::string>{"gather_full"});
}

TEST_CASE("a rank without vertices takes part in every exchange") {
  const nn::GraphView part = with_halo(4, 0, {{0, 1}});
  const Operation operation = any_operation();
  FixedExchange exchange(part, random_tensor(4, 6, 2));
  nn::Context ctx(part, &exchange, {});
  const nn::Var x(Tensor::empty(0, 6, DType::f64), true);
  const nn::Var y = operation(ctx, x);
  CHECK(y.rows() == 0);
  nn::backward(nn::make_op("loss", Tensor::zeros(1, 1, DType::f64), {y}, [](const Tensor&) {}));
  CHECK(exchange.log.size() == 4);
  CHECK(largest_difference(exchange.gradient, Tensor::zeros(4, 6, DType::f64)) == 0);
}

TEST_CASE("large local sums are cut in slices, between which transfers go on; the sums stay the same") {
  class Moving : public FixedExchange {
   public:
    using FixedExchange::FixedExchange;
    void progress() override { ++moved; }
    int moved = 0;
  };
  constexpr int kMany = 400, kOwn = 390, kWidth = 2048;
  const Edges edges = random_edges(kMany, 5000, 8, true);
  const nn::GraphView part = with_halo(kMany, kOwn, edges, true), whole = one_rank(kMany, edges, true);
  const nn::Var x = leaf(kMany, kWidth, 1);
  const Tensor weights = random_tensor(kOwn, kWidth, 3);
  nn::Context all(whole, nullptr, {});
  nn::backward(weighted_sum(nn::head(nn::aggregate(all, x, Aggregation::symmetric()), kOwn), weights));

  const nn::Var own(x.value().slice(0, kOwn).clone(), true);
  Moving exchange(part, x.value().slice(kOwn, kMany).clone());
  nn::Context ctx(part, &exchange, {});
  const nn::Var y = nn::aggregate(ctx, own, Aggregation::symmetric());
  CHECK(exchange.moved > 1);
  const int forward = exchange.moved;
  nn::backward(weighted_sum(y, weights));
  CHECK(exchange.moved > forward + 1);
  nn::Context again(whole, nullptr, {});
  const nn::NoGrad guard;
  CHECK(largest_difference(y.value(), nn::aggregate(again, x, Aggregation::symmetric()).value().head(kOwn)) < 1e-12);
  CHECK(largest_difference(own.grad(), x.grad().head(kOwn)) < 1e-12);
}
