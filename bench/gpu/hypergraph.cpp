// Hypergraphs have the sizes of known datasets and random members (bench/hypergraph/generate.hpp).

#include "bench/gpu/hypergraph.hpp"

#include "bench/gpu/cusparse.hpp"
#include "bench/gpu/measure.hpp"
#include "bench/hypergraph/generate.hpp"
#include "galena/error.hpp"
#include "src/hypergraph/cost.hpp"
#include "src/ops/device_csr.hpp"

namespace galena::bench {
namespace {

struct Shape {
  const char* name;
  Sizes sizes;
  std::uint64_t vertices, hyperedges;
  double mean;
};
constexpr Shape kShapes[] = {
    {"cora", Sizes::uniform, 2708, 1579, 3},          {"20news", Sizes::uniform, 16242, 100, 655},
    {"mushroom", Sizes::uniform, 8124, 298, 136},     {"dblp", Sizes::power_law, 41302, 22363, 4.5},
    {"walmart", Sizes::power_law, 88860, 69906, 6.6}, {"yelp", Sizes::power_law, 50758, 679302, 6.7},
    {"giants", Sizes::giants, 200'000, 50'000, 8}};

/// A matrix in both memories.
ops::CsrArrays arrays_of(std::int64_t rows, std::int64_t cols, std::span<const EdgeOffset> indptr,
                         std::span<const VertexId> indices) {
  ops::CsrArrays csr{rows, cols, {indptr.begin(), indptr.end()}, {indices.begin(), indices.end()}};
  csr.on_device = ops::to_device(csr.view());
  return csr;
}

/// There and back, forward and backward: four products.
double cusparse_time(const ops::Csr& by_edge, const ops::Csr& by_vertex, const Tensor& x, const Tensor& y,
                     SpmmAlgorithm algorithm) {
  const Tensor edges = Tensor::empty(by_edge.rows, x.cols());
  CuSparseSpmm there(by_edge, x, edges, algorithm), back(by_vertex, edges, y, algorithm),
      there_again(by_edge, y, edges, algorithm), back_again(by_vertex, edges, x, algorithm);
  return microseconds([&] {
    for (CuSparseSpmm* product : {&there, &back, &there_again, &back_again}) product->run();
  });
}

Json row_of(const hyper::Layout& layout, const ops::Csr& by_edge, const ops::Csr& by_vertex, std::int64_t width) {
  const OnDevice there(Device::cuda);
  const Tensor x = Tensor::full(by_vertex.rows, width, 1), y = Tensor::empty(by_vertex.rows, width),
               dx = Tensor::empty(by_vertex.rows, width);
  const auto time = [&](hyper::Method method) {
    return microseconds([&] {
      hyper::aggregate(layout, {}, x, y, method);
      hyper::aggregate_backward(layout, {}, {}, y, dx, {}, method);
    });
  };
  const double fused = time(hyper::Method::fused), two_passes = time(hyper::Method::two_pass);
  const hyper::Choice choice = hyper::choose(layout, width, DType::f32);
  const bool takes_fused = choice.method == hyper::Method::fused;
  Json row{{"fused", fused},
           {"two_passes", two_passes},
           {"chosen", takes_fused ? "fused" : "two_passes"},
           {"fused_expected", 1e6 * choice.fused_seconds},
           {"two_passes_expected", 1e6 * choice.two_pass_seconds}};
  const auto best = best_of_cusparse(
      row, [&](SpmmAlgorithm algorithm) { return cusparse_time(by_edge, by_vertex, x, y, algorithm); });
  if (best) {
    row["speedup_of_fused"] = *best / fused;
    row["speedup_of_chosen"] = *best / (takes_fused ? fused : two_passes);
  }
  return row;
}

void aggregates(Report& report, const Shape& shape) {
  const Hypergraph h = generate(shape.sizes, shape.vertices, shape.hyperedges, shape.mean, 1);
  const auto n = static_cast<std::int64_t>(h.num_vertices()), m = static_cast<std::int64_t>(h.num_hyperedges());
  const ops::CsrArrays by_edge = arrays_of(m, n, h.edge_indptr(), h.edge_members());
  const ops::CsrArrays by_vertex = arrays_of(n, m, h.vertex_indptr(), h.vertex_edges());
  const hyper::Layout layout(by_edge.view(), by_vertex.view());
  for (const std::int64_t width : {32, 64, 128}) {
    Json row{{"like", shape.name},
             {"width", width},
             {"hyperedges", m},
             {"incidences", h.num_incidences()},
             {"tiles", layout.stats().tiles}};
    row.update(row_of(layout, by_edge.view(), by_vertex.view(), width));
    report.row("hypergraph", row);
  }
}

}  // namespace

void hypergraph_aggregates(Report& report, Scale scale) {
  for (const Shape& shape : kShapes) {
    if (scale == Scale::quick && shape.hyperedges > 100'000) continue;
    if (scale == Scale::tiny && shape.vertices > 3000) continue;
    report.guarded("hypergraph", {{"like", shape.name}}, [&] { aggregates(report, shape); });
  }
}

}  // namespace galena::bench
