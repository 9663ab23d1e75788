#pragma once
// The structure of a sparse operator as kernels see it.

#include <cstdint>
#include <memory>
#include <vector>

#include "galena/graph.hpp"

namespace galena::ops {

/// In a device's lists of rows: a place that is kept for one.
inline constexpr VertexId kNoRow = ~VertexId{0};

struct DeviceCsr;  ///< src/ops/device_csr.hpp

/// A view of CSR arrays: row i has columns indices[indptr[i] .. indptr[i + 1]), increasing.
struct Csr {
  std::int64_t rows = 0, cols = 0;
  const EdgeOffset* indptr = nullptr;
  const VertexId* indices = nullptr;
  const DeviceCsr* on_device = nullptr;  ///< the same arrays in a device's memory, where they are
  [[nodiscard]] EdgeOffset nonzeros() const { return rows > 0 ? indptr[rows] - indptr[0] : 0; }
};

/// The same, owned.
struct CsrArrays {
  std::int64_t rows = 0, cols = 0;
  std::vector<EdgeOffset> indptr{0};
  std::vector<VertexId> indices;
  std::shared_ptr<const DeviceCsr> on_device{};
  [[nodiscard]] Csr view() const { return {rows, cols, indptr.data(), indices.data(), on_device.get()}; }
};

/// The transpose, by counting sort, in parallel.
CsrArrays transpose(const Csr& csr);

}  // namespace galena::ops
