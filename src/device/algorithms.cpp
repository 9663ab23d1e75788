#include "src/device/algorithms.hpp"

#include <omp.h>
#include <thrust/execution_policy.h>
#include <thrust/scan.h>
#include <thrust/sort.h>
#include <thrust/system/omp/execution_policy.h>

#include <algorithm>
#include <vector>

#include "src/base/threads.hpp"

namespace galena::device {
namespace {

// Below this the threads cost more than they bring.
constexpr std::size_t kSmall = std::size_t{1} << 15;

}  // namespace

template <class T>
void sort(std::span<T> values, int threads) {
  if (values.size() < kSmall) return std::sort(values.begin(), values.end());
  const base::ThreadCount scope(threads);  // Thrust asks OpenMP
  thrust::sort(thrust::omp::par, values.data(), values.data() + values.size());
}

// Not Thrust's: its OpenMP version reads the element before the first one. Every thread drops the repeats of its own
// part, and the parts are then moved together.
template <class T>
std::size_t unique(std::span<T> values, int threads) {
  const auto parts = static_cast<std::size_t>(base::threads_for(values.size(), kSmall, threads));
  const auto begin_of = [&](std::size_t part) {
    return values.size() / parts * part + std::min(part, values.size() % parts);
  };
  std::vector<std::span<T>> kept(parts);
  std::vector<char> repeats(parts);  // whether a part begins with the value that the part before ends with
  for (std::size_t p = 1; p < parts; ++p) repeats[p] = values[begin_of(p)] == values[begin_of(p) - 1] ? 1 : 0;
#pragma omp parallel for schedule(static, 1) num_threads(static_cast <int>(parts))
  for (std::size_t p = 0; p < parts; ++p) {
    const auto part = values.subspan(begin_of(p), begin_of(p + 1) - begin_of(p));
    const auto end = std::unique(part.begin(), part.end());
    kept[p] = part.first(static_cast<std::size_t>(end - part.begin())).subspan(repeats[p] != 0 ? 1 : 0);
  }
  std::size_t size = 0;
  for (const std::span<T> part : kept) {
    if (size != 0) std::copy(part.begin(), part.end(), values.begin() + static_cast<std::ptrdiff_t>(size));
    size += part.size();
  }
  return size;
}

template <class T>
T exclusive_scan(std::span<T> values, int threads) {
  if (values.empty()) return 0;
  const T last = values.back();
  const base::ThreadCount scope(values.size() < kSmall ? 1 : threads);
  thrust::exclusive_scan(thrust::omp::par, values.data(), values.data() + values.size(), values.data(), T{0});
  return values.back() + last;
}

template void sort(std::span<std::uint32_t>, int);
template void sort(std::span<std::uint64_t>, int);
template std::size_t unique(std::span<std::uint32_t>, int);
template std::size_t unique(std::span<std::uint64_t>, int);
template std::uint32_t exclusive_scan(std::span<std::uint32_t>, int);
template std::uint64_t exclusive_scan(std::span<std::uint64_t>, int);

}  // namespace galena::device
