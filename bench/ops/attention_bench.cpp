// Attention over 20,000 vertices of 15 neighbours and themselves. Arguments: heads, width, percent dropped.

#include <numeric>
#include <vector>

#include "bench/ops/inputs.hpp"
#include "src/ops/attention.hpp"

namespace {

using namespace galena;
using bench::filled;
using ops::AttentionKind;

constexpr std::int64_t kVertices = 20'000, kEdges = 150'000;

void attention(benchmark::State& state, AttentionKind kind, bool backward) {
  const ops::CsrArrays& csr = bench::random_graph(kVertices, kEdges);  // undirected: its own transpose
  const auto heads = static_cast<int>(state.range(0));
  const std::int64_t width = state.range(1), d = heads * width, terms = kind == AttentionKind::gat ? heads : d;
  std::vector<VertexId> ids(kVertices);
  std::iota(ids.begin(), ids.end(), VertexId{0});
  const Tensor target = filled(kVertices, terms), source = filled(kVertices, terms), a = filled(1, d);
  const Tensor value = kind == AttentionKind::gat ? filled(kVertices, d) : source, dy = filled(kVertices, d);
  const Tensor d_target = filled(kVertices, terms), d_a = filled(1, d), d_source = source.clone(),
               d_value = value.clone();
  const double dropout = static_cast<double>(state.range(2)) / 100;
  const ops::AttentionBlock block{csr.view(), source, value, {}, true, dropout, {7, 0, 0}, ids.data(), ids.data()};
  const auto forward = [&] {
    ops::AttentionState result = ops::attention_begin(kVertices, heads, width, DType::f32);
    ops::attention_accumulate(kind, block, target, a, 0.2, result);
    ops::attention_finish(result);
    return result;
  };
  const ops::AttentionState result = forward();
  for (auto _ : state) {
    if (backward) {
      ops::attention_backward(kind, block, csr.view(), target, a, 0.2, result, dy, d_target, d_a, d_source, d_value);
    } else {
      benchmark::DoNotOptimize(forward().y.raw());
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(csr.indices.size() + kVertices));
}

void gat_forward(benchmark::State& state) { attention(state, AttentionKind::gat, false); }
void gat_backward(benchmark::State& state) { attention(state, AttentionKind::gat, true); }
void gat_v2_forward(benchmark::State& state) { attention(state, AttentionKind::gat_v2, false); }
void gat_v2_backward(benchmark::State& state) { attention(state, AttentionKind::gat_v2, true); }
void sizes(benchmark::internal::Benchmark* b) {
  b->Args({8, 8, 0})->Args({8, 8, 60})->Args({1, 7, 60})->Args({8, 16, 0})->Args({1, 64, 0})->Args({4, 32, 0});
  b->Unit(benchmark::kMicrosecond)->UseRealTime();
}
BENCHMARK(gat_forward)->Apply(sizes);
BENCHMARK(gat_backward)->Apply(sizes);
BENCHMARK(gat_v2_forward)->Apply(sizes);
BENCHMARK(gat_v2_backward)->Apply(sizes);

}  // namespace
