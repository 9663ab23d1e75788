#pragma once
// Coded rows in a device's memory: PackedRows' arrays. Elements of rows of 32 bits are f32.

#include "src/ops/device_ops.hpp"
#include "src/ops/quantize.hpp"

namespace galena::ops {

struct DevicePacked {
  std::int64_t rows = 0, cols = 0;
  Tensor bits;         ///< u8 [rows]
  Tensor offset;       ///< i64 [rows and more]: where a row's elements begin
  Tensor bytes;        ///< u8
  Tensor zero, scale;  ///< f32 [rows]
};

/// Some of the rows; they share memory.
DevicePacked slice(const DevicePacked& rows, std::int64_t begin, std::int64_t end);

/// Where the two bf16 parameters of each row of at most 8 bits stand among the bytes that travel; -1: the row has none.
struct WirePlaces {
  Tensor zero, scale;  ///< i64 [rows]
};

/// Copies layout and contents. Throws EnvironmentError where there is no room.
DevicePacked to_device(const PackedRows& rows);

/// y[i] += left[i] * sum_j right[j] * decode(packed row j), as of the CPU's rows (quantize.hpp); y is f32 or f64.
void spmm_packed(const Csr& csr, const Tensor* left, const Tensor* right, const DevicePacked& packed, const Tensor& y);

/// The error of a row that a device could not code.
[[noreturn]] void fail_refused(VertexId id);

}  // namespace galena::ops
