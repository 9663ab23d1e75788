#include "src/ops/device_csr.hpp"

#include <algorithm>
#include <numeric>

#include "galena/error.hpp"
#include "src/ops/device_ops.hpp"

namespace galena::ops {

namespace {

std::size_t bin_of(EdgeOffset degree) {
  return degree <= DeviceCsr::kMost[0] ? 0 : degree <= DeviceCsr::kMost[1] ? 1 : 2;
}

/// Rows by bin, with their indptr.
struct Binned {
  std::vector<std::int64_t> indptr;
  std::array<std::vector<VertexId>, DeviceCsr::kBins> rows;

  Binned(const Csr& csr, const std::vector<bool>& left_out) : indptr(static_cast<std::size_t>(csr.rows) + 1, 0) {
    for (std::size_t i = 0; i + 1 < indptr.size(); ++i) {
      const EdgeOffset degree = csr.indptr[i + 1] - csr.indptr[i];
      indptr[i + 1] = indptr[i] + static_cast<std::int64_t>(degree);
      if (left_out.empty() || !left_out[i]) rows[bin_of(degree)].push_back(static_cast<VertexId>(i));
    }
  }
};

const VertexId* indices_of(const Csr& csr) { return csr.nonzeros() > 0 ? csr.indices + csr.indptr[0] : nullptr; }

}  // namespace

std::int64_t DeviceCsr::count(int bin, std::int64_t limit) const {
  const auto number = static_cast<std::size_t>(bin);
  const auto& all = rows[number];
  const std::int64_t room = first[number + 1] - first[number];
  if (all.empty() || static_cast<std::int64_t>(all.back()) < limit) return room;
  return std::lower_bound(all.begin(), all.end(), limit) - all.begin();
}

std::shared_ptr<DeviceCsr> to_device(const Csr& csr, const std::vector<bool>& left_out) {
  auto result = std::make_shared<DeviceCsr>();
  Binned binned(csr, left_out);
  std::vector<VertexId> order;
  order.reserve(static_cast<std::size_t>(csr.rows));
  for (std::size_t bin = 0; bin < binned.rows.size(); ++bin) {
    order.insert(order.end(), binned.rows[bin].begin(), binned.rows[bin].end());
    result->first[bin + 1] = static_cast<std::int64_t>(order.size());
  }
  result->rows = std::move(binned.rows);
  result->indptr = to_device(binned.indptr.data(), binned.indptr.size());
  result->order = to_device(order);
  static_assert(sizeof(VertexId) == sizeof(std::int32_t));
  result->indices = to_device(std::span(indices_of(csr), csr.nonzeros()));
  return result;
}

CsrRoom CsrRoom::parts_of(const Csr& whole, std::int64_t rows, std::int64_t cols) {
  CsrRoom room;
  for (std::int64_t i = 0; i < whole.rows; ++i) {
    const VertexId* const begin = whole.indices + whole.indptr[i];
    const VertexId* const end = whole.indices + whole.indptr[i + 1];
    const auto degree = static_cast<EdgeOffset>(std::lower_bound(begin, end, cols) - begin);
    room.nonzeros += degree;
    for (std::size_t bin = 1; bin <= bin_of(degree); ++bin) ++room.rows[bin];
  }
  room.rows[0] = rows;
  for (std::int64_t& most : room.rows) most = std::min(most, rows);
  return room;
}

std::shared_ptr<DeviceCsr> make_room(const CsrRoom& room) {
  const OnDevice device(Device::cuda);
  auto place = std::make_shared<DeviceCsr>();
  std::partial_sum(room.rows.begin(), room.rows.end(), place->first.begin() + 1);
  place->indptr = Tensor::empty(room.rows[0] + 1, 1, DType::i64);
  place->indices = Tensor::empty(static_cast<std::int64_t>(room.nonzeros), 1, DType::i32);
  place->order = Tensor::empty(place->first.back(), 1, DType::i32);
  return place;
}

void to_device(const Csr& csr, DeviceCsr& place) {
  const Binned binned(csr, {});
  std::vector<VertexId> order;
  for (std::size_t bin = 0; bin < binned.rows.size(); ++bin) {
    order.insert(order.end(), binned.rows[bin].begin(), binned.rows[bin].end());
    if (static_cast<std::int64_t>(order.size()) > place.first[bin + 1])
      throw InternalError("a sparse structure has more long rows than there is room for");
    order.resize(static_cast<std::size_t>(place.first[bin + 1]), kNoRow);
  }
  to_device(binned.indptr.data(), binned.indptr.size(), place.indptr);
  to_device(order, place.order);
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
