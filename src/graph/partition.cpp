#include "galena/partition.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <optional>

#include "galena/error.hpp"
#include "galena/stats.hpp"
#include "src/base/suggest.hpp"
#include "src/graph/partition_file.hpp"
#include "src/graph/partition_methods.hpp"

namespace galena {
namespace {

constexpr int kMostParts = 1 << 16;
constexpr std::array kMethods{PartitionMethod::metis_volume, PartitionMethod::metis_cut, PartitionMethod::random,
                              PartitionMethod::streaming, PartitionMethod::contiguous};
constexpr std::array kMethodNames{"metis-volume", "metis-cut", "random", "ldg", "contiguous"};

void check_options(const PartitionOptions& options) {
  if (options.parts < 1 || options.parts > kMostParts) {
    throw InputError(fmt::format("{} parts; expected 1 to {}", options.parts, kMostParts));
  }
  if (!(options.imbalance >= 1) || !std::isfinite(options.imbalance)) {
    throw InputError(
        fmt::format("an imbalance of {}; expected 1 or more: the largest part by the mean part", options.imbalance));
  }
}

// What is balanced, from the names that describe_partition() gave.
void add_weights(const Partition& partition, std::span<const VertexId> train, detail::PartitionTask& task) {
  const VertexId vertices = task.graph.num_vertices();
  const auto named = [&](const char* name) { return partition.balanced.find(name) != std::string::npos; };
  task.weights.emplace_back(vertices, 1U);
  if (named("edges")) {
    auto& degrees = task.weights.emplace_back(vertices);
    for (VertexId v = 0; v < vertices; ++v) degrees[v] = task.graph.degree(v);
  }
  if (named("train")) {
    auto& flags = task.weights.emplace_back(vertices);
    for (const VertexId v : train) flags[v] = 1;
  }
}

detail::PartOf divide(const detail::PartitionTask& task, PartitionMethod method) {
  switch (method) {
    case PartitionMethod::random: return detail::partition_at_random(task);
    case PartitionMethod::streaming: return detail::partition_by_stream(task);
    case PartitionMethod::contiguous: break;
    case PartitionMethod::metis_volume:
    case PartitionMethod::metis_cut:
      if (task.graph.indices().empty()) break;  // METIS fails without edges
      return detail::partition_by_metis(task, method == PartitionMethod::metis_volume);
  }
  return detail::partition_by_ranges(task);
}

// Neither of METIS's objectives is a better start for the balancing of halos on every graph.
std::optional<PartitionMethod> other_objective(PartitionMethod method) {
  if (method == PartitionMethod::metis_volume) return PartitionMethod::metis_cut;
  if (method == PartitionMethod::metis_cut) return PartitionMethod::metis_volume;
  return std::nullopt;
}

detail::PartOf divide_all(const detail::PartitionTask& task, const PartitionOptions& options) {
  const VertexId vertices = task.graph.num_vertices();
  if (task.parts == 1) return detail::PartOf(vertices, 0);
  if (task.parts >= vertices) {  // a part each, and the rest empty
    detail::PartOf part_of(vertices);
    std::iota(part_of.begin(), part_of.end(), 0U);
    return part_of;
  }
  detail::PartOf part_of = divide(task, options.method);
  detail::fill_empty_parts(task, part_of);
  if (!options.balance_halo) return part_of;
  const double cost = detail::balance_halos(task, part_of);
  const auto other = other_objective(options.method);
  if (!other) return part_of;
  detail::PartOf second = divide(task, *other);
  detail::fill_empty_parts(task, second);
  return detail::balance_halos(task, second) < cost ? second : part_of;
}

}  // namespace

std::string partition_method_name(PartitionMethod method) { return kMethodNames.at(static_cast<std::size_t>(method)); }

std::span<const PartitionMethod> partition_methods() { return kMethods; }

PartitionMethod find_partition_method(const std::string& name) {
  const auto at = std::ranges::find(kMethodNames, name);
  if (at != kMethodNames.end()) return kMethods.at(static_cast<std::size_t>(at - kMethodNames.begin()));
  const std::vector<std::string> names(kMethodNames.begin(), kMethodNames.end());
  throw InputError(fmt::format("no method of partitioning is named '{}'{}; expected {}", name,
                               base::did_you_mean(name, names), fmt::join(names, ", ")));
}

Partition partition_graph(const Graph& graph, const PartitionOptions& options, std::span<const VertexId> train) {
  check_options(options);
  detail::check_train(graph, train);
  const Graph undirected = to_undirected(graph);
  detail::PartitionTask task{
      undirected, static_cast<std::uint32_t>(options.parts), options.imbalance, options.seed, {}, options.progress};
  Partition partition = detail::describe_partition(graph, options, train);
  add_weights(partition, train, task);
  partition.part_of = divide_all(task, options);
  const std::size_t vertices = partition.part_of.size();
  if (static_cast<std::size_t>(options.parts) > vertices) {
    partition.notes.push_back(fmt::format("{} of the {} parts are empty: the graph has only {} vertices.",
                                          static_cast<std::size_t>(options.parts) - vertices, options.parts, vertices));
  }
  return partition;
}

}  // namespace galena
