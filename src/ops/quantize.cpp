// Checks of quantize.hpp, the layout of packed rows, and the choice of the element type.

#include "src/ops/quantize.hpp"

#include <algorithm>
#include <string>

#include "src/ops/check.hpp"
#include "src/ops/quantize_cpu.hpp"

namespace galena::ops {
namespace {

constexpr std::ptrdiff_t kPadding = 64;  ///< vectors may be read past the last row

bool is_width(int bits) { return bits == 1 || bits == 2 || bits == 4 || bits == 8 || bits == 16 || bits == 32; }

void check_factor(const Tensor* factor, const char* name, std::int64_t rows, DType dtype) {
  if (factor == nullptr || (factor->rows() >= rows && factor->cols() == 1 && factor->dtype() == dtype)) return;
  fail("spmm_packed", std::string(name) + " is " + shape_of(*factor) + "; expected at least " + std::to_string(rows) +
                          " x 1 " + name_of(dtype));
}

void check_exact(const char* op, const PackedRows& packed, DType dtype) {
  if (packed.exact == dtype || std::find(packed.bits.begin(), packed.bits.end(), 32) == packed.bits.end()) return;
  fail(op, std::string("rows of 32 bits were laid out for ") + name_of(packed.exact) + ", elements are " +
               name_of(dtype) + "; name the type in layout_rows()");
}

}  // namespace

PackedRows layout_rows(std::int64_t cols, std::span<const std::uint8_t> bits, DType exact) {
  if (exact != DType::f32 && exact != DType::f64) fail_type("layout_rows", exact);
  PackedRows rows;
  rows.rows = static_cast<std::int64_t>(bits.size());
  rows.cols = cols;
  rows.exact = exact;
  rows.bits.assign(bits.begin(), bits.end());
  rows.offset.resize(bits.size() + 1);
  for (std::size_t r = 0; r < bits.size(); ++r) {
    if (!is_width(bits[r])) {
      fail("layout_rows", "row " + std::to_string(r) + " has " + std::to_string(bits[r]) +
                              " bits an element; expected 1, 2, 4, 8, 16 or 32");
    }
    const int width = bits[r] == 32 && exact == DType::f64 ? 64 : bits[r];
    rows.offset[r + 1] = rows.offset[r] + packed_bytes(cols, width);
  }
  rows.bytes.resize(rows.offset.back() + kPadding);
  std::fill(rows.bytes.end() - kPadding, rows.bytes.end(), std::uint8_t{0});
  rows.zero.assign(bits.size(), 0);
  rows.scale.assign(bits.size(), 1);
  return rows;
}

void pack_rows(const Tensor& x, std::span<const VertexId> index, std::span<const VertexId> ids, const RandomKey& key,
               PackedRows& out, std::span<double> variance, std::span<double> norm2) {
  const auto rows = static_cast<std::size_t>(out.rows);
  check_length("pack_rows", "index", index.size(), rows);
  check_length("pack_rows", "ids", ids.size(), rows);
  if (!variance.empty()) check_length("pack_rows", "variance", variance.size(), rows);
  if (!norm2.empty()) check_length("pack_rows", "norm2", norm2.size(), rows);
  check_rows("pack_rows", index, x.rows());
  check_tensor("pack_rows", "x", x, x.rows(), out.cols, x.dtype());
  check_exact("pack_rows", out, x.dtype());
  with_float("pack_rows", x.dtype(), [&]<class T>(T) { cpu::pack_rows<T>(x, index, ids, key, out, variance, norm2); });
}

void unpack_rows(const PackedRows& packed, const Tensor& y) {
  check_tensor("unpack_rows", "y", y, packed.rows, packed.cols, y.dtype());
  check_exact("unpack_rows", packed, y.dtype());
  with_float("unpack_rows", y.dtype(), [&]<class T>(T) { cpu::unpack_rows<T>(packed, y); });
}

void spmm_packed(const Csr& csr, const Tensor* left, const Tensor* right, const PackedRows& packed, const Tensor& y) {
  check_tensor("spmm_packed", "y", y, y.rows(), packed.cols, y.dtype());
  if (y.rows() > csr.rows || packed.rows > csr.cols) {
    fail("spmm_packed", "y is " + shape_of(y) + " and there are " + std::to_string(packed.rows) +
                            " packed rows; the matrix is " + std::to_string(csr.rows) + " x " +
                            std::to_string(csr.cols));
  }
  check_factor(left, "left", y.rows(), y.dtype());
  check_factor(right, "right", packed.rows, y.dtype());
  check_exact("spmm_packed", packed, y.dtype());
  with_float("spmm_packed", y.dtype(), [&]<class T>(T) { cpu::spmm_packed<T>(csr, left, right, packed, y); });
}

}  // namespace galena::ops
