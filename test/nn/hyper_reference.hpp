#pragma once
// Hypergraph models as their formulas say: dense matrices of doubles and loops, without an operation of src/nn.

#include <vector>

#include "test/nn/dense_matrix.hpp"
#include "test/nn/support.hpp"

namespace galena::test {

/// A hypergraph as a dense incidence.
struct DenseHypergraph {
  Matrix incidence;             ///< [vertices][hyperedges], 0 or 1
  std::vector<double> weights;  ///< [hyperedges]
  DenseHypergraph(int n, const Members& hyperedges, const std::vector<float>& edge_weights = {});
  [[nodiscard]] std::size_t vertices() const { return incidence.size(); }
  [[nodiscard]] std::size_t edges() const { return weights.size(); }
};

/// Logits of the model from features [vertices][features], without dropout and norms between layers; `direction` is
/// what HyperGCN projects them on.
Matrix reference_logits(const nn::ModelOptions& options, const DenseHypergraph& hypergraph, const Matrix& x,
                        const Values& values, const std::vector<double>& direction);

/// The part of it that is AllDeepSets and AllSetTransformer.
Matrix allset_reference(const nn::ModelOptions& options, const DenseHypergraph& hypergraph, Matrix x,
                        const Values& values);

/// D_v^-1/2 H W D_e^-1 H^T D_v^-1/2 (HGNN), and D_v^-1 H W D_e^-1 H^T (HGNN+).
Matrix hgnn_operator(const DenseHypergraph& hypergraph);
Matrix hgnnp_operator(const DenseHypergraph& hypergraph);

}  // namespace galena::test
