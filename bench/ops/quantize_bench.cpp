// Coding rows, decoding them, summing coded rows over neighbours, and dropout, beside a copy of the same f32 matrix.
//
// bytes_per_second counts what must move: the f32 elements and the coded bytes, read or written once (spmm: a row for
// each edge). "memcpy" is the machine's bound for it; every level of GALENA_ISA can be asked for.

#include <benchmark/benchmark.h>

#include <cstring>
#include <numeric>
#include <vector>

#include "src/base/random.hpp"
#include "src/ops/pointwise.hpp"
#include "src/ops/quantize.hpp"
#include "src/ops/random_lanes.hpp"
#include "src/ops/spmm.hpp"

namespace {

using namespace galena;
using namespace galena::ops;

constexpr std::int64_t kRows = 200000, kCols = 256;
constexpr RandomKey kKey{42, 1, 7};

const Tensor& features() {
  static const Tensor x = [] {
    Tensor t = Tensor::empty(kRows, kCols);
    base::RandomStream random(1, 1);
    for (float& v : t.span<float>()) v = static_cast<float>(static_cast<double>(random.next32()) * 0x1p-32);
    return t;
  }();
  return x;
}

const std::vector<VertexId>& numbers() {
  static const std::vector<VertexId> ids = [] {
    std::vector<VertexId> n(kRows);
    std::iota(n.begin(), n.end(), VertexId{0});
    return n;
  }();
  return ids;
}

std::vector<std::uint8_t> widths(std::int64_t bits) {
  return std::vector<std::uint8_t>(kRows, static_cast<std::uint8_t>(bits));
}

/// Twenty random neighbours a row, so that rows are mostly out of the second cache.
const CsrArrays& graph() {
  static const CsrArrays csr = [] {
    CsrArrays c{kRows / 4, kRows, {0}, {}};
    base::RandomStream random(2, 2);
    for (std::int64_t i = 0; i < c.rows; ++i) {
      for (std::int64_t k = 0; k < 20; ++k) {
        const auto stratum = static_cast<std::uint64_t>(kRows / 20);
        c.indices.push_back(static_cast<VertexId>(static_cast<std::uint64_t>(k) * stratum + random.below(stratum)));
      }
      c.indptr.push_back(c.indices.size());
    }
    return c;
  }();
  return csr;
}

void set_rates(benchmark::State& state, std::uint64_t bytes, std::uint64_t elements) {
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes) * state.iterations());
  state.counters["ns/element"] =
      benchmark::Counter(static_cast<double>(elements) * static_cast<double>(state.iterations()) * 1e-9,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void copy(benchmark::State& state) {
  const Tensor& x = features();
  const Tensor y = Tensor::zeros(kRows, kCols);
  for (auto _ : state) axpby(1, x, 0, y);
  set_rates(state, 2 * x.bytes(), kRows * kCols);
}

void memcpy_one_thread(benchmark::State& state) {
  const Tensor& x = features();
  const Tensor y = Tensor::zeros(kRows, kCols);
  for (auto _ : state) {
    std::memcpy(y.raw(), x.raw(), x.bytes());
    benchmark::ClobberMemory();
  }
  set_rates(state, 2 * x.bytes(), kRows * kCols);
}

PackedRows packed_features(std::int64_t bits) {
  PackedRows packed = layout_rows(kCols, widths(bits));
  pack_rows(features(), numbers(), numbers(), kKey, packed);
  return packed;
}

void pack(benchmark::State& state) {
  PackedRows packed = packed_features(state.range(0));  // its pages are there
  for (auto _ : state) pack_rows(features(), numbers(), numbers(), kKey, packed);
  set_rates(state, features().bytes() + packed.offset.back(), kRows * kCols);
}

void unpack(benchmark::State& state) {
  const PackedRows packed = packed_features(state.range(0));
  const Tensor y = Tensor::zeros(kRows, kCols);
  for (auto _ : state) unpack_rows(packed, y);
  set_rates(state, y.bytes() + packed.offset.back(), kRows * kCols);
}

void sum_packed(benchmark::State& state) {
  const PackedRows packed = packed_features(state.range(0));
  const Tensor y = Tensor::zeros(graph().rows, kCols);
  for (auto _ : state) spmm_packed(graph().view(), nullptr, nullptr, packed, y);
  const std::uint64_t edges = graph().indices.size();
  set_rates(state, edges * packed_bytes(kCols, static_cast<int>(state.range(0))), edges * kCols);
}

/// What spmm_packed stands for: decode, then sum.
void unpack_then_sum(benchmark::State& state) {
  const PackedRows packed = packed_features(state.range(0));
  const Tensor x = Tensor::zeros(kRows, kCols), y = Tensor::zeros(graph().rows, kCols);
  for (auto _ : state) {
    unpack_rows(packed, x);
    spmm(graph().view(), {}, x, y, true);
  }
  const std::uint64_t edges = graph().indices.size();
  set_rates(state, edges * packed_bytes(kCols, static_cast<int>(state.range(0))), edges * kCols);
}

void sum_f32(benchmark::State& state) {
  const Tensor y = Tensor::zeros(graph().rows, kCols);
  for (auto _ : state) spmm(graph().view(), {}, features(), y, true);
  const std::uint64_t edges = graph().indices.size();
  set_rates(state, edges * kCols * sizeof(float), edges * kCols);
}

void dropout_dense(benchmark::State& state) {
  const std::int64_t cols = state.range(0);
  const Tensor x = features().reshape(kRows * kCols / cols, cols), y = Tensor::zeros(x.rows(), cols);
  for (auto _ : state) dropout(x, 0.5, kKey, nullptr, y);
  set_rates(state, 2 * x.bytes(), kRows * kCols);
}

void draws_only(benchmark::State& state) {
  std::vector<std::uint32_t> ids(512, 7), blocks(512);
  std::iota(blocks.begin(), blocks.end(), 0U);
  std::vector<std::uint16_t> out(512 * kLanes);
  for (auto _ : state) {
    random_lanes(kKey, ids.data(), blocks.data(), 512, out.data());
    benchmark::ClobberMemory();
  }
  set_rates(state, out.size() * 2, out.size());
}

BENCHMARK(memcpy_one_thread)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(copy)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(draws_only)->UseRealTime();
BENCHMARK(dropout_dense)->Arg(16)->Arg(64)->Arg(256)->Unit(benchmark::kMillisecond)->UseRealTime();
#define GALENA_WIDTHS Arg(1)->Arg(2)->Arg(4)->Arg(8)->Arg(16)->Arg(32)->Unit(benchmark::kMillisecond)->UseRealTime()
BENCHMARK(pack)->GALENA_WIDTHS;
BENCHMARK(unpack)->GALENA_WIDTHS;
BENCHMARK(sum_f32)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(sum_packed)->GALENA_WIDTHS;
BENCHMARK(unpack_then_sum)->Arg(4)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
