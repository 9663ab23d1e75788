#pragma once
// Elements that kernels read and write at once.

#include <cstddef>
#include <cstdint>

#include "src/device/host_device.hpp"
#include "src/ops/bf16.hpp"

namespace galena::ops::gpu {

/// V elements that are loaded at once, or in pieces of 16 bytes.
template <class X, int V>
struct alignas(sizeof(X) * V < 16 ? sizeof(X) * V : 16) Pack {
  X at[V];
};

template <int V, class T>
GALENA_KERNEL Pack<T, V> load(const T* from) {
  return *reinterpret_cast<const Pack<T, V>*>(from);
}
template <class T, int V>
GALENA_KERNEL void store(T* to, const Pack<T, V>& pack) {
  *reinterpret_cast<Pack<T, V>*>(to) = pack;
}
/// to (+)= pack.
template <class T, int V>
GALENA_KERNEL void store(T* to, Pack<T, V> pack, bool accumulate) {
  if (accumulate) {
    const Pack<T, V> before = load<V>(to);
    GALENA_UNROLL
    for (int e = 0; e < V; ++e) pack.at[e] += before.at[e];
  }
  store(to, pack);
}

GALENA_KERNEL inline float widen(float x) { return x; }
GALENA_KERNEL inline double widen(double x) { return x; }
GALENA_KERNEL inline float widen(std::uint16_t x) { return from_bf16(x); }

inline bool aligned(const void* p, std::size_t bytes) { return reinterpret_cast<std::uintptr_t>(p) % bytes == 0; }

}  // namespace galena::ops::gpu
