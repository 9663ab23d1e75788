#include "src/hypergraph/aggregate.hpp"

#include "galena/error.hpp"
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

/// One tile, tiles of few rows in each order, and sums shared within them.
const Tiles kTilings[] = {{},
                          {3, 8, Tiles::Order::given, Tiles::Sums::apart},
                          {4, 12, Tiles::Order::grown, Tiles::Sums::apart},
                          {9, 40, Tiles::Order::grown, Tiles::Sums::shared},
                          {0, 0, Tiles::Order::given, Tiles::Sums::apart}};

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
