#include "src/ops/device_csr.hpp"

#include <algorithm>

#include "galena/error.hpp"
#include "src/ops/device_ops.hpp"

namespace galena::ops {

std::int64_t DeviceCsr::count(int bin, std::int64_t limit) const {
  const auto& all = rows[static_cast<std::size_t>(bin)];
  if (all.empty() || static_cast<std::int64_t>(all.back()) < limit) return static_cast<std::int64_t>(all.size());
  return std::lower_bound(all.begin(), all.end(), limit) - all.begin();
}

std::shared_ptr<const DeviceCsr> to_device(const Csr& csr, const std::vector<bool>& left_out) {
  auto result = std::make_shared<DeviceCsr>();
  const auto n = static_cast<std::size_t>(csr.rows);
  std::vector<std::int64_t> indptr(n + 1, 0);
  for (std::size_t i = 0; i < n; ++i) {
    const EdgeOffset degree = csr.indptr[i + 1] - csr.indptr[i];
    indptr[i + 1] = indptr[i] + static_cast<std::int64_t>(degree);
    const std::size_t bin = degree <= DeviceCsr::kMost[0] ? 0 : degree <= DeviceCsr::kMost[1] ? 1 : 2;
    if (left_out.empty() || !left_out[i]) result->rows[bin].push_back(static_cast<VertexId>(i));
  }
  std::vector<std::int32_t> order;
  order.reserve(n);
  for (std::size_t bin = 0; bin < result->rows.size(); ++bin) {
    result->first[bin] = static_cast<std::int64_t>(order.size());
    for (const VertexId row : result->rows[bin]) order.push_back(static_cast<std::int32_t>(row));
  }
  const EdgeOffset nonzeros = csr.nonzeros();
  result->indptr = to_device(indptr.data(), indptr.size());
  result->order = to_device(order.data(), order.size());
  static_assert(sizeof(VertexId) == sizeof(std::int32_t));
  const VertexId* const indices = nonzeros > 0 ? csr.indices + csr.indptr[0] : nullptr;
  result->indices = to_device(reinterpret_cast<const std::int32_t*>(indices), nonzeros);
  return result;
}

const DeviceCsr& device_csr(const Csr& csr) {
  if (csr.on_device != nullptr) return *csr.on_device;
  throw InternalError("a sparse structure that is not on the device is asked for by an operation there");
}

Csr rows_view(const SparseStructure& s) {
  return {s.rows, s.cols, s.indptr.data(), s.indices.data(), s.on_device ? s.on_device->rows.get() : nullptr};
}

Csr columns_view(const SparseStructure& s) {
  return {s.cols, s.rows, s.t_indptr.data(), s.t_indices.data(), s.on_device ? s.on_device->columns.get() : nullptr};
}

}  // namespace galena::ops
