#pragma once
// What every operation asks of its arguments, and its choice of an element type.

#include <cstdint>
#include <span>
#include <string>

#include "galena/tensor.hpp"

namespace galena::ops {

/// Throws InputError "op: what".
[[noreturn]] void fail(const char* op, const std::string& what);
/// "3 x 4 f32"
std::string shape_of(const Tensor& tensor);
/// Throws InputError naming operation, argument, what it is and what was expected.
void check_tensor(const char* op, const char* name, const Tensor& tensor, std::int64_t rows, std::int64_t cols,
                  DType dtype);
inline void check_like(const char* op, const char* name, const Tensor& tensor, const Tensor& model) {
  check_tensor(op, name, tensor, model.rows(), model.cols(), model.dtype());
}
/// The same for a span's length.
void check_length(const char* op, const char* name, std::size_t length, std::size_t expected);
/// Throws InputError naming the first of `rows` that is not below `limit`.
void check_rows(const char* op, std::span<const VertexId> rows, std::int64_t limit);
[[noreturn]] void fail_type(const char* op, DType dtype);

/// f(float{}) or f(double{}); InputError for other types.
template <class F>
decltype(auto) with_float(const char* op, DType dtype, F&& f) {
  if (dtype == DType::f32) return f(float{});
  if (dtype == DType::f64) return f(double{});
  fail_type(op, dtype);
}

}  // namespace galena::ops
