#pragma once
// Coded rows in a device's memory: PackedRows' arrays. Elements of rows of 32 bits are f32.

#include "src/ops/device_ops.hpp"
#include "src/ops/quantize.hpp"

namespace galena::ops {

struct DevicePacked {
  std::int64_t rows = 0, cols = 0;
  Tensor bits;         ///< u8 [rows]
  Tensor offset;       ///< i64 [rows + 1]
  Tensor bytes;        ///< u8
  Tensor zero, scale;  ///< f32 [rows]
};

/// Copies layout and contents. Throws EnvironmentError where there is no room.
inline DevicePacked to_device(const PackedRows& rows) {
  return {rows.rows,
          rows.cols,
          to_device(rows.bits.data(), rows.bits.size()),
          to_device(reinterpret_cast<const std::int64_t*>(rows.offset.data()), rows.offset.size()),
          to_device(rows.bytes.data(), rows.bytes.size()),
          to_device(rows.zero.data(), rows.zero.size()),
          to_device(rows.scale.data(), rows.scale.size())};
}

}  // namespace galena::ops
