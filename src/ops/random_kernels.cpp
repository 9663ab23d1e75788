// Philox4x32-10 (see src/base/random.hpp) of many counters at once.
//
// A 32-bit word of the counter lives in a lane of 64 bits, whose upper half is never looked at: the multiplication of
// lower halves needs no shuffle before it, and the halves of its product none after it. A round is two
// multiplications, two shifts and four exclusive ors for as many counters as there are lanes; several vectors go
// through the rounds side by side, because one waits for each multiplication.

#include "src/ops/random_kernels.hpp"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#include "src/ops/simd.hpp"

namespace galena::ops::GALENA_LEVEL {
namespace {

constexpr int kLanes64 = kWidth<std::uint64_t>;
constexpr int kSideBySide = GALENA_VECTOR_BYTES == 64 ? 4 : 2;  // as many as registers hold
constexpr int kBatch = kLanes64 * kSideBySide;
using Words = Vec<std::uint64_t, kLanes64>;

/// Products of the lower halves of lanes.
inline Words multiply_low(Words a, Words b) {
#if defined(__AVX512F__)
  return (Words)_mm512_mul_epu32((__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
  return (Words)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#elif defined(__SSE2__)
  return (Words)_mm_mul_epu32((__m128i)a, (__m128i)b);
#else
  return (a & 0xffffffffU) * (b & 0xffffffffU);
#endif
}

inline Words widen(const std::uint32_t* p) {
  return __builtin_convertvector((load<std::uint32_t, kLanes64>(p)), Words);
}

/// Words 0 and 1, then words 2 and 3, of each counter in turn.
inline void store_pairs(std::uint64_t* out, Words a, Words b) {
#if GALENA_VECTOR_BYTES == 64
  const Words low = __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
  const Words high = __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
#elif GALENA_VECTOR_BYTES == 32
  const Words low = __builtin_shufflevector(a, b, 0, 4, 1, 5), high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
#else
  const Words low = __builtin_shufflevector(a, b, 0, 2), high = __builtin_shufflevector(a, b, 1, 3);
#endif
  store<std::uint64_t, kLanes64>(out, low);
  store<std::uint64_t, kLanes64>(out + kLanes64, high);
}

/// kBatch draws: two 64-bit words each.
void draw_batch(const RandomKey& key, const std::uint32_t* ids, const std::uint32_t* blocks, std::uint64_t* out) {
  const Words multiplier0 = broadcast<std::uint64_t, kLanes64>(0xd2511f53U);
  const Words multiplier1 = broadcast<std::uint64_t, kLanes64>(0xcd9e8d57U);
  Words word[4][kSideBySide];
  for (int v = 0; v < kSideBySide; ++v) {
    word[0][v] = widen(blocks + v * kLanes64);
    word[1][v] = broadcast<std::uint64_t, kLanes64>(key.stream);
    word[2][v] = widen(ids + v * kLanes64);
    word[3][v] = broadcast<std::uint64_t, kLanes64>(key.epoch);
  }
  auto key0 = static_cast<std::uint32_t>(key.seed), key1 = static_cast<std::uint32_t>(key.seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const Words k0 = broadcast<std::uint64_t, kLanes64>(key0), k1 = broadcast<std::uint64_t, kLanes64>(key1);
    for (int v = 0; v < kSideBySide; ++v) {
      const Words product0 = multiply_low(word[0][v], multiplier0), product1 = multiply_low(word[2][v], multiplier1);
      word[0][v] = (product1 >> 32) ^ word[1][v] ^ k0;
      word[1][v] = product1;
      word[2][v] = (product0 >> 32) ^ word[3][v] ^ k1;
      word[3][v] = product0;
    }
    key0 += 0x9e3779b9U;
    key1 += 0xbb67ae85U;
  }
  for (int v = 0; v < kSideBySide; ++v) {
    const Words first = (word[0][v] & 0xffffffffU) | (word[1][v] << 32);
    const Words second = (word[2][v] & 0xffffffffU) | (word[3][v] << 32);
    store_pairs(out + v * 2 * kLanes64, first, second);
  }
}

void lanes(const RandomKey& key, const std::uint32_t* ids, const std::uint32_t* blocks, std::int64_t count,
           std::uint16_t* out) {
  std::uint64_t words[2 * kBatch];
  std::int64_t i = 0;
  for (; i + kBatch <= count; i += kBatch) {
    draw_batch(key, ids + i, blocks + i, words);
    __builtin_memcpy(out + 8 * i, words, sizeof(words));
  }
  if (i == count) return;
  std::uint32_t last_ids[kBatch] = {}, last_blocks[kBatch] = {};
  for (std::int64_t k = i; k < count; ++k) {
    last_ids[k - i] = ids[k];
    last_blocks[k - i] = blocks[k];
  }
  draw_batch(key, last_ids, last_blocks, words);
  __builtin_memcpy(out + 8 * i, words, static_cast<std::size_t>(count - i) * 16);
}

/// Integers as wide as T: what comparisons of vectors of T give.
template <class T>
struct MaskOf {
  using type = std::int32_t;
};
template <>
struct MaskOf<double> {
  using type = std::int64_t;
};

/// A load that the compiler may not merge with what follows. With AVX-512 it would become one that leaves out the
/// masked elements, and those do not start the prefetcher: a stream of them runs at half the speed of memory.
template <class T, int W>
inline Vec<T, W> fetch(const T* p) {
  Vec<T, W> v = load<T, W>(p);
#if GALENA_VECTOR_BYTES == 64
  asm("" : "+v"(v));
#endif
  return v;
}

/// kWidth<T> elements; the caller has them in full.
template <class T, bool kRelu, bool kAccumulate>
inline void drop_vector(const T* x, const std::uint16_t* u, T* y, std::uint16_t threshold, T factor) {
  constexpr int kW = kWidth<T>;
  using Mask = Vec<typename MaskOf<T>::type, kW>;
  using Floats = Vec<T, kW>;
  const Floats in = fetch<T, kW>(x);
  Mask kept = __builtin_convertvector((load<std::uint16_t, kW>(u)), Mask) >= threshold;
  if (kRelu) kept &= ~(in <= 0);  // NaN stays
  const Floats out = (Floats)((Mask)(factor * in) & kept);
  store<T, kW>(y, kAccumulate ? load<T, kW>(y) + out : out);
}

template <class T, bool kRelu, bool kAccumulate>
void drop_as(const DropArgs<T>& args) {
  constexpr int kW = kWidth<T>;
  const DropArgs<T> a = args;  // what is written cannot change a copy
  const auto one = [&a](const T* x, const std::uint16_t* u, T* y) {
    drop_vector<T, kRelu, kAccumulate>(x, u, y, a.threshold, a.factor);
  };
  std::int64_t c = 0;
  for (; c + kW <= a.n; c += kW) one(a.x + c, a.u + c, a.y + c);
  if (c == a.n) return;
  T x[kW] = {}, y[kW] = {};
  std::uint16_t u[kW] = {};
  for (std::int64_t k = c; k < a.n; ++k) {
    x[k - c] = a.x[k];
    u[k - c] = a.u[k];
    y[k - c] = a.y[k];
  }
  one(x, u, y);
  for (std::int64_t k = c; k < a.n; ++k) a.y[k] = y[k - c];
}

template <class T>
void drop(const DropArgs<T>& args) {
  if (args.relu) return args.accumulate ? drop_as<T, true, true>(args) : drop_as<T, true, false>(args);
  return args.accumulate ? drop_as<T, false, true>(args) : drop_as<T, false, false>(args);
}

}  // namespace

extern const RandomKernels random_kernels_table;
const RandomKernels random_kernels_table = {lanes, drop<float>, drop<double>};

}  // namespace galena::ops::GALENA_LEVEL
