#pragma once
// How kernels are written: once, as functors, for CUDA (src/ops/cuda_machine.cuh) and for a host that simulates it
// (test/support/simulated_device.hpp).
//
// A Machine launches them:
//   Machine::map(n, f)                          f(i) for i < n, in any order
//   Machine::map_rows(rows, cols, f)            f(i, c) for i < rows and c < cols (some millions at most), in any order
//   Machine::teams(count, bytes, f)             f(team, i) for i < count; a team is a warp
//   Machine::blocks<kLanes>(count, bytes, f)    the same; a team is a block of kLanes lanes
//   Machine::mixed(blocks, bytes, warps, warp_bytes, f)
//                                               one launch: of f(team, i) for i < blocks a team is a block of kMixedLanes
//                                               lanes, for the `warps` numbers after them a warp; blocks begin first
//   Machine::gemm(a, b, c, call)                see GemmCall
// `bytes` of shared memory a team. A team's lanes run f together; what they do with each other is a collective:
//   team.lanes()          how many there are
//   team.each(g)          g(lane), for every lane
//   team.sync()           afterwards each sees what others wrote before
//   team.sum(g), max(g)   of g(lane), the same in every lane, added in one order; not of a mixed launch's teams
//   team.sum_groups(shift, g)   g(lane) is an array T (&)[N], which becomes the sums over those of 2^shift <= 32 lanes in a row
//   Team::PerLane<X> x    x[lane] is the lane's own, between its turns too; in registers where indices are known
//   team.shared()         the shared memory
// Every lane comes to every collective, and g calls none. Variables outside g are the same in all lanes.

#include <cstdint>
#include <string>
#include <type_traits>

#include "galena/error.hpp"
#include "src/device/host_device.hpp"
#include "src/ops/check.hpp"
#include "src/ops/device_csr.hpp"
#include "src/ops/device_graph.hpp"
#include "src/ops/device_ops.hpp"

namespace galena::ops::gpu {

constexpr int kWarps = 4;  ///< teams of a warp in a block
constexpr int kMixedLanes = 32 * kWarps;

/// Throws where a block needs more shared memory than the device's blocks may have.
inline void check_shared(std::size_t bytes, std::size_t most) {
  if (bytes <= most) return;
  throw EnvironmentError("an operation needs " + std::to_string((bytes + 1023) >> 10) +
                         " KiB of shared memory a block, and this GPU has " + std::to_string(most >> 10) +
                         "; take fewer attention heads, or --device cpu");
}

GALENA_KERNEL inline RandomKey key_now(const DeviceKey& key) {
  RandomKey now = key.key;
  if (key.epoch != nullptr) now.epoch = *key.epoch;
  return now;
}

/// y[i] (+)= f(i).
template <class T, class F>
struct Store {
  F f;
  T* y;
  bool accumulate;
  GALENA_KERNEL void operator()(std::int64_t i) const {
    const T value = f(i);
    y[i] = accumulate ? y[i] + value : value;
  }
};

template <class M, class T, class F>
void store_map(const Tensor& y, bool accumulate, const F& f) {
  M::map(y.size(), Store<T, F>{f, device_data<T>(y), accumulate});
}

/// Uninitialised, on the device.
inline Tensor scratch(std::int64_t rows, std::int64_t cols, DType dtype) {
  const OnDevice there(Device::cuda);
  return Tensor::empty(rows, cols, dtype);
}

}  // namespace galena::ops::gpu
