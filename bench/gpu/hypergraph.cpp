// Hypergraphs have the sizes of known datasets and random members (bench/hypergraph/generate.hpp).

#include "bench/gpu/hypergraph.hpp"

#include <cmath>

#include "bench/gpu/cusparse.hpp"
#include "bench/gpu/measure.hpp"
#include "bench/hypergraph/generate.hpp"
#include "galena/error.hpp"
#include "src/hypergraph/cost.hpp"
#include "src/ops/device_csr.hpp"

namespace galena::bench {
namespace {

using Json = nlohmann::json;

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
double cusparse_time(const ops::Csr& by_edge, const ops::Csr& by_vertex, const Tensor& x, const Tensor& y) {
  const Tensor edges = Tensor::empty(by_edge.rows, x.cols());
  CuSparseSpmm there(by_edge, x, edges), back(by_vertex, edges, y), there_again(by_edge, y, edges),
      back_again(by_vertex, edges, x);
  return microseconds([&] {
    for (CuSparseSpmm* product : {&there, &back, &there_again, &back_again}) product->run();
  });
}

}  // namespace

Json hypergraph_aggregates(bool quick) {
  Json rows = Json::array();
  double log_sum = 0;
  int count = 0;
  for (const Shape& shape : kShapes) {
    if (quick && shape.hyperedges > 100'000) continue;
    const Hypergraph h = generate(shape.sizes, shape.vertices, shape.hyperedges, shape.mean, 1);
    const auto n = static_cast<std::int64_t>(h.num_vertices()), m = static_cast<std::int64_t>(h.num_hyperedges());
    const ops::CsrArrays by_edge = arrays_of(m, n, h.edge_indptr(), h.edge_members());
    const ops::CsrArrays by_vertex = arrays_of(n, m, h.vertex_indptr(), h.vertex_edges());
    const hyper::Layout layout(by_edge.view(), by_vertex.view());
    for (const std::int64_t width : {32, 64, 128}) {
      const OnDevice there(Device::cuda);
      const Tensor x = Tensor::full(n, width, 1), y = Tensor::empty(n, width), dx = Tensor::empty(n, width);
      const auto time = [&](hyper::Method method) {
        return microseconds([&] {
          hyper::aggregate(layout, {}, x, y, method);
          hyper::aggregate_backward(layout, {}, {}, y, dx, {}, method);
        });
      };
      const hyper::Choice choice = hyper::choose(layout, width, DType::f32);
      const bool fused = choice.method == hyper::Method::fused;
      Json row{{"like", shape.name},
               {"width", width},
               {"hyperedges", m},
               {"incidences", h.num_incidences()},
               {"tiles", layout.stats().tiles},
               {"fused", time(hyper::Method::fused)},
               {"two_passes", time(hyper::Method::two_pass)},
               {"chosen", fused ? "fused" : "two_passes"},
               {"fused_expected", 1e6 * choice.fused_seconds},
               {"two_passes_expected", 1e6 * choice.two_pass_seconds}};
      try {
        const double bar = cusparse_time(by_edge.view(), by_vertex.view(), x, y);
        row["cusparse_two_passes"] = bar;
        log_sum += std::log(bar / row[fused ? "fused" : "two_passes"].get<double>());
        ++count;
      } catch (const Error& e) {
        row["cusparse_two_passes"] = e.what();
      }
      rows.push_back(row);
    }
  }
  Json all{{"rows", rows}};
  if (count > 0) all["chosen_speedup_geometric_mean"] = std::exp(log_sum / count);
  return all;
}

}  // namespace galena::bench
