// From vertices through hyperedges to vertices: one kernel, and the two steps that many ranks take.

#include "src/nn/op_through.hpp"
#include "test/nn/support.hpp"

using namespace galena;
using namespace galena::test;

namespace {

nn::GraphView small() { return hypergraph_view(7, {{0, 1, 2}, {}, {3}, {0, 1, 2, 3, 4, 5}, {1, 4}, {1, 4}, {2, 5}}); }

nn::HyperedgeStep weighted(std::uint64_t seed) {
  nn::HyperedgeStep step{random_tensor(7, 1, seed), random_tensor(7, 1, seed + 1), random_tensor(7, 1, seed + 2)};
  step.weight = leaf(7, 1, seed + 3);
  return step;
}

}  // namespace

TEST_CASE("through hyperedges: gradients of rows and of learnt weights") {
  const nn::GraphView view = small();
  const nn::Var x = leaf(7, 5, 1);
  for (const bool edge : {true, false}) {
    nn::HyperedgeStep step = weighted(3);
    if (!edge) step.edge = {};
    for (const bool savings : {true, false}) {  // the one kernel, and two steps
      CAPTURE(edge, savings);
      check_gradients({x, step.weight}, [&] {
        nn::Context::Settings settings;
        settings.savings = savings;
        nn::Context ctx(view, nullptr, settings);
        return weighted_sum(nn::through_hyperedges(ctx, x, step), random_tensor(7, 5, 9));
      });
    }
  }
}

TEST_CASE("through hyperedges: both ways agree, on prefixes of rows too") {
  const nn::GraphView view = small();
  const nn::HyperedgeStep step = weighted(11);
  for (const std::vector<std::int64_t>& rows : {std::vector<std::int64_t>{}, {6, 5, 3}, {7, 7, 0}}) {
    std::vector<Tensor> values, gradients;
    for (const bool savings : {true, false}) {
      const nn::Var x = leaf(7, 5, 2);
      nn::Context::Settings settings;
      settings.savings = savings;
      settings.hop_rows = rows;
      nn::Context ctx(view, nullptr, settings);
      const nn::Var y = nn::through_hyperedges(ctx, x, step);
      CHECK(y.hop() == 2);
      CHECK(y.rows() == (rows.empty() ? 7 : rows[2]));
      values.push_back(y.value());
      nn::backward(weighted_sum(y, random_tensor(y.rows(), 5, 4)));
      gradients.push_back(x.grad());
    }
    CHECK(largest_difference(values[0], values[1]) < 1e-12);
    CHECK(largest_difference(gradients[0], gradients[1]) < 1e-12);
  }
}

TEST_CASE("through hyperedges: other steps than sums, one kernel and step by step, with gradients") {
  using Reduce = nn::HyperedgeStep::Reduce;
  const nn::GraphView view = small();
  const bool whole = GENERATE(true, false);
  const std::vector<std::int64_t> rows = whole ? std::vector<std::int64_t>{} : std::vector<std::int64_t>{7, 7, 4};
  const Reduce to_edges = GENERATE(Reduce::sum, Reduce::mean, Reduce::max);
  const Reduce to_vertices = GENERATE(Reduce::sum, Reduce::mean, Reduce::max, Reduce::softmax);
  const bool transform = GENERATE(true, false);
  CAPTURE(whole, static_cast<int>(to_edges), static_cast<int>(to_vertices), transform);
  nn::HyperedgeStep step = weighted(21);
  step.to_edges = to_edges;
  step.to_vertices = to_vertices;
  std::vector<nn::Var> leaves{step.weight};
  if (transform) {
    step.transform = leaf(5, 6, 31);
    step.bias = leaf(1, 6, 32);
    step.relu = true;
    leaves.insert(leaves.end(), {step.transform, step.bias});
  }
  const std::int64_t width = transform ? 6 : 5;
  if (to_vertices == Reduce::softmax) {
    step.heads = transform ? 2 : 1;
    step.attention = leaf(step.heads, width / step.heads, 33);
    leaves.push_back(step.attention);
  }
  const auto pass = [&](const nn::Var& x, bool savings) {
    nn::Context::Settings settings;
    settings.savings = savings;
    settings.hop_rows = rows;
    nn::Context ctx(view, nullptr, settings);
    return nn::through_hyperedges(ctx, x, step);
  };
  const nn::Var x = leaf(7, 5, 30), steps_x = leaf(7, 5, 30);
  const Tensor one = pass(x, true).value(), many = pass(steps_x, false).value();
  CHECK(one.rows() == (whole ? 7 : 4));
  CHECK(largest_difference(one, many) < 1e-12);
  leaves.push_back(x);
  check_gradients(leaves, [&] {
    const nn::Var y = pass(x, true);
    return weighted_sum(y, random_tensor(y.rows(), width, 9));
  });
}

TEST_CASE("through hyperedges: not in a graph, and with factors that fit") {
  const nn::GraphView graph = one_rank(7, {{0, 1}}), view = small();
  const nn::Var x = leaf(7, 5, 1);
  nn::Context plain(graph, nullptr, {}), ctx(view, nullptr, {});
  CHECK_THROWS_WITH(nn::through_hyperedges(plain, x, {}), contains("expected a hypergraph"));
  nn::HyperedgeStep narrow;
  narrow.left = random_tensor(3, 1, 1);
  CHECK_THROWS_WITH(nn::through_hyperedges(ctx, x, narrow), contains("left is 3 x 1"));
  narrow.left = {};
  narrow.weight = leaf(7, 2, 1);
  CHECK_THROWS_WITH(nn::through_hyperedges(ctx, x, narrow), contains("weight"));
  nn::HyperedgeStep soft;
  soft.to_edges = nn::HyperedgeStep::Reduce::softmax;
  CHECK_THROWS_WITH(nn::through_hyperedges(ctx, x, soft), contains("towards vertices only"));
  std::swap(soft.to_edges, soft.to_vertices);
  CHECK_THROWS_WITH(nn::through_hyperedges(ctx, x, soft), contains("expected both or neither"));
}

TEST_CASE("through hyperedges: what was chosen is said, once a layout and width") {
  const nn::GraphView view = small();
  CHECK(nn::describe_layouts(view).empty());
  for (const std::int64_t width : {5, 3, 5}) {
    nn::Context ctx(view, nullptr, {});
    nn::through_hyperedges(ctx, leaf(7, width, 1), {});
  }
  const auto notes = nn::describe_layouts(view);
  REQUIRE(notes.size() == 2);
  CHECK_THAT(notes[0], contains("Through 7 hyperedges to 7 vertices, rows of 3: ") && contains("layout"));
  CHECK_THAT(notes[1], contains("rows of 5: "));
}
