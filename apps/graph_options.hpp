#pragma once
// Options of the subcommands that read a graph.

#include <map>
#include <string>

#include "apps/cli.hpp"
#include "galena/io.hpp"

namespace galena::cli {

inline const std::map<std::string, Format>& format_names() {
  static const std::map<std::string, Format> names{
      {"auto", Format::automatic}, {"edges", Format::edge_list}, {"mtx", Format::matrix_market},
      {"metis", Format::metis},    {"lg", Format::grami},        {"hyperedges", Format::hyperedges},
      {"gal", Format::binary},     {"folder", Format::folder},
  };
  return names;
}

/// --from, --directed and --edge-labels.
struct ReadOptions {
  Format format = Format::automatic;
  bool directed = false;
  bool edge_labels = false;

  void add_to(CLI::App& command) {
    command.add_option("--from", format, "Format of the input, where its name does not tell")
        ->transform(CLI::CheckedTransformer(format_names(), CLI::ignore_case))
        ->type_name("auto|edges|mtx|metis|lg|hyperedges|gal|folder");
    command.add_flag("--directed", directed, "Keep directions (default: every edge goes both ways)");
    command.add_flag("--edge-labels", edge_labels, "The third column of an edge list is an edge label");
  }

  [[nodiscard]] LoadOptions load_options(const Common& common) const {
    LoadOptions load;
    load.format = format;
    load.directed = directed;
    load.edge_labels = edge_labels;
    load.threads = common.threads;
    return load;
  }
};

}  // namespace galena::cli
