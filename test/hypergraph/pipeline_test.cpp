#include "src/hypergraph/pipeline.hpp"

#include <cmath>
#include <limits>

#include "galena/error.hpp"
#include "test/hypergraph/aggregate_reference.hpp"

using namespace galena;
using galena::test::Factors;
using galena::test::odd_hypergraphs;
using galena::test::random_hypergraph;
using galena::test::random_tensor;
using hyper::Layout;
using hyper::Pipeline;
using hyper::Reduce;
using Tiles = hyper::TileOptions;

namespace {

const char* name_of(Reduce reduce) {
  constexpr const char* kNames[] = {"sum", "mean", "max", "softmax"};
  return kNames[static_cast<int>(reduce)];
}

/// Parameters of one pipeline; `x` has `in` columns, y `out`.
struct Example {
  Tensor x, weight, bias, attention;
  Pipeline pipeline;
  Example(const Layout& layout, Reduce to_edges, Reduce to_vertices, bool transform, std::int64_t in, std::int64_t out,
          int heads = 2)
      : x(random_tensor(layout.cols(), in, DType::f64, 1)),
        weight(random_tensor(in, out, DType::f64, 2)),
        bias(random_tensor(1, out, DType::f64, 3)),
        attention(random_tensor(1, out, DType::f64, 4)) {
    pipeline.to_edges = to_edges;
    pipeline.to_vertices = to_vertices;
    pipeline.heads = heads;
    if (to_vertices == Reduce::softmax) pipeline.attention = &attention;
    if (transform) {
      pipeline.weight = &weight;
      pipeline.bias = &bias;
      pipeline.relu = true;
    }
  }
  Example(const Example&) = delete;
};

using Row = std::vector<double>;

/// Reduces rows feature by feature; softmax by `scores`, one a row and head.
Row reduce(Reduce how, const std::vector<Row>& rows, std::size_t width, const std::vector<Row>& scores, int heads) {
  Row out(width, 0.0);
  for (std::size_t c = 0; c < width && !rows.empty(); ++c) {
    const std::size_t head = c * static_cast<std::size_t>(heads) / width;
    double total = 0, sum = 0, largest = -std::numeric_limits<double>::infinity();
    for (std::size_t k = 0; k < rows.size(); ++k) {
      const double weight = how == Reduce::softmax ? std::exp(scores[k][head]) : 1;
      total += weight;
      sum += weight * rows[k][c];
      largest = std::max(largest, rows[k][c]);
    }
    out[c] = how == Reduce::sum ? sum : how == Reduce::max ? largest : sum / total;
  }
  return out;
}

/// y by the definition.
Tensor reference(const Layout& layout, const Pipeline& p, const hyper::Scale& scale, const Tensor& x,
                 std::int64_t width) {
  std::vector<std::vector<Row>> taken(static_cast<std::size_t>(layout.rows())), scores(taken.size());
  const ops::Csr& csr = layout.by_edge();
  for (std::int64_t e = 0; e < layout.edges(); ++e) {
    std::vector<Row> members;
    for (EdgeOffset k = csr.indptr[e]; k < csr.indptr[e + 1]; ++k) {
      const std::int64_t v = csr.indices[k];
      if (v >= layout.cols()) continue;
      Row& row = members.emplace_back();
      for (std::int64_t c = 0; c < x.cols(); ++c)
        row.push_back(static_cast<double>(test::factor(scale.right, v)) * x.item(v, c));
    }
    const Row in = reduce(p.to_edges, members, static_cast<std::size_t>(x.cols()), {}, 1);
    Row h, score(static_cast<std::size_t>(p.heads), 0.0);
    for (std::int64_t c = 0; c < width; ++c) {
      double value = p.weight == nullptr ? in[static_cast<std::size_t>(c)] : 0;
      for (std::int64_t j = 0; p.weight != nullptr && j < x.cols(); ++j)
        value += in[static_cast<std::size_t>(j)] * p.weight->item(j, c);
      if (p.bias != nullptr) value += p.bias->item(0, c);
      if (p.relu) value = std::max(value, 0.0);
      h.push_back(static_cast<double>(test::factor(scale.edge, e)) * value);
      if (p.attention != nullptr)
        score[static_cast<std::size_t>(c * p.heads / width)] += p.attention->item(0, c) * h.back();
    }
    for (double& s : score) s = s > 0 ? s : p.slope * s;
    for (EdgeOffset k = csr.indptr[e]; k < csr.indptr[e + 1]; ++k) {
      if (csr.indices[k] >= layout.rows()) continue;
      taken[csr.indices[k]].push_back(h);
      scores[csr.indices[k]].push_back(score);
    }
  }
  Tensor y = Tensor::empty(layout.rows(), width, DType::f64);
  for (std::int64_t v = 0; v < layout.rows(); ++v) {
    const auto at = static_cast<std::size_t>(v);
    const Row row = reduce(p.to_vertices, taken[at], static_cast<std::size_t>(width), scores[at], p.heads);
    for (std::int64_t c = 0; c < width; ++c)
      y.at<double>(v, c) = static_cast<double>(test::factor(scale.left, v)) * row[static_cast<std::size_t>(c)];
  }
  return y;
}

const Tiles kTwoTilings[] = {{}, {3, 9, Tiles::Order::grown, Tiles::Sums::automatic}};

/// f(to_edges, to_vertices, transform) for all pairs.
template <class F>
void for_steps(const F& f) {
  for (const Reduce to_edges : {Reduce::sum, Reduce::mean, Reduce::max}) {
    for (const Reduce to_vertices : {Reduce::sum, Reduce::mean, Reduce::max, Reduce::softmax}) {
      for (const bool transform : {false, true}) {
        INFO(name_of(to_edges) << " to hyperedges, " << name_of(to_vertices) << " to vertices, product " << transform);
        f(to_edges, to_vertices, transform);
      }
    }
  }
}

void check_forward(const Layout& layout, Reduce to_edges, Reduce to_vertices, bool transform, bool factors) {
  const std::int64_t in = 6, out = transform ? 10 : in;
  const Example example(layout, to_edges, to_vertices, transform, in, out);
  const Factors<double> f(layout, factors);
  const Tensor y = random_tensor(layout.rows(), out, DType::f64, 9);
  hyper::run_pipeline(layout, example.pipeline, f.scale(), example.x, y);
  const Tensor want = reference(layout, example.pipeline, f.scale(), example.x, out);
  CHECK(test::largest_difference(y, want) < 1e-10);
  const Tensor single = Tensor::empty(layout.rows(), out);
  const auto to_single = [](const Tensor& t) { return t.to(DType::f32); };
  const Tensor weight = to_single(example.weight), bias = to_single(example.bias), a = to_single(example.attention);
  Pipeline pipeline = example.pipeline;
  if (pipeline.weight != nullptr) pipeline.weight = &weight;
  if (pipeline.bias != nullptr) pipeline.bias = &bias;
  if (pipeline.attention != nullptr) pipeline.attention = &a;
  const Tensor left = to_single(f.left), edge = to_single(f.edge), right = to_single(f.right);
  const hyper::Scale scale = factors ? hyper::Scale{&left, &edge, &right} : hyper::Scale{};
  hyper::run_pipeline(layout, pipeline, scale, to_single(example.x), single);
  CHECK(test::largest_difference(single, want) < 2e-4);
}

/// Every gradient against central differences of <dy, y>.
void check_backward(const Layout& layout, Reduce to_edges, Reduce to_vertices, bool transform) {
  const std::int64_t in = 4, out = transform ? 6 : in;
  const Example example(layout, to_edges, to_vertices, transform, in, out);
  const Pipeline& p = example.pipeline;
  const Factors<double> f(layout, true);
  const Tensor dy = random_tensor(layout.rows(), out, DType::f64, 5);
  const auto run = [&](const Tensor& y) { return hyper::run_pipeline(layout, p, f.scale(), example.x, y); };
  const auto loss = [&] {
    const Tensor y = Tensor::empty(layout.rows(), out, DType::f64);
    run(y);
    return test::dot(dy, y);
  };
  const Tensor y = Tensor::empty(layout.rows(), out, DType::f64);
  const hyper::PipelineState state = run(y);
  hyper::PipelineGradients gradients;
  gradients.x = random_tensor(layout.cols(), in, DType::f64, 6);
  gradients.edge = random_tensor(layout.edges(), 1, DType::f64, 7);
  if (p.weight != nullptr) gradients.weight = random_tensor(in, out, DType::f64, 8);
  if (p.bias != nullptr) gradients.bias = random_tensor(1, out, DType::f64, 8);
  if (p.attention != nullptr) gradients.attention = random_tensor(1, out, DType::f64, 8);
  hyper::pipeline_backward(layout, p, f.scale(), example.x, y, state, dy, gradients);
  test::check_gradient(example.x, gradients.x, loss);
  test::check_gradient(f.edge, gradients.edge, loss);
  if (p.weight != nullptr) test::check_gradient(example.weight, gradients.weight, loss);
  if (p.bias != nullptr) test::check_gradient(example.bias, gradients.bias, loss);
  if (p.attention != nullptr) test::check_gradient(example.attention, gradients.attention, loss);
}

}  // namespace

TEST_CASE("every pair of steps equals its definition", "[pipeline]") {
  for (const auto& [name, hypergraph] : odd_hypergraphs()) {
    INFO(name);
    for (const Tiles& tiles : kTwoTilings) {
      const Layout layout(hypergraph, {}, tiles);
      test::on_each_level([&] {
        for_steps([&](Reduce to_edges, Reduce to_vertices, bool transform) {
          for (const bool factors : {false, true}) check_forward(layout, to_edges, to_vertices, transform, factors);
        });
      });
    }
  }
}

TEST_CASE("every pair of steps over prefixes", "[pipeline]") {
  const Hypergraph h = random_hypergraph(40, 30, 4, 5, true);
  for (const hyper::Extent& extent :
       {hyper::Extent{15, 30, 40}, {40, 30, 15}, {30, 12, 20}, {0, 30, 40}, {40, 0, 40}}) {
    for (const Tiles& tiles : kTwoTilings) {
      const Layout layout(h, extent, tiles);
      for_steps([&](Reduce to_edges, Reduce to_vertices, bool transform) {
        check_forward(layout, to_edges, to_vertices, transform, true);
      });
    }
  }
}

TEST_CASE("gradients of every pair of steps are those of finite differences", "[pipeline]") {
  const test::NamedHypergraph all[] = {
      {"odd", test::make_hypergraph(
                  12, {{0}, {}, {1, 2, 4}, {1, 2, 4}, {4}, {0, 1, 2, 4, 5, 6, 8, 9, 10}, {5, 6}, {6, 8}, {8, 9, 10}})},
      {"random", random_hypergraph(17, 12, 3, 6)}};
  for (const auto& [name, hypergraph] : all) {
    for (const Tiles& tiles : kTwoTilings) {
      const Layout layout(hypergraph, {}, tiles);
      INFO(name << ", " << layout.stats().tiles << " tiles");
      for_steps([&](Reduce to_edges, Reduce to_vertices, bool transform) {
        check_backward(layout, to_edges, to_vertices, transform);
      });
    }
  }
  const Layout cut(random_hypergraph(20, 15, 4, 7), {12, 11, 17}, kTwoTilings[1]);
  for_steps([&](Reduce to_edges, Reduce to_vertices, bool transform) {
    check_backward(cut, to_edges, to_vertices, transform);
  });
}

TEST_CASE("pipelines do not depend on threads", "[pipeline]") {
  const Layout layout(random_hypergraph(2000, 1500, 6, 8, true), {}, {64, 400, Tiles::Order::grown, {}});
  const Reduce steps[][2] = {{Reduce::sum, Reduce::softmax}, {Reduce::max, Reduce::max}, {Reduce::mean, Reduce::sum}};
  for (const auto& [to_edges, to_vertices] : steps) {
    const Example example(layout, to_edges, to_vertices, true, 16, 24);
    const Tensor dy = random_tensor(layout.rows(), 24, DType::f64, 5);
    const auto compute = [&](const char* which) {
      return [&, which] {
        const Tensor y = Tensor::empty(layout.rows(), 24, DType::f64);
        const auto state = hyper::run_pipeline(layout, example.pipeline, {}, example.x, y);
        hyper::PipelineGradients g{
            Tensor::empty(layout.cols(), 16, DType::f64), {}, Tensor::empty(16, 24, DType::f64), {}, {}};
        hyper::pipeline_backward(layout, example.pipeline, {}, example.x, y, state, dy, g);
        return *which == 'y' ? y : *which == 'x' ? g.x : g.weight;
      };
    };
    for (const char* which : {"y", "x", "weight"}) test::check_any_threads(compute(which));
  }
}

TEST_CASE("steps that do not fit are refused", "[pipeline]") {
  const Layout layout(random_hypergraph(20, 10, 3, 1));
  const Tensor x = Tensor::zeros(20, 6), y = Tensor::zeros(20, 6), wide = Tensor::zeros(1, 7),
               weight = Tensor::zeros(5, 6);
  Pipeline p;
  p.to_edges = Reduce::softmax;
  CHECK_THROWS_WITH(hyper::run_pipeline(layout, p, {}, x, y), test::contains("towards vertices only"));
  p = {};
  p.to_vertices = Reduce::softmax;
  CHECK_THROWS_WITH(hyper::run_pipeline(layout, p, {}, x, y), test::contains("softmax needs `attention`"));
  p.attention = &wide;
  CHECK_THROWS_AS(hyper::run_pipeline(layout, p, {}, x, y), InputError);
  const Tensor a = Tensor::zeros(1, 6);
  p.attention = &a;
  p.heads = 4;
  CHECK_THROWS_WITH(hyper::run_pipeline(layout, p, {}, x, y), test::contains("4 heads do not divide the width 6"));
  p = {};
  p.weight = &weight;
  CHECK_THROWS_AS(hyper::run_pipeline(layout, p, {}, x, y), InputError);
  p = {};
  p.relu = true;
  hyper::PipelineGradients gradients;
  gradients.bias = wide;
  CHECK_THROWS_WITH(hyper::pipeline_backward(layout, p, {}, x, y, {}, y, gradients),
                    test::contains("a gradient of bias, but there is none"));
}
