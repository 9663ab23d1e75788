#include "src/nn/gradient.hpp"
#include "src/nn/graph_view.hpp"

namespace galena::nn {

Context::Context(const GraphView& graph, HaloExchange* exchange, Settings settings)
    : graph_(graph), exchange_(exchange), settings_(std::move(settings)) {
  const std::int64_t halo = graph.halo + (graph.back ? graph.back->halo : 0);
  if (halo > 0 && exchange == nullptr) {
    fail("Context", "the graph has " + std::to_string(halo) + " vertices of other ranks, and no exchange for them");
  }
}

const GraphView& Context::graph(int hop) const noexcept { return graph_.back && hop % 2 != 0 ? *graph_.back : graph_; }

bool Context::is_hypergraph() const noexcept { return graph_.back != nullptr; }

std::int64_t Context::rows(int hop) const {
  const auto& rows = settings_.hop_rows;
  if (rows.empty()) return graph(hop).inner;
  if (hop < 0 || static_cast<std::size_t>(hop) >= rows.size()) {
    fail("Context", "rows are known for hops 0 to " + std::to_string(rows.size() - 1) + ", hop " + std::to_string(hop) +
                        " is asked for; Module::hops() must be the number of aggregations on the longest path");
  }
  return rows[static_cast<std::size_t>(hop)];
}

void Context::sum_over_ranks(std::span<double> values) const {
  if (settings_.sum_over_ranks) settings_.sum_over_ranks(values);
}

void Context::keep_embeddings(const Var& rows) const {
  if (settings_.embeddings != nullptr) *settings_.embeddings = rows;
}

Var needed_rows(const Context& ctx, const Var& x) {
  const std::int64_t rows = ctx.rows(x.hop());
  return x.rows() > rows ? first_rows(x, rows, x.hop()) : x;
}

Var self_rows(Context& ctx, const Var& x) {
  const int hop = x.hop() + (ctx.is_hypergraph() ? 2 : 1);
  return first_rows(x, ctx.rows(hop), hop);
}

}  // namespace galena::nn
