#pragma once
// TF32, as tests take it. How cuBLAS rounds to it is not documented: emulated and simulated devices take the nearest,
// ties to even, which is within 2^-11; what is tested allows for truncation, which is within 2^-10.

#include <bit>
#include <cstdint>

namespace galena::test {

/// The nearest number with 10 explicit bits in its fraction; what is not finite stays.
inline float to_tf32(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  if ((bits & 0x7f800000U) == 0x7f800000U) return x;
  return std::bit_cast<float>((bits + 0xfffU + (bits >> 13 & 1U)) & ~0x1fffU);
}

}  // namespace galena::test
