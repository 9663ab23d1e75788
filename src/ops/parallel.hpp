#pragma once
// How kernels share their work among threads: blocks that depend on the shapes only, so that every sum is added in
// the same order whatever the number of threads.

#include <algorithm>
#include <cstdint>

#include "src/base/threads.hpp"

namespace galena::ops {

/// A thread is woken for this many elements; a loop over fewer is as fast on one.
inline constexpr std::int64_t kElementGrain = 32768;

/// f(begin, end) on parts of 0..n. For loops whose iterations do not meet: parts depend on the number of threads.
template <class F>
void parallel_ranges(std::int64_t n, std::int64_t cost, const F& f) {
  const std::int64_t work = n * std::max<std::int64_t>(1, cost);
  const int threads = base::threads_for(static_cast<std::uint64_t>(work), kElementGrain, 0);
  if (threads == 1) {
    if (n > 0) f(std::int64_t{0}, n);
    return;
  }
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int part = 0; part < threads; ++part) {
    const std::int64_t begin = n * part / threads, end = n * (part + 1) / threads;
    if (begin < end) f(begin, end);
  }
}

/// How 0..n is cut for a reduction: by n alone.
struct Chunks {
  std::int64_t n = 0, size = 1, count = 0;
  explicit Chunks(std::int64_t n_, std::int64_t least = 256, std::int64_t most = 64)
      : n(n_), size(std::max(least, (n_ + most - 1) / most)), count((n_ + size - 1) / size) {}
};

/// f(chunk, begin, end) for every chunk.
template <class F>
void parallel_chunks(const Chunks& chunks, std::int64_t cost, const F& f) {
  const std::int64_t work = chunks.n * std::max<std::int64_t>(1, cost);
  const int threads = base::threads_for(static_cast<std::uint64_t>(work), kElementGrain, 0);
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1) if (threads > 1)
  for (std::int64_t chunk = 0; chunk < chunks.count; ++chunk) {
    f(chunk, chunk * chunks.size, std::min(chunks.n, (chunk + 1) * chunks.size));
  }
}

}  // namespace galena::ops
