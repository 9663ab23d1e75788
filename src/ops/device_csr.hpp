#pragma once
// A sparse structure in a device's memory, with its rows in bins by degree: short rows are summed by a part of a warp,
// long ones by a block, the longest by a large block.

#include <array>
#include <memory>
#include <vector>

#include "galena/tensor.hpp"
#include "src/ops/csr.hpp"

namespace galena::ops {

struct DeviceCsr {
  /// Most nonzeros of a row in each bin but the last.
  static constexpr std::array<EdgeOffset, 2> kMost{64, 4096};
  static constexpr int kBins = 3;

  Tensor indptr;   ///< i64 [rows + 1], from 0
  Tensor indices;  ///< i32 [nonzeros, or room for them]
  Tensor order;    ///< i32 [rows, or room for them]: by bin, increasing within; kNoRow: none
  std::array<std::vector<VertexId>, kBins>
      rows;                                     ///< the same on the host, where other structures do not take its place
  std::array<std::int64_t, kBins + 1> first{};  ///< where a bin begins in `order`

  /// How many of a bin's rows are below `limit`.
  [[nodiscard]] std::int64_t count(int bin, std::int64_t limit) const;
};

/// Copies to the device; rows marked in `left_out` (empty: none) are in no bin, and kernels leave them as they are. Throws
/// EnvironmentError where there is no room.
std::shared_ptr<DeviceCsr> to_device(const Csr& csr, const std::vector<bool>& left_out = {});
/// Room for any structure of as many rows: of how many nonzeros, and rows of each bin.
struct CsrRoom {
  std::uint64_t nonzeros = 0;
  std::array<std::int64_t, DeviceCsr::kBins> rows{};

  /// For structures each of whose rows is a part of another row of `whole`, whose columns below `cols` count; at most
  /// `rows` of them.
  static CsrRoom parts_of(const Csr& whole, std::int64_t rows, std::int64_t cols);
};
/// A place on the device for structures, and a structure written into it. InternalError where there is no room.
std::shared_ptr<DeviceCsr> make_room(const CsrRoom& room);
void to_device(const Csr& csr, DeviceCsr& place);
/// The view's copy. Throws InternalError where it has none.
const DeviceCsr& device_csr(const Csr& csr);

/// SparseStructure's arrays.
struct DeviceSparse {
  std::shared_ptr<const DeviceCsr> rows, columns;
  Tensor position;  ///< i64 [nonzeros]: of the columns' entries among the rows'
};
/// Views with their copies on the device.
Csr rows_view(const SparseStructure& s);
Csr columns_view(const SparseStructure& s);

}  // namespace galena::ops
