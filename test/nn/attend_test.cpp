#include <cmath>

#include "test/nn/support.hpp"

using namespace galena;
using namespace galena::test;

namespace {

/// Attention as its formula says, with softmax over all neighbours of a row.
Tensor reference(const nn::GraphView& view, const Tensor& source, const Tensor& target, const Tensor& a,
                 const Tensor& b, const nn::Attention& how) {
  const std::int64_t width = source.cols() / how.heads;
  const Tensor y = Tensor::zeros(view.inner, source.cols(), DType::f64);
  const auto leaky = [&](double x) { return x > 0 ? x : how.slope * x; };
  for (std::int64_t i = 0; i < view.inner; ++i)
    for (int h = 0; h < how.heads; ++h) {
      std::vector<std::pair<std::int64_t, double>> scores;
      const auto add = [&](std::int64_t j) {
        double s = 0, t = 0, both = 0;
        for (std::int64_t c = h * width; c < (h + 1) * width; ++c) {
          s += a.data<double>()[c] * source.item(j, c);
          if (!how.v2) t += b.data<double>()[c] * target.item(i, c);
          both += a.data<double>()[c] * leaky(target.item(i, c) + source.item(j, c));
        }
        scores.emplace_back(j, std::exp(how.v2 ? both : leaky(s + t)));
      };
      for (EdgeOffset k = view.local.indptr[static_cast<std::size_t>(i)];
           k < view.local.indptr[static_cast<std::size_t>(i) + 1]; ++k)
        add(view.local.indices[k]);
      if (how.self_loops) add(i);
      double total = 0;
      for (const auto& [j, score] : scores) total += score;
      for (const auto& [j, score] : scores)
        for (std::int64_t c = h * width; c < (h + 1) * width; ++c)
          y.at<double>(i, c) += score / total * source.item(j, c);
    }
  return y;
}

}  // namespace

TEST_CASE("attend is what its formula says") {
  nn::Attention how;
  how.heads = GENERATE(1, 3);
  how.v2 = GENERATE(false, true);
  how.self_loops = GENERATE(false, true);
  const bool directed = GENERATE(false, true);
  const nn::GraphView view = one_rank(9, random_edges(9, 16, 2, directed), directed);
  const nn::Var source = leaf(9, 6, 1), target = leaf(9, 6, 2), a = leaf(how.heads, 6 / how.heads, 3),
                b = leaf(how.heads, 6 / how.heads, 4);
  nn::Context ctx(view, nullptr, {});
  const nn::Var y = nn::attend(ctx, source, target, a, how.v2 ? nn::Var() : b, how);
  CHECK(y.hop() == 1);
  CHECK(largest_difference(y.value(), reference(view, source.value(), target.value(), a.value(), b.value(), how)) <
        1e-13);
}

TEST_CASE("gradients of attend, whole and pruned, with dropout") {
  nn::Attention how;
  how.heads = 2;
  how.v2 = GENERATE(false, true);
  how.dropout = GENERATE(0.0, 0.4);
  const bool directed = GENERATE(false, true);
  nn::Context::Settings settings;
  settings.training = true;
  if (GENERATE(false, true)) settings.hop_rows = {7, 5};
  const nn::GraphView view = one_rank(8, random_edges(8, 16, 3, directed), directed);
  const nn::Var x = leaf(settings.hop_rows.empty() ? 8 : 7, 4, 1), w = leaf(4, 4, 2), a = leaf(2, 2, 3),
                b = leaf(2, 2, 4);
  const std::vector<nn::Var> leaves = how.v2 ? std::vector<nn::Var>{x, w, a} : std::vector<nn::Var>{x, w, a, b};
  SECTION("one source and target") {
    check_gradients(how.v2 ? std::vector<nn::Var>{x, a} : std::vector<nn::Var>{x, a, b}, [&] {
      nn::Context ctx(view, nullptr, settings);
      const nn::Var h = nn::scale(x, 2);
      return weighted_sum(nn::attend(ctx, h, h, a, b, how));
    });
  }
  SECTION("two") {
    check_gradients(leaves, [&] {
      nn::Context ctx(view, nullptr, settings);
      return weighted_sum(nn::attend(ctx, x, nn::linear(x, w), a, how.v2 ? nn::Var() : b, how));
    });
  }
}

TEST_CASE("attend refuses shapes that do not fit") {
  const nn::GraphView view = one_rank(3, {{0, 1}});
  nn::Context ctx(view, nullptr, {});
  const nn::Var x = leaf(3, 4, 1), a = leaf(1, 4, 2);
  CHECK_THROWS_WITH(nn::attend(ctx, x, x, a, a, {3}), contains("3 heads"));
  CHECK_THROWS_WITH(nn::attend(ctx, x, leaf(3, 5, 1), a, a, {2}), contains("target is 3 x 5"));
  CHECK_THROWS_WITH(nn::attend(ctx, x, leaf(2, 4, 1), a, a, {2}), contains("expected 3 rows"));
  CHECK_THROWS_WITH(nn::attend(ctx, x, x, leaf(1, 3, 1), a, {2}), contains("a_source is 1 x 3"));
  nn::Attention how;
  how.dropout = 1;
  CHECK_THROWS_WITH(nn::attend(ctx, x, x, a, a, how), contains("0 <= p < 1"));
}
