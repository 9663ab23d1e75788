// Gradients and results of operations that do not look at neighbours.

#include <cmath>

#include "galena/error.hpp"
#include "test/nn/support.hpp"

using namespace galena;
using namespace galena::test;

namespace {

nn::Context::Settings training(std::uint32_t epoch = 3) {
  nn::Context::Settings settings;
  settings.training = true;
  settings.seed = 11;
  settings.epoch = epoch;
  return settings;
}

}  // namespace

TEST_CASE("gradients of dense operations") {
  const nn::Var x = leaf(5, 4, 1), y = leaf(5, 4, 2), w = leaf(4, 3, 3), b = leaf(1, 3, 4), row = leaf(1, 4, 5);
  const nn::Var factor = leaf(1, 1, 6);
  SECTION("linear") {
    check_gradients({x, w, b}, [&] { return weighted_sum(nn::linear(x, w, b)); });
  }
  SECTION("linear without bias, its input used again") {
    check_gradients({x, w}, [&] { return weighted_sum(nn::linear(nn::add(x, x), w)); });
  }
  SECTION("add_row") {
    check_gradients({x, row}, [&] { return weighted_sum(nn::add_row(nn::scale(x, 1.5), row)); });
  }
  SECTION("add") {
    check_gradients({x, y}, [&] { return weighted_sum(nn::add(x, y, 0.3, -2)); });
  }
  SECTION("add to itself") {
    check_gradients({x}, [&] { return weighted_sum(nn::add(x, x, 0.3, -2)); });
  }
  SECTION("add of one with a gradient") {
    const nn::Var constant(random_tensor(5, 4, 9));
    check_gradients({x}, [&] { return weighted_sum(nn::add(constant, nn::scale(x, 2), 0.3, -2)); });
    check_gradients({y}, [&] { return weighted_sum(nn::add(nn::scale(y, 2), constant, 0.3, -2)); });
  }
  SECTION("multiply") {
    check_gradients({x, y}, [&] { return weighted_sum(nn::multiply(x, y)); });
  }
  SECTION("scale") {
    check_gradients({x}, [&] { return weighted_sum(nn::scale(nn::scale(x, 2), 3)); });
  }
  SECTION("scale_by") {
    check_gradients({x, factor}, [&] { return weighted_sum(nn::scale_by(x, factor)); });
  }
  SECTION("concat") {
    check_gradients({x, w}, [&] { return weighted_sum(nn::concat(x, nn::linear(x, w))); });
  }
  SECTION("head") {
    check_gradients({x}, [&] { return weighted_sum(nn::head(nn::scale(x, 2), 3)); });
  }
  SECTION("head of a value used elsewhere") {
    check_gradients({x}, [&] {
      const nn::Var h = nn::scale(x, 2);
      return weighted_sum(nn::concat(nn::head(h, 3), nn::head(nn::multiply(h, h), 3)));
    });
  }
  SECTION("mean_of_heads") {
    check_gradients({x}, [&] { return weighted_sum(nn::mean_of_heads(x, 2)); });
  }
}

TEST_CASE("gradients of activations") {
  const auto f = GENERATE(nn::Activation::identity, nn::Activation::relu, nn::Activation::leaky_relu,
                          nn::Activation::elu, nn::Activation::sigmoid, nn::Activation::tanh, nn::Activation::gelu);
  const nn::Var x = leaf(6, 5, 1);
  check_gradients({x}, [&] { return weighted_sum(nn::activate(f, nn::scale(x, 2), 0.3)); });
  check_gradients({x}, [&] {
    const nn::Var h = nn::scale(x, 2);
    return weighted_sum(nn::add(nn::activate(f, h, 0.3), h));
  });
}

TEST_CASE("linear takes sparse rows, and only as many as count") {
  const SparseMatrix s = random_sparse(7, 6, 1);
  const nn::GraphView view = one_rank(7, {});
  nn::Context::Settings settings;
  settings.hop_rows = {GENERATE(7, 4, 0)};
  const nn::Context ctx(view, nullptr, settings);
  const nn::Var x = nn::needed_rows(ctx, nn::Var(s)), w = leaf(6, 3, 2), b = leaf(1, 3, 3);
  CHECK(x.rows() == settings.hop_rows[0]);
  const nn::Var dense(s.dense().head(x.rows()));
  const auto sparse_loss = [&] { return weighted_sum(nn::linear(x, w, b)); };
  CHECK(largest_difference(nn::linear(x, w, b).value(), nn::linear(dense, w, b).value()) < 1e-14);
  check_gradients({w, b}, sparse_loss);
}

TEST_CASE("mean_of_heads is the mean over heads") {
  const nn::Var x = leaf(3, 6, 1);
  const Tensor y = nn::mean_of_heads(x, 3).value();
  for (std::int64_t i = 0; i < 3; ++i)
    for (std::int64_t c = 0; c < 2; ++c) {
      const double mean = (x.value().item(i, c) + x.value().item(i, c + 2) + x.value().item(i, c + 4)) / 3;
      CHECK(y.item(i, c) == Approx(mean).epsilon(1e-14));
    }
}

TEST_CASE("add cuts the longer value where hops differ") {
  const nn::GraphView view = one_rank(6, {{0, 1}, {1, 2}, {3, 4}});
  nn::Context::Settings settings;
  settings.hop_rows = {5, 3};
  nn::Context ctx(view, nullptr, settings);
  const nn::Var x = leaf(5, 2, 1);
  check_gradients({x}, [&] { return weighted_sum(nn::add(nn::aggregate(ctx, x, nn::Aggregation::sum()), x, 0.5, 2)); });
  check_gradients({x}, [&] { return weighted_sum(nn::add(x, nn::aggregate(ctx, x, nn::Aggregation::sum()), 0.5, 2)); });
}

TEST_CASE("gradients of dropout") {
  const nn::GraphView view = one_rank(6, {});
  const nn::Var x = leaf(6, 9, 1), w = leaf(9, 2, 2);
  SECTION("dense") {
    check_gradients({x}, [&] {
      nn::Context ctx(view, nullptr, training());
      const nn::Var h = nn::dropout(ctx, x, 0.4);
      return weighted_sum(nn::dropout(ctx, nn::add(h, x), 0.5));
    });
  }
  SECTION("with relu") {
    check_gradients({x}, [&] {
      nn::Context ctx(view, nullptr, training());
      return weighted_sum(nn::relu_dropout(ctx, nn::scale(x, 2), 0.4));
    });
  }
  SECTION("sparse") {
    const nn::Var s(random_sparse(6, 9, 3));
    check_gradients({w}, [&] {
      nn::Context ctx(view, nullptr, training());
      return weighted_sum(nn::linear(nn::dropout(ctx, s, 0.4), w));
    });
  }
}

TEST_CASE("dropout is drawn by call, epoch and global id, sparse or dense") {
  nn::GraphView view = one_rank(40, {});
  const SparseMatrix s = random_sparse(40, 9, 3);
  const auto draw = [&](const nn::Var& x, std::uint32_t epoch, int call, bool sparse) {
    nn::Context ctx(view, nullptr, training(epoch));
    nn::Var y = x;
    for (int k = 0; k < call; ++k) y = nn::dropout(ctx, x, 0.5);
    return sparse ? y.sparse()->dense() : y.value();
  };
  const nn::Var dense(s.dense()), sparse(s);
  const Tensor first = draw(dense, 3, 1, false);
  CHECK(largest_difference(first, draw(dense, 3, 1, false)) == 0);
  CHECK(largest_difference(first, draw(sparse, 3, 1, true)) == 0);
  CHECK(largest_difference(first, draw(dense, 4, 1, false)) > 0);
  CHECK(largest_difference(first, draw(dense, 3, 2, false)) > 0);
  const Tensor both = [&] {
    nn::Context ctx(view, nullptr, training());
    return nn::relu_dropout(ctx, dense, 0.5).value();
  }();
  CHECK(largest_difference(both, nn::relu(nn::Var(first)).value()) == 0);
  std::swap(view.ids[0], view.ids[1]);
  CHECK(largest_difference(first.head(1), draw(dense, 3, 1, false).head(1)) > 0);
}

TEST_CASE("dropout does nothing in evaluation or at rate 0, and refuses other rates") {
  const nn::GraphView view = one_rank(3, {});
  const nn::Var x = leaf(3, 2, 1);
  nn::Context evaluation(view, nullptr, {});
  CHECK(nn::dropout(evaluation, x, 0.5).value().same_memory(x.value()));
  nn::Context ctx(view, nullptr, training());
  CHECK(nn::dropout(ctx, x, 0).value().same_memory(x.value()));
  CHECK_THROWS_WITH(nn::dropout(ctx, x, 1), contains("0 <= p < 1"));
  CHECK_THROWS_WITH(nn::dropout(ctx, x, -0.1), contains("0 <= p < 1"));
  CHECK_THROWS_WITH(nn::dropout(ctx, leaf(4, 2, 1), 0.5), contains("4 x 2"));
}

TEST_CASE("gradients of norms") {
  const nn::GraphView view = one_rank(6, {});
  const nn::Var x = leaf(6, 3, 1), gamma = leaf(1, 3, 2), beta = leaf(1, 3, 3);
  SECTION("layer") {
    check_gradients({x, gamma, beta}, [&] { return weighted_sum(nn::layer_norm(nn::scale(x, 2), gamma, beta)); });
  }
  SECTION("layer, of a value used elsewhere") {
    check_gradients({x}, [&] { return weighted_sum(nn::multiply(nn::layer_norm(x, gamma, beta), x)); });
  }
  SECTION("l2") {
    check_gradients({x}, [&] { return weighted_sum(nn::l2_norm(nn::scale(x, 2))); });
  }
  SECTION("l2, of a value used elsewhere") {
    check_gradients({x}, [&] { return weighted_sum(nn::multiply(nn::l2_norm(x), x)); });
  }
  SECTION("batch") {
    const bool train = GENERATE(true, false);
    check_gradients({x, gamma, beta}, [&] {
      nn::Context ctx(view, nullptr, train ? training() : nn::Context::Settings{});
      const Tensor mean = Tensor::full(1, 3, 0.1, DType::f64), var = Tensor::full(1, 3, 2, DType::f64);
      return weighted_sum(nn::batch_norm(ctx, nn::scale(x, 2), gamma, beta, mean, var));
    });
  }
}

TEST_CASE("batch norm over ranks is that of all rows, its parameters' gradients each rank's part") {
  // Two ranks, whose sums are added by hand: rank 0 has four rows, rank 1 has none or two.
  const int second_rows = GENERATE(0, 2);
  const nn::Var all = leaf(4 + second_rows, 3, 1), gamma = leaf(1, 3, 2), beta = leaf(1, 3, 3);
  const Tensor weights = random_tensor(4 + second_rows, 3, 8);
  const auto run = [&](const nn::GraphView& view, const nn::Var& x, const Tensor& w, const Tensor& mean,
                       const Tensor& var, const std::function<void(std::span<double>)>& sum) {
    nn::Context::Settings settings = training();
    settings.sum_over_ranks = sum;
    nn::Context ctx(view, nullptr, settings);
    const nn::Var y = nn::batch_norm(ctx, x, gamma, beta, mean, var);
    nn::backward(weighted_sum(y, w));
    return y.value();
  };
  const auto buffers = [] { return std::pair(Tensor::zeros(1, 3, DType::f64), Tensor::full(1, 3, 1, DType::f64)); };
  const nn::GraphView whole = one_rank(4 + second_rows, {}), part0 = one_rank(4, {}), part1 = one_rank(second_rows, {});
  const auto [mean, var] = buffers();
  const Tensor expected = run(whole, all, weights, mean, var, {});
  const Tensor dgamma = gamma.grad().clone(), dbeta = beta.grad().clone();

  // What each rank asks to be summed, in order: recorded from both, then answered.
  std::vector<std::vector<double>> asked[2];
  const auto slice = [&](int rank) { return rank == 0 ? std::pair(0, 4) : std::pair(4, 4 + second_rows); };
  Tensor results[2], gradients[2], part_gamma[2], part_mean[2];
  for (int round = 0; round < 3; ++round) {  // sums of round r are known in round r + 1
    for (int rank = 0; rank < 2; ++rank) {
      const auto [begin, end] = slice(rank);
      const nn::Var x(all.value().slice(begin, end).clone(), true);
      const auto [rank_mean, rank_var] = buffers();
      std::size_t call = 0;
      const auto sum = [&, rank = rank](std::span<double> values) {
        if (asked[rank].size() <= call) asked[rank].emplace_back();
        asked[rank][call].assign(values.begin(), values.end());
        if (asked[1 - rank].size() > call)
          for (std::size_t k = 0; k < values.size(); ++k) values[k] += asked[1 - rank][call][k];
        ++call;
      };
      for (const nn::Var& p : {gamma, beta}) p.grad_slot().tensor.fill(0);
      results[rank] = run(rank == 0 ? part0 : part1, x, weights.slice(begin, end), rank_mean, rank_var, sum);
      gradients[rank] = x.grad();
      part_gamma[rank] = gamma.grad().clone();
      part_mean[rank] = rank_mean;
    }
  }
  for (int rank = 0; rank < 2; ++rank) {
    const auto [begin, end] = slice(rank);
    CHECK(largest_difference(results[rank], expected.slice(begin, end)) < 1e-14);
    CHECK(largest_difference(gradients[rank], all.grad().slice(begin, end)) < 1e-14);
    CHECK(largest_difference(part_mean[rank], mean) < 1e-14);
  }
  for (std::int64_t c = 0; c < 3; ++c)
    CHECK(part_gamma[0].item(0, c) + part_gamma[1].item(0, c) == Approx(dgamma.item(0, c)).epsilon(1e-12));
  CHECK(dbeta.item(0, 0) != 0);
}

TEST_CASE("running statistics follow the batches, and stand in for them in evaluation") {
  const nn::GraphView view = one_rank(5, {});
  const nn::Var x = leaf(5, 2, 1), gamma(Tensor::full(1, 2, 1, DType::f64)), beta(Tensor::zeros(1, 2, DType::f64));
  const Tensor mean = Tensor::zeros(1, 2, DType::f64), var = Tensor::full(1, 2, 1, DType::f64);
  nn::Context ctx(view, nullptr, training());
  nn::batch_norm(ctx, x, gamma, beta, mean, var, 0.25);
  double sum = 0, squares = 0;
  for (std::int64_t i = 0; i < 5; ++i) sum += x.value().item(i, 1);
  for (std::int64_t i = 0; i < 5; ++i) squares += std::pow(x.value().item(i, 1) - sum / 5, 2);
  CHECK(mean.item(0, 1) == Approx(0.25 * sum / 5));
  CHECK(var.item(0, 1) == Approx(0.75 + 0.25 * squares / 4));
  nn::Context evaluation(view, nullptr, {});
  const Tensor y = nn::batch_norm(evaluation, x, gamma, beta, mean, var).value();
  CHECK(y.item(2, 1) == Approx((x.value().item(2, 1) - mean.item(0, 1)) / std::sqrt(var.item(0, 1) + 1e-5)));
}

TEST_CASE("gradients of losses") {
  const nn::Var x = leaf(5, 3, 1);
  const std::vector<VertexId> rows{0, 2, 3};
  SECTION("cross entropy") {
    const std::vector<std::int32_t> labels{1, -1, 0, 2, -1};
    check_gradients({x}, [&] { return nn::cross_entropy(nn::scale(x, 2), labels, rows, 0.25); });
  }
  SECTION("binary cross entropy") {
    const std::vector<std::uint8_t> targets{1, 0, 1, 0, 0, 0, 1, 1, 1, 0, 0, 1, 0, 0, 0};
    check_gradients({x}, [&] { return nn::binary_cross_entropy(nn::scale(x, 2), targets, rows, 0.25); });
  }
  SECTION("scaled and added") {
    const std::vector<std::int32_t> labels{1, -1, 0, 2, -1};
    check_gradients({x}, [&] {
      const nn::Var loss = nn::cross_entropy(x, labels, rows, 0.25);
      return nn::add(nn::scale(loss, 3), weighted_sum(x));
    });
  }
  SECTION("no rows at all") {
    const std::vector<std::int32_t> labels(5, -1);
    const nn::Var loss = nn::cross_entropy(x, labels, {}, 0.25);
    CHECK(loss.value().item() == 0);
    nn::backward(loss);
    CHECK(largest_difference(x.grad(), Tensor::zeros(5, 3, DType::f64)) == 0);
  }
}

TEST_CASE("shapes that do not fit are named") {
  const nn::Var x = leaf(5, 4, 1), w = leaf(3, 2, 2);
  CHECK_THROWS_WITH(nn::linear(x, w), contains("linear") && contains("5 x 4 f64") && contains("3 x 2 f64"));
  CHECK_THROWS_WITH(nn::linear(x, leaf(4, 2, 1), leaf(1, 3, 1)), contains("bias is 1 x 3"));
  CHECK_THROWS_WITH(nn::add(x, w), contains("5 x 4") && contains("3 x 2"));
  CHECK_THROWS_WITH(nn::add(x, leaf(4, 4, 1)), contains("4 x 4"));
  CHECK_THROWS_WITH(nn::multiply(x, w), contains("expected 5 x 4"));
  CHECK_THROWS_WITH(nn::concat(x, w), contains("expected 5 x any"));
  CHECK_THROWS_WITH(nn::head(x, 6), contains("first 6 rows"));
  CHECK_THROWS_WITH(nn::mean_of_heads(x, 3), contains("3 heads"));
  CHECK_THROWS_WITH(nn::relu(nn::Var(random_sparse(3, 3, 1))), contains("sparse"));
  CHECK_THROWS_WITH(nn::relu(nn::Var()), contains("undefined"));
  CHECK_THROWS_WITH(nn::l2_norm(nn::Var(random_sparse(3, 3, 1))), contains("l2_norm") && contains("sparse"));
  CHECK_THROWS_WITH(nn::layer_norm(x, leaf(1, 3, 1), leaf(1, 4, 1)), contains("gamma"));
}
