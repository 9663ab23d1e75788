// galena generate: random and regular graphs.

#include <fmt/format.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "apps/cli.hpp"
#include "galena/generate.hpp"
#include "galena/io.hpp"

namespace galena::cli {
namespace {

struct GenerateOptions {
  std::string output;
  std::uint64_t seed = 1;
  std::uint32_t labels = 0;
  int scale = 16;
  double edge_factor = 16, a = 0.57, b = 0.19, c = 0.19, p_in = 0.1, p_out = 0.01;
  std::uint64_t n = 0, m = 0;
  std::uint32_t blocks = 2;
  bool torus = false;
};

using Options = std::shared_ptr<GenerateOptions>;
using Make = std::function<Graph(const GenerateOptions&)>;

void run_generate(const GenerateOptions& options, const Common& common, const Make& make) {
  Graph graph = make(options);
  check_interrupted();
  if (options.labels > 0) graph = with_random_labels(graph, options.labels, options.seed);
  save_graph(graph, options.output);
  if (common.json) {
    print_json(
        {{"output", options.output},
         {"graph",
          {{"vertices", graph.num_vertices()}, {"edges", graph.num_edges()}, {"max_degree", graph.max_degree()}}},
         {"digest", fmt::format("{:016x}", graph.digest())}});
  } else {
    note(common, fmt::format("{}: {} vertices, {} edges", options.output, format_count(graph.num_vertices()),
                             format_count(graph.num_edges())));
  }
}

class Kinds {
 public:
  Kinds(CLI::App& command, Common& common, Options options)
      : command_(command), common_(common), options_(std::move(options)) {}

  CLI::App& add(const std::string& name, const std::string& description, Make make) {
    CLI::App& kind = subcommand(command_, common_, name, description);
    kind.add_option("-o,--output", options_->output,
                    "The file to write: .gal, .txt[.gz], .mtx, .graph, .lg or a folder/")
        ->required();
    kind.add_option("--labels", options_->labels, "Give vertices random labels 0..N-1")->type_name("N");
    kind.callback([this_options = options_, &common = common_, make = std::move(make)] {
      run_generate(*this_options, common, make);
    });
    return kind;
  }
  CLI::App& add_random(const std::string& name, const std::string& description, Make make) {
    CLI::App& kind = add(name, description, std::move(make));
    seed_option(kind, "--seed", options_->seed, "The same seed gives the same graph")->capture_default_str();
    return kind;
  }

 private:
  CLI::App& command_;
  Common& common_;
  Options options_;
};

void add_random_kinds(Kinds& kinds, const Options& o) {
  using G = GenerateOptions;
  CLI::App& rmat = kinds.add_random("rmat", "Skewed degrees, as in social networks (R-MAT)", [](const G& g) {
    return generate_rmat(g.scale, g.edge_factor, g.seed, g.a, g.b, g.c);
  });
  rmat.add_option("scale", o->scale, "2^scale vertices")->required();
  rmat.add_option("--edge-factor", o->edge_factor, "Edges drawn a vertex")->capture_default_str();
  rmat.add_option("--a", o->a, "Probability of the upper left quarter")->capture_default_str();
  rmat.add_option("--b", o->b, "Of the upper right")->capture_default_str();
  rmat.add_option("--c", o->c, "Of the lower left")->capture_default_str();
  CLI::App& er = kinds.add_random("er", "Edges between random pairs (Erdos-Renyi)",
                                  [](const G& g) { return generate_er(g.n, g.m, g.seed); });
  er.add_option("vertices", o->n, "Number of vertices")->required();
  er.add_option("edges", o->m, "Number of edges")->required();
  CLI::App& sbm = kinds.add_random("sbm", "Communities of equal size (stochastic block model), labelled",
                                   [](const G& g) { return generate_sbm(g.n, g.blocks, g.p_in, g.p_out, g.seed); });
  sbm.add_option("vertices", o->n, "Number of vertices")->required();
  sbm.add_option("--blocks", o->blocks, "Number of communities")->capture_default_str();
  sbm.add_option("--p-in", o->p_in, "Probability of an edge inside one")->capture_default_str();
  sbm.add_option("--p-out", o->p_out, "Probability of an edge between two")->capture_default_str();
  CLI::App& ba = kinds.add_random("ba", "Preferential attachment (Barabasi-Albert)",
                                  [](const G& g) { return generate_ba(g.n, static_cast<std::uint32_t>(g.m), g.seed); });
  ba.add_option("vertices", o->n, "Number of vertices")->required();
  ba.add_option("edges", o->m, "Edges a new vertex")->required()->check(CLI::Range(1, 1 << 20));
}

void add_regular_kinds(Kinds& kinds, const Options& o) {
  using G = GenerateOptions;
  CLI::App& grid = kinds.add("grid", "A grid", [](const G& g) { return generate_grid(g.n, g.m, g.torus); });
  grid.add_option("rows", o->n, "Rows")->required();
  grid.add_option("columns", o->m, "Columns")->required();
  grid.add_flag("--torus", o->torus, "Join the borders");
  CLI::App& bipartite = kinds.add("bipartite", "Every left vertex joined to every right one",
                                  [](const G& g) { return generate_complete_bipartite(g.n, g.m); });
  bipartite.add_option("left", o->n, "Vertices on the left")->required();
  bipartite.add_option("right", o->m, "Vertices on the right")->required();
  const auto simple = [&](const std::string& name, const std::string& description, Graph (*make)(std::uint64_t)) {
    kinds.add(name, description, [make](const G& g) { return make(g.n); })
        .add_option("size", o->n, name == "star" ? "Leaves" : "Vertices")
        ->required();
  };
  simple("complete", "Every pair joined", generate_complete);
  simple("cycle", "One cycle", generate_cycle);
  simple("path", "One path", generate_path);
  simple("star", "One hub", generate_star);
}

}  // namespace

void add_generate(CLI::App& app, Common& common) {
  CLI::App* command = app.add_subcommand("generate", "Write a random or regular graph");
  command->require_subcommand(1);
  command->footer(
      "Examples:\n  galena generate rmat 18 --edge-factor 8 --seed 7 -o rmat18.gal\n"
      "  galena generate grid 100 100 --torus -o torus.txt\n"
      "  galena generate sbm 10000 --blocks 4 --p-in 0.01 --p-out 0.001 -o sbm/");
  auto options = std::make_shared<GenerateOptions>();
  Kinds kinds(*command, common, options);
  add_random_kinds(kinds, options);
  add_regular_kinds(kinds, options);
}

}  // namespace galena::cli
