// Sums over neighbours on one rank, against sums a number at a time.

#include <cmath>

#include "galena/error.hpp"
#include "test/nn/support.hpp"

using namespace galena;
using namespace galena::test;
using nn::Aggregation;

namespace {

/// Neighbour weights as the definitions say, [n x n].
Tensor dense_operator(const nn::GraphView& view, Aggregation how) {
  const std::int64_t n = view.inner;
  const Tensor a = Tensor::zeros(n, n, DType::f64);
  for (std::int64_t i = 0; i < n; ++i)
    for (EdgeOffset k = view.local.indptr[static_cast<std::size_t>(i)];
         k < view.local.indptr[static_cast<std::size_t>(i) + 1]; ++k)
      a.at<double>(i, view.local.indices[k]) = 1;
  for (std::int64_t i = 0; i < n && how.self_loops; ++i) a.at<double>(i, i) = 1;
  std::vector<double> in(static_cast<std::size_t>(n)), out(static_cast<std::size_t>(n));
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < n; ++j) {
      in[static_cast<std::size_t>(i)] += a.item(i, j);
      out[static_cast<std::size_t>(j)] += a.item(i, j);
    }
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < n; ++j) {
      if (a.item(i, j) == 0) continue;
      const double d_in = in[static_cast<std::size_t>(i)], d_out = out[static_cast<std::size_t>(j)];
      if (how.kind == Aggregation::Kind::mean) a.at<double>(i, j) = 1 / d_in;
      if (how.kind == Aggregation::Kind::symmetric) a.at<double>(i, j) = 1 / std::sqrt(d_in * d_out);
    }
  return a;
}

Tensor reference(const nn::GraphView& view, Aggregation how, const Tensor& x) {
  const Tensor a = dense_operator(view, how), y = Tensor::zeros(view.inner, x.cols(), DType::f64);
  for (std::int64_t i = 0; i < view.inner; ++i)
    for (std::int64_t c = 0; c < x.cols(); ++c) {
      double best = -INFINITY, sum = 0;
      for (std::int64_t j = 0; j < x.rows(); ++j) {
        sum += a.item(i, j) * x.item(j, c);
        if (a.item(i, j) != 0) best = std::max(best, x.item(j, c));
      }
      if (how.kind == Aggregation::Kind::max) sum = std::isinf(best) ? 0 : best;
      y.at<double>(i, c) = sum;
    }
  return y;
}

Aggregation any_aggregation() {
  const auto kind =
      GENERATE(Aggregation::Kind::sum, Aggregation::Kind::mean, Aggregation::Kind::symmetric, Aggregation::Kind::max);
  return {kind, GENERATE(false, true)};
}

}  // namespace

TEST_CASE("aggregate is what its definition says") {
  const Aggregation how = any_aggregation();
  const bool directed = GENERATE(false, true);
  const nn::GraphView view = one_rank(12, random_edges(12, 25, 4, directed), directed);
  const nn::Var x = leaf(12, 5, 1);
  nn::Context ctx(view, nullptr, {});
  const nn::Var y = nn::aggregate(ctx, x, how);
  CHECK(y.hop() == 1);
  CHECK(largest_difference(y.value(), reference(view, how, x.value())) < 1e-14);
}

TEST_CASE("isolated vertices have finite sums") {
  const Aggregation how = any_aggregation();
  const nn::GraphView view = one_rank(3, {{0, 1}});
  nn::Context ctx(view, nullptr, {});
  const nn::Var x = leaf(3, 2, 1);
  const Tensor y = nn::aggregate(ctx, x, how).value();
  const double expected = how.self_loops ? x.value().item(2, 1) : 0;
  CHECK(y.item(2, 1) == expected);
}

TEST_CASE("gradients of aggregate, whole and pruned") {
  const Aggregation how = any_aggregation();
  const bool directed = GENERATE(false, true);
  nn::Context::Settings settings;
  if (GENERATE(false, true)) settings.hop_rows = {9, 7, 4};
  const nn::GraphView view = one_rank(10, random_edges(10, 20, 5, directed), directed);
  const nn::Var x = leaf(settings.hop_rows.empty() ? 10 : 9, 3, 1);
  check_gradients({x}, [&] {
    nn::Context ctx(view, nullptr, settings);
    const nn::Var h = nn::aggregate(ctx, nn::scale(x, 2), how);
    return weighted_sum(nn::add(nn::aggregate(ctx, h, how), nn::self_rows(ctx, h)));
  });
}

TEST_CASE("an aggregate of unchanged features is computed once, over all rows") {
  const Aggregation how = any_aggregation();
  const nn::GraphView view = one_rank(12, random_edges(12, 25, 4));
  const nn::Var features(random_tensor(12, 5, 1));
  nn::Context::Settings pruned;
  pruned.hop_rows = {9, 6};
  nn::Context first(view, nullptr, pruned), second(view, nullptr, {});
  const nn::Var a = nn::aggregate(first, nn::needed_rows(first, features), how);
  const nn::Var b = nn::aggregate(second, features, how);
  CHECK(a.rows() == 6);
  CHECK(a.hop() == 1);
  CHECK(a.value().same_memory(b.value()));
  CHECK(largest_difference(b.value(), reference(view, how, features.value())) < 1e-14);
  // Others' values are not taken for the features.
  const nn::Var other(random_tensor(12, 5, 2));
  CHECK(largest_difference(nn::aggregate(second, other, how).value(), reference(view, how, other.value())) < 1e-14);
  const nn::Var changed = nn::scale(features, 1);
  CHECK_FALSE(nn::aggregate(second, changed, how).value().same_memory(b.value()));
}

TEST_CASE("results do not depend on values beyond the rows that count") {
  const nn::GraphView view = one_rank(10, {{0, 1}, {1, 2}, {2, 3}, {3, 4}, {4, 5}, {5, 6}});
  nn::Context::Settings settings;
  settings.hop_rows = {4, 3};
  nn::Context ctx(view, nullptr, settings);
  const nn::Var x = leaf(10, 2, 1);
  const Tensor y = nn::aggregate(ctx, x, Aggregation::mean(true)).value();
  CHECK(largest_difference(y, nn::aggregate(ctx, nn::head(x, 4), Aggregation::mean(true)).value()) == 0);
}

TEST_CASE("aggregate refuses values of other rows, and hops that were not announced") {
  const nn::GraphView view = one_rank(4, {{0, 1}});
  nn::Context::Settings settings;
  settings.hop_rows = {4, 2};
  nn::Context ctx(view, nullptr, settings);
  CHECK_THROWS_WITH(nn::aggregate(ctx, leaf(3, 2, 1), Aggregation::sum()), contains("3 x 2") && contains("expected 4"));
  CHECK_THROWS_WITH(nn::aggregate(ctx, leaf(5, 2, 1), Aggregation::sum()), contains("5 x 2"));
  CHECK_THROWS_WITH(nn::aggregate(ctx, nn::Var(random_sparse(4, 4, 1)), Aggregation::sum()), contains("linear()"));
  const nn::Var h = nn::aggregate(ctx, leaf(4, 2, 1), Aggregation::sum());
  CHECK_THROWS_WITH(nn::aggregate(ctx, h, Aggregation::sum()), contains("Module::hops()"));
}

TEST_CASE("a graph with a halo needs an exchange") {
  const nn::GraphView view = with_halo(4, 2, {{0, 1}, {1, 2}});
  CHECK_THROWS_WITH(nn::Context(view, nullptr, {}), contains("exchange"));
}
