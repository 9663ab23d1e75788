#include "src/mine/chunks.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

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

/// Chunks of like weight, from what is gathered of units in their order.
class Gathering {
 public:
  Gathering(double total, std::uint64_t pieces) : total_(total), target_(total / static_cast<double>(pieces)) {}

  [[nodiscard]] double target() const { return target_; }
  /// The chunk at hand ends before `unit` where this weight would make it too heavy.
  void make_room(double weight, std::uint64_t unit) {
    if (gathered_ + weight > target_) close(unit);
  }
  void add(double weight) { gathered_ += weight; }
  /// The unit is a chunk for each of so many parts. No other is at hand.
  void add_in_parts(std::uint64_t unit, double weight, std::uint32_t parts) {
    for (std::uint32_t p = 0; p < parts; ++p) {
      plan_.chunks.push_back({unit, unit + 1, p, parts});
      plan_.weight.push_back(weight / total_ / parts);
    }
    begin_ = unit + 1;
  }
  ChunkPlan end(std::uint64_t units) {
    close(units);
    return std::move(plan_);
  }

 private:
  void close(std::uint64_t end) {
    if (end == begin_) return;
    plan_.chunks.push_back({begin_, end, 0, 1});
    plan_.weight.push_back(gathered_ / total_);
    begin_ = end;
    gathered_ = 0;
  }

  ChunkPlan plan_;
  double total_, target_, gathered_ = 0;
  std::uint64_t begin_ = 0;
};

}  // namespace

ChunkPlan cut(const rt::GraphView& graph, std::uint64_t pieces, bool deep) {
  if (graph.n == 0) return {};
  double total = 0;
  for_each_unit(graph, deep, [&](std::uint64_t, double w) { total += w; });
  Gathering gathering(total, pieces);
  for_each_unit(graph, deep, [&](std::uint64_t unit, double w) {
    gathering.make_room(w, unit);
    if (w >= 2 * gathering.target())
      gathering.add_in_parts(unit, w,
                             static_cast<std::uint32_t>(std::min(kMaxParts, std::ceil(w / gathering.target()))));
    else
      gathering.add(w);
  });
  return gathering.end(graph.n + graph.indptr[graph.n]);
}

ChunkPlan cut_whole(const rt::GraphView& graph, std::uint64_t pieces) {
  if (graph.n == 0) return {};
  const auto weight_of_vertex = [&](rt::vid v) {
    const double below = graph.split[v];
    return 1 + degree(graph, v) / kScanned + below * below / 2;
  };
  double total = 0;
  for (rt::vid v = 0; v < graph.n; ++v) total += weight_of_vertex(v);
  Gathering gathering(total, pieces);
  for (rt::vid v = 0; v < graph.n; ++v) {
    gathering.make_room(weight_of_vertex(v), rt::unit_of(graph, v));
    gathering.add(weight_of_vertex(v));
  }
  return gathering.end(graph.n + graph.indptr[graph.n]);
}

}  // namespace galena::mine
