#pragma once
// Maps over rows in packs of 16 bytes, or of one element where rows do not lie so. A functor gives a pack of row i from
// column c on: f.pack<V>(i, c).

#include <initializer_list>

#include "src/ops/device/machine.hpp"
#include "src/ops/device/pack.hpp"

namespace galena::ops::gpu {

/// y[i] (+)= f(i), rows of y.
template <class T, int V, class F>
struct StoreRow {
  F f;
  T* y;
  std::int64_t cols;
  bool accumulate;
  GALENA_KERNEL void operator()(std::int64_t i, std::int64_t k) const {
    store(y + i * cols + k * V, f.template pack<V>(i, k * V), accumulate);
  }
};

/// g<V>(): V elements are 16 bytes where `cols` is a multiple of them and all pointers are aligned, else one.
template <class T, class G>
void with_packs(std::int64_t cols, std::initializer_list<const T*> pointers, const G& g) {
  constexpr int kMost = 16 / static_cast<int>(sizeof(T));
  bool fits = cols % kMost == 0;
  for (const T* const p : pointers) fits = fits && aligned(p, 16);
  if (fits) return g.template operator()<kMost>();
  g.template operator()<1>();
}

/// `pointers`: what f reads packs of.
template <class M, class T, class F>
void store_rows(const Tensor& y, bool accumulate, std::initializer_list<const T*> pointers, const F& f) {
  T* const to = device_data<T>(y);
  with_packs<T>(aligned(to, 16) ? y.cols() : 1, pointers, [&]<int V>() {
    M::map_rows(y.rows(), y.cols() / V, StoreRow<T, V, F>{f, to, y.cols(), accumulate});
  });
}

}  // namespace galena::ops::gpu
