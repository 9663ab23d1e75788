#pragma once
// Loops over the rows of a CSR matrix, in pieces of about as many nonzeros each.

#include <algorithm>

#include "src/ops/csr.hpp"
#include "src/ops/parallel.hpp"

namespace galena::ops {

/// f(begin, end) for row ranges of about `grain` elements of work, a nonzero being `cost` and a row one nonzero more.
/// Rows do not depend on each other, so it does not matter which thread has which.
template <class F>
void parallel_row_ranges(const Csr& csr, std::int64_t rows, std::int64_t cost, const F& f) {
  if (rows == 0) return;
  const EdgeOffset first = csr.indptr[0];
  const auto work_before = [&](std::int64_t i) { return static_cast<std::int64_t>(csr.indptr[i] - first) + i; };
  const std::int64_t work = work_before(rows);
  const int threads = base::threads_for(static_cast<std::uint64_t>(work * cost), kElementGrain, 0);
  if (threads == 1) return f(std::int64_t{0}, rows);
  const std::int64_t pieces = std::min<std::int64_t>(64 * threads, work * cost / kElementGrain);
  const auto bound = [&](std::int64_t piece) {  // the first row with this much work before it
    std::int64_t low = 0, high = rows;
    while (low < high) {
      const std::int64_t middle = low + (high - low) / 2;
      if (work_before(middle) < work / pieces * piece) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  };
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
  for (std::int64_t piece = 0; piece < pieces; ++piece) {
    const std::int64_t begin = bound(piece), end = piece + 1 == pieces ? rows : bound(piece + 1);
    if (begin < end) f(begin, end);
  }
}

/// f(row) for each row.
template <class F>
void parallel_rows(const Csr& csr, std::int64_t rows, std::int64_t cost, const F& f) {
  parallel_row_ranges(csr, rows, cost, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) f(i);
  });
}

/// The nonzeros of row i whose column is below `limit`: [first, last).
struct RowSpan {
  EdgeOffset first, last;
};
inline RowSpan row_span(const Csr& csr, std::int64_t i, std::int64_t limit) {
  const EdgeOffset first = csr.indptr[i];
  EdgeOffset last = csr.indptr[i + 1];
  if (limit < csr.cols) {
    last = static_cast<EdgeOffset>(std::lower_bound(csr.indices + first, csr.indices + last, limit) - csr.indices);
  }
  return {first, last};
}

}  // namespace galena::ops
