// galena partition: divide a graph among processes, and say how evenly.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "apps/cli.hpp"
#include "apps/graph_options.hpp"
#include "galena/dataset.hpp"
#include "galena/error.hpp"
#include "galena/hypergraph.hpp"
#include "galena/node_dataset.hpp"
#include "galena/partition.hpp"

namespace galena::cli {
namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;

struct PartitionCommand {
  std::string graph, output, method = "metis-volume", split = "default";
  ReadOptions read;
  PartitionOptions options;
  bool compare = false, no_cache = false;
};

struct Input {
  Graph graph;
  bool hypergraph = false;  ///< of which `graph` is the star expansion
  std::vector<VertexId> train;
  double seconds = 0;
};

struct Result {
  Partition partition;
  PartitionReport report;
  double seconds = 0;
};

Input read_input(const PartitionCommand& command, const Common& common) {
  Progress progress(common, "reading");
  const auto start = Clock::now();
  LoadOptions load = command.read.load_options(common);
  load.progress = progress.callback();
  Input input;
  if (command.split != "none" && is_node_dataset(command.graph)) {
    NodeDataOptions data;
    data.split = command.split;
    data.seed = command.options.seed;
    NodeDataset dataset = load_node_dataset(command.graph, data, load);
    input.hypergraph = dataset.hypergraph.has_value();
    input.graph = dataset.hypergraph ? star_expansion(*dataset.hypergraph) : std::move(dataset.graph);
    input.train = std::move(dataset.data.train);
  } else if (names_hypergraph(command.graph)) {
    input.hypergraph = true;
    input.graph = star_expansion(resolve_hypergraph(command.graph, load));
  } else {
    input.graph = resolve_graph(command.graph, load);
  }
  input.seconds = seconds_since(start);
  return input;
}

Result run_method(const PartitionCommand& command, const Input& input, PartitionMethod method,
                  const std::function<void(double)>& progress) {
  PartitionOptions options = command.options;
  options.method = method;
  options.progress = [&progress](double share) {
    check_interrupted();
    progress(share);
  };
  const auto start = Clock::now();
  Result result;
  result.partition = command.compare || command.no_cache ? partition_graph(input.graph, options, input.train)
                                                         : cached_partition(input.graph, options, input.train);
  result.seconds = seconds_since(start);
  result.report = partition_report(input.graph, result.partition, input.train, options.threads);
  return result;
}

std::vector<Result> run_methods(const PartitionCommand& command, const Input& input, const Common& common) {
  std::vector<PartitionMethod> methods{find_partition_method(command.method)};
  if (command.compare) methods.assign(partition_methods().begin(), partition_methods().end());
  Progress progress(common, "partitioning");
  std::vector<Result> results;
  for (std::size_t i = 0; i < methods.size(); ++i) {
    results.push_back(run_method(command, input, methods[i], [&](double share) {
      progress.update((static_cast<double>(i) + share) / static_cast<double>(methods.size()));
    }));
  }
  return results;
}

std::uint64_t largest_halo(const PartitionReport& report) {
  return std::ranges::max(report.parts, {}, &PartitionReport::Part::halo).halo;
}

Json result_json(const Result& result) {
  const PartitionReport& report = result.report;
  Json parts = Json::array();
  for (const PartitionReport::Part& part : report.parts) {
    parts.push_back({{"inner", part.inner}, {"halo", part.halo}, {"edges", part.edges}, {"train", part.train}});
  }
  return {{"method", result.partition.method},
          {"balanced", result.partition.balanced},
          {"reused", result.partition.reused},
          {"cut_edges", report.cut_edges},
          {"volume", report.volume},
          {"largest_halo", largest_halo(report)},
          {"balance",
           {{"vertices", report.balance_vertices},
            {"edges", report.balance_edges},
            {"train", report.balance_train},
            {"halo", report.balance_halo}}},
          {"parts", parts},
          {"notes", result.partition.notes},
          {"seconds", result.seconds}};
}

void print_as_json(const PartitionCommand& command, const Input& input, const std::vector<Result>& results) {
  Json json{{"graph", command.graph},
            {"vertices", input.graph.num_vertices()},
            {"edges", input.graph.num_edges()},
            {"directed", input.graph.directed()},
            {"star_expansion", input.hypergraph},
            {"train", input.train.size()},
            {"digest", fmt::format("{:016x}", input.graph.digest())},
            {"parts", command.options.parts},
            {"imbalance", command.options.imbalance},
            {"seed", command.options.seed}};
  Json list = Json::array();
  for (const Result& result : results) list.push_back(result_json(result));
  json["partitions"] = list;
  if (!command.output.empty()) json["output"] = command.output;
  json["seconds"] = {{"load", input.seconds}};
  print_json(json);
}

void print_heading(const PartitionCommand& command, const Input& input) {
  fmt::print("{}: {} vertices, {} edges, {} for training; {} parts\n", command.graph,
             format_count(input.graph.num_vertices()), format_count(input.graph.num_edges()),
             format_count(input.train.size()), command.options.parts);
  if (input.hypergraph) {
    fmt::print("  (a hypergraph as its star expansion: its hyperedges are vertices too, its incidences are edges)\n");
  }
}

void print_parts(const Result& result) {
  const PartitionReport& report = result.report;
  fmt::print("  {:>8} {:>14} {:>14} {:>16} {:>12}\n", "part", "inner", "halo", "edges", "train");
  for (std::size_t p = 0; p < report.parts.size(); ++p) {
    const PartitionReport::Part& part = report.parts[p];
    fmt::print("  {:>8} {:>14} {:>14} {:>16} {:>12}\n", p, format_count(part.inner), format_count(part.halo),
               format_count(part.edges), format_count(part.train));
  }
  fmt::print("  {:>8} {:>14.3f} {:>14.3f} {:>16.3f} {:>12.3f}\n", "max/mean", report.balance_vertices,
             report.balance_halo, report.balance_edges, report.balance_train);
  fmt::print("  cut edges {}, volume {} (halo vertices in all)\n", format_count(report.cut_edges),
             format_count(report.volume));
  fmt::print("  {}, balanced by {}; {}{}\n", result.partition.method, result.partition.balanced,
             format_seconds(result.seconds), result.partition.reused ? " (kept from before)" : "");
}

void print_comparison(const std::vector<Result>& results) {
  fmt::print("  {:<13} {:>13} {:>13} {:>13} {:>35} {:>11}\n", "", "", "", "", "max/mean of", "");
  fmt::print("  {:<13} {:>13} {:>13} {:>13} {:>8} {:>8} {:>8} {:>8} {:>11}\n", "method", "cut edges", "volume",
             "largest halo", "vertices", "edges", "train", "halo", "time");
  for (const Result& result : results) {
    const PartitionReport& report = result.report;
    fmt::print("  {:<13} {:>13} {:>13} {:>13} {:>8.3f} {:>8.3f} {:>8.3f} {:>8.3f} {:>11}\n", result.partition.method,
               format_count(report.cut_edges), format_count(report.volume), format_count(largest_halo(report)),
               report.balance_vertices, report.balance_edges, report.balance_train, report.balance_halo,
               format_seconds(result.seconds));
  }
}

void run_partition(PartitionCommand command, const Common& common) {
  find_partition_method(command.method);  // a mistake is told before the graph is read
  command.options.threads = common.threads;
  const Input input = read_input(command, common);
  check_interrupted();
  const std::vector<Result> results = run_methods(command, input, common);
  if (!command.output.empty()) save_partition(results.front().partition, command.output);
  for (const Result& result : results) {
    if (result.partition.notes.empty()) continue;
    note(common, fmt::format("{}: {}", result.partition.method, fmt::join(result.partition.notes, " ")));
  }
  if (common.json) return print_as_json(command, input, results);
  print_heading(command, input);
  command.compare ? print_comparison(results) : print_parts(results.front());
}

void add_balance_options(CLI::App& app, PartitionCommand& command) {
  app.add_option("--imbalance", command.options.imbalance, "The most a part may hold, by the mean part")
      ->type_name("X")
      ->capture_default_str();
  app.add_flag("!--no-balance-edges", command.options.balance_edges, "Let parts differ in their edges");
  app.add_flag("!--no-balance-train", command.options.balance_train, "Let parts differ in their training vertices");
  app.add_flag("--balance-halo", command.options.balance_halo,
               "Move boundary vertices until the halos are small and even");
}

}  // namespace

void add_partition(CLI::App& app, Common& common) {
  auto command = std::make_shared<PartitionCommand>();
  CLI::App& sub = subcommand(app, common, "partition", "Divide a graph among processes, and report how evenly");
  sub.add_option("graph", command->graph, "A file, a dataset folder or the name of a dataset")->required();
  sub.add_option("--parts", command->options.parts, "How many parts")->required()->type_name("N");
  sub.add_option("--method", command->method, "metis-volume, metis-cut, random, ldg (streaming) or contiguous")
      ->type_name("NAME")
      ->capture_default_str();
  add_balance_options(sub, *command);
  seed_option(sub, "--seed", command->options.seed, "Another seed, another partition");
  sub.add_option("--split", command->split,
                 "Which training vertices of a dataset to balance: default, mask:3, random:60/20/20, planetoid, "
                 "per-class:20/30, or none")
      ->type_name("NAME")
      ->capture_default_str();
  auto* const output = sub.add_option("-o,--output", command->output, "Write the part of each vertex, a line each");
  sub.add_flag("--compare", command->compare, "Run every method and compare them")->excludes(output);
  sub.add_flag("--no-cache", command->no_cache, "Neither use nor keep a partition in the cache");
  command->read.add_to(sub);
  sub.footer(
      "The halo of a part is the vertices of other parts that its own have edges to: what it receives in each layer of "
      "training.\n\n"
      "Examples:\n  galena partition cora --parts 4\n  galena partition graph.gal --parts 8 --compare\n"
      "  galena partition graph.gal --parts 8 --balance-halo --output graph.part");
  sub.callback([command, &common] { run_partition(*command, common); });
}

}  // namespace galena::cli
