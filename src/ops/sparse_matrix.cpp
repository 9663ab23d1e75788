#include <algorithm>
#include <limits>

#include "galena/tensor.hpp"
#include "src/ops/check.hpp"
#include "src/ops/device_csr.hpp"
#include "src/ops/device_ops.hpp"
#include "src/ops/parallel.hpp"
#include "src/ops/transpose.hpp"

namespace galena {
namespace {

constexpr const char* kOp = "SparseMatrix::from_csr";

void check_offsets(const SparseStructure& s) {
  if (s.rows < 0 || s.cols < 0 || std::max(s.rows, s.cols) > std::int64_t{std::numeric_limits<std::uint32_t>::max()}) {
    ops::fail(kOp, "the shape is " + std::to_string(s.rows) + " x " + std::to_string(s.cols) +
                       "; expected sizes from 0 to 2^32 - 1");
  }
  ops::check_length(kOp, "indptr", s.indptr.size(), static_cast<std::size_t>(s.rows) + 1);
  const auto falls = std::is_sorted_until(s.indptr.begin(), s.indptr.end());
  if (s.indptr.front() != 0 || falls != s.indptr.end()) {
    ops::fail(kOp, "indptr begins with " + std::to_string(s.indptr.front()) + " and falls at entry " +
                       std::to_string(falls - s.indptr.begin()) + "; expected to begin with 0 and never fall");
  }
  ops::check_length(kOp, "indices", s.indices.size(), s.indptr.back());
}

void check_columns(const SparseStructure& s) {
  for (std::int64_t i = 0; i < s.rows; ++i) {
    for (EdgeOffset k = s.indptr[static_cast<std::size_t>(i)]; k < s.indptr[static_cast<std::size_t>(i) + 1]; ++k) {
      const bool follows = k == s.indptr[static_cast<std::size_t>(i)] || s.indices[k - 1] < s.indices[k];
      if (follows && s.indices[k] < s.cols) continue;
      ops::fail(kOp, "row " + std::to_string(i) + " has column " + std::to_string(s.indices[k]) +
                         (follows ? "" : " after column " + std::to_string(s.indices[k - 1])) +
                         "; expected increasing columns below " + std::to_string(s.cols));
    }
  }
}

void check_values(const Tensor& values, std::size_t nonzeros) {
  ops::with_float(kOp, values.dtype(), [&](auto) {
    ops::check_tensor(kOp, "values", values, static_cast<std::int64_t>(nonzeros), 1, values.dtype());
  });
}

}  // namespace

SparseMatrix SparseMatrix::from_csr(std::int64_t rows, std::int64_t cols, std::vector<EdgeOffset> indptr,
                                    std::vector<std::uint32_t> indices, Tensor values) {
  auto s = std::make_shared<SparseStructure>();
  s->rows = rows;
  s->cols = cols;
  s->indptr = std::move(indptr);
  s->indices = std::move(indices);
  check_offsets(*s);
  check_columns(*s);
  check_values(values, s->indices.size());
  const ops::Csr view{rows, cols, s->indptr.data(), s->indices.data()};
  ops::transpose_into(view, s->t_indptr, s->t_indices, &s->t_position);
  SparseMatrix result;
  result.structure_ = std::move(s);
  result.values_ = std::move(values);
  return result;
}

SparseMatrix SparseMatrix::with_values(Tensor values) const {
  check_values(values, static_cast<std::size_t>(nonzeros()));
  SparseMatrix result = *this;
  result.values_ = std::move(values);
  return result;
}

SparseMatrix SparseMatrix::to(Device device) const {
  if (!structure_) return *this;
  const SparseStructure& s = *structure_;
  if (device == Device::cuda && !s.on_device) {
    auto copy = std::make_shared<ops::DeviceSparse>();
    copy->rows = ops::to_device(ops::rows_view(s));
    copy->columns = ops::to_device(ops::columns_view(s));
    const Tensor position = Tensor::from<std::int64_t>(
        nonzeros(), 1, {reinterpret_cast<const std::int64_t*>(s.t_position.data()), s.t_position.size()});
    copy->position = position.to(device);
    s.on_device = std::move(copy);
  }
  return with_values(values_.to(device));
}

SparseMatrix SparseMatrix::gather_rows(std::span<const VertexId> rows) const {
  ops::check_rows("SparseMatrix::gather_rows", rows, this->rows());
  std::vector<EdgeOffset> indptr(rows.size() + 1, 0);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    indptr[i + 1] = indptr[i] + structure_->indptr[rows[i] + std::size_t{1}] - structure_->indptr[rows[i]];
  }
  std::vector<std::uint32_t> indices(indptr.back());
  Tensor values = Tensor::empty(static_cast<std::int64_t>(indptr.back()), 1, values_.dtype());
  ops::with_float("SparseMatrix::gather_rows", values_.dtype(), [&](auto type) {
    using T = decltype(type);
    const T* const from = values_.data<T>();
    T* const to = values.data<T>();
    const auto average = static_cast<std::int64_t>(indices.size() / std::max<std::size_t>(1, rows.size()));
    ops::parallel_ranges(static_cast<std::int64_t>(rows.size()), average, [&](std::int64_t begin, std::int64_t end) {
      for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
        const EdgeOffset source = structure_->indptr[rows[i]], length = indptr[i + 1] - indptr[i];
        std::copy_n(structure_->indices.data() + source, length, indices.data() + indptr[i]);
        std::copy_n(from + source, length, to + indptr[i]);
      }
    });
  });
  return from_csr(static_cast<std::int64_t>(rows.size()), cols(), std::move(indptr), std::move(indices),
                  std::move(values));
}

Tensor SparseMatrix::dense() const {
  Tensor result = Tensor::zeros(rows(), cols(), values_.dtype());
  ops::with_float("SparseMatrix::dense", values_.dtype(), [&](auto type) {
    using T = decltype(type);
    const T* const values = values_.data<T>();
    for (std::int64_t i = 0; i < rows(); ++i) {
      for (EdgeOffset k = structure_->indptr[static_cast<std::size_t>(i)];
           k < structure_->indptr[static_cast<std::size_t>(i) + 1]; ++k) {
        result.at<T>(i, structure_->indices[k]) = values[k];
      }
    }
  });
  return result;
}

}  // namespace galena
