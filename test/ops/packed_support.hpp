#pragma once
// What tests of packed rows share.

#include <bit>
#include <vector>

#include "src/ops/quantize.hpp"
#include "test/ops/op_support.hpp"

namespace galena::test {

inline constexpr int kCodedBits[] = {1, 2, 4, 8};
inline const ops::RandomKey kQuantizeKey{0x123456789abcdefU, 11,
                                         ops::RandomKey::make_stream(2, ops::Purpose::quantize_forward)};

inline std::vector<VertexId> iota_ids(std::int64_t n, VertexId first = 0) {
  std::vector<VertexId> ids;
  for (std::int64_t i = 0; i < n; ++i) ids.push_back(first + static_cast<VertexId>(i));
  return ids;
}

inline std::vector<std::uint8_t> same_bits(std::int64_t rows, int bits) {
  return std::vector<std::uint8_t>(static_cast<std::size_t>(rows), static_cast<std::uint8_t>(bits));
}

/// 32, 1, 16, 2, 8, 4, 32, ...
inline std::vector<std::uint8_t> mixed_bits(std::int64_t rows) {
  constexpr std::uint8_t widths[] = {32, 1, 16, 2, 8, 4};
  std::vector<std::uint8_t> bits;
  for (std::int64_t r = 0; r < rows; ++r) bits.push_back(widths[r % 6]);
  return bits;
}

/// All rows of x in order, their ids from `first_id` on.
inline ops::PackedRows pack(const Tensor& x, const std::vector<std::uint8_t>& bits, VertexId first_id = 0,
                            std::span<double> variance = {}, std::span<double> norm2 = {}) {
  ops::PackedRows packed = ops::layout_rows(x.cols(), bits, x.dtype());
  ops::pack_rows(x, iota_ids(x.rows()), iota_ids(x.rows(), first_id), kQuantizeKey, packed, variance, norm2);
  return packed;
}

/// In f64, so that what is decoded is zero + code * scale without rounding (unless there are rows of 32 bits).
inline Tensor unpack(const ops::PackedRows& packed, DType dtype = DType::f64) {
  Tensor y = Tensor::full(packed.rows, packed.cols, 1e9, dtype);
  ops::unpack_rows(packed, y);
  return y;
}

inline bool is_bf16(float x) { return (std::bit_cast<std::uint32_t>(x) & 0xffffU) == 0; }

}  // namespace galena::test
