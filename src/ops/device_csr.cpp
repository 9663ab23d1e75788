#include "src/ops/device_csr.hpp"

#include <algorithm>
#include <numeric>

#include "galena/error.hpp"
#include "src/ops/device_ops.hpp"

namespace galena::ops {

namespace {

static_assert(sizeof(CsrPiece) == 2 * sizeof(std::int64_t) && sizeof(VertexId) == sizeof(std::int32_t));

EdgeOffset chunks_of(EdgeOffset degree) { return (degree + DeviceCsr::kChunk - 1) / DeviceCsr::kChunk; }

/// Of short rows, from the longest: what is walked together should take as long.
constexpr std::array<EdgeOffset, 4> kMoreThan{32, 16, 8, 0};

/// A structure's pieces, by kind, with its indptr.
struct Cut {
  std::vector<std::int64_t> indptr{0};
  std::array<std::vector<CsrPiece>, DeviceCsr::kKinds> pieces;

  Cut(const Csr& csr, const std::vector<bool>& left_out) {
    std::array<std::vector<CsrPiece>, kMoreThan.size()> short_rows;
    indptr.reserve(static_cast<std::size_t>(csr.rows) + 1);
    for (std::int64_t i = 0; i < csr.rows; ++i) {
      const EdgeOffset degree = csr.indptr[i + 1] - csr.indptr[i];
      const CsrPiece row{indptr.back(), static_cast<VertexId>(i), static_cast<std::uint32_t>(degree)};
      indptr.push_back(row.first + static_cast<std::int64_t>(degree));
      if (!left_out.empty() && left_out[static_cast<std::size_t>(i)]) continue;
      if (degree > DeviceCsr::kMostLong) {
        split(row);
      } else if (degree > DeviceCsr::kMostShort) {
        pieces[DeviceCsr::kLongRows].push_back(row);
      } else {
        std::size_t k = 0;
        while (degree <= kMoreThan[k] && k + 1 < kMoreThan.size()) ++k;
        short_rows[k].push_back(row);
      }
    }
    auto& all = pieces[DeviceCsr::kShortRows];
    all.reserve(static_cast<std::size_t>(csr.rows));
    for (const auto& rows : short_rows) all.insert(all.end(), rows.begin(), rows.end());
  }

 private:
  /// In chunks of about the same size.
  void split(const CsrPiece& row) {
    auto& chunks = pieces[DeviceCsr::kChunks];
    const auto count = static_cast<std::uint32_t>(chunks_of(row.count)), size = (row.count + count - 1) / count;
    pieces[DeviceCsr::kSplitRows].push_back({static_cast<std::int64_t>(chunks.size()), row.row, count});
    for (std::uint32_t k = 0; k < count; ++k) {
      const std::uint32_t begin = k * size;
      chunks.push_back({row.first + begin, row.row, std::min(size, row.count - begin)});
    }
  }
};

const VertexId* indices_of(const Csr& csr) { return csr.nonzeros() > 0 ? csr.indices + csr.indptr[0] : nullptr; }

}  // namespace

std::shared_ptr<DeviceCsr> to_device(const Csr& csr, const std::vector<bool>& left_out) {
  auto result = std::make_shared<DeviceCsr>();
  Cut cut(csr, left_out);
  std::vector<CsrPiece> all;
  for (std::size_t kind = 0; kind < cut.pieces.size(); ++kind) {
    all.insert(all.end(), cut.pieces[kind].begin(), cut.pieces[kind].end());
    result->first[kind + 1] = static_cast<std::int64_t>(all.size());
    cut.pieces[kind] = {};
  }
  result->indptr = to_device(cut.indptr.data(), cut.indptr.size());
  const auto numbers = numbers_of(all);
  result->pieces = to_device(numbers.data(), numbers.size());
  result->indices = to_device(std::span(indices_of(csr), csr.nonzeros()));
  return result;
}

CsrRoom CsrRoom::parts_of(const Csr& whole, std::int64_t rows, std::int64_t cols) {
  CsrRoom room;
  room.rows = rows;
  for (std::int64_t i = 0; i < whole.rows; ++i) {
    const VertexId* const begin = whole.indices + whole.indptr[i];
    const VertexId* const end = whole.indices + whole.indptr[i + 1];
    const auto degree = static_cast<EdgeOffset>(std::lower_bound(begin, end, cols) - begin);
    room.nonzeros += degree;
    if (degree > DeviceCsr::kMostShort) ++room.pieces[DeviceCsr::kLongRows];
    if (degree <= DeviceCsr::kMostLong) continue;
    ++room.pieces[DeviceCsr::kSplitRows];
    room.pieces[DeviceCsr::kChunks] += static_cast<std::int64_t>(chunks_of(degree));
  }
  room.pieces[DeviceCsr::kShortRows] = rows;
  for (const auto kind : {DeviceCsr::kSplitRows, DeviceCsr::kLongRows})
    room.pieces[kind] = std::min(room.pieces[kind], rows);
  return room;
}

std::array<std::int64_t, DeviceCsr::kKinds + 1> CsrRoom::first() const {
  std::array<std::int64_t, DeviceCsr::kKinds + 1> first{};
  std::partial_sum(pieces.begin(), pieces.end(), first.begin() + 1);
  return first;
}

std::shared_ptr<DeviceCsr> make_room(const CsrRoom& room) {
  const OnDevice device(Device::cuda);
  auto place = std::make_shared<DeviceCsr>();
  place->first = room.first();
  place->indptr = Tensor::empty(room.rows + 1, 1, DType::i64);
  place->indices = Tensor::empty(static_cast<std::int64_t>(room.nonzeros), 1, DType::i32);
  place->pieces = Tensor::empty(2 * place->first.back(), 1, DType::i64);
  return place;
}

std::vector<CsrPiece> lay_out(const Csr& csr, const CsrRoom& room) {
  const Cut cut(csr, {});
  const auto first = room.first();
  std::vector<CsrPiece> all;
  all.reserve(static_cast<std::size_t>(first.back()));
  for (std::size_t kind = 0; kind < cut.pieces.size(); ++kind) {
    all.insert(all.end(), cut.pieces[kind].begin(), cut.pieces[kind].end());
    if (static_cast<std::int64_t>(all.size()) > first[kind + 1])
      throw InternalError("a sparse structure has more long rows than there is room for");
    all.resize(static_cast<std::size_t>(first[kind + 1]));
  }
  return all;
}

void to_device(const Csr& csr, const std::vector<CsrPiece>& pieces, DeviceCsr& place) {
  static_assert(sizeof(EdgeOffset) == sizeof(std::int64_t));
  if (csr.indptr[0] != 0) throw InternalError("a part of a sparse structure is written into the place of a whole one");
  to_device(reinterpret_cast<const std::int64_t*>(csr.indptr), static_cast<std::size_t>(csr.rows) + 1, place.indptr);
  const auto numbers = numbers_of(pieces);
  to_device(numbers.data(), numbers.size(), place.pieces);
  to_device(std::span(indices_of(csr), csr.nonzeros()), place.indices);
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
