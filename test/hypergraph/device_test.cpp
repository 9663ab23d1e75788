// The aggregate on a device against the CPU's two passes, on the same inputs.

#include "galena/error.hpp"
#include "src/hypergraph/cost.hpp"
#include "src/hypergraph/pipeline.hpp"
#include "src/ops/device_csr.hpp"
#include "test/hypergraph/aggregate_reference.hpp"
#include "test/support/device_under_test.hpp"

using namespace galena;
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

/// As many tiles as the device wants, and many small ones in each order.
const Tiles kTilings[] = {
    {}, {3, 8, Tiles::Order::given, Tiles::Sums::automatic}, {4, 12, Tiles::Order::grown, Tiles::Sums::automatic}};

/// A hypergraph in both memories.
struct OnBoth {
  Hypergraph hypergraph;
  std::shared_ptr<const ops::DeviceCsr> edges, vertices;
  explicit OnBoth(Hypergraph h) : hypergraph(std::move(h)) {
    edges = ops::to_device(by_edge());
    vertices = ops::to_device(by_vertex());
  }
  [[nodiscard]] ops::Csr by_edge() const {
    return {static_cast<std::int64_t>(hypergraph.num_hyperedges()),
            static_cast<std::int64_t>(hypergraph.num_vertices()), hypergraph.edge_indptr().data(),
            hypergraph.edge_members().data(), edges.get()};
  }
  [[nodiscard]] ops::Csr by_vertex() const {
    return {static_cast<std::int64_t>(hypergraph.num_vertices()),
            static_cast<std::int64_t>(hypergraph.num_hyperedges()), hypergraph.vertex_indptr().data(),
            hypergraph.vertex_edges().data(), vertices.get()};
  }
  [[nodiscard]] Layout layout(const hyper::Extent& extent = {}, const Tiles& tiles = {}) const {
    return Layout(by_edge(), by_vertex(), extent, tiles);
  }
};

Tensor there(const Tensor& x) { return x.to(Device::cuda); }
Tensor here(const Tensor& x) { return x.to(Device::cpu); }

/// Factors on the device.
struct DeviceScale {
  Tensor left, edge, right;
  bool present;
  template <class T>
  DeviceScale(const Factors<T>& f, bool given)
      : left(there(f.left)), edge(there(f.edge)), right(there(f.right)), present(given) {}
  [[nodiscard]] hyper::Scale scale() const { return present ? hyper::Scale{&left, &edge, &right} : hyper::Scale{}; }
};

/// By the definition, in long double (aggregate_reference.hpp).
template <class T>
void check_aggregate(const Layout& layout, std::int64_t width, bool factors, Method method) {
  const Tensor x = random_tensor<T>(layout.cols(), width, 1), dy = random_tensor<T>(layout.rows(), width, 2);
  const Factors<T> f(layout, factors);
  const hyper::Scale s = f.scale();
  const DeviceScale device(f, factors);
  const std::int64_t terms = test::most_terms(layout);
  INFO("width " << width << ", factors " << factors << ", " << (method == Method::fused ? "fused" : "two passes"));
  const OnDevice scope(Device::cuda);
  const Tensor x_there = there(x), dy_there = there(dy);
  const auto empty = [](std::int64_t rows, std::int64_t cols) { return Tensor::empty(rows, cols, kDType<T>); };

  const Sums edges = test::reference_edges(layout, s.right, x);
  const Tensor y = empty(layout.rows(), width);
  hyper::aggregate(layout, device.scale(), x_there, y, method);
  check_sums<T>(here(y), test::reference_vertices(layout, s.left, s.edge, edges, layout.rows()), terms);

  const Sums edge_gradients = test::reference_edges(layout, s.left, dy);
  Sums want(layout.edges(), 1);
  for (std::int64_t e = 0; e < layout.edges(); ++e)
    for (std::int64_t c = 0; c < width; ++c) {
      const auto at = static_cast<std::size_t>(e * width + c);
      want.value[static_cast<std::size_t>(e)] += edges.value[at] * edge_gradients.value[at];
      want.magnitude[static_cast<std::size_t>(e)] += edges.magnitude[at] * edge_gradients.magnitude[at];
    }
  const Sums want_dx = test::reference_vertices(layout, s.right, s.edge, edge_gradients, layout.cols());
  const Tensor dx = empty(layout.cols(), width), d_edge = empty(layout.edges(), 1);
  hyper::aggregate_backward(layout, device.scale(), x_there, dy_there, dx, d_edge, method);
  check_sums<T>(here(dx), want_dx, terms);
  check_sums<T>(here(d_edge), want, 2 * terms + width);

  const Tensor alone = empty(layout.cols(), width), only_edge = empty(layout.edges(), 1);
  hyper::aggregate_backward(layout, device.scale(), {}, dy_there, alone, {}, method);
  check_sums<T>(here(alone), want_dx, terms);
  hyper::aggregate_backward(layout, device.scale(), x_there, dy_there, {}, only_edge, method);
  check_sums<T>(here(only_edge), want, 2 * terms + width);
}

}  // namespace

TEMPLATE_TEST_CASE("device: the aggregate and its gradients equal their definition", "[device]", float, double) {
  GALENA_NEEDS_DEVICE();
  for (const auto& [name, hypergraph] : odd_hypergraphs()) {
    INFO(name);
    const OnBoth both(hypergraph);
    for (const Tiles& tiles : kTilings) {
      const Layout layout = both.layout({}, tiles);
      for (const std::int64_t width : {0, 1, 3, 8, 17, 34, 64, 100, 256})
        for (const bool factors : {false, true})
          for (const Method method : kMethods) check_aggregate<TestType>(layout, width, factors, method);
    }
  }
}

TEMPLATE_TEST_CASE("device: hyperedges of every bin", "[device]", float, double) {
  GALENA_NEEDS_DEVICE();
  // Short ones, long ones of some hundred vertices, and one of all but a few: more than a tile holds.
  std::vector<std::vector<VertexId>> lists(130);
  for (std::size_t e = 0; e < lists.size(); ++e)
    for (VertexId v = static_cast<VertexId>(e); v < 2600; v += e == 7 ? 1 : e % 10 == 3 ? 11 : 700)
      lists[e].push_back(v);
  const OnBoth both(test::make_hypergraph(2700, lists));
  const Layout layout = both.layout({}, {50, 1500, Tiles::Order::grown, Tiles::Sums::automatic});
  CHECK(layout.stats().tiles > 2);
  for (const std::int64_t width : {5, 64}) check_aggregate<TestType>(layout, width, true, Method::fused);
  check_aggregate<TestType>(both.layout({1000, 100, 2700}), 12, true, Method::fused);
  check_aggregate<TestType>(both.layout({2700, 130, 900}), 12, true, Method::fused);
}

TEMPLATE_TEST_CASE("device: the aggregate over prefixes of vertices and hyperedges", "[device]", float, double) {
  GALENA_NEEDS_DEVICE();
  const OnBoth both(random_hypergraph(60, 50, 5, 3, true));
  const hyper::Extent extents[] = {{60, 50, 60}, {20, 50, 60}, {60, 50, 20}, {60, 10, 60}, {25, 30, 40},
                                   {40, 30, 25}, {0, 50, 60},  {60, 0, 60},  {60, 50, 0},  {1, 1, 1}};
  for (const hyper::Extent& extent : extents)
    for (const Tiles& tiles : kTilings) {
      INFO(extent.rows << " rows, " << extent.edges << " hyperedges, " << extent.cols << " columns");
      for (const Method method : kMethods) check_aggregate<TestType>(both.layout(extent, tiles), 40, true, method);
    }
}

TEST_CASE("device: means are the CPU's, with their gradients", "[device]") {
  GALENA_NEEDS_DEVICE();
  const OnBoth both(random_hypergraph(60, 50, 5, 3, true));
  for (const hyper::Extent& extent : {hyper::Extent{}, {40, 30, 25}}) {
    const Layout layout = both.layout(extent), host(both.hypergraph, extent);
    const Factors<double> f(host, true);
    const DeviceScale device(f, true);
    hyper::Pipeline means;
    means.to_edges = means.to_vertices = hyper::Reduce::mean;
    const Tensor x = random_tensor<double>(layout.cols(), 20, 1), dy = random_tensor<double>(layout.rows(), 20, 2);
    const Tensor y = random_tensor<double>(layout.rows(), 20, 3), dx = random_tensor<double>(layout.cols(), 20, 4),
                 de = random_tensor<double>(layout.edges(), 1, 5);
    auto state = hyper::run_pipeline(host, means, f.scale(), x, y);
    hyper::pipeline_backward(host, means, f.scale(), x, y, state, dy, {dx, de, {}, {}, {}});
    const OnDevice scope(Device::cuda);
    const Tensor got_y = there(y).clone(), got_dx = there(dx).clone(), got_de = there(de).clone();
    for (const Tensor& t : {got_y, got_dx, got_de}) t.fill(7);
    state = hyper::run_pipeline(layout, means, device.scale(), there(x), got_y);
    hyper::pipeline_backward(layout, means, device.scale(), there(x), got_y, state, there(dy),
                             {got_dx, got_de, {}, {}, {}});
    CHECK(test::largest_difference(here(got_y), y) < 1e-13);
    CHECK(test::largest_difference(here(got_dx), dx) < 1e-13);
    CHECK(test::largest_difference(here(got_de), de) < 1e-12);
  }
}

TEST_CASE("device: lanes, tiles and giants in the other order give the same bits", "[device]") {
  std::string why;
  if (test::device_under_test(why) == nullptr) GALENA_SKIP(why);
  const Hypergraph h = random_hypergraph(3000, 400, 6, 4, true);
  std::vector<Tensor> results;
  for (const bool backwards : {false, true, true}) {
    const auto device = test::device_under_test(why, backwards);
    const OnBoth both(h);
    const Layout layout = both.layout({}, {40, 300, Tiles::Order::grown, Tiles::Sums::automatic});
    const Tensor x = there(random_tensor<float>(3000, 40, 1)), dy = there(random_tensor<float>(3000, 40, 2));
    const OnDevice scope(Device::cuda);
    const Tensor dx = Tensor::empty(3000, 40), de = Tensor::empty(400, 1);
    hyper::aggregate_backward(layout, {}, x, dy, dx, de, Method::fused);
    results.push_back(here(dx));
    results.push_back(here(de));
  }
  for (std::size_t k = 2; k < results.size(); ++k) CHECK(test::largest_difference(results[k], results[k % 2]) == 0);
}

TEST_CASE("device: the choice says what it weighed", "[device]") {
  GALENA_NEEDS_DEVICE();
  // Few large hyperedges: their rows are small, and two passes over them cheap.
  const OnBoth few(random_hypergraph(3000, 20, 500, 1));
  const Layout layout = few.layout();
  const hyper::Choice choice = hyper::choose(layout, 64, DType::f32);
  CHECK(choice.method == Method::two_pass);
  CHECK_THAT(hyper::explain(choice, layout), test::contains("two passes: ") && test::contains("on the GPU"));
  CHECK(choice.two_pass_bytes == 20 * 64 * 4);
  // Many hyperedges that neighbours share: their rows overflow the cache, and tiles hardly meet.
  std::vector<std::vector<VertexId>> lists(40'000);
  for (VertexId e = 0; e < lists.size(); ++e)
    for (VertexId k = 0; k < 6; ++k) lists[e].push_back(e / 16 + k);
  const OnBoth many(test::make_hypergraph(2600, lists));
  const Layout tiled = many.layout();
  CHECK(hyper::choose(tiled, 256, DType::f32).method == Method::fused);
  CHECK_THAT(hyper::explain(hyper::choose(tiled, 256, DType::f32), tiled), test::contains("fused: "));
}

TEST_CASE("device: a layout and tensors in different memories are refused", "[device]") {
  GALENA_NEEDS_DEVICE();
  const OnBoth both(random_hypergraph(20, 10, 3, 1));
  const Layout layout = both.layout(), host(both.hypergraph);
  const Tensor x = Tensor::zeros(20, 4), y = Tensor::zeros(20, 4);
  CHECK_THROWS_WITH(hyper::aggregate(layout, {}, x, y), test::contains("the layout in a GPU's"));
  CHECK_THROWS_WITH(hyper::aggregate(host, {}, there(x), there(y)), test::contains("the layout in the CPU's"));
}
