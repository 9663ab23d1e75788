#include "src/ops/device_packed.hpp"

#include <algorithm>
#include <cmath>

#include "galena/error.hpp"

namespace galena::ops {
namespace {

/// The layout of rows, for contents that are made there.
DevicePacked laid_out(const PackedRows& rows) {
  const OnDevice there(Device::cuda);
  return {rows.rows,
          rows.cols,
          to_device(rows.bits.data(), rows.bits.size()),
          to_device(reinterpret_cast<const std::int64_t*>(rows.offset.data()), rows.offset.size()),
          Tensor::empty(static_cast<std::int64_t>(rows.offset.back()), 1, DType::u8),
          Tensor::empty(rows.rows, 1),
          Tensor::empty(rows.rows, 1)};
}

template <class T>
void download(const Tensor& from, T* to) {
  if (from.size() > 0) device_ops().download(to, from.raw(), from.bytes());
}

/// A row that cannot be coded, in the CPU's words.
[[noreturn]] void fail_row(const Tensor& x, VertexId row, VertexId id, std::uint8_t bits, const RandomKey& key) {
  const VertexId first = 0;
  PackedRows one = layout_rows(x.cols(), std::span(&bits, 1));
  pack_rows(x.slice(row, row + std::int64_t{1}).to(Device::cpu), std::span(&first, 1), std::span(&id, 1), key, one);
  throw InternalError("pack_rows: the device refuses a row that the CPU codes");
}

}  // namespace

DevicePacked to_device(const PackedRows& rows) {
  DevicePacked there = laid_out(rows);
  const auto fill = [](const Tensor& to, const void* from) {
    if (to.size() > 0) device_ops().upload(to.raw(), from, to.bytes());
  };
  fill(there.bytes, rows.bytes.data());
  fill(there.zero, rows.zero.data());
  fill(there.scale, rows.scale.data());
  return there;
}

void pack_on_device(const Tensor& x, std::span<const VertexId> index, std::span<const VertexId> ids,
                    const RandomKey& key, PackedRows& out) {
  const Tensor rows = x.to(DType::f32), at = to_device(index), names = to_device(ids);
  const DevicePacked there = laid_out(out);
  device_ops().pack_rows(rows, device_data<VertexId>(at), device_data<VertexId>(names), key, there);
  download(there.zero, out.zero.data());
  const auto refused = std::ranges::find_if(out.zero, [](float zero) { return std::isnan(zero); });
  if (refused != out.zero.end()) {
    const auto r = static_cast<std::size_t>(refused - out.zero.begin());
    fail_row(rows, index[r], ids[r], out.bits[r], key);
  }
  download(there.scale, out.scale.data());
  download(there.bytes, out.bytes.data());
}

}  // namespace galena::ops
