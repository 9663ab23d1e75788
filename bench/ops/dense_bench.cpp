// Dense products of the shapes of layers: many rows, few columns. Arguments: rows, inner size, columns.

#include "bench/ops/inputs.hpp"
#include "src/ops/gemm.hpp"

namespace {

using namespace galena;
using bench::filled;

void product(benchmark::State& state, void (*run)(const Tensor&, const Tensor&, const Tensor&, bool), const Tensor& a,
             const Tensor& b, const Tensor& c) {
  for (auto _ : state) run(a, b, c, false);
  bench::report_flops(state,
                      2.0 * static_cast<double>(state.range(0)) * static_cast<double>(state.range(1) * state.range(2)));
}

void matmul(benchmark::State& state) {
  const std::int64_t n = state.range(0), k = state.range(1), m = state.range(2);
  product(state, ops::matmul, filled(n, k), filled(k, m), filled(n, m));
}
void matmul_nt(benchmark::State& state) {
  const std::int64_t n = state.range(0), k = state.range(1), m = state.range(2);
  product(state, ops::matmul_nt, filled(n, k), filled(m, k), filled(n, m));
}
void matmul_tn(benchmark::State& state) {
  const std::int64_t n = state.range(0), k = state.range(1), m = state.range(2);
  product(state, ops::matmul_tn, filled(n, k), filled(n, m), filled(k, m));
}
void shapes(benchmark::internal::Benchmark* b) {
  b->Args({200'000, 128, 256})->Args({200'000, 256, 256})->Args({200'000, 256, 40});
  b->Args({34'493, 64, 5})->Args({2708, 16, 7})->Args({256, 256, 256});
  b->Unit(benchmark::kMicrosecond)->UseRealTime();
}
BENCHMARK(matmul)->Apply(shapes);
BENCHMARK(matmul_nt)->Apply(shapes);
BENCHMARK(matmul_tn)->Apply(shapes);

}  // namespace
