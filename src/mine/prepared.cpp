#include "src/mine/prepared.hpp"

#include <algorithm>

#include "galena/error.hpp"
#include "src/mine/algebra/costs.hpp"
#include "src/mine/clock.hpp"
#include "src/mine/gpu/fleet.hpp"

namespace galena::mine {

Prepared::Prepared(Graph graph) : graph_(std::move(graph)) {
  const Stopwatch clock;
  if (graph_.directed())
    throw InputError("mining needs an undirected graph, and this one keeps direction; load it without --directed");
  order_ = degree_order(graph_);
  sorted_ = permute(graph_, order_);
  const VertexId n = sorted_.num_vertices();
  split_.resize(n);
  for (VertexId v = 0; v < n; ++v) {
    const auto around = sorted_.neighbors(v);
    split_[v] = static_cast<VertexId>(std::lower_bound(around.begin(), around.end(), v) - around.begin());
  }
  view_.n = n;
  view_.max_degree = sorted_.max_degree();
  view_.indptr = sorted_.indptr().data();
  view_.indices = sorted_.indices().data();
  view_.split = split_.data();
  view_.vlabels = sorted_.vertex_labels().empty() ? nullptr : sorted_.vertex_labels().data();
  view_.elabels = sorted_.edge_labels().empty() ? nullptr : sorted_.edge_labels().data();
  statistics_ = codegen::GraphStatistics::of(view_);
  seconds_ = clock.seconds();
}

Prepared::~Prepared() = default;

const ChunkPlan& Prepared::chunks(std::uint64_t pieces, bool deep) const {
  const std::scoped_lock lock(mutex_);
  const auto [it, fresh] = chunks_.try_emplace({pieces, deep});
  if (fresh) it->second = cut(view_, pieces, deep);
  return it->second;
}

const ChunkPlan& Prepared::whole_chunks(std::uint64_t pieces) const {
  const std::scoped_lock lock(mutex_);
  const auto [it, fresh] = whole_chunks_.try_emplace(pieces);
  if (fresh) it->second = cut_whole(view_, pieces);
  return it->second;
}

const codegen::RowCosts& Prepared::row_costs() const {
  const std::scoped_lock lock(mutex_);
  if (!row_costs_) row_costs_ = mine::row_costs(view_);
  return *row_costs_;
}

const CoreOrder& Prepared::core_order() const {
  const std::scoped_lock lock(mutex_);
  if (!core_order_) core_order_ = mine::core_order(view_);
  return *core_order_;
}

gpu::Fleet& Prepared::fleet(const std::function<void(const std::string&)>& warn) const {
  const std::scoped_lock lock(mutex_);
  if (fleet_) return *fleet_;
  std::vector<std::string> left_out;
  fleet_ = std::make_unique<gpu::Fleet>(view_, gpu::cuda_machines(left_out));
  left_out.insert(left_out.end(), fleet_->left_out().begin(), fleet_->left_out().end());
  for (const std::string& why : left_out)
    if (warn) warn("a GPU is left out: " + why);
  return *fleet_;
}

}  // namespace galena::mine
