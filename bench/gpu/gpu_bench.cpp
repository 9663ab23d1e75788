// What a GPU takes: sums over neighbours, their adjoints by edge and sums through hyperedges against cuSPARSE's, dense
// products, epochs of training. Prints one JSON object.
// Times are medians, in microseconds, of batches that are queued together and waited for once.
//
//   bench_gpu [--quick]

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "bench/gpu/cusparse.hpp"
#include "bench/gpu/hypergraph.hpp"
#include "bench/gpu/measure.hpp"
#include "bench/hypergraph/generate.hpp"
#include "galena/error.hpp"
#include "galena/generate.hpp"
#include "galena/train.hpp"
#include "src/device/cuda_device.hpp"
#include "src/ops/device_csr.hpp"
#include "src/ops/device_ops.hpp"
#include "src/ops/gemm.hpp"
#include "src/ops/spmm.hpp"

namespace {

using namespace galena;
using bench::microseconds;
using Json = nlohmann::json;

ops::CsrArrays arrays_of(const Graph& graph) {
  ops::CsrArrays csr;
  csr.rows = csr.cols = static_cast<std::int64_t>(graph.num_vertices());
  csr.indptr.assign(graph.indptr().begin(), graph.indptr().end());
  csr.indices.assign(graph.indices().begin(), graph.indices().end());
  csr.on_device = ops::to_device(csr.view());
  return csr;
}

Json spmm_against_cusparse(const std::string& name, const Graph& graph, double& log_sum, int& count) {
  const ops::CsrArrays csr = arrays_of(graph);
  Json rows = Json::array();
  for (const std::int64_t width : {32, 64, 128, 256}) {
    const OnDevice there(Device::cuda);
    const Tensor x = Tensor::full(csr.cols, width, 1), y = Tensor::empty(csr.rows, width);
    const Tensor half = x.to(DType::bf16);
    Json row{{"graph", name}, {"width", width}, {"nonzeros", csr.indices.size()}};
    const double own = microseconds([&] { ops::spmm(csr.view(), {}, x, y); });
    row["galena"] = own;
    row["galena_bf16"] = microseconds([&] { ops::device_ops().spmm(csr.view(), {}, half, y, false); });
    try {
      bench::CuSparseSpmm bar(csr.view(), x, y);
      const double other = microseconds([&] { bar.run(); });
      row["cusparse_preprocessed"] = other;
      log_sum += std::log(other / own);
      ++count;
    } catch (const Error& e) {
      row["cusparse_preprocessed"] = e.what();
    }
    rows.push_back(row);
  }
  return rows;
}

Json sddmm_against_cusparse(const std::string& name, const Graph& graph) {
  const ops::CsrArrays csr = arrays_of(graph);
  Json rows = Json::array();
  for (const std::int64_t width : {32, 64, 128, 256}) {
    const OnDevice there(Device::cuda);
    const Tensor a = Tensor::full(csr.rows, width, 1), b = Tensor::full(csr.cols, width, 1),
                 e = Tensor::empty(static_cast<std::int64_t>(csr.indices.size()), 1);
    Json row{{"graph", name}, {"width", width}, {"nonzeros", csr.indices.size()}};
    row["galena"] = microseconds([&] { ops::sddmm(csr.view(), a, b, 1, e); });
    try {
      bench::CuSparseSddmm bar(csr.view(), a, b, e);
      row["cusparse_preprocessed"] = microseconds([&] { bar.run(); });
    } catch (const Error& error) {
      row["cusparse_preprocessed"] = error.what();
    }
    rows.push_back(row);
  }
  return rows;
}

Json products() {
  Json rows = Json::array();
  for (const std::int64_t n : {2708, 200'000}) {
    const OnDevice there(Device::cuda);
    const Tensor a = Tensor::full(n, 256, 0.5), w = Tensor::full(256, 128, 0.5), c = Tensor::empty(n, 128),
                 d = Tensor::empty(256, 128), bias = Tensor::zeros(1, 128);
    rows.push_back({{"rows", n},
                    {"inner", 256},
                    {"columns", 128},
                    {"product_and_bias", microseconds([&] { ops::matmul_bias(a, w, bias, c); })},
                    {"weight_gradient", microseconds([&] { ops::matmul_tn(a, c, d); })}});
  }
  return rows;
}

NodeDataset random_set(const std::string& name, std::uint64_t vertices, std::uint64_t features) {
  NodeDataset set;
  set.name = name;
  set.data.features.rows = vertices;
  set.data.features.cols = features;
  set.data.features.dense.resize(vertices * features);
  for (std::size_t k = 0; k < set.data.features.dense.size(); ++k)
    set.data.features.dense[k] = static_cast<float>(k * 2654435761U % 1024) / 512.0F - 1;
  set.data.num_classes = 16;
  for (VertexId v = 0; v < vertices; ++v) {
    set.data.labels.push_back(static_cast<std::int32_t>(v % 16));
    (v % 10 < 6 ? set.data.train : v % 10 < 8 ? set.data.valid : set.data.test).push_back(v);
  }
  return set;
}

NodeDataset random_graph(const std::string& name, std::uint64_t vertices, std::uint64_t edges) {
  NodeDataset set = random_set(name, vertices, 128);
  set.graph = generate_er(vertices, edges, 1);
  return set;
}

NodeDataset random_hypergraph(const std::string& name, std::uint64_t vertices, std::uint64_t hyperedges, double mean) {
  NodeDataset set = random_set(name, vertices, 128);
  set.hypergraph = bench::generate(bench::Sizes::power_law, vertices, hyperedges, mean, 1);
  return set;
}

Json epochs(const NodeDataset& set, std::int64_t hidden) {
  Json rows = Json::array();
  const std::vector<std::string> graph_models{"gcn", "sage", "gat"}, hypergraph_models{"hgnn", "unigcn"};
  for (const std::string& model : set.hypergraph ? hypergraph_models : graph_models) {
    TrainOptions options;
    options.model.name = model;
    options.model.hidden = hidden;
    options.model.heads = 1;
    options.epochs = 60;
    options.eval_every = 1000;
    options.device = Device::cuda;
    Json row{{"dataset", set.name}, {"model", model}, {"hidden", hidden}, {"layers", options.model.layers}};
    try {
      const TrainResult result = train_network(set, options);
      row["epoch_median"] = 1e6 * result.epoch_median;
      row["loss"] = result.records.back().loss;
      options.replay = false;
      row["epoch_median_not_replayed"] = 1e6 * train_network(set, options).epoch_median;
    } catch (const Error& e) {
      row["error"] = e.what();
    }
    rows.push_back(row);
  }
  return rows;
}

void add(Json& all, const Json& rows) { all.insert(all.end(), rows.begin(), rows.end()); }

int run(bool quick) {
  const auto names = device::cuda_device_names();
  if (names.empty()) {
    fmt::print(stderr, "bench_gpu: {}\n", device::why_no_cuda());
    return 77;
  }
  double log_sum = 0;
  int count = 0;
  Json report{{"device", names.front()},
              {"unit", "microseconds"},
              {"spmm", Json::array()},
              {"sddmm", Json::array()},
              {"epochs", Json::array()}};
  add(report["spmm"], spmm_against_cusparse("rmat 16", generate_rmat(16, 16, 1), log_sum, count));
  add(report["spmm"], spmm_against_cusparse("er 200k", generate_er(200'000, 2'000'000, 1), log_sum, count));
  add(report["spmm"], spmm_against_cusparse("er 500k, degree 4", generate_er(500'000, 1'000'000, 1), log_sum, count));
  add(report["spmm"], spmm_against_cusparse("er 20k, degree 400", generate_er(20'000, 4'000'000, 1), log_sum, count));
  add(report["sddmm"], sddmm_against_cusparse("rmat 16", generate_rmat(16, 16, 1)));
  add(report["sddmm"], sddmm_against_cusparse("er 200k", generate_er(200'000, 2'000'000, 1)));
  if (!quick) {
    add(report["spmm"], spmm_against_cusparse("rmat 19", generate_rmat(19, 16, 1), log_sum, count));
    add(report["spmm"], spmm_against_cusparse("ba 500k", generate_ba(500'000, 10, 1), log_sum, count));
  }
  if (count > 0) report["spmm_speedup_geometric_mean"] = std::exp(log_sum / count);
  report["hypergraph"] = bench::hypergraph_aggregates(quick);
  report["products"] = products();
  add(report["epochs"], epochs(random_graph("er 2708", 2708, 5278), 16));
  add(report["epochs"], epochs(random_graph("er 200k", 200'000, 2'000'000), quick ? 64 : 256));
  add(report["epochs"], epochs(random_hypergraph("like cora", 2708, 1579, 3), 32));
  add(report["epochs"], epochs(random_hypergraph("like dblp", 41302, 22363, 4.5), 64));
  fmt::print("{}\n", report.dump(1));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc > 1 && std::strcmp(argv[1], "--quick") == 0);
  } catch (const std::exception& e) {
    fmt::print(stderr, "bench_gpu: {}\n", e.what());
    return 1;
  }
}
