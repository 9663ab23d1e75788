// What a GPU takes: sums over neighbours, their adjoints by edge and sums through hyperedges against cuSPARSE's, dense
// products, epochs of training. Prints a line of JSON a row, the most telling first (report.hpp).
// Times are medians, in microseconds, of batches that are queued together and waited for once.
//
//   bench_gpu [--quick | --tiny]     --tiny: only to see that all of it runs
//   bench_gpu --devices              tries the first device and prints one line: what there is

#include <fmt/format.h>

#include <span>
#include <string>
#include <vector>

#include "bench/gpu/cusparse.hpp"
#include "bench/gpu/hypergraph.hpp"
#include "bench/gpu/measure.hpp"
#include "bench/gpu/report.hpp"
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
using bench::Json;
using bench::microseconds;
using bench::Report;
using bench::Scale;

struct NamedGraph {
  const char* name;
  Graph (*make)();
};
constexpr NamedGraph kGraphs[] = {
    {"rmat 16", [] { return generate_rmat(16, 16, 1); }},
    {"er 200k", [] { return generate_er(200'000, 2'000'000, 1); }},
    {"er 500k, degree 4", [] { return generate_er(500'000, 1'000'000, 1); }},
    {"er 20k, degree 400", [] { return generate_er(20'000, 4'000'000, 1); }},
};
constexpr NamedGraph kLargeGraphs[] = {
    {"rmat 19", [] { return generate_rmat(19, 16, 1); }},
    {"ba 500k", [] { return generate_ba(500'000, 10, 1); }},
};
constexpr NamedGraph kTinyGraphs[] = {{"rmat 6", [] { return generate_rmat(6, 4, 1); }}};

ops::CsrArrays arrays_of(const Graph& graph) {
  ops::CsrArrays csr;
  csr.rows = csr.cols = static_cast<std::int64_t>(graph.num_vertices());
  csr.indptr.assign(graph.indptr().begin(), graph.indptr().end());
  csr.indices.assign(graph.indices().begin(), graph.indices().end());
  csr.on_device = ops::to_device(csr.view());
  return csr;
}

Json row_of(const char* graph, std::int64_t width, const ops::CsrArrays& csr) {
  return {{"graph", graph}, {"width", width}, {"nonzeros", csr.indices.size()}};
}

/// "galena": without weights; "galena_weighted": with a row's, a column's and a vertex's own, as GCN has them.
void spmm_against_cusparse(Report& report, const char* name, const ops::CsrArrays& csr) {
  const OnDevice there(Device::cuda);
  const Tensor factor = Tensor::full(csr.rows, 1, 0.5);
  for (const std::int64_t width : {32, 64, 128, 256}) {
    const Tensor x = Tensor::full(csr.cols, width, 1), y = Tensor::empty(csr.rows, width), half = x.to(DType::bf16);
    Json row = row_of(name, width, csr);
    const double plain = microseconds([&] { ops::spmm(csr.view(), {}, x, y); });
    const double weighted = microseconds([&] { ops::spmm(csr.view(), {&factor, &factor, &factor}, x, y); });
    row["galena"] = plain;
    row["galena_weighted"] = weighted;
    row["galena_bf16"] = microseconds([&] { ops::device_ops().spmm(csr.view(), {}, half, y, false); });
    const auto best = bench::best_of_cusparse(row, [&](bench::SpmmAlgorithm algorithm) {
      bench::CuSparseSpmm bar(csr.view(), x, y, algorithm);
      return microseconds([&] { bar.run(); });
    });
    if (best) {
      row["speedup"] = *best / plain;
      row["speedup_weighted"] = *best / weighted;
    }
    report.row("spmm", row);
  }
}

void sddmm_against_cusparse(Report& report, const char* name, const ops::CsrArrays& csr) {
  const OnDevice there(Device::cuda);
  for (const std::int64_t width : {32, 64, 128, 256}) {
    const Tensor a = Tensor::full(csr.rows, width, 1), b = Tensor::full(csr.cols, width, 1),
                 e = Tensor::empty(static_cast<std::int64_t>(csr.indices.size()), 1);
    Json row = row_of(name, width, csr);
    const double own = microseconds([&] { ops::sddmm(csr.view(), a, b, 1, e); });
    row["galena"] = own;
    try {
      bench::CuSparseSddmm bar(csr.view(), a, b, e);
      const double other = microseconds([&] { bar.run(); });
      row["cusparse"] = other;
      row["speedup"] = other / own;
    } catch (const Error& error) {
      row["cusparse"] = error.what();
    }
    report.row("sddmm", row);
  }
}

/// `measure` over each of these graphs.
void over(Report& report, const char* section, std::span<const NamedGraph> graphs,
          void (*measure)(Report&, const char*, const ops::CsrArrays&)) {
  for (const NamedGraph& graph : graphs)
    report.guarded(section, {{"graph", graph.name}}, [&] { measure(report, graph.name, arrays_of(graph.make())); });
}

void products(Report& report, std::int64_t n) {
  const OnDevice there(Device::cuda);
  const Tensor a = Tensor::full(n, 256, 0.5), w = Tensor::full(256, 128, 0.5), c = Tensor::empty(n, 128),
               d = Tensor::empty(256, 128), bias = Tensor::zeros(1, 128);
  report.row("products", {{"rows", n},
                          {"inner", 256},
                          {"columns", 128},
                          {"product_and_bias", microseconds([&] { ops::matmul_bias(a, w, bias, c); })},
                          {"weight_gradient", microseconds([&] { ops::matmul_tn(a, c, d); })}});
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

/// Whether passes were replayed as CUDA graphs, or why not.
std::string passes_of(const TrainResult& result) {
  for (const std::string& note : result.notes)
    if (note.find("replayed") != std::string::npos) return note;
  return "not replayed";
}

void epochs_of(Report& report, const NodeDataset& set, const std::string& model, std::int64_t hidden, bool replay,
               Precision precision = Precision::f32) {
  TrainOptions options;
  options.model.name = model;
  options.model.hidden = hidden;
  options.model.heads = 1;
  options.epochs = 60;
  options.eval_every = 1000;
  options.device = Device::cuda;
  options.replay = replay;
  options.precision = precision;
  const TrainResult result = train_network(set, options);
  Json row{{"dataset", set.name},
           {"model", model},
           {"hidden", hidden},
           {"layers", options.model.layers},
           {"replay", replay},
           {"epoch_median", 1e6 * result.epoch_median},
           {"loss", result.records.back().loss},
           {"passes", passes_of(result)}};
  if (precision != Precision::f32) row["precision"] = name_of(precision);
  report.row("epochs", row);
}

void epochs(Report& report, const NodeDataset& set, std::int64_t hidden) {
  const std::vector<std::string> graph_models{"gcn", "sage", "gat"}, hypergraph_models{"hgnn", "unigcn"};
  for (const std::string& model : set.hypergraph ? hypergraph_models : graph_models)
    for (const bool replay : {true, false})
      report.guarded("epochs", {{"dataset", set.name}, {"model", model}, {"replay", replay}},
                     [&] { epochs_of(report, set, model, hidden, replay); });
}

/// The same below f32, replayed. bf16 is of sums, which GAT has none of.
void epochs_with_less(Report& report, const NodeDataset& set, std::int64_t hidden) {
  for (const std::string model : {"gcn", "sage", "gat"})
    for (const Precision precision : {Precision::tf32, Precision::bf16}) {
      if (model == "gat" && precision == Precision::bf16) continue;
      report.guarded("epochs", {{"dataset", set.name}, {"model", model}, {"precision", name_of(precision)}},
                     [&] { epochs_of(report, set, model, hidden, true, precision); });
    }
}

void tiny(Report& report) {
  over(report, "spmm", kTinyGraphs, spmm_against_cusparse);
  epochs(report, random_graph("er 100", 100, 300), 16);
  epochs_with_less(report, random_graph("er 100", 100, 300), 16);
  bench::hypergraph_aggregates(report, Scale::tiny);
  over(report, "sddmm", kTinyGraphs, sddmm_against_cusparse);
  report.guarded("products", {{"rows", 100}}, [&] { products(report, 100); });
  epochs(report, random_hypergraph("like 100", 100, 60, 3), 16);
}

void measure(Report& report, Scale scale) {
  if (scale == Scale::tiny) return tiny(report);
  const bool quick = scale == Scale::quick;
  over(report, "spmm", kGraphs, spmm_against_cusparse);
  epochs(report, random_graph("er 2708", 2708, 5278), 16);
  const NodeDataset large = random_graph("er 200k", 200'000, 2'000'000);
  epochs(report, large, quick ? 64 : 256);
  epochs_with_less(report, large, quick ? 64 : 256);
  bench::hypergraph_aggregates(report, scale);
  if (!quick) over(report, "spmm", kLargeGraphs, spmm_against_cusparse);
  over(report, "sddmm", std::span(kGraphs).first(2), sddmm_against_cusparse);
  for (const std::int64_t n : {2708, 200'000}) report.guarded("products", {{"rows", n}}, [&] { products(report, n); });
  epochs(report, random_hypergraph("like cora", 2708, 1579, 3), 32);
  epochs(report, random_hypergraph("like dblp", 41302, 22363, 4.5), 64);
}

/// That nothing can be waited for any more; an error of one call alone is over with it.
bool device_lost() {
  try {
    ops::device_ops().synchronize();
    return false;
  } catch (const Error&) {
    return true;
  }
}

/// A kernel runs, and what it wrote comes back.
void try_device() {
  const OnDevice there(Device::cuda);
  const double got = Tensor::full(1, 1, 2).item(0, 0);
  if (got != 2) throw EnvironmentError(fmt::format("the device was asked to write 2 and wrote {}", got));
}

int run(const std::string& mode) {
  const auto names = device::cuda_device_names();
  if (names.empty()) {
    fmt::print(stderr, "bench_gpu: {}\n", device::why_no_cuda());
    return 77;
  }
  Report report(device_lost);
  try_device();
  report.row("device", {{"names", names}, {"times", "microseconds"}});
  if (mode == "--devices") return 0;
  measure(report, mode == "--tiny" ? Scale::tiny : mode == "--quick" ? Scale::quick : Scale::full);
  report.row("end", {{"complete", true}});
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc > 1 ? argv[1] : "");
  } catch (const std::exception& e) {
    fmt::print(stderr, "bench_gpu: {}\n", e.what());
    return 1;
  }
}
