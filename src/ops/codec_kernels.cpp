// Stochastic rounding to the 2^b levels of a row, and back.
//
// What makes E[decoded] = x hold: (1) codes are made against the parameters as they travel, rounded to bf16; (2) the
// rounded interval contains every element, so nothing is clamped; (3) with t = (x - zero) / scale, the code is
// floor(t) + 1 with probability t - floor(t), of which 16 bits are used: u < round(65536 f) for u uniform in
// 0..65535 errs by at most 2^-17 of a step. Division, not multiplication by a reciprocal: an element that some code
// meets exactly (the smallest, zeros of a row of nonnegative ones) gets that code always.
// t <= 2^b - 1 needs no clamp either: scale * (2^b - 1) has 16 significant bits, so it is a float no smaller than
// high - zero, and rounding is monotone. The codes are clamped all the same: a neighbour's bits never depend on it.
//
// Decoding is exact but for one rounding: code * scale has at most 16 significant bits.

#include "src/ops/codec_kernels.hpp"

#include <utility>

#include "src/ops/packed_elements.hpp"
#include "src/ops/simd.hpp"

namespace galena::ops::GALENA_LEVEL {
namespace {

constexpr int kW = kWidth<float>;
constexpr std::int64_t kBlock = 64;  ///< elements coded at a time: whole bytes at any width
using Floats = Vec<float, kW>;
using Ints = Vec<std::int32_t, kW>;
using Doubles = Vec<double, kW>;

double total_of(Doubles v) {
  double sum = 0;
  for (int k = 0; k < kW; ++k) sum += v[k];
  return sum;
}

struct Extremes {
  Floats low, high, poison{};  ///< x * 0 is NaN for what is not finite

  void take(Floats x) {
    low = x < low ? x : low;
    high = x > high ? x : high;
    poison += x * 0;
  }
  void merge(const Extremes& other) {
    low = other.low < low ? other.low : low;
    high = other.high > high ? other.high : high;
    poison += other.poison;
  }
  /// Merges all lanes into each.
  template <int By = kW / 2>
  void merge_lanes() {
    using Lanes = std::make_index_sequence<kW>;
    merge({turned<By>(low, Lanes{}), turned<By>(high, Lanes{}), turned<By>(poison, Lanes{})});
    if constexpr (By > 1) merge_lanes<By / 2>();
  }
  template <int By, std::size_t... K>
  static Floats turned(Floats v, std::index_sequence<K...>) {
    return __builtin_shufflevector(v, v, static_cast<int>((K + By) % kW)...);
  }
};

RowRange range(const float* x, std::int64_t n) {
  if (n == 0) return {};
  const Floats first = broadcast<float, kW>(x[0]);
  Extremes all{first, first}, second = all;  // two, as each waits for itself
  std::int64_t c = 0;
  for (; c + 2 * kW <= n; c += 2 * kW) {
    all.take(load<float, kW>(x + c));
    second.take(load<float, kW>(x + c + kW));
  }
  for (; c < n; ++c) second.take(broadcast<float, kW>(x[c]));
  all.merge(second);
  all.merge_lanes();
  return {all.low[0], all.high[0], all.poison[0] == 0};
}

/// A block's elements and draws: those of the row, or a copy that ends in elements of no consequence.
struct Block {
  const float* x;
  const std::uint16_t* draws;
  float padded[kBlock];
  std::uint16_t padded_draws[kBlock];

  void set(const EncodeArgs& a, std::int64_t c, float padding) {
    x = a.x + c;
    draws = a.draws + c;
    if (a.n - c >= kBlock) return;
    for (std::int64_t k = 0; k < kBlock; ++k) {
      padded[k] = k < a.n - c ? x[k] : padding;
      padded_draws[k] = k < a.n - c ? draws[k] : std::uint16_t{0};
    }
    x = padded;
    draws = padded_draws;
  }
};

/// Codes of a block. Returns the sums of f (1 - f).
Doubles code_block(const Block& block, float zero, float step, std::int32_t levels, std::uint8_t* out) {
  Floats spread{};
  std::int32_t coded[kBlock];
  for (std::int64_t c = 0; c < kBlock; c += kW) {
    const Floats t = (load<float, kW>(block.x + c) - zero) / step;
    const Ints below = __builtin_convertvector(t, Ints);
    const Floats fraction = t - __builtin_convertvector(below, Floats);
    const Ints threshold = __builtin_convertvector(fraction * 65536 + 0.5F, Ints);
    const Ints code = below - ((Ints)widen<kW>(block.draws + c) < threshold);  // true is -1
    store<std::int32_t, kW>(coded + c, code > levels ? levels - Ints{} : code);
    spread += fraction * (1 - fraction);
  }
  for (std::int64_t c = 0; c < kBlock; ++c) out[c] = static_cast<std::uint8_t>(coded[c]);
  return __builtin_convertvector(spread, Doubles);
}

/// A block's codes, one a byte, to B bits each: words of 8 / B codes are folded onto their lowest byte.
template <class Word, int B>
void fold(const std::uint8_t* codes, std::uint8_t* out) {
  constexpr int kWords = kBlock / static_cast<int>(sizeof(Word));
  Word words[kWords];
  __builtin_memcpy(words, codes, kBlock);
  for (int k = 0; k < kWords; ++k) {
    Word w = words[k];
    for (int joined = 1; joined < 8 / B; joined *= 2) w = static_cast<Word>(w | w >> (8 - B) * joined);
    out[k] = static_cast<std::uint8_t>(w);
  }
}

void pack_codes(const std::uint8_t* codes, int bits, std::uint8_t* out) {
  switch (bits) {
    case 1: return fold<std::uint64_t, 1>(codes, out);
    case 2: return fold<std::uint32_t, 2>(codes, out);
    case 4: return fold<std::uint16_t, 4>(codes, out);
    default: __builtin_memcpy(out, codes, kBlock);
  }
}

/// f32 to bf16: the fraction that is cut off is added to random bits, and the carry rounds up. Returns the sums of
/// f (1 - f) step^2.
Doubles round_block(const Block& block, std::uint8_t* out) {
  Doubles spread{};
  std::uint16_t halves[kBlock];
  std::uint32_t sums[kBlock];
  for (std::int64_t c = 0; c < kBlock; c += kW) {
    const auto bits = load<std::uint32_t, kW>(reinterpret_cast<const std::uint32_t*>(block.x) + c);
    store<std::uint32_t, kW>(sums + c, bits + widen<kW>(block.draws + c));
    const Codes<kW> whole = bits & 0xffff0000U;
    const Floats step = (Floats)(whole + 0x10000U) - (Floats)whole;
    const Floats fraction = __builtin_convertvector((Ints)(bits & 0xffffU), Floats) * 0x1p-16F;
    const Doubles wide = __builtin_convertvector(step, Doubles);
    spread += __builtin_convertvector(fraction * (1 - fraction), Doubles) * wide * wide;
  }
  for (std::int64_t c = 0; c < kBlock; ++c) halves[c] = static_cast<std::uint16_t>(sums[c] >> 16);
  __builtin_memcpy(out, halves, sizeof(halves));
  return spread;
}

double encode(const EncodeArgs& a) {
  const float step = a.parameters.scale == 0 ? 1 : a.parameters.scale;
  Doubles spread{};
  Block block;
  for (std::int64_t c = 0; c < a.n; c += kBlock) {
    const bool whole = a.n - c >= kBlock;
    std::uint8_t codes[kBlock], last[2 * kBlock];
    std::uint8_t* const out = whole ? a.out + c * a.bits / 8 : last;
    block.set(a, c, a.bits == 16 ? 0 : a.parameters.zero);
    if (a.bits == 16) {
      spread += round_block(block, out);
    } else {
      spread += code_block(block, a.parameters.zero, step, (1 << a.bits) - 1, codes);
      pack_codes(codes, a.bits, out);
    }
    if (!whole) __builtin_memcpy(a.out + c * a.bits / 8, last, static_cast<std::size_t>(((a.n - c) * a.bits + 7) / 8));
  }
  if (a.bits == 16) return total_of(spread);
  return total_of(spread) * static_cast<double>(a.parameters.scale) * static_cast<double>(a.parameters.scale);
}

template <class T, int B>
void decode_as(const DecodeArgs<T>& a) {
  constexpr int kV = kWidth<T>;
  const DecodeArgs<T> args = a;  // what is written cannot change a copy
  const T zero = static_cast<T>(args.parameters.zero), scale = static_cast<T>(args.parameters.scale);
  const auto vector = [&](std::int64_t c) -> Vec<T, kV> {
    const Vec<T, kV> v = elements<T, kV, B>(args.in, c);
    return B <= 8 ? zero + v * scale : v;
  };
  std::int64_t c = 0;
  for (; c + kV <= args.n; c += kV) store<T, kV>(args.out + c, vector(c));
  if (c == args.n) return;
  const Vec<T, kV> last = vector(c);
  for (std::int64_t k = c; k < args.n; ++k) args.out[k] = last[k - c];
}

template <class T>
void decode(const DecodeArgs<T>& args) {
  with_width(args.bits, [&](auto width) { decode_as<T, decltype(width)::value>(args); });
}

}  // namespace

extern const CodecKernels codec_kernels_table;
const CodecKernels codec_kernels_table = {range, encode, decode<float>, decode<double>};

}  // namespace galena::ops::GALENA_LEVEL
