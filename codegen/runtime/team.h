#pragma once
// A team: one warp, or a block of W warps, whose lanes run one task together.
//
// Everything that lanes do with each other is a collective over a function of the lane:
// team.vote([&](int lane) {...}). So the same source runs on a GPU, where each lane calls the function
// for itself, and on the host, where a loop calls it for all lanes (team_host.h). Two rules make
// that exact:
//
//  - Every lane comes to every collective (control flow is the same in all lanes; what is past
//    a list's end is padded by a predicate, no lane leaves a loop before the others).
//  - A function given to lanes() or vote() calls no collective.
//
// Lanes see what others wrote after sync().

#ifndef __CUDACC__
#include <cmath>
#endif

#include "codegen/runtime/abi.h"

namespace galena::rt::gpu {

constexpr int kWarp = 32;
constexpr vid kPivots = 32;

GALENA_DEVICE static inline uint32_t bits_in(uint32_t mask) {
#ifdef __CUDACC__
  return static_cast<uint32_t>(__popc(mask));
#else
  return static_cast<uint32_t>(__builtin_popcount(mask));
#endif
}
/// The position of the first bit of a word that has one.
GALENA_DEVICE static inline uint32_t first_one(uint32_t word) {
#ifdef __CUDACC__
  return static_cast<uint32_t>(__ffs(static_cast<int>(word)) - 1);
#else
  return static_cast<uint32_t>(__builtin_ctz(word));
#endif
}

/// The lowest n bits; all where n is 32 or more.
GALENA_DEVICE static inline uint32_t low_ones(uint32_t n) {
#ifdef __CUDACC__
  uint32_t bit;
  asm("shl.b32 %0, 1, %1;" : "=r"(bit) : "r"(n));  // 0 from 32 on, where C++ says nothing
  return bit - 1;
#else
  return n < 32 ? (1U << n) - 1 : ~0U;
#endif
}

/// Adds 1 to *p in global memory, which other lanes may do at the same time.
GALENA_DEVICE static inline void count_one(uint32_t* p) {
#ifdef __CUDACC__
  // atomicAdd() would wait for what was there: beside a fence, compilers do not drop a result that nobody reads.
  asm volatile("red.relaxed.gpu.global.add.u32 [%0], 1;" ::"l"(__cvta_generic_to_global(p)) : "memory");
#else
  ++*p;
#endif
}

/// Adds 1 to *p, which other lanes may do at the same time; returns what was there.
GALENA_DEVICE static inline uint32_t raise_one(uint32_t* p) {
#ifdef __CUDACC__
  return atomicAdd(p, 1U);
#else
  return (*p)++;
#endif
}

/// Sets the bits of `mask` in *p, where other lanes may set others at the same time.
GALENA_DEVICE static inline void raise_bits(uint32_t* p, uint32_t mask) {
#ifdef __CUDACC__
  asm volatile("red.relaxed.gpu.or.b32 [%0], %1;" ::"l"(p), "r"(mask) : "memory");
#else
  *p |= mask;
#endif
}

/// Adds n to *p, which other teams may do at the same time; returns what was there.
GALENA_DEVICE static inline uint64_t fetch_add(uint64_t* p, uint64_t n) {
#ifdef __CUDACC__
  return atomicAdd(reinterpret_cast<unsigned long long*>(p), static_cast<unsigned long long>(n));
#else
  const uint64_t before = *p;
  *p += n;
  return before;
#endif
}

/// What is in *p now, which other teams or the host may write at any time.
template <class N>
GALENA_DEVICE static inline N read_now(const N* p) {
  return *static_cast<const volatile N*>(p);
}

/// Writes *p, which other teams or the host may read at any time.
template <class N>
GALENA_DEVICE static inline void write_now(N* p, N value) {
  *static_cast<volatile N*>(p) = value;
}

/// Raises a flag: who sees it up sees all that was written before.
GALENA_DEVICE static inline void show(uint32_t* flag) {
#ifdef __CUDACC__
  __threadfence();
#endif
  write_now(flag, 1U);
}
GALENA_DEVICE static inline bool seen(const uint32_t* flag) {
  const bool up = read_now(flag) != 0;
#ifdef __CUDACC__
  if (up) __threadfence();
#endif
  return up;
}

/// Sets bit v, which other teams may do at the same time; returns whether it was clear.
GALENA_DEVICE static inline bool set_bit(uint32_t* words, vid v) {
  const uint32_t mine = 1U << (v % 32);
#ifdef __CUDACC__
  return (atomicOr(words + v / 32, mine) & mine) == 0;
#else
  const uint32_t before = words[v / 32];
  words[v / 32] |= mine;
  return (before & mine) == 0;
#endif
}

/// *p += n in 128 bits, which other teams may do at the same time. Two additions of 64 bits: each
/// carry that the lower one gives is added to the upper one, so the total is exact once all are done.
GALENA_DEVICE static inline void add_wide(i128* p, i128 n) {
  auto* half = reinterpret_cast<uint64_t*>(p);
  const auto low = static_cast<uint64_t>(n);
  const uint64_t before = fetch_add(half, low);
  const uint64_t carry = before + low < low ? 1 : 0;
  fetch_add(half + 1, static_cast<uint64_t>(static_cast<u128>(n) >> 64) + carry);
}

/// a + b; raises `lost` where that leaves 128 bits.
GALENA_DEVICE static inline i128 add_checked(i128 a, i128 b, bool& lost) {
  const auto sum = static_cast<i128>(static_cast<u128>(a) + static_cast<u128>(b));
  if (((a ^ sum) & (b ^ sum)) < 0) lost = true;
  return sum;
}

/// a * b; raises `lost` where that leaves 128 bits.
GALENA_DEVICE static inline i128 mul_checked(i128 a, int64_t b, bool& lost) {
  const bool negative = (a < 0) != (b < 0);
  const u128 x = a < 0 ? -static_cast<u128>(a) : static_cast<u128>(a);
  const uint64_t y = b < 0 ? -static_cast<uint64_t>(b) : static_cast<uint64_t>(b);
  const u128 low = static_cast<u128>(static_cast<uint64_t>(x)) * y;
  const u128 high = (x >> 64) * y + (low >> 64);
  const u128 product = (high << 64) | static_cast<uint64_t>(low);
  const u128 most = (static_cast<u128>(1) << 127) - (negative ? 0 : 1);
  if ((high >> 64) != 0 || product > most) lost = true;
  return static_cast<i128>(negative ? -product : product);
}

/// A yes or no of each lane.
template <int W>
struct Votes {
  uint32_t warp[W];

  [[nodiscard]] GALENA_DEVICE bool has(int lane) const { return ((of(lane / kWarp) >> (lane % kWarp)) & 1U) != 0; }
  [[nodiscard]] GALENA_DEVICE uint32_t count() const {
    uint32_t all = 0;
    for (int w = 0; w < W; ++w) all += bits_in(warp[w]);
    return all;
  }
  /// What the lanes of the warp of this lane said, a bit each.
  [[nodiscard]] GALENA_DEVICE uint32_t of_warp(int lane) const { return of(lane / kWarp); }
  /// How many lanes before this one said yes.
  [[nodiscard]] GALENA_DEVICE uint32_t rank(int lane) const {
    uint32_t before = bits_in(of(lane / kWarp) & ((1U << (lane % kWarp)) - 1));
    for (int w = 0; w < W; ++w) before += w < lane / kWarp ? bits_in(warp[w]) : 0;
    return before;
  }

 private:
  /// Not indexed by a variable, which would put the array into memory.
  [[nodiscard]] GALENA_DEVICE uint32_t of(int which) const {
    uint32_t mask = 0;
    for (int w = 0; w < W; ++w) mask = w == which ? warp[w] : mask;
    return mask;
  }
};

/// What a team's lanes share, in shared memory; R: words for rows of local graphs.
template <int W, int R = 0>
struct Shared {
  uint32_t rows[R + 1];
  vid pivots[kPivots];
  i128 sums[W];
  uint64_t word;
  uint32_t offsets[kWarp * W + 1];
  uint32_t votes[W];
  uint32_t lost;
};

#ifdef __CUDACC__

constexpr unsigned kAll = 0xffffffffU;
constexpr unsigned kPauseNanoseconds = 20000;  // thousands of teams that wait must not crowd out those at work

/// The team of the calling thread: blocks have whole teams. W > 1: the block is the team.
template <int W, int R = 0>
class Team {
 public:
  static constexpr int kLanes = kWarp * W;
  static constexpr int kRows = R;

  __device__ explicit Team(Shared<W, R>* shared) : shared_(shared), lane_(static_cast<int>(threadIdx.x) % kLanes) {}

  __device__ void sync() const {
    if constexpr (W == 1)
      __syncwarp(kAll);
    else
      __syncthreads();
  }

  template <class F>
  __device__ void lanes(F&& f) const {
    f(lane_);
  }

  template <class F>
  __device__ Votes<W> vote(F&& f) const {
    const unsigned mine = __ballot_sync(kAll, f(lane_));
    Votes<W> votes;
    if constexpr (W == 1) {
      votes.warp[0] = mine;
    } else {
      sync();
      if (lane_ % kWarp == 0) shared_->votes[lane_ / kWarp] = mine;
      sync();
      for (int w = 0; w < W; ++w) votes.warp[w] = shared_->votes[w];
    }
    return votes;
  }

  /// The sum over lanes of each lane's own variable, in all lanes.
  __device__ i128 total(i128 mine, bool& lost) const {
    for (int step = kWarp / 2; step > 0; step /= 2) {
      const uint64_t low = __shfl_xor_sync(kAll, static_cast<unsigned long long>(mine), step);
      const uint64_t high = __shfl_xor_sync(kAll, static_cast<unsigned long long>(static_cast<u128>(mine) >> 64), step);
      mine = add_checked(mine, static_cast<i128>((static_cast<u128>(high) << 64) | low), lost);
    }
    if constexpr (W > 1) {
      sync();
      if (lane_ % kWarp == 0) shared_->sums[lane_ / kWarp] = mine;
      sync();
      mine = 0;
      for (int w = 0; w < W; ++w) mine = add_checked(mine, shared_->sums[w], lost);
    }
    return mine;
  }
  /// The same of what is below 2^32 in all.
  __device__ uint32_t total(uint32_t mine) const {
    mine = warp_total(mine);
    if constexpr (W > 1) {
      sync();
      if (lane_ % kWarp == 0) shared_->votes[lane_ / kWarp] = mine;
      sync();
      mine = 0;
      for (int w = 0; w < W; ++w) mine += shared_->votes[w];
    }
    return mine;
  }
  __device__ uint64_t total(uint64_t mine) const {
    for (int step = kWarp / 2; step > 0; step /= 2)
      mine += __shfl_xor_sync(kAll, static_cast<unsigned long long>(mine), step);
    if constexpr (W > 1) {
      sync();
      if (lane_ % kWarp == 0) shared_->sums[lane_ / kWarp] = static_cast<i128>(mine);
      sync();
      mine = 0;
      for (int w = 0; w < W; ++w) mine += static_cast<uint64_t>(shared_->sums[w]);
    }
    return mine;
  }

  /// By lane, the sum of what f(lane) gives in the lanes before it, and behind them the whole sum; until it is asked for
  /// again.
  template <class F>
  __device__ const uint32_t* offsets(F&& f) const {
    uint32_t sum = f(lane_);
    for (int step = 1; step < kWarp; step *= 2) {
      const uint32_t before = __shfl_up_sync(kAll, sum, step);
      if (lane_ % kWarp >= step) sum += before;
    }
    sync();  // others may still read the last ones
    if constexpr (W > 1) {
      if (lane_ % kWarp == kWarp - 1) shared_->votes[lane_ / kWarp] = sum;
      sync();
      for (int w = 0; w < W; ++w) sum += w < lane_ / kWarp ? shared_->votes[w] : 0;
    }
    shared_->offsets[lane_ + 1] = sum;
    if (lane_ == 0) shared_->offsets[0] = 0;
    sync();
    return shared_->offsets;
  }

  /// What f() gives in the first lane, in all lanes.
  template <class F>
  __device__ uint64_t first(F&& f) const {
    if constexpr (W == 1) {
      const uint64_t word = lane_ == 0 ? f() : 0;
      const uint64_t all = __shfl_sync(kAll, static_cast<unsigned long long>(word), 0);
      __syncwarp();  // what the first lane saw written, all see: a shuffle alone orders no memory
      return all;
    } else {
      sync();
      if (lane_ == 0) shared_->word = f();
      sync();
      return shared_->word;
    }
  }

  /// Leaves the processor to others for a while.
  __device__ void pause() const { __nanosleep(kPauseNanoseconds); }

  /// What only one of the lanes keeps of what all of them have.
  template <class N>
  __device__ N once(N value) const {
    return lane_ == 0 ? value : 0;
  }

  [[nodiscard]] __device__ vid* pivots() const { return shared_->pivots; }
  [[nodiscard]] __device__ uint32_t* rows() const { return shared_->rows; }

 private:
  static __device__ uint32_t warp_total(uint32_t mine) {
#if __CUDA_ARCH__ >= 800
    return __reduce_add_sync(kAll, mine);
#else
    for (int step = kWarp / 2; step > 0; step /= 2) mine += __shfl_xor_sync(kAll, mine, step);
    return mine;
#endif
  }

  Shared<W, R>* shared_;
  int lane_;
};

#endif

}  // namespace galena::rt::gpu
