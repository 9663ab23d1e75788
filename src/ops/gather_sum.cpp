// Rows are shared out by their nonzeros. A hub's row would keep one thread busy while others wait, so its
// nonzeros are summed in chunks of a fixed size, and the chunks' sums are added in order.

#include "src/ops/gather_sum.hpp"

#include <algorithm>
#include <vector>

#include "src/base/memory.hpp"
#include "src/ops/csr_rows.hpp"
#include "src/ops/far.hpp"

namespace galena::ops {
namespace {

/// Rows of more nonzeros are hubs, and are cut into chunks of so many.
constexpr EdgeOffset kHub = 16384, kHubChunk = 8192;

void run(const GatherSum<float>& g, std::int64_t begin, std::int64_t end) { spmm_kernels().sum_f32(g, begin, end); }
void run(const GatherSum<double>& g, std::int64_t begin, std::int64_t end) { spmm_kernels().sum_f64(g, begin, end); }

struct HubChunk {
  EdgeOffset bounds[2];  ///< a row's indptr
};
struct Hub {
  std::int64_t row;
  std::size_t first, last;  ///< chunks
};
struct Hubs {
  std::vector<Hub> rows;
  std::vector<HubChunk> chunks;
};

Hubs find_hubs(const Csr& csr) {
  Hubs hubs;
  if (csr.nonzeros() <= kHub) return hubs;
  for (std::int64_t i = 0; i < csr.rows; ++i) {
    const EdgeOffset end = csr.indptr[i + 1];
    if (end - csr.indptr[i] <= kHub) continue;
    const std::size_t first = hubs.chunks.size();
    for (EdgeOffset k = csr.indptr[i]; k < end; k += kHubChunk)
      hubs.chunks.push_back({{k, std::min(k + kHubChunk, end)}});
    hubs.rows.push_back({i, first, hubs.chunks.size()});
  }
  return hubs;
}

/// Adds a hub's partial sums, then does what the kernel does at a row's end: as a sum over the chunks.
template <class T>
void finish_hub(const GatherSum<T>& g, const Hub& hub, const T* partial) {
  T* const y = g.y + hub.row * g.width;
  for (std::int64_t c = 0; c < g.width; ++c) {
    T sum{};
    for (std::size_t chunk = hub.first; chunk < hub.last; ++chunk) {
      sum += partial[static_cast<std::int64_t>(chunk) * g.width + c];
    }
    if (g.left != nullptr) sum *= g.left[hub.row];
    if (g.diagonal != nullptr && hub.row < g.limit) sum += g.diagonal[hub.row] * g.x[hub.row * g.width + c];
    y[c] = g.accumulate ? y[c] + sum : sum;
  }
}

template <class T>
void sum_hubs(const GatherSum<T>& g, const Hubs& hubs) {
  const auto count = static_cast<std::int64_t>(hubs.chunks.size());
  base::Array<T> partial(static_cast<std::uint64_t>(count * g.width), "sums of hubs");
  const int threads = base::threads_for(static_cast<std::uint64_t>(count), 1, 0);
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1) if (threads > 1)
  for (std::int64_t chunk = 0; chunk < count; ++chunk) {
    GatherSum<T> part = g;
    part.indptr = hubs.chunks[static_cast<std::size_t>(chunk)].bounds;
    part.y = partial.data() + chunk * g.width;
    part.left = part.diagonal = nullptr;
    part.accumulate = false;
    run(part, 0, 1);
  }
  for (const Hub& hub : hubs.rows) finish_hub(g, hub, partial.data());
}

}  // namespace

template <class T>
void gather_sum(GatherSum<T> g, std::int64_t rows) {
  if (rows == 0 || g.width == 0) return;
  const Csr csr{rows, g.limit, g.indptr, g.indices};
  const Hubs hubs = find_hubs(csr);
  if (!hubs.rows.empty()) sum_hubs(g, hubs);
  g.longest = kHub;
  const std::int64_t row_bytes = g.width * static_cast<std::int64_t>(sizeof(T));
  g.far = g.limit * row_bytes >= kFarBytes;
  g.stream = !g.accumulate && streams(g.y, rows, row_bytes);
  parallel_row_ranges(csr, rows, g.width, [&](std::int64_t begin, std::int64_t end) { run(g, begin, end); });
}

template void gather_sum(GatherSum<float>, std::int64_t);
template void gather_sum(GatherSum<double>, std::int64_t);

}  // namespace galena::ops
