#include "src/ops/device_packed.hpp"

#include <string>

#include "galena/error.hpp"
#include "src/ops/check.hpp"

namespace galena::ops {

DevicePacked to_device(const PackedRows& rows) {
  const OnDevice there(Device::cuda);
  return {rows.rows,
          rows.cols,
          to_device(rows.bits.data(), rows.bits.size()),
          to_device(reinterpret_cast<const std::int64_t*>(rows.offset.data()), rows.offset.size()),
          to_device(rows.bytes.data(), static_cast<std::size_t>(rows.offset.back())),
          to_device(rows.zero.data(), rows.zero.size()),
          to_device(rows.scale.data(), rows.scale.size())};
}

DevicePacked slice(const DevicePacked& rows, std::int64_t begin, std::int64_t end) {
  return {end - begin,
          rows.cols,
          rows.bits.slice(begin, end),
          rows.offset.slice(begin, end),
          rows.bytes,
          rows.zero.slice(begin, end),
          rows.scale.slice(begin, end)};
}

void spmm_packed(const Csr& csr, const Tensor* left, const Tensor* right, const DevicePacked& packed, const Tensor& y) {
  check_tensor("spmm_packed", "y", y, y.rows(), packed.cols, y.dtype());
  device_ops().spmm_packed(csr, left, right, packed, y);
}

void fail_refused(VertexId id) {
  throw InputError("pack_rows: a feature of vertex " + std::to_string(id) +
                   " is not a finite number, or more than the 1.6e38 that few bits hold (a diverging run: lower the "
                   "learning rate; or check the features)");
}

}  // namespace galena::ops
