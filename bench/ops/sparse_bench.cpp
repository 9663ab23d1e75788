// SpMM: bytes are 4 a nonzero and those of the row it gathers, as if nothing came from a cache. Products with bags of
// words: as sparse as the features of cora, coauthor-physics and deezer-europe.

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "bench/ops/inputs.hpp"
#include "src/base/random.hpp"
#include "src/ops/gemm.hpp"
#include "src/ops/spmm.hpp"

namespace {

using namespace galena;
using bench::filled;

void spmm(benchmark::State& state, const ops::CsrArrays* csr, bool scaled) {
  if (csr == nullptr) return state.SkipWithError("set GALENA_DATA_DIR to the folder of the data sets");
  const std::int64_t d = state.range(0);
  const Tensor x = filled(csr->cols, d), y = filled(csr->rows, d), factor = Tensor::full(csr->rows, 1, 0.5);
  const Tensor* const f = scaled ? &factor : nullptr;
  for (auto _ : state) ops::spmm(csr->view(), {f, f, f}, x, y);
  bench::report_bytes(state, static_cast<double>(csr->indices.size()) * static_cast<double>(4 + 4 * d));
}

void spmm_dense_graph(benchmark::State& state) { spmm(state, &bench::random_graph(200'000, 10'000'000), false); }
void spmm_dense_graph_scaled(benchmark::State& state) { spmm(state, &bench::random_graph(200'000, 10'000'000), true); }
void spmm_epinions(benchmark::State& state) { spmm(state, bench::data_graph("soc-epinions1"), true); }
BENCHMARK(spmm_dense_graph)
    ->Arg(16)
    ->Arg(40)
    ->Arg(64)
    ->Arg(128)
    ->Arg(256)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(spmm_dense_graph_scaled)->Arg(40)->Arg(128)->Arg(256)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(spmm_epinions)->Arg(16)->Arg(40)->Arg(64)->Arg(128)->Arg(256)->Unit(benchmark::kMillisecond)->UseRealTime();

/// rows x cols with about `nonzeros`, columns by Zipf's law.
SparseMatrix bag_of_words(std::int64_t rows, std::int64_t cols, std::int64_t nonzeros) {
  base::RandomStream random(3, 1);
  std::vector<EdgeOffset> indptr{0};
  std::vector<std::uint32_t> indices;
  for (std::int64_t i = 0; i < rows; ++i) {
    std::vector<std::uint32_t> row;
    for (std::int64_t k = nonzeros * i / rows; k < nonzeros * (i + 1) / rows; ++k) {
      const double u = random.uniform();
      row.push_back(static_cast<std::uint32_t>(std::pow(static_cast<double>(cols), u)) - 1);
    }
    std::sort(row.begin(), row.end());
    row.erase(std::unique(row.begin(), row.end()), row.end());
    indices.insert(indices.end(), row.begin(), row.end());
    indptr.push_back(indices.size());
  }
  const auto count = static_cast<std::int64_t>(indices.size());
  return SparseMatrix::from_csr(rows, cols, std::move(indptr), std::move(indices), filled(count, 1));
}

/// Arguments: rows, columns, nonzeros, width.
void words(benchmark::State& state, bool transposed) {
  const SparseMatrix s = bag_of_words(state.range(0), state.range(1), state.range(2));
  const std::int64_t m = state.range(3);
  const Tensor in = filled(transposed ? s.rows() : s.cols(), m), out = filled(transposed ? s.cols() : s.rows(), m);
  for (auto _ : state) {
    transposed ? ops::sparse_matmul_tn(s, in, out) : ops::sparse_matmul(s, in, out);
  }
  bench::report_flops(state, 2.0 * static_cast<double>(s.nonzeros()) * static_cast<double>(m));
}

void words_times_weights(benchmark::State& state) { words(state, false); }
void words_transposed_times_gradient(benchmark::State& state) { words(state, true); }
void sets(benchmark::internal::Benchmark* b) {
  b->Args({2708, 1433, 60'000, 16})->Args({2708, 1433, 60'000, 64});
  b->Args({34493, 8415, 1'500'000, 64})->Args({34493, 8415, 1'500'000, 256})->Args({28281, 31241, 1'200'000, 64});
  b->Unit(benchmark::kMicrosecond)->UseRealTime();
}
BENCHMARK(words_times_weights)->Apply(sets);
BENCHMARK(words_transposed_times_gradient)->Apply(sets);

}  // namespace
