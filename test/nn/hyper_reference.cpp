#include "test/nn/hyper_reference.hpp"

#include <algorithm>
#include <cmath>

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

DenseHypergraph::DenseHypergraph(int n, const Members& hyperedges, const std::vector<float>& edge_weights)
    : incidence(static_cast<std::size_t>(n), std::vector<double>(hyperedges.size())) {
  for (std::size_t e = 0; e < hyperedges.size(); ++e) {
    for (const int v : hyperedges[e]) incidence[static_cast<std::size_t>(v)][e] = 1;
    weights.push_back(edge_weights.empty() ? 1 : edge_weights[e]);
  }
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

namespace {

double inverse(double x) { return x > 0 ? 1 / x : 0; }

double size_of(const DenseHypergraph& h, std::size_t e) {
  double size = 0;
  for (const auto& row : h.incidence) size += row[e];
  return size;
}

/// sum over v's hyperedges of value(e).
template <class F>
double over_edges(const DenseHypergraph& h, std::size_t v, const F& value) {
  double sum = 0;
  for (std::size_t e = 0; e < h.edges(); ++e)
    if (h.incidence[v][e] > 0) sum += value(e);
  return sum;
}

/// Entry (i, j) is sum over hyperedges of both of value(i, e, j).
template <class F>
Matrix by_shared_edges(const DenseHypergraph& h, const F& value) {
  Matrix a(h.vertices(), std::vector<double>(h.vertices()));
  for (std::size_t i = 0; i < h.vertices(); ++i)
    for (std::size_t j = 0; j < h.vertices(); ++j)
      a[i][j] = over_edges(h, i, [&](std::size_t e) { return h.incidence[j][e] > 0 ? value(i, e, j) : 0; });
  return a;
}

double weighted_degree(const DenseHypergraph& h, std::size_t v) {
  return over_edges(h, v, [&](std::size_t e) { return h.weights[e]; });
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

/// Layers relu(A X W + b), the last one without relu.
Matrix stacked(const nn::ModelOptions& options, const Matrix& a, Matrix x, const Values& values) {
  for (int k = 0; k < options.layers; ++k) {
    const std::string name = "layer" + std::to_string(k);
    x = product(a, product(x, values(name + ".weight")));
    add_row(x, values(name + ".bias"));
    if (k + 1 < options.layers) x = relu(x);
  }
  return x;
}

}  // namespace

Matrix hgnn_operator(const DenseHypergraph& h) {
  return by_shared_edges(h, [&](std::size_t i, std::size_t e, std::size_t j) {
    return h.weights[e] * inverse(size_of(h, e)) * inverse(std::sqrt(weighted_degree(h, i) * weighted_degree(h, j)));
  });
}

Matrix hgnnp_operator(const DenseHypergraph& h) {
  return by_shared_edges(h, [&](std::size_t i, std::size_t e, std::size_t) {
    return h.weights[e] * inverse(size_of(h, e)) * inverse(weighted_degree(h, i));
  });
}

Matrix reference_logits(const nn::ModelOptions& options, const DenseHypergraph& h, const Matrix& x,
                        const Values& values) {
  if (options.name == "hgnn") return stacked(options, hgnn_operator(h), x, values);
  if (options.name == "hgnnp") return stacked(options, hgnnp_operator(h), x, values);
  FAIL("no reference of " << options.name);
  return {};
}

}  // namespace galena::test
