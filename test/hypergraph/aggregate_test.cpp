#include "src/hypergraph/aggregate.hpp"

#include "galena/error.hpp"
#include "src/hypergraph/layout_storage.hpp"
#include "test/hypergraph/aggregate_reference.hpp"

using namespace galena;
using galena::test::check_sums;
using galena::test::Factors;
using galena::test::odd_hypergraphs;
using galena::test::random_hypergraph;
using galena::test::random_tensor;
using galena::test::Sums;
using hyper::Layout;
using hyper::Method;

namespace {

constexpr Method kMethods[] = {Method::two_pass, Method::fused};

using Tiles = hyper::TileOptions;

/// One tile, tiles of few rows in each order, and sums shared within them; one tile in two ranges of vertices.
const Tiles kTilings[] = {{},
                          {3, 8, Tiles::Order::given, Tiles::Sums::apart},
                          {4, 12, Tiles::Order::grown, Tiles::Sums::apart},
                          {9, 40, Tiles::Order::grown, Tiles::Sums::shared},
                          {0, 0, Tiles::Order::given, Tiles::Sums::apart},
                          {0, 0, Tiles::Order::given, Tiles::Sums::apart, 2},
                          {0, 0, Tiles::Order::automatic, Tiles::Sums::automatic, 2}};

template <class T>
void check_aggregate(const Layout& layout, std::int64_t width, bool factors, Method method) {
  const Tensor x = random_tensor<T>(layout.cols(), width, 1), dy = random_tensor<T>(layout.rows(), width, 2);
  const Tensor y = random_tensor<T>(layout.rows(), width, 3), dx = random_tensor<T>(layout.cols(), width, 4);
  const Tensor d_edge = random_tensor<T>(layout.edges(), 1, 5);
  const Factors<T> f(layout, factors);
  const hyper::Scale s = f.scale();
  const std::int64_t terms = test::most_terms(layout);
  INFO("width " << width << ", factors " << factors << ", " << (method == Method::fused ? "fused" : "two passes"));

  const Sums edges = test::reference_edges(layout, s.right, x);
  hyper::aggregate(layout, s, x, y, method);
  check_sums<T>(y, test::reference_vertices(layout, s.left, s.edge, edges, layout.rows()), terms);

  const Sums edge_gradients = test::reference_edges(layout, s.left, dy);
  Sums want(layout.edges(), 1);
  for (std::int64_t e = 0; e < layout.edges(); ++e) {
    for (std::int64_t c = 0; c < width; ++c) {
      const auto at = static_cast<std::size_t>(e * width + c);
      want.value[static_cast<std::size_t>(e)] += edges.value[at] * edge_gradients.value[at];
      want.magnitude[static_cast<std::size_t>(e)] += edges.magnitude[at] * edge_gradients.magnitude[at];
    }
  }
  const Sums want_dx = test::reference_vertices(layout, s.right, s.edge, edge_gradients, layout.cols());
  hyper::aggregate_backward(layout, s, x, dy, dx, d_edge, method);
  check_sums<T>(dx, want_dx, terms);
  check_sums<T>(d_edge, want, 2 * terms + width);

  const Tensor alone = random_tensor<T>(layout.cols(), width, 6), only_edge = random_tensor<T>(layout.edges(), 1, 7);
  hyper::aggregate_backward(layout, s, {}, dy, alone, {}, method);
  check_sums<T>(alone, want_dx, terms);
  hyper::aggregate_backward(layout, s, x, dy, {}, only_edge, method);
  check_sums<T>(only_edge, want, 2 * terms + width);
}

}  // namespace

TEMPLATE_TEST_CASE("the aggregate and its gradients equal their definition", "[aggregate]", float, double) {
  for (const auto& [name, hypergraph] : odd_hypergraphs()) {
    INFO(name);
    for (const Tiles& tiles : kTilings) {
      const Layout layout(hypergraph, {}, tiles);
      INFO(layout.stats().tiles << " tiles");
      test::on_each_level([&] {
        for (const std::int64_t width : {0, 1, 3, 8, 17, 33, 64, 100, 257}) {
          for (const bool factors : {false, true}) {
            for (const Method method : kMethods) check_aggregate<TestType>(layout, width, factors, method);
          }
        }
      });
    }
  }
}

TEMPLATE_TEST_CASE("the aggregate over prefixes of vertices and hyperedges", "[aggregate]", float, double) {
  const Hypergraph h = random_hypergraph(60, 50, 5, 3, true);
  const hyper::Extent extents[] = {{60, 50, 60}, {20, 50, 60}, {60, 50, 20}, {60, 10, 60}, {25, 30, 40},
                                   {40, 30, 25}, {0, 50, 60},  {60, 0, 60},  {60, 50, 0},  {1, 1, 1}};
  for (const hyper::Extent& extent : extents) {
    for (const Tiles& tiles : kTilings) {
      const Layout layout(h, extent, tiles);
      INFO(extent.rows << " rows, " << extent.edges << " hyperedges, " << extent.cols << " columns");
      for (const Method method : kMethods) check_aggregate<TestType>(layout, 40, true, method);
    }
  }
}

TEST_CASE("the backward pass is the adjoint: left and right factors change places", "[aggregate]") {
  for (const hyper::Extent& extent : {hyper::Extent{}, {40, 30, 25}, {20, 45, 60}}) {
    for (const Tiles& tiles : kTilings) {
      const Layout layout(random_hypergraph(60, 50, 5, 3, true), extent, tiles);
      const Factors<double> f(layout, true);  // left and right differ
      const Tensor x = random_tensor<double>(layout.cols(), 20, 1), v = random_tensor<double>(layout.rows(), 20, 2);
      const Tensor y = Tensor::empty(layout.rows(), 20, DType::f64), dx = Tensor::empty(layout.cols(), 20, DType::f64);
      for (const Method method : kMethods) {
        hyper::aggregate(layout, f.scale(), x, y, method);
        hyper::aggregate_backward(layout, f.scale(), {}, v, dx, {}, method);
        CHECK(test::dot(v, y) == Approx(test::dot(dx, x)).epsilon(1e-12));
      }
    }
  }
}

TEST_CASE("gradients of the aggregate are those of finite differences", "[aggregate]") {
  for (const auto& [name, hypergraph] : odd_hypergraphs()) {
    INFO(name);
    for (const Tiles& tiles : kTilings) {
      const Layout layout(hypergraph, {}, tiles);
      const Factors<double> f(layout, true);
      const Tensor x = random_tensor<double>(layout.cols(), 3, 1), dy = random_tensor<double>(layout.rows(), 3, 2);
      const auto loss = [&] {
        const Tensor y = Tensor::empty(layout.rows(), 3, DType::f64);
        hyper::aggregate(layout, f.scale(), x, y, Method::fused);
        return test::dot(dy, y);
      };
      const Tensor dx = Tensor::empty(layout.cols(), 3, DType::f64), de = Tensor::empty(layout.edges(), 1, DType::f64);
      hyper::aggregate_backward(layout, f.scale(), x, dy, dx, de, Method::fused);
      test::check_gradient(x, dx, loss);
      test::check_gradient(f.edge, de, loss);
    }
  }
}

TEMPLATE_TEST_CASE("the aggregate does not depend on threads", "[aggregate]", float, double) {
  const Hypergraph h = random_hypergraph(3000, 2500, 6, 4, true);
  for (const Tiles& tiles : {Tiles{}, Tiles{64, 500, Tiles::Order::grown, Tiles::Sums::shared},
                             Tiles{0, 0, Tiles::Order::given, Tiles::Sums::apart, 2}}) {
    const Layout layout(h, {}, tiles);
    test::on_each_level([&] {
      const Factors<TestType> f(layout, true);
      for (const std::int64_t width : {40, 64, 200}) {
        const Tensor x = random_tensor<TestType>(3000, width, 1), dy = random_tensor<TestType>(3000, width, 2);
        test::check_any_threads([&] {
          const Tensor y = random_tensor<TestType>(3000, width, 3);
          hyper::aggregate(layout, f.scale(), x, y, Method::fused);
          return y;
        });
        test::check_any_threads([&] {
          const Tensor dx = random_tensor<TestType>(3000, width, 3), de = random_tensor<TestType>(2500, 1, 4);
          hyper::aggregate_backward(layout, f.scale(), x, dy, dx, de, Method::fused);
          return de;
        });
      }
    });
  }
}

TEST_CASE("threads share a single tile by its vertices where there are many sums a hyperedge", "[aggregate]") {
  CHECK(Layout(random_hypergraph(5000, 40, 300, 6)).stats().ranges == 2);
  CHECK(Layout(random_hypergraph(5000, 200, 4, 6)).stats().ranges == 1);
}

TEST_CASE("ranges of vertices share the sums of the prefix that is asked for", "[aggregate]") {
  const Layout layout(random_hypergraph(4000, 40, 300, 6), {1000, 40, 4000}, {.ranges = 2});
  const hyper::Program& program = layout.storage().program;
  const hyper::RowList& rows = program.output_side().range_inner;
  REQUIRE(rows.parts() == 2);
  const auto first = static_cast<double>(rows.start[1].source), all = static_cast<double>(rows.start[2].source);
  CHECK(first > 0.4 * all);
  CHECK(first < 0.6 * all);
}

TEMPLATE_TEST_CASE("large inputs and results, which go past the caches", "[aggregate]", float, double) {
  const Hypergraph h = random_hypergraph(17'000, 300, 40, 5);
  for (const Tiles& tiles : {Tiles{}, Tiles{64, 6000, Tiles::Order::grown, Tiles::Sums::apart}}) {
    const Layout layout(h, {}, tiles);
    test::on_each_level([&] {
      for (const std::int64_t width : {64, 65}) check_aggregate<TestType>(layout, width, true, Method::fused);
    });
  }
}

TEST_CASE("sums that vertices share are counted", "[aggregate]") {
  // 40 vertices in the same three hyperedges, and a fourth with half of them.
  std::vector<VertexId> all, half;
  for (VertexId v = 0; v < 40; ++v) (v % 2 == 0 ? all : half).push_back(v);
  std::vector<VertexId> every = all;
  every.insert(every.end(), half.begin(), half.end());
  std::ranges::sort(every);
  const Hypergraph h = test::make_hypergraph(40, {every, every, every, half});
  const Layout shared(h), apart(h, {}, {0, 0, Tiles::Order::given, Tiles::Sums::apart});
  CHECK(apart.stats().incidences == 140);
  CHECK(apart.stats().sums == 280);
  CHECK(shared.stats().sums <= 120);
}

TEST_CASE("layouts of extents that do not fit are refused", "[aggregate]") {
  const Hypergraph h = random_hypergraph(20, 10, 3, 1);
  CHECK_THROWS_WITH(Layout(h, {21, -1, -1}), test::contains("21 output vertices of 20"));
  CHECK_THROWS_WITH(Layout(h, {-1, 11, -1}), test::contains("11 hyperedges of 10"));
  CHECK_THROWS_WITH(Layout(h, {-1, -1, -2}), test::contains("-2 input vertices of 20"));
  const Layout layout(h), other(random_hypergraph(21, 10, 3, 1));
  CHECK_THROWS_AS(Layout(layout.by_edge(), other.by_vertex()), InputError);
}

TEST_CASE("aggregates of shapes that do not fit are refused", "[aggregate]") {
  const Layout layout(random_hypergraph(20, 10, 3, 1));
  const Tensor x = Tensor::zeros(20, 4), y = Tensor::zeros(20, 4), edge = Tensor::zeros(9, 1),
               left = Tensor::zeros(20, 2);
  CHECK_THROWS_AS(hyper::aggregate(layout, {}, Tensor::zeros(19, 4), y), InputError);
  CHECK_THROWS_AS(hyper::aggregate(layout, {}, x, Tensor::zeros(20, 5)), InputError);
  CHECK_THROWS_AS(hyper::aggregate(layout, {}, x, Tensor::zeros(20, 4, DType::f64)), InputError);
  CHECK_THROWS_AS(hyper::aggregate(layout, {nullptr, &edge, nullptr}, x, y), InputError);
  CHECK_THROWS_AS(hyper::aggregate(layout, {&left, nullptr, nullptr}, x, y), InputError);
  CHECK_THROWS_AS(hyper::aggregate_backward(layout, {}, {}, y, x, Tensor::zeros(10, 1)), InputError);
  CHECK_THROWS_AS(hyper::aggregate_backward(layout, {}, x, y, x, Tensor::zeros(11, 1)), InputError);
}
