#pragma once
// Runs a GatherSum over all rows, in parallel.

#include "src/ops/spmm_kernels.hpp"

namespace galena::ops {

/// Rows 0 .. rows - 1.
template <class T>
void gather_sum(GatherSum<T> g, std::int64_t rows);

}  // namespace galena::ops
