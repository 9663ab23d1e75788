#include <cmath>

#include "test/nn/support.hpp"

using namespace galena;
using namespace galena::test;
using nn::Aggregation;

namespace {

template <class T>
nn::MessageFunctionOf<T> copy(std::int64_t width) {
  nn::MessageFunctionOf<T> f;
  f.width = width;
  f.message = [](auto, auto source, auto out) { std::copy(source.begin(), source.end(), out.begin()); };
  f.adjoint = [](auto, auto, auto gradient, auto, auto d_source) {
    for (std::size_t c = 0; c < gradient.size(); ++c) d_source[c] += gradient[c];
  };
  return f;
}

/// Two numbers: the squared distance of both rows, and the product of their first elements.
nn::MessageFunctionOf<double> distance() {
  nn::MessageFunctionOf<double> f;
  f.width = 2;
  f.message = [](auto target, auto source, auto out) {
    for (std::size_t c = 0; c < target.size(); ++c) out[0] += (target[c] - source[c]) * (target[c] - source[c]);
    out[1] = target[0] * source[0];
  };
  f.adjoint = [](auto target, auto source, auto gradient, auto d_target, auto d_source) {
    for (std::size_t c = 0; c < target.size(); ++c) {
      d_target[c] += 2 * gradient[0] * (target[c] - source[c]);
      d_source[c] -= 2 * gradient[0] * (target[c] - source[c]);
    }
    d_target[0] += gradient[1] * source[0];
    d_source[0] += gradient[1] * target[0];
  };
  return f;
}

}  // namespace

TEMPLATE_TEST_CASE("propagate of copies is aggregate", "", float, double) {
  const Aggregation how = GENERATE(Aggregation::sum(), Aggregation::sum(true), Aggregation::mean(),
                                   Aggregation::mean(true), Aggregation::symmetric());
  const bool directed = GENERATE(false, true);
  const nn::GraphView view = one_rank(12, random_edges(12, 30, 4, directed), directed);
  const nn::Var x(random_tensor(12, 3, 1, kDType<TestType>), true), z(x.value(), true);
  nn::Context ctx(view, nullptr, {});
  const nn::Var a = nn::propagate(ctx, x, copy<TestType>(3), how), b = nn::aggregate(ctx, z, how);
  CHECK(largest_difference(a.value(), b.value()) < 1e-6);
  const std::vector<std::int32_t> labels(12, 1);
  const std::vector<VertexId> rows{0, 1, 2, 3, 4, 5};
  nn::backward(nn::cross_entropy(a, labels, rows, 1));
  nn::backward(nn::cross_entropy(b, labels, rows, 1));
  CHECK(largest_difference(x.grad(), z.grad()) < 1e-6);
}

TEST_CASE("gradients of propagate, whole and pruned") {
  const Aggregation how = GENERATE(Aggregation::sum(true), Aggregation::mean(), Aggregation::symmetric());
  const bool directed = GENERATE(false, true);
  nn::Context::Settings settings;
  if (GENERATE(false, true)) settings.hop_rows = {8, 5};
  const nn::GraphView view = one_rank(9, random_edges(9, 18, 4, directed), directed);
  const nn::Var x = leaf(settings.hop_rows.empty() ? 9 : 8, 3, 1);
  check_gradients({x}, [&] {
    nn::Context ctx(view, nullptr, settings);
    const nn::Var h = nn::scale(x, 2);
    return weighted_sum(nn::add(nn::propagate(ctx, h, distance(), how),
                                nn::linear(nn::self_rows(ctx, h), nn::Var(random_tensor(3, 2, 6)))));
  });
}

TEST_CASE("propagate refuses functions that lack a part") {
  const nn::GraphView view = one_rank(3, {{0, 1}});
  nn::Context ctx(view, nullptr, {});
  const nn::Var x = leaf(3, 2, 1);
  auto f = copy<double>(2);
  CHECK_THROWS_WITH(nn::propagate(ctx, x, f, Aggregation::max()), contains("max"));
  CHECK_THROWS_WITH(nn::propagate(ctx, x, copy<float>(2), Aggregation::sum()), contains("f32"));
  f.adjoint = nullptr;
  CHECK_THROWS_WITH(nn::propagate(ctx, x, f, Aggregation::sum()), contains("adjoint"));
  const nn::NoGrad guard;
  CHECK_NOTHROW(nn::propagate(ctx, x, f, Aggregation::sum()));
}
