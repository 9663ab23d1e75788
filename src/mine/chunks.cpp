#include "src/mine/chunks.hpp"

#include <algorithm>
#include <cmath>

#include "codegen/runtime/chunk.h"

namespace galena::mine {

namespace {

constexpr double kMaxParts = 256;
constexpr double kScanned = 16;  ///< neighbours that are read over as one pair is looked at

double degree(const rt::GraphView& g, rt::vid v) { return static_cast<double>(g.indptr[v + 1] - g.indptr[v]); }

double weight_of(double u, double v, bool deep) { return 1 + (deep ? u * v : u + v); }

/// Calls visit(unit, weight) for every unit in order. A vertex's own unit weighs 1.
template <class F>
void for_each_unit(const rt::GraphView& g, bool deep, F&& visit) {
  for (rt::vid v = 0; v < g.n; ++v) {
    const double d = degree(g, v);
    std::uint64_t unit = rt::unit_of(g, v);
    visit(unit++, 1.0);
    for (std::uint64_t a = g.indptr[v]; a < g.indptr[v + 1]; ++a)
      visit(unit++, weight_of(d, degree(g, g.indices[a]), deep));
  }
}

}  // namespace

ChunkPlan cut(const rt::GraphView& graph, std::uint64_t pieces, bool deep) {
  ChunkPlan plan;
  if (graph.n == 0) return plan;
  double total = 0;
  for_each_unit(graph, deep, [&](std::uint64_t, double w) { total += w; });
  const double target = total / static_cast<double>(pieces);
  std::uint64_t begin = 0;
  double gathered = 0;
  const auto close = [&](std::uint64_t end) {
    if (end == begin) return;
    plan.chunks.push_back({begin, end, 0, 1});
    plan.weight.push_back(gathered / total);
    begin = end;
    gathered = 0;
  };
  for_each_unit(graph, deep, [&](std::uint64_t unit, double w) {
    if (gathered + w > target) close(unit);
    if (w >= 2 * target) {
      const auto parts = static_cast<std::uint32_t>(std::min(kMaxParts, std::ceil(w / target)));
      for (std::uint32_t p = 0; p < parts; ++p) {
        plan.chunks.push_back({unit, unit + 1, p, parts});
        plan.weight.push_back(w / total / parts);
      }
      begin = unit + 1;
    } else {
      gathered += w;
    }
  });
  close(graph.n + graph.indptr[graph.n]);
  return plan;
}

ChunkPlan cut_whole(const rt::GraphView& graph, std::uint64_t pieces) {
  ChunkPlan plan;
  if (graph.n == 0) return plan;
  const auto weight_of_vertex = [&](rt::vid v) {
    const double below = graph.split[v];
    return 1 + degree(graph, v) / kScanned + below * below / 2;
  };
  double total = 0;
  for (rt::vid v = 0; v < graph.n; ++v) total += weight_of_vertex(v);
  const double target = total / static_cast<double>(pieces);
  std::uint64_t begin = 0;
  double gathered = 0;
  const auto close = [&](std::uint64_t end) {
    if (end == begin) return;
    plan.chunks.push_back({begin, end, 0, 1});
    plan.weight.push_back(gathered / total);
    begin = end;
    gathered = 0;
  };
  for (rt::vid v = 0; v < graph.n; ++v) {
    const double w = weight_of_vertex(v);
    if (gathered + w > target) close(rt::unit_of(graph, v));
    gathered += w;
  }
  close(graph.n + graph.indptr[graph.n]);
  return plan;
}

}  // namespace galena::mine
