#include "test/nn/dense_matrix.hpp"

#include <algorithm>
#include <cmath>

#include "test/nn/support.hpp"

namespace galena::test {

Matrix matrix_of(const Tensor& tensor) {
  Matrix result(static_cast<std::size_t>(tensor.rows()));
  for (std::size_t i = 0; i < result.size(); ++i)
    for (std::int64_t c = 0; c < tensor.cols(); ++c) result[i].push_back(tensor.item(static_cast<std::int64_t>(i), c));
  return result;
}

double largest_difference(const Tensor& a, const Matrix& b) {
  Tensor other = Tensor::empty(static_cast<std::int64_t>(b.size()),
                               b.empty() ? a.cols() : static_cast<std::int64_t>(b[0].size()), DType::f64);
  for (std::int64_t i = 0; i < other.rows(); ++i)
    for (std::int64_t c = 0; c < other.cols(); ++c)
      other.at<double>(i, c) = b[static_cast<std::size_t>(i)][static_cast<std::size_t>(c)];
  return largest_difference(a, other);
}

Matrix product(const Matrix& a, const Matrix& b) {
  Matrix c(a.size(), std::vector<double>(b.empty() ? 0 : b[0].size()));
  for (std::size_t i = 0; i < a.size(); ++i)
    for (std::size_t k = 0; k < b.size(); ++k)
      for (std::size_t j = 0; j < c[i].size(); ++j) c[i][j] += a[i][k] * b[k][j];
  return c;
}

Matrix transposed(const Matrix& a) {
  Matrix t(a.empty() ? 0 : a[0].size(), std::vector<double>(a.size()));
  for (std::size_t i = 0; i < a.size(); ++i)
    for (std::size_t j = 0; j < t.size(); ++j) t[j][i] = a[i][j];
  return t;
}

Matrix& add_row(Matrix& x, const Matrix& bias) {
  for (auto& row : x)
    for (std::size_t c = 0; c < row.size(); ++c) row[c] += bias[0][c];
  return x;
}

Matrix relu(Matrix x) {
  for (auto& row : x)
    for (double& value : row) value = std::max(value, 0.0);
  return x;
}

Matrix columns(const Matrix& x, std::size_t begin, std::size_t end) {
  Matrix part;
  for (const auto& row : x)
    part.emplace_back(row.begin() + static_cast<std::ptrdiff_t>(begin), row.begin() + static_cast<std::ptrdiff_t>(end));
  return part;
}

std::vector<double> dots(const Matrix& x, const std::vector<double>& a) {
  std::vector<double> result;
  for (const auto& row : x) {
    result.push_back(0);
    for (std::size_t c = 0; c < row.size(); ++c) result.back() += row[c] * a[c];
  }
  return result;
}

Matrix softmax_sums(const Matrix& mask, const std::vector<double>& scores, const Matrix& x, std::size_t width) {
  Matrix y(mask.size(), std::vector<double>(width));
  for (std::size_t i = 0; i < mask.size(); ++i) {
    double total = 0;
    for (std::size_t j = 0; j < x.size(); ++j) total += mask[i][j] * std::exp(scores[j]);
    for (std::size_t j = 0; j < x.size(); ++j)
      for (std::size_t c = 0; c < width; ++c) y[i][c] += mask[i][j] * std::exp(scores[j]) * inverse(total) * x[j][c];
  }
  return y;
}

void append_columns(Matrix& x, const Matrix& more) {
  x.resize(more.size());
  for (std::size_t i = 0; i < more.size(); ++i) x[i].insert(x[i].end(), more[i].begin(), more[i].end());
}

}  // namespace galena::test
