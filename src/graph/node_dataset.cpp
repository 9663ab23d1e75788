#include "galena/node_dataset.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "galena/dataset.hpp"
#include "galena/error.hpp"
#include "src/graph/folder.hpp"
#include "src/graph/node_files.hpp"
#include "src/graph/resolve.hpp"

namespace galena {
namespace fs = std::filesystem;
namespace {

// Row v is vertex v, so an id of the edge list must be the vertex's.
void check_ids(const Graph& graph, const fs::path& folder) {
  if (graph.original_ids().empty()) return;
  throw InputError(
      fmt::format("{}: its ids have gaps or reach beyond '# Nodes: n', but row v of features and labels belongs to "
                  "vertex v; number the vertices 0..n-1 and say '# Nodes: n' in the first line",
                  detail::find_in_folder(folder, "edges.txt").value_or(folder).string()));
}

std::vector<VertexId> degrees_of(const Graph& graph) {
  std::vector<VertexId> degrees(graph.num_vertices());
  for (VertexId v = 0; v < graph.num_vertices(); ++v) degrees[v] = graph.degree(v);
  return degrees;
}

std::string folder_name(const fs::path& folder) {
  const fs::path name = folder.filename();
  return name.empty() ? folder.parent_path().filename().string() : name.string();
}

}  // namespace

namespace detail {

void check_rows(const std::string& file, std::uint64_t rows, VertexId vertices, const fs::path& folder) {
  if (rows == vertices) return;
  fs::path edges = folder;
  for (const char* name : {"edges.txt", "hyperedges.txt"}) edges = find_in_folder(folder, name).value_or(edges);
  throw InputError(
      fmt::format("{}: {} rows, but {} has {} vertices; where vertices without edges are missing, say '# Nodes: {}' in "
                  "its first line",
                  file, rows, edges.string(), vertices, rows));
}

}  // namespace detail

bool is_node_dataset(const std::string& name_or_path) {
  if (name_or_path.empty()) return false;
  if (const auto place = detail::find_place(name_or_path)) {
    return fs::exists(*place / "labels.npy") || fs::exists(*place / "labels_multi.npz");
  }
  if (!detail::is_registered(name_or_path)) return false;
  return std::ranges::count(find_dataset(name_or_path).bundled, "labels.npy") > 0;
}

NodeData load_node_data(const fs::path& folder, VertexId num_vertices, const NodeDataOptions& options,
                        std::span<const VertexId> degrees) {
  if (num_vertices == 0) throw InputError(fmt::format("{}: no vertices, so nothing to learn from", folder.string()));
  NodeData data;
  detail::read_features(folder, num_vertices, options, degrees, data);
  detail::read_node_labels(folder, num_vertices, data);
  detail::read_split(folder, num_vertices, options, data);
  detail::normalize_features(options, data);
  return data;
}

NodeDataset load_node_dataset(const std::string& name_or_path, const NodeDataOptions& options,
                              const LoadOptions& load) {
  const fs::path folder = resolve_folder(name_or_path);
  NodeDataset dataset;
  dataset.name = folder_name(folder);
  dataset.graph = load_graph(folder, load);
  check_ids(dataset.graph, folder);
  dataset.data = load_node_data(folder, dataset.graph.num_vertices(), options, degrees_of(dataset.graph));
  const NormalizeReport& report = dataset.graph.report();
  if (report.self_loops + report.duplicates > 0) {
    dataset.data.notes.push_back(
        fmt::format("The graph was made simple: {} self-loops and {} duplicates of {} edges dropped.",
                    report.self_loops, report.duplicates, report.input_edges));
  }
  return dataset;
}

}  // namespace galena
