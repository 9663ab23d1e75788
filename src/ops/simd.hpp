#pragma once
// Vectors of the level a kernel is compiled for: 64 bytes with AVX-512, 32 with AVX2, 16 else. For *_kernels.cpp only.
// They are the compiler's vector types, so that arithmetic is written with + and *, once for every level.

#include <cstdint>

#if defined(__AVX512F__)
#define GALENA_VECTOR_BYTES 64
#elif defined(__AVX2__)
#define GALENA_VECTOR_BYTES 32
#else
#define GALENA_VECTOR_BYTES 16
#endif

namespace galena::ops::GALENA_LEVEL {

/// W elements of T in a register.
template <class T, int W>
struct VectorOf {
  typedef T type __attribute__((vector_size(sizeof(T) * W)));
  /// The same anywhere in memory.
  typedef T memory __attribute__((vector_size(sizeof(T) * W), aligned(sizeof(T)), may_alias));
};
template <class T>
struct VectorOf<T, 1> {
  typedef T type;
  typedef T memory;
};
template <class T, int W>
using Vec = typename VectorOf<T, W>::type;

/// Elements of T in a register of this level.
template <class T>
inline constexpr int kWidth = GALENA_VECTOR_BYTES / static_cast<int>(sizeof(T));

template <class T, int W>
static inline Vec<T, W> load(const T* p) {
  return *reinterpret_cast<const typename VectorOf<T, W>::memory*>(p);
}
template <class T, int W>
static inline void store(T* p, Vec<T, W> v) {
  *reinterpret_cast<typename VectorOf<T, W>::memory*>(p) = v;
}
template <class T, int W>
static inline Vec<T, W> broadcast(T x) {
  return x - Vec<T, W>{};
}

}  // namespace galena::ops::GALENA_LEVEL
