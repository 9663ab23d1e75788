#pragma once
// bfloat16: the upper half of a float.

#include <bit>
#include <cstdint>

#include "src/device/host_device.hpp"

namespace galena::ops {

GALENA_HOST_DEVICE inline float from_bf16(std::uint16_t x) { return std::bit_cast<float>(std::uint32_t{x} << 16); }

/// Rounded to nearest, ties to even; overflow becomes infinity and a NaN stays one (quiet).
GALENA_HOST_DEVICE inline std::uint16_t to_bf16(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  if ((bits & 0x7fffffffU) > 0x7f800000U) return static_cast<std::uint16_t>((bits >> 16) | 0x40U);
  return static_cast<std::uint16_t>((bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16);
}

}  // namespace galena::ops
