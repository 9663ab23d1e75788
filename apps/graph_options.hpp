#pragma once
// Options of the subcommands that read a graph.

#include <fmt/format.h>

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

/// Takes a name of format_names() for its format; unlike CLI11's own, messages show the names alone.
inline CLI::Validator format_by_name() {
  const auto replace = [](std::string& word) -> std::string {
    const auto found = format_names().find(CLI::detail::to_lower(word));
    if (found == format_names().end())
      return fmt::format("'{}' is no format; expected auto, edges, mtx, metis, lg, hyperedges, gal or folder", word);
    word = std::to_string(static_cast<int>(found->second));
    return {};
  };
  return CLI::Validator(replace, "", "format");
}

/// "6 edge labels were numbered 0..5 in ascending order".
inline std::string numbered_text(const NumberedLabels& labels) {
  return fmt::format("{} {} labels were numbered 0..{} in ascending order", labels.values.size(), labels.of,
                     labels.values.size() - 1);
}

/// Notes what reading left out.
inline void report_dropped(const Common& common, const Graph& graph) {
  const NormalizeReport& report = graph.report();
  if (report.self_loops + report.duplicates > 0)
    note(common, fmt::format("dropped {} self-loops and {} duplicates of {} edges read", report.self_loops,
                             report.duplicates, report.input_edges));
  if (report.label_conflicts > 0)
    note(common, fmt::format("{} edges came again with another label: the smallest was kept", report.label_conflicts));
}

/// --from, --directed and --edge-labels.
struct ReadOptions {
  Format format = Format::automatic;
  bool directed = false;
  bool edge_labels = false;

  void add_to(CLI::App& command) {
    command.add_option("--from", format, "Format of the input, where its name does not tell")
        ->transform(format_by_name())
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
    load.numbered = [&common](const NumberedLabels& labels) { note(common, numbered_text(labels)); };
    return load;
  }
};

}  // namespace galena::cli
