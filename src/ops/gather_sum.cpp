#include "src/ops/gather_sum.hpp"

#include <algorithm>

#include "src/ops/parallel.hpp"

namespace galena::ops {
namespace {

void run(const GatherSum<float>& g, std::int64_t begin, std::int64_t end) { spmm_kernels().sum_f32(g, begin, end); }
void run(const GatherSum<double>& g, std::int64_t begin, std::int64_t end) { spmm_kernels().sum_f64(g, begin, end); }

}  // namespace

template <class T>
void gather_sum(const GatherSum<T>& g, std::int64_t rows) {
  if (rows == 0 || g.width == 0) return;
  const auto nonzeros = static_cast<std::int64_t>(g.indptr[rows] - g.indptr[0]);
  parallel_ranges(rows, g.width * (1 + nonzeros / rows),
                  [&](std::int64_t begin, std::int64_t end) { run(g, begin, end); });
}

template void gather_sum(const GatherSum<float>&, std::int64_t);
template void gather_sum(const GatherSum<double>&, std::int64_t);

}  // namespace galena::ops
