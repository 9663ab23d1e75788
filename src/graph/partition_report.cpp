// Measuring a partition. A vertex with neighbours in k other parts is in k halos.

#include <fmt/format.h>

#include <algorithm>

#include "galena/error.hpp"
#include "galena/partition.hpp"
#include "galena/stats.hpp"
#include "src/base/threads.hpp"
#include "src/graph/partition_file.hpp"

namespace galena {
namespace {

constexpr std::uint64_t kGrain = 1 << 14;  // vertices for which another thread pays

// What one thread counted.
struct Counts {
  std::vector<PartitionReport::Part> parts;
  std::vector<VertexId> last_seen;  // by part: the last vertex found beside it
  std::uint64_t cut_arcs = 0;

  explicit Counts(std::size_t count) : parts(count), last_seen(count, kNone) {}

  void add(const Graph& graph, const std::vector<std::uint32_t>& part_of, VertexId v) {
    PartitionReport::Part& own = parts[part_of[v]];
    ++own.inner;
    own.edges += graph.degree(v);
    for (const VertexId u : graph.neighbors(v)) {
      const std::uint32_t part = part_of[u];
      if (part == part_of[v]) continue;
      ++cut_arcs;
      if (last_seen[part] != v) ++parts[part].halo;
      last_seen[part] = v;
    }
  }

  void add_to(PartitionReport& report) const {
    for (std::size_t p = 0; p < parts.size(); ++p) {
      report.parts[p].inner += parts[p].inner;
      report.parts[p].halo += parts[p].halo;
      report.parts[p].edges += parts[p].edges;
    }
    report.cut_edges += cut_arcs;
  }

 private:
  static constexpr VertexId kNone = ~VertexId{0};  // no vertex: there are fewer
};

template <class Field>
double balance(const std::vector<PartitionReport::Part>& parts, Field field) {
  std::uint64_t most = 0, sum = 0;
  for (const PartitionReport::Part& part : parts) {
    most = std::max(most, part.*field);
    sum += part.*field;
  }
  return sum == 0 ? 1 : static_cast<double>(most) * static_cast<double>(parts.size()) / static_cast<double>(sum);
}

void check_partition(const Graph& graph, const Partition& partition) {
  if (partition.part_of.size() != graph.num_vertices()) {
    throw InputError(fmt::format("a partition of {} vertices, but the graph has {}", partition.part_of.size(),
                                 graph.num_vertices()));
  }
  if (partition.parts < 1)
    throw InputError(fmt::format("a partition into {} parts; expected 1 or more", partition.parts));
  const auto parts = static_cast<std::uint32_t>(partition.parts);
  const auto bad = std::ranges::find_if(partition.part_of, [&](std::uint32_t part) { return part >= parts; });
  if (bad == partition.part_of.end()) return;
  throw InputError(
      fmt::format("vertex {} is in part {}, but the partition has {}", bad - partition.part_of.begin(), *bad, parts));
}

}  // namespace

PartitionReport partition_report(const Graph& graph, const Partition& partition, std::span<const VertexId> train,
                                 int threads) {
  check_partition(graph, partition);
  detail::check_train(graph, train);
  const Graph undirected = to_undirected(graph);
  const VertexId vertices = undirected.num_vertices();
  PartitionReport report;
  report.parts.resize(static_cast<std::size_t>(partition.parts));
#pragma omp parallel num_threads(base::threads_for(vertices, kGrain, threads))
  {
    Counts counts(report.parts.size());
#pragma omp for schedule(dynamic, 1024)
    for (VertexId v = 0; v < vertices; ++v) counts.add(undirected, partition.part_of, v);
#pragma omp critical(galena_partition_report)
    counts.add_to(report);
  }
  report.cut_edges /= 2;
  for (const VertexId v : train) ++report.parts[partition.part_of[v]].train;
  for (const PartitionReport::Part& part : report.parts) report.volume += part.halo;
  report.balance_vertices = balance(report.parts, &PartitionReport::Part::inner);
  report.balance_edges = balance(report.parts, &PartitionReport::Part::edges);
  report.balance_train = balance(report.parts, &PartitionReport::Part::train);
  report.balance_halo = balance(report.parts, &PartitionReport::Part::halo);
  return report;
}

}  // namespace galena
