#pragma once
// Matrices of doubles and loops over them, for references that share nothing with src/ops.

#include <functional>
#include <string>
#include <vector>

#include "galena/tensor.hpp"

namespace galena::test {

using Matrix = std::vector<std::vector<double>>;
/// A parameter's value by name.
using Values = std::function<Matrix(const std::string&)>;

Matrix matrix_of(const Tensor& tensor);
double largest_difference(const Tensor& a, const Matrix& b);
/// 1 / x, 0 for 0.
inline double inverse(double x) { return x > 0 ? 1 / x : 0; }
Matrix product(const Matrix& a, const Matrix& b);
Matrix transposed(const Matrix& a);
Matrix& add_row(Matrix& x, const Matrix& bias);
Matrix relu(Matrix x);
/// Columns [begin, end).
Matrix columns(const Matrix& x, std::size_t begin, std::size_t end);
void append_columns(Matrix& x, const Matrix& more);
/// <row, a> of each row.
std::vector<double> dots(const Matrix& x, const std::vector<double>& a);
/// Of each row of `mask`, the sum over its columns of softmax(score) x.
Matrix softmax_sums(const Matrix& mask, const std::vector<double>& scores, const Matrix& x, std::size_t width);

}  // namespace galena::test
