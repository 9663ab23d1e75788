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
DevicePacked to_device(const PackedRows& rows);

/// pack_rows() of rows that lie on the device, to the CPU's memory: what is copied is coded. The CPU's bytes, bit for bit,
/// and its errors. f64 is coded through f32.
void pack_on_device(const Tensor& x, std::span<const VertexId> index, std::span<const VertexId> ids,
                    const RandomKey& key, PackedRows& out);

}  // namespace galena::ops
