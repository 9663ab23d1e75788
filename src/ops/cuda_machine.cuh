#pragma once
// The machine of src/ops/device/machine.hpp that is CUDA: how functors become kernels. Included by .cu files only.

#include <algorithm>
#include <atomic>

#include "src/device/cuda_call.hpp"
#include "src/ops/cuda_stream.hpp"
#include "src/ops/device/machine.hpp"

namespace galena::ops::gpu {

constexpr unsigned kAllLanes = 0xffffffffU;

/// Of all lanes, in a tree whose shape is always the same; every lane has the result.
template <class T>
__device__ T warp_sum(T value) {
  for (int by = 16; by > 0; by /= 2) value += __shfl_xor_sync(kAllLanes, value, by);
  return value;
}
template <class T>
__device__ T warp_max(T value) {
  for (int by = 16; by > 0; by /= 2) {
    const T other = __shfl_xor_sync(kAllLanes, value, by);
    value = other > value ? other : value;
  }
  return value;
}

/// Of 2^shift lanes in a row; all N on their way at once.
template <class T, int N>
__device__ void group_sum(int shift, T (&values)[N]) {
#pragma unroll 1
  for (int by = 1 << shift >> 1; by > 0; by /= 2) {
#pragma unroll
    for (int k = 0; k < N; ++k) values[k] += __shfl_xor_sync(kAllLanes, values[k], by);
  }
}

template <class X>
struct OneLane {
  X own;
  __device__ X& operator[](int) { return own; }
};

class WarpTeam {
 public:
  template <class X>
  using PerLane = OneLane<X>;
  __device__ explicit WarpTeam(void* shared) : shared_(shared), lane_(static_cast<int>(threadIdx.x) % 32) {}
  __device__ int lanes() const { return 32; }
  template <class F>
  __device__ void each(const F& f) {
    f(lane_);
  }
  __device__ void sync() { __syncwarp(kAllLanes); }
  template <class F>
  __device__ auto sum(const F& f) {
    return warp_sum(f(lane_));
  }
  template <class F>
  __device__ auto max(const F& f) {
    return warp_max(f(lane_));
  }
  template <class F>
  __device__ void sum_groups(int shift, const F& f) {
    group_sum(shift, f(lane_));
  }
  __device__ void* shared() { return shared_; }

 private:
  void* shared_;
  int lane_;
};

template <int kLanes>
class BlockTeam {
 public:
  template <class X>
  using PerLane = OneLane<X>;
  /// `scratch` has room for a double of each warp.
  __device__ BlockTeam(void* shared, double* scratch) : shared_(shared), scratch_(scratch) {}
  __device__ int lanes() const { return kLanes; }
  template <class F>
  __device__ void each(const F& f) {
    f(static_cast<int>(threadIdx.x));
  }
  __device__ void sync() { __syncthreads(); }
  template <class F>
  __device__ auto sum(const F& f) {
    const auto part = warp_sum(f(static_cast<int>(threadIdx.x)));
    return over_warps(part, [](auto a, auto b) { return a + b; });
  }
  template <class F>
  __device__ auto max(const F& f) {
    const auto part = warp_max(f(static_cast<int>(threadIdx.x)));
    return over_warps(part, [](auto a, auto b) { return a > b ? a : b; });
  }
  template <class F>
  __device__ void sum_groups(int shift, const F& f) {
    group_sum(shift, f(static_cast<int>(threadIdx.x)));
  }
  __device__ void* shared() { return shared_; }

 private:
  template <class T, class Join>
  __device__ T over_warps(T part, const Join& join) {
    T* const parts = reinterpret_cast<T*>(scratch_);
    if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = part;
    __syncthreads();
    T all = parts[0];
    for (int w = 1; w < kLanes / 32; ++w) all = join(all, parts[w]);
    __syncthreads();  // before anyone writes the next ones
    return all;
  }

  void* shared_;
  double* scratch_;
};

/// A warp, or a block of kMixedLanes.
class MixedTeam {
 public:
  template <class X>
  using PerLane = OneLane<X>;
  __device__ MixedTeam(void* shared, bool block)
      : shared_(shared), block_(block), lane_(static_cast<int>(threadIdx.x) % (block ? kMixedLanes : 32)) {}
  __device__ int lanes() const { return block_ ? kMixedLanes : 32; }
  template <class F>
  __device__ void each(const F& f) {
    f(lane_);
  }
  __device__ void sync() {
    if (block_) {
      __syncthreads();
    } else {
      __syncwarp(kAllLanes);
    }
  }
  template <class F>
  __device__ void sum_groups(int shift, const F& f) {
    group_sum(shift, f(lane_));
  }
  __device__ void* shared() { return shared_; }

 private:
  void* shared_;
  bool block_;
  int lane_;
};

constexpr int kMapLanes = 256;

/// No loop: compilers unroll one, although hardly a lane turns in it twice.
template <class F>
__global__ void __launch_bounds__(kMapLanes) map_kernel(std::int64_t first, std::int64_t n, F f) {
  const std::int64_t i = first + std::int64_t{blockIdx.x} * kMapLanes + threadIdx.x;
  if (i < n) f(i);
}
/// A thread goes through the matrix in steps of all threads, which are `row_step` rows and `column_step` columns.
template <class F>
__global__ void __launch_bounds__(kMapLanes)
    map_rows_kernel(std::int64_t rows, unsigned cols, unsigned row_step, unsigned column_step, F f) {
  const unsigned first = blockIdx.x * blockDim.x + threadIdx.x;
  unsigned c = first % cols;
  for (std::int64_t i = first / cols; i < rows; i += row_step) {
    f(i, std::int64_t{c});
    c += column_step;
    if (c >= cols) {
      c -= cols;
      ++i;
    }
  }
}

template <class F>
__global__ void __launch_bounds__(32 * kWarps) team_kernel(std::int64_t count, std::size_t bytes, F f) {
  extern __shared__ __align__(16) double memory[];
  const int warp = static_cast<int>(threadIdx.x) / 32;
  WarpTeam team(reinterpret_cast<char*>(memory) + warp * bytes);
  const std::int64_t step = std::int64_t{gridDim.x} * kWarps;
#pragma unroll 1
  for (std::int64_t i = std::int64_t{blockIdx.x} * kWarps + warp; i < count; i += step) {
    f(team, i);
    __syncwarp(kAllLanes);
  }
}

template <int kLanes, class F>
__global__ void __launch_bounds__(kLanes) block_kernel(std::int64_t count, F f) {
  extern __shared__ __align__(16) double memory[];
  __shared__ double scratch[kLanes / 32];
  BlockTeam<kLanes> team(memory, scratch);
#pragma unroll 1
  for (std::int64_t i = blockIdx.x; i < count; i += gridDim.x) {
    f(team, i);
    __syncthreads();
  }
}

/// Blocks first + 0, first + 1, ... of a launch. Both kinds of teams run one text.
template <class F>
__global__ void __launch_bounds__(kMixedLanes)
    mixed_kernel(std::int64_t first, std::int64_t blocks, std::int64_t warps, unsigned warp_bytes, F f) {
  extern __shared__ __align__(16) double memory[];
  const std::int64_t k = first + blockIdx.x;
  const unsigned warp = threadIdx.x / 32;
  const bool block = k < blocks;
  const std::int64_t i = block ? k : blocks + (k - blocks) * kWarps + warp;
  MixedTeam team(reinterpret_cast<char*>(memory) + (block ? 0 : warp * warp_bytes), block);
  if (i < blocks + warps) f(team, i);
}

struct CudaMachine {
  static constexpr std::int64_t kMostBlocks = INT32_MAX;  ///< of a grid
  /// Blocks enough for n, within what a grid may have.
  static unsigned blocks_for(std::int64_t n, std::int64_t each) {
    return static_cast<unsigned>(std::min<std::int64_t>((n + each - 1) / each, kMostBlocks));
  }
  /// Lets a kernel have as much shared memory a block as there is besides the `fixed` bytes that it declares, once a device:
  /// `allowed` are those that do. Less would have to be set again, while another thread launches.
  template <class... Args>
  static void allow_shared(void (*kernel)(Args...), std::atomic<std::uint64_t>& allowed, std::size_t bytes,
                           std::size_t fixed) {
    if (bytes + fixed <= 48 << 10) return;  // which each may have
    int device = 0, most = 0;
    GALENA_CUDA_CALL(cudaGetDevice(&device));
    GALENA_CUDA_CALL(cudaDeviceGetAttribute(&most, cudaDevAttrMaxSharedMemoryPerBlockOptin, device));
    check_shared(bytes + fixed, static_cast<std::size_t>(most));
    const std::uint64_t bit = device < 64 ? std::uint64_t{1} << device : 0;
    if ((allowed & bit) != 0) return;
    GALENA_CUDA_CALL(cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel),
                                          cudaFuncAttributeMaxDynamicSharedMemorySize, most - static_cast<int>(fixed)));
    allowed |= bit;
  }
  template <class F>
  static void map(std::int64_t n, const F& f) {
    constexpr std::int64_t kMost = kMostBlocks * kMapLanes;
    for (std::int64_t first = 0; first < n; first += kMost) {
      map_kernel<<<blocks_for(n - first, kMapLanes), kMapLanes, 0, cuda_stream()>>>(first, n, f);
      GALENA_CUDA_CALL(cudaGetLastError());
    }
  }
  /// At most `kBlocks` blocks, so that a thread divides once.
  template <class F>
  static void map_rows(std::int64_t rows, std::int64_t cols, const F& f) {
    constexpr unsigned kBlocks = 16 * 132;
    if (rows == 0 || cols == 0) return;
    const unsigned blocks = std::min(blocks_for(rows * cols, kMapLanes), kBlocks), threads = kMapLanes * blocks;
    const auto width = static_cast<unsigned>(cols);
    map_rows_kernel<<<blocks, kMapLanes, 0, cuda_stream()>>>(rows, width, threads / width, threads % width, f);
    GALENA_CUDA_CALL(cudaGetLastError());
  }
  template <class F>
  static void teams(std::int64_t count, std::size_t bytes, const F& f) {
    if (count == 0) return;
    const std::size_t rounded = (bytes + 15) / 16 * 16;
    static std::atomic<std::uint64_t> allowed{0};
    allow_shared(team_kernel<F>, allowed, kWarps * rounded, 0);
    team_kernel<<<blocks_for(count, kWarps), 32 * kWarps, kWarps * rounded, cuda_stream()>>>(count, rounded, f);
    GALENA_CUDA_CALL(cudaGetLastError());
  }
  template <int kLanes, class F>
  static void blocks(std::int64_t count, std::size_t bytes, const F& f) {
    if (count == 0) return;
    static std::atomic<std::uint64_t> allowed{0};
    allow_shared(block_kernel<kLanes, F>, allowed, bytes, kLanes / 32 * sizeof(double));
    block_kernel<kLanes><<<blocks_for(count, 1), kLanes, bytes, cuda_stream()>>>(count, f);
    GALENA_CUDA_CALL(cudaGetLastError());
  }
  template <class F>
  static void mixed(std::int64_t blocks, std::size_t bytes, std::int64_t warps, std::size_t warp_bytes, const F& f) {
    static std::atomic<std::uint64_t> allowed{0};
    const std::size_t rounded = (warp_bytes + 15) / 16 * 16;
    const std::size_t shared = std::max(blocks > 0 ? bytes : 0, warps > 0 ? kWarps * rounded : 0);
    allow_shared(mixed_kernel<F>, allowed, shared, 0);
    const std::int64_t all = blocks + (warps + kWarps - 1) / kWarps;
    for (std::int64_t first = 0; first < all; first += kMostBlocks) {
      mixed_kernel<<<blocks_for(all - first, 1), kMixedLanes, shared, cuda_stream()>>>(
          first, blocks, warps, static_cast<unsigned>(rounded), f);
      GALENA_CUDA_CALL(cudaGetLastError());
    }
  }
};

}  // namespace galena::ops::gpu
