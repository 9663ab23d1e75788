#pragma once
// Hypergraph models as their formulas say: dense matrices of doubles and loops, without an operation of src/nn.

#include <functional>
#include <string>
#include <vector>

#include "test/nn/support.hpp"

namespace galena::test {

using Matrix = std::vector<std::vector<double>>;

Matrix matrix_of(const Tensor& tensor);
double largest_difference(const Tensor& a, const Matrix& b);

/// A hypergraph as a dense incidence.
struct DenseHypergraph {
  Matrix incidence;             ///< [vertices][hyperedges], 0 or 1
  std::vector<double> weights;  ///< [hyperedges]
  DenseHypergraph(int n, const Members& hyperedges, const std::vector<float>& edge_weights = {});
  [[nodiscard]] std::size_t vertices() const { return incidence.size(); }
  [[nodiscard]] std::size_t edges() const { return weights.size(); }
};

/// A parameter's value by name.
using Values = std::function<Matrix(const std::string&)>;

/// Logits of the model from features [vertices][features], without dropout and norms between layers; `direction` is
/// what HyperGCN projects them on.
Matrix reference_logits(const nn::ModelOptions& options, const DenseHypergraph& hypergraph, const Matrix& x,
                        const Values& values, const std::vector<double>& direction);

/// D_v^-1/2 H W D_e^-1 H^T D_v^-1/2 (HGNN), and D_v^-1 H W D_e^-1 H^T (HGNN+).
Matrix hgnn_operator(const DenseHypergraph& hypergraph);
Matrix hgnnp_operator(const DenseHypergraph& hypergraph);
Matrix product(const Matrix& a, const Matrix& b);
Matrix transposed(const Matrix& a);

}  // namespace galena::test
