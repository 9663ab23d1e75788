#include "bench/ops/inputs.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <numeric>
#include <utility>
#include <vector>

#include "galena/dataset.hpp"
#include "galena/graph.hpp"
#include "src/base/random.hpp"

namespace galena::bench {
namespace {

ops::CsrArrays arrays_of(const Graph& graph) {
  ops::CsrArrays csr;
  csr.rows = csr.cols = graph.num_vertices();
  csr.indptr.assign(graph.indptr().begin(), graph.indptr().end());
  csr.indices.assign(graph.indices().begin(), graph.indices().end());
  return csr;
}

/// Bytes a second of a loop that adds up 512 MB, the best of five.
double reading_rate() {
  static const double rate = [] {
    const Tensor memory = filled(std::int64_t{1} << 20, 128);
    const float* const x = memory.data<float>();
    double best = 0;
    for (int repeat = 0; repeat < 5; ++repeat) {
      const auto start = std::chrono::steady_clock::now();
      float sum = 0;
#pragma omp parallel for simd reduction(+ : sum)
      for (std::int64_t i = 0; i < memory.size(); ++i) sum += x[i];
      benchmark::DoNotOptimize(sum);
      const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
      best = std::max(best, static_cast<double>(memory.bytes()) / seconds.count());
    }
    return best;
  }();
  return rate;
}

}  // namespace

const ops::CsrArrays& random_graph(std::int64_t vertices, std::int64_t edges) {
  static std::map<std::pair<std::int64_t, std::int64_t>, ops::CsrArrays> made;
  ops::CsrArrays& csr = made[{vertices, edges}];
  if (csr.rows > 0) return csr;
  base::RandomStream random(1, 1);
  std::vector<double> weights(static_cast<std::size_t>(vertices));
  for (double& weight : weights) weight = std::pow(1 - random.uniform(), -0.4);
  std::partial_sum(weights.begin(), weights.end(), weights.begin());
  const auto draw = [&] {
    const double at = random.uniform() * weights.back();
    return static_cast<std::uint64_t>(std::upper_bound(weights.begin(), weights.end() - 1, at) - weights.begin());
  };
  EdgeList list;
  for (std::int64_t e = 0; e < edges; ++e) {
    list.source.push_back(draw());
    list.target.push_back(draw());
  }
  csr = arrays_of(build_graph(std::move(list), {.num_vertices = static_cast<std::uint64_t>(vertices)}));
  return csr;
}

const ops::CsrArrays* data_graph(const std::string& name) {
  static std::map<std::string, ops::CsrArrays> read;
  const char* const folder = std::getenv("GALENA_DATA_DIR");
  if (folder == nullptr || !std::filesystem::exists(std::filesystem::path(folder) / name)) return nullptr;
  ops::CsrArrays& csr = read[name];
  if (csr.rows == 0) csr = arrays_of(resolve_graph((std::filesystem::path(folder) / name).string()));
  return &csr;
}

Tensor filled(std::int64_t rows, std::int64_t cols) {
  const Tensor x = Tensor::empty(rows, cols);
  float* const data = x.data<float>();
#pragma omp parallel for
  for (std::int64_t i = 0; i < x.size(); ++i) data[i] = static_cast<float>(i % 13) * 0.1F - 0.6F;
  return x;
}

void report_bytes(benchmark::State& state, double bytes) {
  using benchmark::Counter;
  state.counters["bytes/s"] = Counter(bytes, Counter::kIsIterationInvariantRate, Counter::OneK::kIs1000);
  state.counters["of_reading"] = Counter(bytes / reading_rate(), Counter::kIsIterationInvariantRate);
}

void report_flops(benchmark::State& state, double flops) {
  using benchmark::Counter;
  state.counters["flop/s"] = Counter(flops, Counter::kIsIterationInvariantRate, Counter::OneK::kIs1000);
}

}  // namespace galena::bench
