#include "src/ops/check.hpp"

#include <algorithm>

#include "galena/error.hpp"

namespace galena::ops {
namespace {

std::string shape_text(std::int64_t rows, std::int64_t cols, DType dtype) {
  return std::to_string(rows) + " x " + std::to_string(cols) + " " + name_of(dtype);
}

}  // namespace

void fail(const char* op, const std::string& what) { throw InputError(std::string(op) + ": " + what); }

std::string shape_of(const Tensor& tensor) {
  return tensor.defined() ? shape_text(tensor.rows(), tensor.cols(), tensor.dtype()) : "undefined";
}

void check_tensor(const char* op, const char* name, const Tensor& tensor, std::int64_t rows, std::int64_t cols,
                  DType dtype) {
  if (tensor.defined() && tensor.rows() == rows && tensor.cols() == cols && tensor.dtype() == dtype) return;
  fail(op, std::string(name) + " is " + shape_of(tensor) + "; expected " + shape_text(rows, cols, dtype));
}

void check_length(const char* op, const char* name, std::size_t length, std::size_t expected) {
  if (length == expected) return;
  fail(op, std::string(name) + " has " + std::to_string(length) + " elements; expected " + std::to_string(expected));
}

void check_rows(const char* op, std::span<const VertexId> rows, std::int64_t limit) {
  const auto bad = std::find_if(rows.begin(), rows.end(), [=](VertexId row) { return row >= limit; });
  if (bad == rows.end()) return;
  fail(op, "entry " + std::to_string(bad - rows.begin()) + " names row " + std::to_string(*bad) +
               "; expected one of the " + std::to_string(limit) + " rows");
}

void fail_type(const char* op, DType dtype) {
  fail(op, std::string("elements are ") + name_of(dtype) + "; expected f32 or f64 (convert with Tensor::to)");
}

}  // namespace galena::ops
