#pragma once
// What the benchmarks of kernels share: graphs, tensors, and the time of a loop that only reads memory.

#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>

#include "galena/tensor.hpp"
#include "src/ops/csr.hpp"

namespace galena::bench {

/// About so many undirected edges between vertices drawn in proportion to weights of a power law. Made once.
const ops::CsrArrays& random_graph(std::int64_t vertices, std::int64_t edges);
/// The set of that name in $GALENA_DATA_DIR, or null. Read once.
const ops::CsrArrays* data_graph(const std::string& name);

/// Small numbers, not zeros.
Tensor filled(std::int64_t rows, std::int64_t cols);

/// Reports bytes a second, and their ratio to what reading memory in order gives on as many threads.
void report_bytes(benchmark::State& state, double bytes_per_iteration);
/// Reports multiply-adds as two operations each.
void report_flops(benchmark::State& state, double flops_per_iteration);

}  // namespace galena::bench
