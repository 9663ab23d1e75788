// A dataset folder as a graph: edges.txt[.gz], and the labels beside it.

#include "src/graph/folder.hpp"

#include <fmt/format.h>

#include <system_error>

#include "galena/error.hpp"
#include "src/base/mapped_file.hpp"
#include "src/graph/readers.hpp"

namespace galena::detail {
namespace fs = std::filesystem;
namespace {

std::vector<Label> read_label_file(const fs::path& path, const std::string& of, const LoadOptions& options) {
  const base::MappedFile file(path);
  return read_labels(TextSource(file.bytes(), path.string()), of, options);
}

}  // namespace

std::optional<fs::path> find_in_folder(const fs::path& folder, const std::string& name) {
  for (const char* suffix : {"", ".gz"}) {
    fs::path path = folder / (name + suffix);
    std::error_code error;
    if (fs::exists(path, error)) return path;
    if (error == std::errc::permission_denied)
      throw EnvironmentError(
          fmt::format("{}: {}; expected a dataset folder that may be read", folder.string(), error.message()));
  }
  return std::nullopt;
}

Graph load_folder(const fs::path& folder, const LoadOptions& options) {
  const auto edges = find_in_folder(folder, "edges.txt");
  if (!edges) {
    const bool hyper = find_in_folder(folder, "hyperedges.txt").has_value();
    throw InputError(fmt::format("{}: no edges.txt or edges.txt.gz here{}", folder.string(),
                                 hyper ? fmt::format("; this is a hypergraph: expand it with "
                                                     "'galena convert {} graph.gal --expand clique'",
                                                     folder.string())
                                       : ""));
  }
  const base::MappedFile file(*edges);
  std::optional<std::vector<Label>> edge_labels;
  if (const auto path = find_in_folder(folder, "edge_labels.txt"))
    edge_labels = read_label_file(*path, "edge", options);
  Graph graph =
      read_edge_list(TextSource(file.bytes(), edges->string()), options, edge_labels ? &*edge_labels : nullptr);
  const auto path = find_in_folder(folder, "vlabels.txt");
  if (!path) return graph;
  if (!graph.original_ids().empty()) {
    throw InputError(fmt::format("{}: has a label a vertex, so ids must be 0..n-1; give '# Nodes: n' in {}",
                                 path->string(), edges->string()));
  }
  std::vector<Label> labels = read_label_file(*path, "vertex", options);
  if (labels.size() != graph.num_vertices()) {
    throw InputError(fmt::format("{}: {} labels, but {} has {} vertices", path->string(), labels.size(),
                                 edges->string(), graph.num_vertices()));
  }
  return with_vertex_labels(graph, std::move(labels));
}

}  // namespace galena::detail
