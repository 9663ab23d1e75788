#pragma once
// Sums of sums, y = left A^T factor A right x for a sparse A, without the matrix A x: a block of a GPU holds some of A's
// rows ("slots") in shared memory, gathers them from x, and gives each row of y the sum of its slots.
//
// A tile's slots are a block's. A row of y that has slots in one tile alone is written by it; of others each tile writes
// its part to a row of a buffer, and parts are added afterwards in the order of tiles: no two blocks add to one place, so
// that results repeat themselves bit for bit. Rows of A that are too long for a tile ("giants") are summed in chunks by
// many blocks, and stand in that buffer behind the parts.

#include <memory>

#include "galena/tensor.hpp"
#include "src/ops/device_csr.hpp"

namespace galena::ops {

/// Where slots go: rows of y below `limit`. Contacts are pairs of a tile and a row.
struct TileSide {
  std::int64_t limit = 0;
  std::int64_t parts = 0;                   ///< contacts of rows that are not one tile's alone
  Tensor first;                             ///< i64 [tiles + 1] of tiles' contacts
  Tensor contact;                           ///< i64 [contacts x 2] of CsrPiece, in `slot`; of the row, or ~part
  Tensor slot;                              ///< u8: contacts' slots, one contact after the other
  std::shared_ptr<const DeviceCsr> shared;  ///< [limit x parts + giants]: rows that no tile writes alone
};

struct DeviceTiles {
  static constexpr std::int64_t kMostSlots = 160;  ///< two sets of them, of kSlabBytes each, are in a block's 48 KiB
  static constexpr std::int64_t kSlabBytes = 128;  ///< of a row, for one block
  static constexpr std::int64_t kLong = 64;        ///< a slot of more columns is gathered by the whole block
  static constexpr std::int64_t kGiant = 2048;     ///< a row of more columns is no slot, but summed in chunks
  static constexpr std::int64_t kChunk = DeviceCsr::kMostLong;  ///< columns of a chunk, which is not split again

  std::int64_t tiles = 0;
  std::int64_t most_slots = 0;  ///< of a tile
  std::int64_t rows = 0;        ///< of A
  Tensor first;                 ///< i64 [tiles + 1] of tiles' slots
  Tensor first_long;            ///< i64 [tiles]: where long slots begin
  Tensor row;                   ///< i32 [slots]: the row of A
  std::int64_t giants = 0;
  Tensor giant_row;                         ///< i32 [giants]: the row of A
  Tensor giant_first;                       ///< i64 [giants + 1] of giants' chunks
  std::shared_ptr<const DeviceCsr> chunks;  ///< [chunks x columns]
  std::int64_t chunk_count = 0;
  TileSide input, output;  ///< by columns of the first and the second factor; `output` is empty where `square`
  bool square = true;
  [[nodiscard]] const TileSide& output_side() const { return square ? input : output; }
};

/// One product. Null tensors: 1, or not asked for.
struct TileCall {
  const Csr* csr = nullptr;          ///< A, on the device
  const TileSide* side = nullptr;    ///< y's
  const Tensor* x = nullptr;         ///< [columns x width]
  const Tensor* right = nullptr;     ///< by row of x
  const Tensor* factor = nullptr;    ///< by row of A
  const Tensor* left = nullptr;      ///< by row of y
  const Tensor* y = nullptr;         ///< [side->limit x width], written
  const Tensor* other = nullptr;     ///< [columns x width], for d_factor
  const Tensor* weight = nullptr;    ///< by row of `other`
  const Tensor* d_factor = nullptr;  ///< [rows of A x 1], written: <(A right x)_e, (A weight other)_e>
};

}  // namespace galena::ops
