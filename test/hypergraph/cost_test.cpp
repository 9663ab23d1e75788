#include "src/hypergraph/cost.hpp"

#include "src/hypergraph/fused.hpp"
#include "src/hypergraph/layout_storage.hpp"
#include "src/ops/tensor_memory.hpp"
#include "test/hypergraph/aggregate_reference.hpp"

using namespace galena;
using galena::test::random_hypergraph;
using hyper::Layout;
using hyper::Method;

TEST_CASE("the choice of a way says why, and automatic takes it", "[aggregate]") {
  const Layout few(random_hypergraph(20'000, 200, 400, 1)), many(random_hypergraph(200, 300, 4, 2));
  for (const Layout* layout : {&few, &many}) {
    const hyper::Choice choice = hyper::choose(*layout, 64, DType::f32);
    CHECK((choice.method == Method::fused) == (choice.fused_seconds <= choice.two_pass_seconds));
    CHECK_THAT(hyper::explain(choice, *layout),
               test::contains(choice.method == Method::fused ? "fused: " : "two passes: "));
    CHECK_THAT(hyper::explain(choice, *layout), test::contains(" of hyperedges' rows "));
    const Tensor x = test::random_tensor<float>(layout->cols(), 64, 1);
    const Tensor y = Tensor::empty(layout->rows(), 64), chosen = Tensor::empty(layout->rows(), 64);
    hyper::aggregate(*layout, {}, x, y);
    hyper::aggregate(*layout, {}, x, chosen, choice.method);
    CHECK(test::same_bytes(y, chosen));
  }
}

TEST_CASE("the choice does not depend on threads", "[aggregate]") {
  const Layout layout(random_hypergraph(3000, 2500, 6, 4, true));
  const auto choose = [&](int threads) {
    const test::Threads running(threads);
    return hyper::choose(layout, 64, DType::f32).fused_seconds;
  };
  CHECK(choose(1) == choose(3));
}

TEST_CASE("the fused aggregate holds tiles, not the rows of all hyperedges", "[aggregate]") {
  const std::int64_t edges = 60'000, width = 64;
  const Layout layout(random_hypergraph(30'000, edges, 3, 5));
  REQUIRE(layout.stats().tiles > 1);
  const test::Threads threads(2);
  const Tensor x = test::random_tensor<float>(layout.cols(), width, 1), y = Tensor::zeros(layout.rows(), width);
  const Tensor dx = Tensor::zeros(layout.cols(), width), d_edge = Tensor::zeros(edges, 1);
  const auto peak = [&](Method method) {
    ops::release_tensor_memory();
    const std::uint64_t before = ops::tensor_memory_use().live;
    hyper::aggregate(layout, {}, x, y, method);
    hyper::aggregate_backward(layout, {}, x, y, dx, d_edge, method);
    return ops::tensor_memory_use().peak - before;
  };
  const auto matrix = static_cast<std::uint64_t>(edges * width) * sizeof(float);
  const std::uint64_t tiles = hyper::fused_bytes(layout.storage().program, width, DType::f32, true, 2);
  CHECK(peak(Method::two_pass) >= matrix);
  CHECK(tiles < matrix / 8);
  CHECK(peak(Method::fused) <= tiles + tiles / 4);
}
