#include "src/device/algorithms.hpp"

#include <omp.h>
#include <thrust/execution_policy.h>
#include <thrust/scan.h>
#include <thrust/sort.h>
#include <thrust/system/omp/execution_policy.h>
#include <thrust/unique.h>

#include <algorithm>

#include "src/base/threads.hpp"

namespace galena::device {
namespace {

// Below this the threads cost more than they bring.
constexpr std::size_t kSmall = std::size_t{1} << 15;

// Thrust takes the number of threads from OpenMP's setting, which is the caller's.
class ThreadCount {
 public:
  explicit ThreadCount(int threads) : before_(omp_get_max_threads()) {
    omp_set_num_threads(base::resolve_threads(threads));
  }
  ThreadCount(const ThreadCount&) = delete;
  ThreadCount& operator=(const ThreadCount&) = delete;
  ~ThreadCount() { omp_set_num_threads(before_); }

 private:
  int before_;
};

}  // namespace

template <class T>
void sort(std::span<T> values, int threads) {
  if (values.size() < kSmall) return std::sort(values.begin(), values.end());
  const ThreadCount scope(threads);
  thrust::sort(thrust::omp::par, values.data(), values.data() + values.size());
}

template <class T>
std::size_t unique(std::span<T> values, int threads) {
  T* const begin = values.data();
  T* const end = begin + values.size();
  if (values.size() < kSmall) return static_cast<std::size_t>(std::unique(begin, end) - begin);
  const ThreadCount scope(threads);
  return static_cast<std::size_t>(thrust::unique(thrust::omp::par, begin, end) - begin);
}

template <class T>
T exclusive_scan(std::span<T> values, int threads) {
  if (values.empty()) return 0;
  const T last = values.back();
  const ThreadCount scope(values.size() < kSmall ? 1 : threads);
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
