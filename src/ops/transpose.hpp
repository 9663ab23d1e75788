#pragma once
// The transpose of CSR arrays, by counting sort.

#include <vector>

#include "src/ops/csr.hpp"

namespace galena::ops {

/// Writes the transpose's arrays (cols + 1 offsets; rows increasing within each), and, unless `position` is null,
/// where in csr.indices each of its entries stands.
void transpose_into(const Csr& csr, std::vector<EdgeOffset>& indptr, std::vector<VertexId>& indices,
                    std::vector<EdgeOffset>* position);

}  // namespace galena::ops
