#pragma once
// Small graphs, random tensors and gradient checks for tests of src/nn.

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "src/nn/graph_view.hpp"
#include "src/nn/halo.hpp"
#include "test/support/catch.hpp"

namespace galena::test {

using Edges = std::vector<std::pair<int, int>>;  ///< (from, to): messages go that way

/// The view of one rank that owns all `n` vertices. Undirected: each edge both ways.
nn::GraphView one_rank(int n, const Edges& edges, bool directed = false);
/// The view of a rank that owns the first `inner` vertices of that graph, the others being its halo.
nn::GraphView with_halo(int n, int inner, const Edges& edges, bool directed = false);
/// Random edges; some vertices, the last one among them, have none.
Edges random_edges(int n, int count, std::uint64_t seed, bool directed = false);

using Members = std::vector<std::vector<int>>;  ///< of each hyperedge

/// The view of one rank that owns all `n` vertices and all hyperedges. Weights: one a hyperedge, or none.
nn::GraphView hypergraph_view(int n, const Members& hyperedges, const std::vector<float>& weights = {});
/// Twelve vertices, two of them in no hyperedge; hyperedges among which are two empty, a singleton, equal ones and one
/// of all other vertices.
Members odd_hyperedges();

/// Uniform in [-1, 1).
Tensor random_tensor(std::int64_t rows, std::int64_t cols, std::uint64_t seed, DType dtype = DType::f64);
/// A sparse matrix with about a third of its elements.
SparseMatrix random_sparse(std::int64_t rows, std::int64_t cols, std::uint64_t seed, DType dtype = DType::f64);
nn::Var leaf(std::int64_t rows, std::int64_t cols, std::uint64_t seed);
double largest_difference(const Tensor& a, const Tensor& b);

/// <x, weights>, a loss that every element of x counts in differently.
nn::Var weighted_sum(const nn::Var& x, const Tensor& weights);
nn::Var weighted_sum(const nn::Var& x);

/// Checks d f / d leaf of every leaf (f64) against central differences, rel. 1e-6 of the largest.
void check_gradients(const std::vector<nn::Var>& leaves, const std::function<nn::Var()>& f);

/// Narrow options for a model: two heads, dropout everywhere.
nn::ModelOptions small_model(const std::string& name);

/// A model with random parameters, f64. Biases too are random, so that no gradient is right by chance, and relu's kinks
/// are kept away.
struct RandomModel {
  nn::ParameterStore store{3, DType::f64};
  std::unique_ptr<nn::Module> module;
  RandomModel(const nn::ModelOptions& options, std::int64_t in, std::int64_t out);
  [[nodiscard]] std::vector<nn::Var> parameters() const;
};

/// An exchange whose other ranks hold fixed rows. Selected columns may be a sample with weights.
class FixedExchange : public nn::HaloExchange {
 public:
  FixedExchange(const nn::GraphView& view, Tensor halo_rows);
  /// Only these halo columns, with these weights.
  FixedExchange(const nn::GraphView& view, Tensor halo_rows, std::vector<VertexId> numbers, std::vector<float> weights);

  const nn::HaloSelection& selection(std::uint32_t call, int hop) override;
  void begin_forward(std::uint32_t call, int hop, const Tensor& x) override;
  nn::HaloRows finish_forward(std::uint32_t call, bool packed_ok) override;
  void begin_backward(std::uint32_t call, const Tensor& gradient) override;
  void finish_backward(std::uint32_t call, const Tensor& dx) override;
  Tensor gather_full(const Tensor& x, int hop) override;

  Tensor halo_rows;              ///< [halo x d]
  Tensor gradient;               ///< of halo_rows, by the last begin_backward()
  Tensor returned;               ///< what finish_backward() adds to dx, if defined
  std::vector<std::string> log;  ///< names of calls

 private:
  nn::HaloSelection selection_;
  std::vector<VertexId> numbers_;
  std::vector<float> weights_;
  ops::CsrArrays csr_, csr_t_;
};

}  // namespace galena::test
