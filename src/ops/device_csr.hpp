#pragma once
// A sparse structure in a device's memory, and how its rows are shared out: short ones are summed by a part of a warp, long
// ones by a block; longer ones are split in chunks, whose sums are added in order.

#include <array>
#include <memory>
#include <span>
#include <vector>

#include "galena/tensor.hpp"
#include "src/ops/csr.hpp"

namespace galena::ops {

/// What is summed by itself.
struct alignas(16) CsrPiece {
  std::int64_t first = 0;   ///< its first nonzero; of a split row, its first chunk's number
  VertexId row = kNoRow;    ///< kNoRow: only room for one
  std::uint32_t count = 0;  ///< how many there are
};

/// The same as numbers, as they are copied.
inline std::span<const std::int64_t> numbers_of(const std::vector<CsrPiece>& pieces) {
  return {reinterpret_cast<const std::int64_t*>(pieces.data()), 2 * pieces.size()};
}

struct DeviceCsr {
  enum Kind : std::size_t { kSplitRows, kChunks, kLongRows, kShortRows, kKinds };
  static constexpr EdgeOffset kMostShort = 64, kMostLong = 256;  ///< nonzeros; more are split
  static constexpr EdgeOffset kChunk = 256;                      ///< nonzeros of a chunk, at most

  Tensor indptr;   ///< i64 [rows + 1], from 0
  Tensor indices;  ///< i32 [nonzeros, or room for them]
  /// i64 [pieces x 2]: of CsrPiece, by kind, rows increasing within; of short rows first those of 33 to 64 nonzeros, then
  /// of 17 to 32, 9 to 16, and fewer, so that rows beside each other take as long.
  Tensor pieces;
  std::array<std::int64_t, kKinds + 1> first{};  ///< where a kind begins in `pieces`

  [[nodiscard]] std::int64_t count(Kind kind) const { return first[kind + 1] - first[kind]; }
};

/// Copies to the device; rows marked in `left_out` (empty: none) have no piece, and kernels leave them as they are. Throws
/// EnvironmentError where there is no room.
std::shared_ptr<DeviceCsr> to_device(const Csr& csr, const std::vector<bool>& left_out = {});
/// Room for any structure of as many rows: of how many nonzeros, and pieces of each kind.
struct CsrRoom {
  std::int64_t rows = 0;
  std::uint64_t nonzeros = 0;
  std::array<std::int64_t, DeviceCsr::kKinds> pieces{};

  /// For structures each of whose rows is a part of another row of `whole`, whose columns below `cols` count; at most
  /// `rows` of them.
  static CsrRoom parts_of(const Csr& whole, std::int64_t rows, std::int64_t cols);
  /// Where a kind begins in DeviceCsr::pieces.
  [[nodiscard]] std::array<std::int64_t, DeviceCsr::kKinds + 1> first() const;
};
/// A place on the device for structures.
std::shared_ptr<DeviceCsr> make_room(const CsrRoom& room);
/// What is written there of a structure's pieces; on any thread. InternalError where there is no room.
std::vector<CsrPiece> lay_out(const Csr& csr, const CsrRoom& room);
/// Writes a structure, whose indptr begins at 0, and its pieces.
void to_device(const Csr& csr, const std::vector<CsrPiece>& pieces, DeviceCsr& place);
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
