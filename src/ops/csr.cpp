// Counting sort in three passes: each thread counts the columns of its rows; a scan over (column, thread) turns the
// counts into places; each thread writes its entries. Threads have contiguous rows, so rows are increasing within
// a column whatever their number.

#include "src/ops/csr.hpp"

#include <algorithm>

#include "src/base/memory.hpp"
#include "src/ops/parallel.hpp"
#include "src/ops/transpose.hpp"

namespace galena::ops {
namespace {

/// Rows where a thread's share begins: equal shares of the nonzeros.
std::vector<std::int64_t> shares(const Csr& csr, int threads) {
  std::vector<std::int64_t> bounds(static_cast<std::size_t>(threads) + 1, csr.rows);
  bounds[0] = 0;
  for (int t = 1; t < threads; ++t) {
    const EdgeOffset want =
        csr.indptr[0] + csr.nonzeros() * static_cast<EdgeOffset>(t) / static_cast<EdgeOffset>(threads);
    bounds[static_cast<std::size_t>(t)] = std::lower_bound(csr.indptr, csr.indptr + csr.rows, want) - csr.indptr;
  }
  return bounds;
}

}  // namespace

void transpose_into(const Csr& csr, std::vector<EdgeOffset>& indptr, std::vector<VertexId>& indices,
                    std::vector<EdgeOffset>* position) {
  const auto cols = static_cast<std::size_t>(csr.cols);
  // Every thread has counters for all columns, so there are no more of them than make up for that.
  const int threads = base::threads_for(csr.nonzeros(), std::max<EdgeOffset>(kElementGrain, 2 * cols), 0);
  const std::vector<std::int64_t> bounds = shares(csr, threads);
  base::Array<EdgeOffset> places(cols * static_cast<std::size_t>(threads), "the counters of a transpose");
  indptr.assign(cols + 1, 0);
  indices.resize(csr.nonzeros());
  if (position != nullptr) position->resize(csr.nonzeros());

#pragma omp parallel for num_threads(threads) schedule(static, 1) if (threads > 1)
  for (int t = 0; t < threads; ++t) {
    EdgeOffset* const count = places.data() + static_cast<std::size_t>(t) * cols;
    std::fill_n(count, cols, EdgeOffset{0});
    const EdgeOffset end = csr.rows > 0 ? csr.indptr[bounds[static_cast<std::size_t>(t) + 1]] : 0;
    for (EdgeOffset k = csr.rows > 0 ? csr.indptr[bounds[static_cast<std::size_t>(t)]] : 0; k < end; ++k) {
      ++count[csr.indices[k]];
    }
  }
  EdgeOffset next = 0;
  for (std::size_t c = 0; c < cols; ++c) {
    indptr[c] = next;
    for (std::size_t t = 0; t < static_cast<std::size_t>(threads); ++t) {
      const EdgeOffset count = places[t * cols + c];
      places[t * cols + c] = next;
      next += count;
    }
  }
  indptr[cols] = next;
#pragma omp parallel for num_threads(threads) schedule(static, 1) if (threads > 1)
  for (int t = 0; t < threads; ++t) {
    EdgeOffset* const place = places.data() + static_cast<std::size_t>(t) * cols;
    for (std::int64_t i = bounds[static_cast<std::size_t>(t)]; i < bounds[static_cast<std::size_t>(t) + 1]; ++i) {
      for (EdgeOffset k = csr.indptr[i]; k < csr.indptr[i + 1]; ++k) {
        const EdgeOffset at = place[csr.indices[k]]++;
        indices[at] = static_cast<VertexId>(i);
        if (position != nullptr) (*position)[at] = k;
      }
    }
  }
}

CsrArrays transpose(const Csr& csr) {
  CsrArrays result;
  result.rows = csr.cols;
  result.cols = csr.rows;
  transpose_into(csr, result.indptr, result.indices, nullptr);
  return result;
}

}  // namespace galena::ops
