// galena info: what a graph looks like.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "apps/cli.hpp"
#include "apps/graph_options.hpp"
#include "galena/dataset.hpp"
#include "galena/hypergraph.hpp"
#include "galena/stats.hpp"

namespace galena::cli {
namespace {

struct InfoOptions {
  std::string graph;
  ReadOptions read;
  bool hypergraph = false, verify = false, fast = false;
};

using Json = nlohmann::ordered_json;

Json bins_json(const std::vector<DegreeBin>& bins) {
  Json list = Json::array();
  for (const DegreeBin& bin : bins) list.push_back({{"low", bin.low}, {"high", bin.high}, {"count", bin.vertices}});
  return list;
}

void print_row(const std::string& name, const std::string& value) { fmt::print("  {:<22} {:>18}\n", name, value); }
void print_row(const std::string& name, std::uint64_t value) { print_row(name, format_count(value)); }

// Bars on a logarithmic scale: degrees of real graphs span too many powers for another.
void print_bins(const std::string& title, const std::vector<DegreeBin>& bins) {
  constexpr double kWidth = 40;
  std::uint64_t most = 1;
  for (const DegreeBin& bin : bins) most = std::max(most, bin.vertices);
  fmt::print("\n  {}\n", title);
  for (const DegreeBin& bin : bins) {
    const std::string range = bin.low == bin.high ? std::to_string(bin.low) : fmt::format("{}-{}", bin.low, bin.high);
    const double share = std::log1p(static_cast<double>(bin.vertices)) / std::log1p(static_cast<double>(most));
    const std::string bar(static_cast<std::size_t>(std::lround(kWidth * share)), '#');
    fmt::print("  {:>17} {:<40} {}\n", range, bar, format_count(bin.vertices));
  }
}

void print_report(const NormalizeReport& report) {
  print_row("edges read", report.input_edges);
  print_row("self-loops dropped", report.self_loops);
  print_row("duplicates dropped", report.duplicates);
  if (report.label_conflicts > 0) print_row("label conflicts", report.label_conflicts);
  if (report.relabelled) print_row("ids", std::string("renumbered"));
}

void print_stats(const Graph& graph, const GraphStats& stats, bool fast) {
  print_row("vertices", stats.vertices);
  print_row(graph.directed() ? "edges (directed)" : "edges", stats.edges);
  print_row("largest degree", stats.max_degree);
  if (stats.vertex_labels > 0) print_row("vertex labels", stats.vertex_labels);
  if (stats.edge_labels > 0) print_row("edge labels", stats.edge_labels);
  if (!fast) {
    print_row("isolated vertices", stats.isolated);
    print_row("degeneracy", stats.degeneracy);
    print_row("components", stats.components);
    print_row("largest component", stats.largest_component);
    print_row("triangles", stats.triangles);
    print_row("global clustering", fmt::format("{:.4f}", stats.global_clustering));
    print_row("average clustering", fmt::format("{:.4f}", stats.average_clustering));
  }
  print_row("memory (MiB)", fmt::format("{:.1f}", static_cast<double>(graph.bytes()) / (1 << 20)));
  print_row("digest", fmt::format("{:016x}", graph.digest()));
  print_report(graph.report());
  print_bins("degree distribution", stats.degrees);
}

/// What labels stand for: the first of many.
void print_numbered(const std::vector<NumberedLabels>& all) {
  constexpr std::size_t kShown = 40;
  for (const NumberedLabels& labels : all) {
    fmt::print("\n  {}\n", numbered_text(labels));
    for (std::size_t i = 0; i < std::min(kShown, labels.values.size()); ++i)
      fmt::print("  {:>17} was {}\n", i, labels.values[i]);
    if (labels.values.size() > kShown) fmt::print("  {:>17} (--json shows all)\n", "...");
  }
}

Json stats_json(const Graph& graph, const GraphStats& stats, bool fast) {
  const NormalizeReport& report = graph.report();
  Json json{{"vertices", stats.vertices},
            {"edges", stats.edges},
            {"max_degree", stats.max_degree},
            {"directed", graph.directed()}};
  if (stats.vertex_labels > 0) json["vertex_labels"] = stats.vertex_labels;
  if (stats.edge_labels > 0) json["edge_labels"] = stats.edge_labels;
  if (!fast) {
    json.update({{"isolated", stats.isolated},
                 {"degeneracy", stats.degeneracy},
                 {"components", stats.components},
                 {"largest_component", stats.largest_component},
                 {"triangles", stats.triangles},
                 {"global_clustering", stats.global_clustering},
                 {"average_clustering", stats.average_clustering}});
  }
  json["bytes"] = graph.bytes();
  json["digest"] = fmt::format("{:016x}", graph.digest());
  json["input"] = {{"edges", report.input_edges},
                   {"self_loops", report.self_loops},
                   {"duplicates", report.duplicates},
                   {"label_conflicts", report.label_conflicts},
                   {"relabelled", report.relabelled}};
  json["degrees"] = bins_json(stats.degrees);
  return json;
}

GraphStats fast_stats(const Graph& graph) {
  GraphStats stats;
  stats.vertices = graph.num_vertices();
  stats.edges = graph.num_edges();
  stats.max_degree = graph.max_degree();
  stats.degrees = degree_histogram(graph);
  return stats;
}

void graph_info(const InfoOptions& options, const Common& common) {
  Progress progress(common, "reading");
  LoadOptions load = options.read.load_options(common);
  load.verify = options.verify;
  load.progress = progress.callback();
  std::vector<NumberedLabels> numbered;
  load.numbered = [&numbered](const NumberedLabels& labels) { numbered.push_back(labels); };
  const Graph graph = resolve_graph(options.graph, load);
  check_interrupted();
  const GraphStats stats = options.fast ? fast_stats(graph) : graph_stats(graph, common.threads);
  if (common.json) {
    Json json{{"graph", options.graph}};
    json.update(stats_json(graph, stats, options.fast));
    for (const NumberedLabels& labels : numbered) json["numbered_" + labels.of + "_labels"] = labels.values;
    print_json(json);
  } else {
    fmt::print("{}\n", options.graph);
    print_stats(graph, stats, options.fast);
    print_numbered(numbered);
  }
}

void hypergraph_info(const InfoOptions& options, const Common& common) {
  const Hypergraph hypergraph = resolve_hypergraph(options.graph, options.read.load_options(common));
  const HypergraphStats stats = hypergraph_stats(hypergraph);
  if (common.json) {
    print_json(Json{{"hypergraph", options.graph},
                    {"vertices", stats.vertices},
                    {"hyperedges", stats.hyperedges},
                    {"incidences", stats.incidences},
                    {"distinct_hyperedges", stats.distinct_hyperedges},
                    {"singletons", stats.singletons},
                    {"isolated", stats.isolated},
                    {"max_hyperedge", stats.max_hyperedge},
                    {"max_degree", stats.max_degree},
                    {"sizes", bins_json(stats.sizes)},
                    {"degrees", bins_json(stats.degrees)}});
    return;
  }
  fmt::print("{} (hypergraph)\n", options.graph);
  print_row("vertices", stats.vertices);
  print_row("hyperedges", stats.hyperedges);
  print_row("incidences", stats.incidences);
  print_row("distinct hyperedges", stats.distinct_hyperedges);
  print_row("of one vertex", stats.singletons);
  print_row("isolated vertices", stats.isolated);
  print_row("largest hyperedge", stats.max_hyperedge);
  print_row("largest degree", stats.max_degree);
  print_bins("hyperedge sizes", stats.sizes);
  print_bins("vertex degrees", stats.degrees);
}

}  // namespace

void add_info(CLI::App& app, Common& common) {
  auto options = std::make_shared<InfoOptions>();
  CLI::App& command = subcommand(app, common, "info", "Describe a graph: sizes, degrees, triangles, components");
  command.add_option("graph", options->graph, "A file, a dataset folder or the name of a dataset")->required();
  options->read.add_to(command);
  command.add_flag("--fast", options->fast, "Only what needs no search: sizes, degrees and what was dropped");
  command.add_flag("--verify", options->verify, "Check all checksums and invariants of a binary file");
  command.footer(
      "Hypergraphs (hyperedges.txt, .hg, davis) are described as such.\n\n"
      "Examples:\n  galena info karate\n  galena info graph.gal --verify --json");
  command.callback([options, &common] {
    if (options->read.format == Format::hyperedges || names_hypergraph(options->graph)) {
      hypergraph_info(*options, common);
    } else {
      graph_info(*options, common);
    }
  });
}

}  // namespace galena::cli
