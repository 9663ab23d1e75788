#pragma once
// The parameters of a coded row, with one source for CPUs and GPUs.

#include <bit>
#include <cstdint>

#include "src/device/host_device.hpp"
#include "src/ops/codec_kernels.hpp"

namespace galena::ops::math {

constexpr std::uint32_t kLowHalf = 0xffff;

/// The largest bf16 number that is not above x.
GALENA_HOST_DEVICE inline float bf16_down(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const bool away = (bits >> 31) != 0 && (bits & kLowHalf) != 0;
  return std::bit_cast<float>((bits & ~kLowHalf) + (away ? kLowHalf + 1 : 0));
}

/// The smallest bf16 number s >= 0 with levels * s >= range.
GALENA_HOST_DEVICE inline float bf16_step(double range, double levels) {
  auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(range / levels)) & ~kLowHalf;
  while (levels * static_cast<double>(std::bit_cast<float>(bits)) < range) bits += kLowHalf + 1;
  return std::bit_cast<float>(bits);
}

GALENA_HOST_DEVICE inline RowParameters parameters_of(const RowRange& range, int bits) {
  const float zero = bf16_down(range.low) + 0.0F;  // of zeros of either sign one: minima may find any
  return {zero, bf16_step(static_cast<double>(range.high) - static_cast<double>(zero), (1 << bits) - 1)};
}

}  // namespace galena::ops::math
