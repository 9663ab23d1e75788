// Divisions that look at edges little or not at all.

#include <algorithm>
#include <limits>
#include <numeric>
#include <queue>
#include <tuple>

#include "src/base/random.hpp"
#include "src/graph/partition_methods.hpp"

namespace galena::detail {
namespace {

constexpr std::uint32_t kPartitionStream = 0x70617274;  // "part": draws for other purposes are other ones

}  // namespace

std::vector<std::uint64_t> total_weights(const PartitionTask& task) {
  std::vector<std::uint64_t> totals;
  for (const auto& weight : task.weights) {
    totals.push_back(std::accumulate(weight.begin(), weight.end(), std::uint64_t{0}));
  }
  return totals;
}

std::vector<std::vector<std::uint64_t>> part_loads(const PartitionTask& task, const PartOf& part_of) {
  std::vector<std::vector<std::uint64_t>> loads(task.weights.size(), std::vector<std::uint64_t>(task.parts));
  for (std::size_t c = 0; c < task.weights.size(); ++c) {
    for (std::size_t v = 0; v < part_of.size(); ++v) loads[c][part_of[v]] += task.weights[c][v];
  }
  return loads;
}

PartOf partition_at_random(const PartitionTask& task) {
  const std::uint64_t vertices = task.graph.num_vertices();
  std::vector<std::pair<std::uint64_t, VertexId>> keys(vertices);
  for (VertexId v = 0; v < vertices; ++v) keys[v] = {base::RandomStream(task.seed, kPartitionStream, v).next64(), v};
  std::ranges::sort(keys);
  PartOf part_of(vertices);
  for (std::uint64_t i = 0; i < vertices; ++i) {
    part_of[keys[i].second] = static_cast<std::uint32_t>(i * task.parts / vertices);
  }
  return part_of;
}

// Every weight counts alike: vertex v goes where the middle of its share lies on the line of all shares.
PartOf partition_by_ranges(const PartitionTask& task) {
  const auto totals = total_weights(task);
  PartOf part_of(task.graph.num_vertices());
  double before = 0;
  for (std::size_t v = 0; v < part_of.size(); ++v) {
    double share = 0;
    for (std::size_t c = 0; c < totals.size(); ++c) {
      share += task.weights[c][v] / static_cast<double>(totals[c]) / static_cast<double>(totals.size());
    }
    const double middle = (before + share / 2) * task.parts;
    part_of[v] = static_cast<std::uint32_t>(std::clamp(middle, 0.0, task.parts - 1.0));
    before += share;
  }
  return part_of;
}

// I. Stanton and G. Kliot, "Streaming graph partitioning for large distributed graphs" (KDD 2012), linear
// deterministic greedy: vertex v goes to the part with most of its neighbours, each counted by the part's free share.
// Here the share is that of the weight of which the part has least room. Ties go to the emptier part.
PartOf partition_by_stream(const PartitionTask& task) {
  constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();
  const auto totals = total_weights(task);
  std::vector<double> full(task.parts);  // the largest share of a weight's capacity that is used, by part
  std::vector<std::vector<std::uint64_t>> loads(totals.size(), std::vector<std::uint64_t>(task.parts));
  std::vector<std::uint64_t> near(task.parts);
  PartOf part_of(task.graph.num_vertices(), kNone);
  for (VertexId v = 0; v < part_of.size(); ++v) {
    std::ranges::fill(near, 0);
    for (const VertexId u : task.graph.neighbors(v)) near[part_of[u] == kNone ? 0 : part_of[u]] += part_of[u] != kNone;
    std::uint32_t best = 0;
    double best_score = -1;
    for (std::uint32_t p = 0; p < task.parts; ++p) {
      const double score = static_cast<double>(near[p]) * std::max(0.0, 1 - full[p]);
      if (score > best_score || (score == best_score && full[p] < full[best])) {
        best = p;
        best_score = score;
      }
    }
    part_of[v] = best;
    for (std::size_t c = 0; c < totals.size(); ++c) {
      loads[c][best] += task.weights[c][v];
      const double capacity = task.imbalance * static_cast<double>(totals[c]) / task.parts;
      full[best] = std::max(full[best], static_cast<double>(loads[c][best]) / capacity);
    }
    if (task.progress && v % 65536 == 0) task.progress(static_cast<double>(v) / static_cast<double>(part_of.size()));
  }
  return part_of;
}

void fill_empty_parts(const PartitionTask& task, PartOf& part_of) {
  std::vector<std::uint64_t> end(task.parts);  // by part, of its range in `givers`
  for (const std::uint32_t part : part_of) ++end[part];
  std::priority_queue<std::pair<std::uint64_t, std::uint32_t>> largest;
  std::vector<std::uint32_t> empty;
  for (std::uint32_t part = 0; part < task.parts; ++part) {
    end[part] > 0 ? largest.emplace(end[part], part) : empty.push_back(part);
  }
  if (empty.empty()) return;
  std::partial_sum(end.begin(), end.end(), end.begin());
  std::vector<VertexId> givers(part_of.size());  // by part; vertices of least degree last, for they are missed least
  std::iota(givers.begin(), givers.end(), VertexId{0});
  std::ranges::sort(givers, {}, [&](VertexId v) { return std::tuple(part_of[v], ~task.graph.degree(v), ~v); });
  for (const std::uint32_t part : empty) {
    const auto [size, from] = largest.top();
    largest.pop();
    part_of[givers[--end[from]]] = part;
    largest.emplace(size - 1, from);
  }
}

}  // namespace galena::detail
