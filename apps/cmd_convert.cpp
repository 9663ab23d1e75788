// galena convert: from one format to another.

#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "apps/cli.hpp"
#include "apps/graph_options.hpp"
#include "galena/dataset.hpp"
#include "galena/error.hpp"
#include "galena/generate.hpp"
#include "galena/hypergraph.hpp"
#include "src/graph/formats.hpp"

namespace galena::cli {
namespace {

using Clock = std::chrono::steady_clock;

struct ConvertOptions {
  std::string input, output;
  ReadOptions read;
  Format to = Format::automatic;
  std::string expand;
  bool drop_labels = false, verify = false;
  std::uint32_t random_labels = 0;
  std::uint64_t seed = 1;
};

Graph without_labels(const Graph& graph) {
  GraphArrays arrays;
  arrays.indptr.assign(graph.indptr().begin(), graph.indptr().end());
  arrays.indices.assign(graph.indices().begin(), graph.indices().end());
  arrays.original_ids.assign(graph.original_ids().begin(), graph.original_ids().end());
  arrays.directed = graph.directed();
  arrays.report = graph.report();
  return Graph::from_arrays(std::move(arrays));
}

Graph read_graph(const ConvertOptions& options, const Common& common) {
  Progress progress(common, "reading");
  LoadOptions load = options.read.load_options(common);
  load.verify = options.verify;
  load.progress = progress.callback();
  if (options.expand.empty()) return resolve_graph(options.input, load);
  const Hypergraph hypergraph = resolve_hypergraph(options.input, load);
  return options.expand == "clique" ? clique_expansion(hypergraph) : star_expansion(hypergraph);
}

void print_result(const Common& common, const ConvertOptions& options, const Graph& graph, double load, double save) {
  if (!common.json) {
    note(common, fmt::format("{}: {} vertices, {} edges (read in {}, written in {})", options.output,
                             format_count(graph.num_vertices()), format_count(graph.num_edges()), format_seconds(load),
                             format_seconds(save)));
    return;
  }
  const NormalizeReport& report = graph.report();
  print_json({{"input", options.input},
              {"output", options.output},
              {"graph",
               {{"vertices", graph.num_vertices()},
                {"edges", graph.num_edges()},
                {"max_degree", graph.max_degree()},
                {"directed", graph.directed()}}},
              {"dropped", {{"self_loops", report.self_loops}, {"duplicates", report.duplicates}}},
              {"digest", fmt::format("{:016x}", graph.digest())},
              {"seconds", {{"load", load}, {"save", save}}}});
}

// What save_hypergraph() would write as an incidence matrix.
bool is_incidence_target(const ConvertOptions& options) {
  return (options.to == Format::automatic || options.to == Format::matrix_market) &&
         options.read.format == Format::automatic && detail::format_by_name(options.output) == Format::matrix_market &&
         names_hypergraph(options.input);
}

// A hypergraph goes to another file of hyperedges or an incidence matrix, unless it is expanded.
bool is_hypergraph_target(const ConvertOptions& options) {
  if (!options.expand.empty()) return false;
  if (is_incidence_target(options)) return true;
  return options.to == Format::hyperedges || options.read.format == Format::hyperedges ||
         options.output.find(".hg") != std::string::npos ||
         options.output.substr(options.output.rfind('/') + 1).starts_with("hyperedges");
}

// The formats of graphs have no place for a hypergraph.
void check_target(const ConvertOptions& options) {
  if (!options.expand.empty() || options.read.format != Format::automatic || !names_hypergraph(options.input)) return;
  throw InputError(
      fmt::format("{}: a hypergraph, which can be written as hyperedges (OUT.hg) or as an incidence matrix (OUT.mtx); "
                  "--expand clique or --expand star makes a graph of it",
                  options.input));
}

void convert_hypergraph(const ConvertOptions& options, const Common& common) {
  const Hypergraph hypergraph = resolve_hypergraph(options.input, options.read.load_options(common));
  save_hypergraph(hypergraph, options.output);
  if (common.json) {
    print_json({{"input", options.input},
                {"output", options.output},
                {"hypergraph",
                 {{"vertices", hypergraph.num_vertices()},
                  {"hyperedges", hypergraph.num_hyperedges()},
                  {"incidences", hypergraph.num_incidences()}}}});
  } else {
    note(common, fmt::format("{}: {} vertices, {} hyperedges, {} incidences", options.output, hypergraph.num_vertices(),
                             hypergraph.num_hyperedges(), hypergraph.num_incidences()));
  }
}

void verify_written(const ConvertOptions& options, const Graph& graph) {
  LoadOptions load;
  load.verify = true;
  load.format = options.to;
  const Graph again = load_graph(options.output, load);
  if (again.digest() != graph.digest()) {
    throw InternalError(options.output + ": what was written is not what was read: the digests differ");
  }
}

void run_convert(const ConvertOptions& options, const Common& common) {
  if (is_hypergraph_target(options)) return convert_hypergraph(options, common);
  check_target(options);
  const auto start = Clock::now();
  Graph graph = read_graph(options, common);
  if (options.drop_labels) graph = without_labels(graph);
  if (options.random_labels > 0) graph = with_random_labels(graph, options.random_labels, options.seed);
  const double load = seconds_since(start);
  check_interrupted();
  const auto save_start = Clock::now();
  save_graph(graph, options.output, options.to);
  if (options.verify) verify_written(options, graph);
  report_dropped(common, graph);
  print_result(common, options, graph, load, seconds_since(save_start));
}

}  // namespace

void add_convert(CLI::App& app, Common& common) {
  auto options = std::make_shared<ConvertOptions>();
  CLI::App& command = subcommand(app, common, "convert", "Convert a graph to another format");
  command.add_option("input", options->input, "A file, a dataset folder or the name of a dataset")->required();
  command
      .add_option("output", options->output,
                  "The file to write: .gal (binary, opens at once), .txt[.gz] (edge list), .mtx, .graph (METIS), "
                  ".lg (GraMi), .hg (hyperedges), or a folder/; of a hypergraph .mtx is the incidence matrix")
      ->required();
  options->read.add_to(command);
  command.add_option("--to", options->to, "Format of the output, where its name does not tell")
      ->transform(format_by_name())
      ->type_name("auto|edges|mtx|metis|lg|hyperedges|gal|folder");
  command
      .add_option("--expand", options->expand,
                  "Make a graph of a hypergraph: join all members of a hyperedge (clique), or join each to a new "
                  "vertex (star)")
      ->check(CLI::IsMember({"clique", "star"}));
  command.add_flag("--drop-labels", options->drop_labels, "Leave vertex and edge labels out");
  command.add_option("--random-labels", options->random_labels, "Give vertices random labels 0..N-1")->type_name("N");
  seed_option(command, "--seed", options->seed, "Of --random-labels")->capture_default_str();
  command.add_flag("--verify", options->verify,
                   "Check a binary input's checksums, and read the output again to compare");
  command.footer(
      "Examples:\n  galena convert soc-LiveJournal1.txt.gz livejournal.gal\n"
      "  galena convert karate karate.mtx --drop-labels\n"
      "  galena convert davis davis.gal --expand clique\n"
      "  galena convert wiki-vote labelled.gal --random-labels 10 --seed 1");
  command.callback([options, &common] { run_convert(*options, common); });
}

}  // namespace galena::cli
