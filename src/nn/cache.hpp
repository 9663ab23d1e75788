#pragma once
// What follows from the graph alone, or from the graph and unchanged features, and is computed once.

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "src/hypergraph/layout.hpp"
#include "src/nn/graph_view.hpp"
#include "src/nn/halo.hpp"
#include "src/nn/node.hpp"
#include "src/ops/spmm.hpp"

namespace galena::nn {

/// The weight of an edge j -> i, left[i] * right[j], and of self-loops. Undefined: 1 (diagonal: 0).
struct Factors {
  Tensor left, right, diagonal;
  Tensor halo_right;  ///< right, of halo vertices; in the CPU's memory always
};

/// What operations want to know of an exchange's columns. Undefined: 1 (log_weight: 0).
struct HaloFactors {
  Tensor right;               ///< [count x 1] column factor times 1 / probability
  Tensor log_weight;          ///< [count x 1] -log probability
  std::vector<VertexId> ids;  ///< [count] global ids
  Tensor device_ids;          ///< the same on a device, where the others lie there
  [[nodiscard]] const VertexId* ids_on(Device device) const;
};

struct Extremes;  ///< of hyper_extremal.cpp

struct GraphView::Cache {
  using Key = std::tuple<Aggregation::Kind, bool, DType>;
  struct Selected {
    std::uint64_t version, frame;  ///< the selection's
    Key key;
    std::shared_ptr<HaloFactors> factors;
  };
  struct Aggregated {
    std::shared_ptr<Var::Value> features;  ///< held, so that its address stays its name
    Aggregation::Kind kind;
    bool self_loops;
    Tensor result;
  };
  std::map<Key, Factors> factors;
  struct KeptLayout {
    hyper::Layout layout;
    std::set<std::pair<std::int64_t, DType>> used;  ///< with rows of these widths and types
  };
  std::map<std::array<std::int64_t, 3>, KeptLayout> layouts;  ///< of a hypergraph, by output, hyperedges, input
  std::map<std::pair<std::string, DType>, Tensor> columns;    ///< by name: factors of hypergraph models
  std::shared_ptr<const Extremes> extremes;                   ///< HyperGCN's
  std::deque<Selected> selected;                              ///< the latest few
  std::deque<Aggregated> aggregated;                          ///< the latest few
};

/// The factors of sum, mean and symmetric. Degrees are those of the whole graph, whatever is sampled; rows go by
/// in-degree and columns by out-degree, which in an undirected graph is the same. A vertex without neighbours has
/// factor 0 (its sum is empty), not infinity.
const Factors& factors_of(const GraphView& graph, Aggregation how, DType dtype);
/// The same for the columns of an exchange.
std::shared_ptr<const HaloFactors> halo_factors_of(const GraphView& graph, Aggregation how, DType dtype,
                                                   const HaloSelection& selection);
/// Brings what is kept for a frame (HaloSelection) up to this selection, and forgets it.
void renew_halo_factors(const GraphView& graph, const HaloSelection& selection);
void forget_halo_factors(const GraphView& graph, std::uint64_t frame);
GraphView::Cache& cache_of(const GraphView& graph);

inline const Tensor* or_null(const Tensor& tensor) { return tensor.defined() ? &tensor : nullptr; }

}  // namespace galena::nn
